import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { spent } from "../test/rig/cpu-time.ts";
import { createDuties, type Duties } from "./duties.ts";
import { createIncidentBook, type IncidentBook } from "./incident-book.ts";
import { describeEvent } from "./incidents/describe.ts";
import { type EscalationPolicy, NO_ESCALATION } from "./incidents/escalation-policy.ts";
import { MINUTE_MS, opened, T0 } from "./incidents/sample-log.ts";
import { DEFAULT_SLA_POLICY, type SlaPolicy } from "./incidents/sla-policy.ts";
import type { IncidentEventBody, Priority } from "./incidents/types.ts";
import type { Notice } from "./notifier.ts";
import { unlistedSite } from "./sites.ts";
import { createSqliteStore } from "./store/state/sqlite.ts";
import type { StateStore } from "./store/state/store.ts";

const CHAIN: EscalationPolicy = {
  chains: [
    {
      name: "stores",
      where: {},
      storm: { moreThan: 3, withinMs: 10 * MINUTE_MS },
      steps: [
        {
          ...{ calendar: "always", tier: null, tell: [], repeat: null },
          trigger: { is: "unacknowledged", afterMs: 0 },
          run: "probe_now",
        },
        {
          ...{ calendar: "always", tier: null, tell: ["noc"], repeat: null, run: null },
          trigger: { is: "unacknowledged", afterMs: 5 * MINUTE_MS },
        },
        {
          ...{ calendar: "always", tier: 2, tell: ["field-support"], repeat: null, run: null },
          trigger: { is: "unresolved", afterMs: 30 * MINUTE_MS },
        },
      ],
    },
  ],
};

let folder = "";
let clock: ManualClock;
let state: StateStore;
let book: IncidentBook;
let duties: Duties;
let notices: Map<string, Notice>;
let remedies: string[];
let policies: { sla: SlaPolicy; escalation: EscalationPolicy };
/** How often logs were read from the disk. */
let logsRead = 0;

async function start(): Promise<void> {
  state = createSqliteStore({ file: join(folder, "state.sqlite") });
  await state.open();
  book = createIncidentBook({ clock, state });
  duties = createDuties({
    clock,
    book,
    eventsOf: (id) => {
      logsRead++;
      return state.incidentEvents(id);
    },
    siteOf: unlistedSite,
    kindOf: () => "receipt_printer",
    policies: () => policies,
    notifier: { tell: (notice) => notices.set(notice.id, notice) },
    onRemedy: ({ id }, remedy) => remedies.push(`${id} ${remedy}`),
  });
  book.restore();
}

function commit(): void {
  state.commit({ incidents: book.takePending().changes });
}

/** As kill -9 does: what was not committed never was. */
async function restart(): Promise<void> {
  await state.close();
  await start();
}

const open = (key = "a", priority: Priority = "P1") =>
  book.write(key, null, [opened(priority)], { at: clock.now(), actor: "system" });
function write(...bodies: IncidentEventBody[]): void {
  const incident = book.ofKey("a");
  if (incident !== null) book.write("a", incident, bodies, { at: clock.now(), actor: "user:ann" });
}
const nextDue = () => {
  const incident = book.incident("INC-000001");
  return incident === null ? null : duties.nextDue(incident);
};
const log = (id = "INC-000001") =>
  state
    .incidentEvents(id)
    .slice(1)
    .map((event) => `${Math.round((event.at - T0) / MINUTE_MS)} ${event.type}`);

/** Second by second, as the judge ticks, with a commit after what was written. */
function pass(minutes: number): void {
  for (let second = 0; second < minutes * 60; second++) {
    clock.advance(1_000);
    if (duties.tick()) commit();
  }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "aislewatch-duties-"));
  clock = new ManualClock(T0);
  [notices, remedies, logsRead] = [new Map(), [], 0];
  policies = { sla: DEFAULT_SLA_POLICY, escalation: NO_ESCALATION };
  await start();
});
afterEach(async () => {
  await state.close();
  rmSync(folder, { recursive: true });
});

describe("the desk's clocks", () => {
  it("warn and write down what was not kept, at its time", () => {
    open();
    duties.tick();
    commit();
    pass(70);
    expect(log()).toEqual([
      "4 sla_warned",
      "5 sla_warned",
      "5 sla_breached",
      "45 sla_warned",
      "54 sla_warned",
      "60 sla_breached",
    ]);
    expect(state.incident("INC-000001")?.sla).toMatchObject({
      response: { warnedPercent: 90, breachedAt: T0 + 5 * MINUTE_MS },
      restore: { warnedPercent: 90, breachedAt: T0 + 60 * MINUTE_MS },
    });
    expect(state.incidentEvents("INC-000001").map(describeEvent).join()).toMatch(/respond|response/i);
  });

  it("write the same over a restart at any time as without one", async () => {
    open();
    duties.tick();
    commit();
    for (let n = 0; n < 14; n++) {
      pass(5);
      await restart();
    }
    expect(log()).toEqual([
      "4 sla_warned",
      "5 sla_warned",
      "5 sla_breached",
      "45 sla_warned",
      "54 sla_warned",
      "60 sla_breached",
    ]);
  });

  it("write again what was not on disk, and only that", async () => {
    open();
    commit();
    clock.advance(10 * MINUTE_MS);
    expect(duties.tick()).toBe(true);
    await restart(); // Before the commit.
    expect(log()).toEqual([]);
    expect(duties.tick()).toBe(true);
    commit();
    expect(log()).toEqual(["5 sla_breached"]);
    expect(duties.tick()).toBe(false);
  });

  it("tell of a breach at its own time, when nobody was there to see it", async () => {
    open();
    commit();
    await restart();
    clock.advance(300 * MINUTE_MS);
    duties.tick();
    commit();
    expect(log()).toEqual(["5 sla_breached", "60 sla_breached"]);
  });

  it("go by what was written meanwhile", () => {
    open();
    commit();
    pass(2);
    write({ type: "acknowledged" }, { type: "held", reason: "awaiting_vendor", text: null });
    commit();
    pass(120);
    expect(log()).toEqual(["2 acknowledged", "2 held"]);
    write({ type: "resumed" });
    commit();
    pass(60);
    expect(log().slice(3)).toEqual(["165 sla_warned", "174 sla_warned", "180 sla_breached"]);
  });

  it("go by new policies as soon as they are there", () => {
    open("a", "P5");
    commit();
    pass(10);
    expect(log()).toEqual([]);
    const { standard } = DEFAULT_SLA_POLICY;
    const targets = { ...standard.targets, P5: standard.targets.P1 };
    policies = { ...policies, sla: { standard: { ...standard, targets }, contracts: new Map() } };
    duties.reconsider();
    pass(1);
    expect(log()).toEqual(["5 sla_breached"]);
  });

  it("let go of what ended", () => {
    open();
    write({ type: "cancelled", code: "test", text: null });
    commit();
    pass(10);
    expect(log()).toEqual(["0 cancelled"]);
    expect(nextDue()).toBeNull();
  });

  it("say what is due next, for lists", () => {
    open();
    commit();
    duties.tick();
    expect(nextDue()).toEqual({ clock: "response", state: "running", dueAt: T0 + 5 * MINUTE_MS });
    write({ type: "acknowledged" });
    duties.tick();
    expect(nextDue()).toEqual({ clock: "restore", state: "running", dueAt: T0 + 60 * MINUTE_MS });
    pass(61);
    expect(nextDue()).toMatchObject({ clock: "restore", state: "breached" });
    write({ type: "held", reason: "awaiting_part", text: null });
    duties.tick();
    write({ type: "recovered", values: {} });
    duties.tick();
    expect(nextDue()).toBeNull();
  });
});

describe("escalation", () => {
  beforeEach(() => {
    policies = { ...policies, escalation: CHAIN };
  });
  const about = () => [...notices.values()].map(({ about: what, to, id }) => `${id} ${what} ${to.join("+")}`);

  it("asks the agent, tells people, and moves the incident, each once", async () => {
    open("a", "P5");
    commit();
    pass(20);
    await restart();
    pass(40);
    expect(log()).toEqual(["0 escalated", "5 escalated", "30 escalated"]);
    expect(remedies).toEqual(["INC-000001 probe_now"]);
    expect(about()).toEqual(["INC-000001/3 escalated noc", "INC-000001/4 escalated field-support"]);
    expect(state.incident("INC-000001")).toMatchObject({ tier: 2, escalation: { policy: "stores", step: 2 } });
  });

  it("tells those who were asked when it is over, once, also when the chain is another one by then", () => {
    open("a", "P5");
    commit();
    pass(6);
    write({ type: "priority_changed", priority: "P4", why: "lanes" });
    write({ type: "recovered", values: {} });
    commit();
    write({ type: "resolved", code: "self_recovered", text: null });
    commit();
    const over = [...notices.values()].filter((notice) => notice.about === "over");
    expect(over).toMatchObject([{ id: "INC-000001/5", how: "recovered", to: ["noc"] }]);
    expect(over[0]).toMatchObject({ follows: ["INC-000001/2", "INC-000001/3"] });
  });

  it("tells at once whom a person asks, by the step or by the tier alone", () => {
    open("a", "P5");
    duties.tick();
    const hand = { type: "escalated", kind: "functional", by: "hand", why: "PLC" } as const;
    write({ ...hand, tier: 2, step: 2, policy: "stores" }, { ...hand, tier: 4, step: null, policy: null });
    expect(about()).toEqual(["INC-000001/3 escalated field-support", "INC-000001/4 escalated "]);
  });

  it("tells nobody that something is over of which nobody was told", () => {
    policies = { ...policies, escalation: NO_ESCALATION };
    open();
    pass(6);
    write({ type: "recovered", values: {} });
    expect(notices.size).toBe(0);
  });

  it("in a storm is told in summaries that list all of them", async () => {
    for (let n = 0; n < 12; n++) open(`k${n}`, "P5");
    commit();
    pass(5.2);
    const ids = [...book.all()].map(({ id }) => id);
    const told = () => {
      const all = [...notices.values()];
      const single = all.flatMap((notice) => (notice.about === "escalated" ? [notice.incident.id] : []));
      const listed = all.flatMap((notice) =>
        notice.about === "storm" ? notice.items.map((item) => item.incident) : [],
      );
      return { single, listed };
    };
    expect(told().single).toHaveLength(3);
    expect([...told().single, ...told().listed].sort()).toEqual(ids.sort());
    const storm = [...notices.values()].find((notice) => notice.about === "storm");
    expect(storm).toMatchObject({ chain: "stores", to: ["noc"], notBefore: T0 + 6 * MINUTE_MS });
    // A restart in it is not the end of it, and takes nothing back.
    await restart();
    open("later", "P5");
    commit();
    pass(5.2);
    expect(told().single).toHaveLength(3);
    expect(told().listed).toHaveLength(10);
  });
});

describe("whatever happens, and whenever the collector is killed", () => {
  type Move = "pass" | "take" | "hold" | "resume" | "recover" | "fire" | "resolve" | "reopen" | "commit" | "kill";
  const moves = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant<Move>("pass") },
      {
        weight: 6,
        arbitrary: fc.constantFrom<Move>("take", "hold", "resume", "recover", "fire", "resolve", "reopen"),
      },
      { weight: 3, arbitrary: fc.constantFrom<Move>("commit", "kill") },
    ),
    { minLength: 5, maxLength: 30 },
  );

  function act(move: Move): void {
    const now = book.ofKey("a");
    if (now === null) return;
    const isStanding = now.recoveredAt === null;
    if (move === "take" && now.state === "new") write({ type: "acknowledged" });
    if (move === "hold" && now.state === "acknowledged") write({ type: "held", reason: "awaiting_part", text: null });
    if (move === "resume" && now.state === "on_hold") write({ type: "resumed" });
    if (move === "recover" && isStanding) write({ type: "recovered", values: {} });
    if (move === "fire" && !isStanding) {
      write({ type: "fired_again", onset: clock.now(), severity: "major", title: "Out of paper", values: {} });
    }
    if (move === "resolve" && now.state === "in_progress") write({ type: "resolved", code: "cleaned", text: null });
    if (move === "reopen" && now.state === "resolved") write({ type: "reopened", why: "no" });
  }

  it("nothing is written twice, and what is due at the end is written", async () => {
    policies = { ...policies, escalation: CHAIN };
    let run = 0;
    await fc.assert(
      fc.asyncProperty(moves, async (all) => {
        const key = `INC-${String(++run).padStart(6, "0")}`;
        for (const { id } of [...book.all()]) {
          const incident = book.incident(id);
          if (incident !== null)
            book.write("a", incident, [{ type: "cancelled", code: "test", text: null }], {
              at: clock.now(),
              actor: "system",
            });
        }
        open();
        commit();
        for (const move of all) {
          if (move === "commit") commit();
          else if (move === "kill") await restart();
          else if (move === "pass") clock.advance(13 * MINUTE_MS);
          else act(move);
          duties.tick();
        }
        commit();
        await restart();
        // The first look after a start is at everything: the second finds nothing more.
        duties.tick();
        commit();
        expect(duties.tick()).toBe(false);
        const seen = new Set<string>();
        let cycle = 0;
        for (const event of state.incidentEvents(key)) {
          if (event.type === "reopened") cycle++;
          const inCycle = "clock" in event && event.clock === "response" ? cycle : 0;
          const name =
            event.type === "sla_warned"
              ? `${event.clock} ${event.percent} ${inCycle}`
              : event.type === "sla_breached"
                ? `${event.clock} breached ${inCycle}`
                : event.type === "escalated"
                  ? `step ${event.step} ${cycle}`
                  : null;
          if (name === null) continue;
          expect(seen.has(name), name).toBe(false);
          seen.add(name);
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe("ten thousand open incidents", () => {
  it("cost a look at what is due, and not one at each", () => {
    for (let n = 0; n < 10_000; n++) open(`k${n}`, "P3");
    for (let n = 0; n < 12; n++) duties.tick();
    commit();
    const { cpuMs } = spent(() => {
      for (let n = 0; n < 600; n++) {
        clock.advance(1_000);
        duties.tick();
      }
    });
    expect(cpuMs / 600).toBeLessThan(2);
    expect(logsRead).toBe(0);
  });
});
