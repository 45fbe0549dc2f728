import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spent } from "../../test/rig/cpu-time.ts";
import {
  ack,
  always,
  firedAgain,
  held,
  log,
  MINUTE_MS,
  min,
  opened,
  priority,
  recovered,
  reopened,
  resolved,
  resumed,
  type Step,
  shop,
  T0,
} from "./sample-log.ts";
import { shipped } from "./sample-reading.ts";
import { type ClockReading, dueOfClocks, readClocks } from "./sla.ts";
import { foldSla, type SlaFacts, slaFacts } from "./sla-facts.ts";
import type { IncidentEventBody, Priority } from "./types.ts";

const bodies = fc.oneof(
  fc.constantFrom<IncidentEventBody>(
    ack,
    recovered,
    resumed,
    reopened,
    { type: "unsuppressed" },
    { type: "suppressed", by: "x" },
    { type: "started" },
    { type: "maintenance", window: "w" },
    { type: "maintenance", window: null },
    held("awaiting_vendor"),
    held("awaiting_caller"),
    held("unlisted"),
    resolved("restarted"),
    resolved("false_positive"),
  ),
  fc.constantFrom<Priority>("P1", "P2", "P3", "P4", "P5").map(priority),
  fc.nat(3_000).map(firedAgain),
);
const logs = fc.array(fc.tuple(fc.nat(120), bodies), { maxLength: 14 }).map((steps): Step[] => {
  let minute = 0;
  const after = steps.map(([wait, body]): Step => {
    minute += wait;
    return [minute, body];
  });
  return [[0, opened("P2")], ...after];
});

describe("laws", () => {
  it("facts taken on event by event are those of the whole log", () => {
    fc.assert(
      fc.property(logs, (steps) => {
        const events = log(steps);
        let facts: SlaFacts | null = null;
        for (const event of events) facts = foldSla(facts, event);
        expect(facts).toEqual(slaFacts(events));
      }),
    );
  });

  it("a clock never runs backwards, is breached at most once and not before it is due, and time is ran or paused", () => {
    fc.assert(
      fc.property(logs, fc.constantFrom(always, shop), (steps, where) => {
        const facts = slaFacts(log(steps));
        const last = steps.at(-1)?.[0] ?? 0;
        const seen = new Map<string, ClockReading>();
        for (let minute = last; minute < last + 900; minute += 90) {
          for (const one of readClocks(facts, { terms: shipped, site: where }, min(minute))) {
            const key = `${one.clock} ${one.cycle}`;
            const before = seen.get(key);
            seen.set(key, one);
            const until = Math.max(one.startedAt, Math.min(min(minute), one.stoppedAt ?? Number.POSITIVE_INFINITY));
            if (one.clock === "response") expect(one.elapsedMs + one.pausedMs).toBe(until - one.startedAt);
            expect(one.businessMs).toBeLessThanOrEqual(one.elapsedMs);
            expect(one.businessMs).toBeGreaterThanOrEqual(0);
            if (one.breachedAt !== null) expect(one.dueAt ?? Number.NaN).toBeLessThanOrEqual(one.breachedAt);
            if (before?.breachedAt != null) expect(one.breachedAt).toBe(before.breachedAt);
            else if (before !== undefined) expect(one.elapsedMs).toBeGreaterThanOrEqual(before.elapsedMs);
            if (one.state === "running") expect(one.dueAt).not.toBeNull();
          }
        }
      }),
    );
  });

  it("looking only when it says so finds what looking every minute finds", () => {
    fc.assert(
      fc.property(logs, (steps) => {
        const context = { terms: shipped, site: shop };
        const last = steps.at(-1)?.[0] ?? 0;
        const run = (times: (next: number | null, now: number) => number) => {
          let facts = slaFacts(log(steps));
          const told: string[] = [];
          for (let now = min(last); now < min(last + 1_500); ) {
            const { events, nextAt } = dueOfClocks(readClocks(facts, context, now), shipped, now);
            for (const { at, body } of events) {
              told.push(`${Math.ceil((at - T0) / MINUTE_MS)} ${JSON.stringify({ ...body, dueAt: 0 })}`);
              facts = foldSla(facts, { seq: 0, at, recordedAt: now, actor: "system", ...body });
            }
            const again =
              events.length > 0 ? dueOfClocks(readClocks(facts, context, now), shipped, now).nextAt : nextAt;
            now = times(again, now);
          }
          return told;
        };
        const onTime = run((next) => next ?? Number.POSITIVE_INFINITY);
        const everyMinute = run((_, now) => now + MINUTE_MS);
        // Within a minute a warning may be overtaken by a higher one or the breach.
        expect(onTime).toEqual(expect.arrayContaining(everyMinute));
        const breaches = (told: readonly string[]) => told.filter((line) => line.includes("sla_breached"));
        expect(breaches(onTime)).toEqual(breaches(everyMinute));
      }),
      { numRuns: 30 },
    );
  });

  it("is cheap also for a long log", () => {
    const steps: Step[] = [[0, opened("P3")]];
    for (let n = 1; n <= 400; n++) steps.push([n * 100, n % 2 === 0 ? held("awaiting_caller") : resumed]);
    const facts = slaFacts(log(steps));
    const context = { terms: shipped, site: shop };
    readClocks(facts, context, min(40_100));
    const { cpuMs } = spent(() => {
      for (let n = 0; n < 20; n++) readClocks(facts, context, min(40_100));
    });
    expect(cpuMs / 20).toBeLessThan(25);
  });
});
