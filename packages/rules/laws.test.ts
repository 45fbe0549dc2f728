/**
 * What holds for the engine whatever readings come in whatever order, however often, and wherever it is interrupted:
 * with every kind of rule, a tree of devices, and events.
 */
import type { Reading, Value } from "@aislewatch/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEngine } from "./engine.ts";
import { AGENT, device, group, line, message, SITE, START } from "./sample-engine.ts";
import type { Engine } from "./types.ts";

const LAW_RULES = group(
  `id: dead, when: "!up && streak(up) >= 2", severity: major, for: 15s, clear: { when: up }`,
  `id: out, select: 'kind == "label_printer"', when: media_out, severity: major, for: 20s, absorbs: [low]`,
  `id: flaps, select: 'kind == "label_printer"', when: media_out, severity: minor, flap: { enter: 2, within: 60s, quiet: 20s }`,
  `id: jam, on: event, code: cutter_jam, count: 2, within: 30s, severity: major, clear: { code: cutter_jam_cleared, after: 40s }`,
  `id: low, select: 'kind == "label_printer"', raise: { minor: { when: media_remaining_percent < 20, for: 10s }, major: { when: media_remaining_percent < 5 } }, clear: { when: media_remaining_percent > 30, for: 10s }`,
  `id: tray, scope: component, select: 'kind == "label_printer"', when: tray_empty && up, severity: minor, for: 5s, keep: 15s`,
  `id: few, scope: site, severity: critical, when: 'failed("label_printer") >= 2', clear: { when: 'working("label_printer") >= 2' }, absorbs: [dead]`,
);
const LAW_DEVICES = [
  device("sw", "network_switch"),
  device("p-1", "label_printer", { dependsOn: ["sw"], components: ["tray-1"] }),
  device("p-2", "label_printer", { dependsOn: ["sw"] }),
];

type Poll = {
  readonly id: string;
  readonly atMs: number;
  readonly values: Readonly<Record<string, Value>>;
  readonly tray: boolean | null;
  readonly event: string | null;
};

const value = fc.record(
  { up: fc.boolean(), media_out: fc.boolean(), media_remaining_percent: fc.constantFrom(3, 10, 25, 50) },
  { requiredKeys: ["up"] },
);
const polls = fc
  .array(
    fc.record({
      id: fc.constantFrom("sw", "p-1", "p-2"),
      atMs: fc.integer({ min: 0, max: 120 }).map((step) => step * 1_000),
      values: value,
      tray: fc.option(fc.boolean()),
      event: fc.option(fc.constantFrom("cutter_jam", "cutter_jam_cleared")),
    }),
    { maxLength: 60 },
  )
  .map((list) => {
    // One poll per device and instant: two different truths of one moment do not come from a device.
    const unique = new Map(list.map((poll) => [`${poll.id} ${poll.atMs}`, poll]));
    return [...unique.values()].sort((a, b) => a.atMs - b.atMs);
  });

function readingOf({ id, atMs, values, tray, event }: Poll): Reading {
  const { up, ...rest } = values;
  const own = { component: null, metrics: id === "sw" ? { up: up ?? true } : { up: up ?? true, ...rest } };
  const part = tray === null || id !== "p-1" ? [] : [{ component: "tray-1", metrics: { tray_empty: tray } }];
  const events = event === null ? [] : [{ component: null, code: event, detail: "" }];
  return { device: id, at: START + atMs, samples: [own, ...part], events };
}

function lawEngine(rules = LAW_RULES): Engine {
  const engine = createEngine();
  engine.setRules(rules, START);
  engine.setInventory(SITE, AGENT, LAW_DEVICES, START);
  return engine;
}

/** Messages of a few polls each, a tick after each. */
function drive(engine: Engine, batches: readonly (readonly Poll[])[]): string[] {
  return batches.flatMap((batch) => {
    const last = Math.max(0, ...batch.map(({ atMs }) => atMs));
    const seen = engine.observe(SITE, AGENT, message(batch.map(readingOf)), 0);
    return [...seen, ...engine.tick(START + last)].map(line);
  });
}

function batchesOf(list: readonly Poll[], size: number): Poll[][] {
  const batches: Poll[][] = [];
  for (let i = 0; i < list.length; i += size) batches.push(list.slice(i, i + size));
  return batches;
}

describe("laws", () => {
  it("the order of rows inside a message changes nothing", () => {
    fc.assert(
      fc.property(
        polls.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([ordered, shuffled]) => {
          expect(drive(lawEngine(), [shuffled])).toEqual(drive(lawEngine(), [ordered]));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("a message that comes twice changes nothing", () => {
    fc.assert(
      fc.property(polls, fc.integer({ min: 1, max: 8 }), (list, size) => {
        const once = batchesOf(list, size);
        const twice = once.flatMap((batch) => [batch, batch]);
        expect(drive(lawEngine(), twice)).toEqual(drive(lawEngine(), once));
      }),
      { numRuns: 200 },
    );
  });

  /** But for counts of a site, and what goes by them: what failed before a restart counts again once it was polled. */
  const UNCOUNTED = { ...LAW_RULES, rules: LAW_RULES.rules.filter(({ scope }) => scope !== "site") };
  it("a restart at any step changes nothing", () => {
    fc.assert(
      fc.property(polls, fc.integer({ min: 1, max: 8 }), fc.nat(), (list, size, cut) => {
        const batches = batchesOf(list, size);
        const at = batches.length === 0 ? 0 : cut % batches.length;
        const whole = lawEngine(UNCOUNTED);
        drive(whole, batches.slice(0, at));
        const store = new Map<string, string>();
        const first = lawEngine(UNCOUNTED);
        for (const batch of batches.slice(0, at)) {
          drive(first, [batch]);
          for (const record of first.takeChangedFaults())
            store.set(JSON.stringify([record.rule, record.subject]), JSON.stringify(record));
        }
        const second = lawEngine(UNCOUNTED);
        second.restoreFaults([...store.values()].map((text) => JSON.parse(text)));
        second.restoreValues(
          LAW_DEVICES.flatMap(({ id }) =>
            first.lastValues(SITE, id).map(({ component, ...rest }) => ({
              site: SITE,
              subject: component === null ? id : `${id}#${component}`,
              ...rest,
            })),
          ),
        );
        expect(drive(second, batches.slice(at))).toEqual(drive(whole, batches.slice(at)));
      }),
      { numRuns: 300 },
    );
  });

  it("each transition begins where the one before ended", () => {
    fc.assert(
      fc.property(polls, fc.integer({ min: 1, max: 8 }), (list, size) => {
        const engine = lawEngine();
        const state = new Map<string, string>();
        for (const batch of batchesOf(list, size)) {
          const last = Math.max(0, ...batch.map(({ atMs }) => atMs));
          const seen = [...engine.observe(SITE, AGENT, message(batch.map(readingOf)), 0), ...engine.tick(START + last)];
          for (const transition of seen) {
            const key = JSON.stringify([transition.rule, transition.subject]);
            expect(transition.from).toBe(state.get(key) ?? "inactive");
            state.set(key, transition.to);
          }
        }
        const open = [...state].filter(([, to]) => to !== "inactive").map(([key]) => key);
        const views = engine.faults().map(({ rule, subject }) => JSON.stringify([rule, subject]));
        expect(views.sort()).toEqual(open.sort());
      }),
      { numRuns: 200 },
    );
  });

  /** Each fault as it is in the end, whatever hides it. */
  const finalStates = (engine: Engine, but: readonly string[] = []): string[] => {
    engine.tick(START + 130_000);
    return engine
      .faults()
      .filter(({ rule }) => !but.includes(rule))
      .map(
        ({ rule, subject, state, severity }) => `${subject.device}#${subject.component} ${rule} ${state} ${severity}`,
      )
      .sort();
  };

  it("a device that is slower than others to report ends as it would have", () => {
    fc.assert(
      fc.property(polls, fc.shuffledSubarray(["sw", "p-1", "p-2"], { minLength: 3 }), (list, order) => {
        const together = lawEngine();
        for (const poll of list) together.observe(SITE, AGENT, message([readingOf(poll)]), 0);
        const apart = lawEngine();
        for (const id of order) {
          for (const poll of list.filter((each) => each.id === id)) {
            apart.observe(SITE, AGENT, message([readingOf(poll)]), 0);
          }
        }
        // Who was hidden when it fired is told by the order; the counts of a site are of the present.
        expect(finalStates(apart, ["flaps", "few"])).toEqual(finalStates(together, ["flaps", "few"]));
      }),
      { numRuns: 200 },
    );
  });

  it("a parent that goes and comes changes no state of a child", () => {
    fc.assert(
      fc.property(polls, fc.integer({ min: 1, max: 8 }), (list, size) => {
        const steady = list.map((poll) => (poll.id === "sw" ? { ...poll, values: { up: true } } : poll));
        const ofChildren = (engine: Engine): string[] =>
          finalStates(engine, ["flaps", "few"]).filter((each) => !each.startsWith("sw#"));
        const [shaken, calm] = [lawEngine(), lawEngine()];
        drive(shaken, batchesOf(list, size));
        drive(calm, batchesOf(steady, size));
        expect(ofChildren(shaken)).toEqual(ofChildren(calm));
      }),
      { numRuns: 200 },
    );
  });

  it("nothing recovers but by a reading that says so", () => {
    fc.assert(
      fc.property(polls, fc.integer({ min: 1, max: 8 }), (list, size) => {
        const engine = lawEngine();
        for (const batch of batchesOf(list, size)) {
          const last = Math.max(0, ...batch.map(({ atMs }) => atMs));
          const seen = [...engine.observe(SITE, AGENT, message(batch.map(readingOf)), 0), ...engine.tick(START + last)];
          for (const { rule, subject, from, to, at } of seen) {
            if (rule !== "out" || from !== "firing" || to !== "inactive") continue;
            const said = list.find(({ id, atMs }) => id === subject.device && START + atMs === at);
            expect(said?.values).toMatchObject({ media_out: false });
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it("what is planned changes no state", () => {
    fc.assert(
      fc.property(polls, fc.integer({ min: 1, max: 8 }), fc.nat({ max: 120 }), (list, size, from) => {
        const planned = lawEngine();
        const when = { is: "once", fromMs: START + from * 1_000, toMs: START + (from + 30) * 1_000 } as const;
        planned.setMaintenance([{ id: "m", where: {}, when }], START);
        const plain = lawEngine();
        drive(planned, batchesOf(list, size));
        drive(plain, batchesOf(list, size));
        expect(finalStates(planned)).toEqual(finalStates(plain));
      }),
      { numRuns: 100 },
    );
  });
});
