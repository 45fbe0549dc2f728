/**
 * What the engine knows of one agent's devices at one moment, so that a second engine can go on from there: late data
 * is judged by a fork that begins where the agent's unbroken stream of readings ended, whatever the first has seen since.
 *
 * A snapshot is compact (typed arrays, a few kilobytes for forty devices), for thousands of agents may be away at once.
 * It lives in memory; what has to survive a restart is its `faults`, which are plain JSON. A fork from those alone knows
 * no values, as an engine after a restart whose time-series store is empty: each is unknown until its next reading.
 */
import { joinSubject } from "@aislewatch/contract";
import type { Judge } from "./judge.ts";
import type { Keeping } from "./keeping.ts";
import type { Roster } from "./roster.ts";
import { spellsOf } from "./spells.ts";
import type { DeviceUnit, JudgedSubject, SiteUnit } from "./subjects.ts";
import type { AgentSnapshot, SubjectSnapshot } from "./types.ts";
import type { RecentReadings } from "./window.ts";

export function takeSnapshot(
  { judge, keeping }: { judge: Judge; keeping: Keeping },
  units: readonly DeviceUnit[],
): AgentSnapshot {
  return {
    faults: units.flatMap((unit) => [
      ...unit.active.flatMap((each) => keeping.recordOf(each) ?? []),
      ...keeping.waitOf(unit),
    ]),
    devices: units.map((unit) => ({
      id: unit.device.id,
      kind: unit.device.kind,
      answeredAt: unit.answeredAt,
      isUnheard: unit.isUnheard,
      subjects: [unit.self, ...unit.parts.values()].map((subject) => subjectSnapshot(judge, subject)),
    })),
  };
}

function subjectSnapshot(judge: Judge, { component, base, layout }: JudgedSubject): SubjectSnapshot {
  const size = layout?.metrics.length ?? 0;
  const windows: SubjectSnapshot["windows"][number][] = [];
  for (let offset = 0; offset < size; offset++) {
    const window = judge.frame.windows.get(base + offset);
    if (window === undefined) continue;
    // Of an empty one, that there was nothing before it is worth to know.
    const isWhole = window.wholeFrom === Number.NEGATIVE_INFINITY;
    if (isWhole || window.size > 0) windows.push({ offset, readings: window.kept(), isWhole });
  }
  return {
    component,
    last: judge.memory.last.slice(base, base + size),
    times: judge.memory.times.slice(base, base + size),
    windows,
    spells: [...(judge.frame.spells.get(base) ?? [])].map(([key, spells]) => ({ key, kept: spells.kept() })),
  };
}

/**
 * Into an engine that knows the same devices and has judged nothing yet. What is not there any more is left out. Returns
 * the windows of which all is known: others lack what the snapshot's engine lacked, or what did not survive a restart.
 */
export function applySnapshot(
  { judge, keeping, roster }: { judge: Judge; keeping: Keeping; roster: Roster },
  site: SiteUnit,
  snapshot: AgentSnapshot,
): ReadonlySet<RecentReadings> {
  const touched: DeviceUnit[] = [];
  const whole = new Set<RecentReadings>();
  for (const device of snapshot.devices ?? []) {
    const unit = site.devices.get(device.id);
    if (unit === undefined || unit.device.kind !== device.kind) continue;
    unit.answeredAt = device.answeredAt;
    unit.isUnheard = device.isUnheard;
    for (const kept of device.subjects) applySubject(judge, roster, { site, unit, kept, whole });
    touched.push(unit);
  }
  keeping.restoreTrees(touched);
  keeping.restoreAll(snapshot.faults);
  return whole;
}

/**
 * Into an engine that has judged since: values that are newer than its own, or that it knows no more, and all faults.
 * The snapshot's engine has read all that this one has, so what it does not list is no fault.
 */
export function takeOverSnapshot(
  { judge, keeping, roster }: { judge: Judge; keeping: Keeping; roster: Roster },
  { site, agent, at }: { site: SiteUnit; agent: string; at: number },
  snapshot: AgentSnapshot,
): void {
  for (const device of snapshot.devices ?? []) {
    const unit = site.devices.get(device.id);
    if (unit === undefined || unit.device.kind !== device.kind || unit.agent.id !== agent) continue;
    if (device.answeredAt > unit.answeredAt) {
      unit.answeredAt = device.answeredAt;
      unit.isUnheard = device.isUnheard;
      judge.setSilenceDue(unit, unit.judgedAt);
    }
    for (const kept of device.subjects) {
      const name = joinSubject(unit.device.id, kept.component);
      const subject = site.subjects.get(name) ?? roster.adopt(site, name, { agent, at: unit.answeredAt });
      if (subject?.layout?.metrics.length === kept.last.length) takeOverValues(judge, unit, { subject, kept });
    }
  }
  const units = [...site.devices.values()].filter((unit) => unit.agent.id === agent);
  keeping.takeOver(units, snapshot.faults, at);
}

function takeOverValues(
  judge: Judge,
  unit: DeviceUnit,
  { subject: { base, component, layout }, kept }: { subject: JudgedSubject; kept: SubjectSnapshot },
): void {
  const { values, last, times } = judge.memory;
  for (const [offset, value] of kept.last.entries()) {
    const slot = base + offset;
    const readAt = kept.times[offset] ?? 0;
    const isNews = readAt > (times[slot] ?? 0) || (readAt === times[slot] && Number.isNaN(values[slot]));
    if (Number.isNaN(value) || !isNews) continue;
    values[slot] = value;
    last[slot] = value;
    times[slot] = readAt;
    unit.staleDue = Math.min(unit.staleDue, readAt + unit.staleAfterMs);
    if (component === null && offset === layout?.up) judge.moved.add(unit);
  }
  judge.setDue(unit);
}

function applySubject(
  judge: Judge,
  roster: Roster,
  { site, unit, kept, whole }: { site: SiteUnit; unit: DeviceUnit; kept: SubjectSnapshot; whole: Set<RecentReadings> },
): void {
  const name = joinSubject(unit.device.id, kept.component);
  const subject =
    site.subjects.get(name) ?? roster.adopt(site, name, { agent: unit.agent.id, at: unit.answeredAt }) ?? null;
  if (subject === null || subject.layout?.metrics.length !== kept.last.length) return;
  judge.memory.values.set(kept.last, subject.base);
  judge.memory.last.set(kept.last, subject.base);
  judge.memory.times.set(kept.times, subject.base);
  for (let offset = 0; offset < kept.last.length; offset++) {
    if (Number.isNaN(kept.last[offset])) continue;
    // Values that were too old to count are so again as soon as time passes.
    unit.staleDue = Math.min(unit.staleDue, (kept.times[offset] ?? 0) + unit.staleAfterMs);
  }
  for (const { offset, readings, isWhole } of kept.windows) {
    const window = judge.frame.windows.get(subject.base + offset);
    window?.resumeAll(readings);
    if (window !== undefined && isWhole) whole.add(window);
  }
  const wanted = new Map(subject.shape.bindings.flatMap(({ spells }) => spells.map((spell) => [spell.key, spell])));
  for (const { key, kept: run } of kept.spells) {
    const spell = wanted.get(key);
    if (spell !== undefined) spellsOf(judge.frame.spells, subject.base, spell).resume(run);
  }
}
