import { describe, expect, it } from "vitest";
import { chainState, decideEscalation, type EscalationFacts, foldEscalation } from "./escalation.ts";
import {
  type Chain,
  type ChainSubject,
  chainFor,
  DEFAULT_STORM,
  type EscalationPolicy,
  type EscalationStep,
  type Trigger,
} from "./escalation-policy.ts";
import { foldIncident } from "./log.ts";
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
import { slaFacts } from "./sla-facts.ts";
import { DEFAULT_SLA_POLICY, type SiteHours } from "./sla-policy.ts";
import type { IncidentEvent, IncidentEventBody } from "./types.ts";

const step = (trigger: Trigger, more: Partial<EscalationStep> = {}): EscalationStep => ({
  ...{ trigger, calendar: "always", tier: null, tell: ["noc"], run: null, repeat: null },
  ...more,
});
const unacknowledged = (minutes: number): Trigger => ({ is: "unacknowledged", afterMs: minutes * MINUTE_MS });
const unresolved = (minutes: number): Trigger => ({ is: "unresolved", afterMs: minutes * MINUTE_MS });
const chain = (...steps: EscalationStep[]): Chain => ({ name: "stores", where: {}, steps, storm: DEFAULT_STORM });

const subject: ChainSubject = {
  priority: "P2",
  category: "consumable",
  kind: "receipt_printer",
  rule: "media-out",
  site: "berlin-01",
  format: "store",
  contract: null,
  region: "north",
  labels: { class: "a" },
};

type World = { readonly chains: readonly Chain[]; readonly site?: SiteHours };

function stateOf(events: readonly IncidentEvent[], { chains, site = always }: World, now: number) {
  let facts: EscalationFacts | null = null;
  for (const event of events) facts = foldEscalation(facts, event);
  if (facts === null) throw new Error("an empty log");
  const sla = slaFacts(events);
  const last = sla.priorities.at(-1)?.priority ?? "P2";
  const context = { terms: DEFAULT_SLA_POLICY.standard, site };
  return chainState({ policy: { chains }, subject: { ...subject, priority: last }, sla, facts, context }, now);
}

/** Takes what is due as time goes on: the minute, the step and the tier of each escalation. */
function run(steps: readonly Step[], world: World, untilMinute: number): string[] {
  const taken: string[] = [];
  const own: Step[] = [];
  const upTo = (minute: number) => log([...steps.filter(([at]) => at <= minute), ...own].sort(([a], [b]) => a - b));
  for (let minute = 0; minute <= untilMinute; minute++) {
    const due = stateOf(upTo(minute), world, min(minute))?.due ?? [];
    for (const { body } of due) {
      taken.push(`${minute}: ${body.step} ${body.kind} ${body.tier}`);
      own.push([minute, body]);
    }
  }
  return taken;
}

const CHAIN = chain(
  step(unacknowledged(5)),
  step(unacknowledged(10), { repeat: { everyMs: 5 * MINUTE_MS, times: 2 } }),
  step(unresolved(30), { tier: 2 }),
  step({ is: "sla", clock: "restore", percent: 75 }, { tier: 3 }),
);
const P2 = opened("P2"); // to be restored within 240 minutes
const parent = (incident: string | null): IncidentEventBody => ({ type: "parent_set", incident, why: "switch" });

describe("the steps of a chain", () => {
  it.each<{ name: string; log: Step[]; until?: number; taken: string[] }>([
    {
      name: "are taken when they are due, and repeated so often as they say",
      log: [[0, P2]],
      taken: [
        "5: 0 hierarchical 1",
        "10: 1 hierarchical 1",
        "15: 1 hierarchical 1",
        "20: 1 hierarchical 1",
        "30: 2 functional 2",
        "180: 3 functional 3",
      ],
    },
    {
      name: "that wait for an acknowledgement are not taken after it",
      log: [
        [0, P2],
        [7, ack],
      ],
      taken: ["5: 0 hierarchical 1", "30: 2 functional 2", "180: 3 functional 3"],
    },
    {
      name: "begin anew when an acknowledgement expires",
      log: [
        [0, P2],
        [7, ack],
        [40, { type: "ack_expired", why: "timeout" }],
      ],
      taken: [
        "5: 0 hierarchical 1",
        "30: 2 functional 2",
        "45: 0 hierarchical 2",
        "50: 1 hierarchical 2",
        "55: 1 hierarchical 2",
        "60: 1 hierarchical 2",
        "180: 3 functional 3",
      ],
    },
    {
      name: "are not taken once it is resolved",
      log: [
        [0, P2],
        [7, ack],
        [20, resolved("cleaned")],
      ],
      taken: ["5: 0 hierarchical 1"],
    },
    {
      name: "nor while it is recovered",
      log: [
        [0, P2],
        [3, recovered],
      ],
      taken: [],
    },
    {
      name: "and the time in between does not count",
      log: [
        [0, P2],
        [3, recovered],
        [20, firedAgain(20)],
        [26, ack],
      ],
      until: 60,
      taken: ["22: 0 hierarchical 1", "47: 2 functional 2"],
    },
    {
      name: "begin anew when it is reopened, for the tier that has it",
      log: [
        [0, P2],
        [7, ack],
        [35, resolved("cleaned")],
        [50, reopened],
      ],
      until: 90,
      taken: [
        "5: 0 hierarchical 1",
        "30: 2 functional 2",
        "55: 0 hierarchical 2",
        "60: 1 hierarchical 2",
        "65: 1 hierarchical 2",
        "70: 1 hierarchical 2",
        "80: 2 hierarchical 2",
      ],
    },
    {
      name: "wait while it is on hold",
      log: [
        [0, P2],
        [7, ack],
        [10, held("awaiting_vendor")],
        [100, resumed],
      ],
      until: 130,
      taken: ["5: 0 hierarchical 1", "120: 2 functional 2"],
    },
    {
      name: "wait in maintenance",
      log: [
        [0, opened("P2", { maintenance: "updates" })],
        [60, { type: "maintenance", window: null }],
        [68, ack],
      ],
      until: 95,
      taken: ["65: 0 hierarchical 1", "90: 2 functional 2"],
    },
    {
      name: "wait below a parent, and are taken once when it outlives that",
      log: [
        [0, P2],
        [2, parent("INC-000007")],
        [50, parent(null)],
        [54, ack],
      ],
      until: 70,
      taken: ["53: 0 hierarchical 1"],
    },
    {
      name: "are none of an incident that is cancelled",
      log: [
        [0, P2],
        [2, { type: "cancelled", code: "test", text: null }],
      ],
      taken: [],
    },
    {
      name: "do not send it to a tier that has passed it on",
      log: [
        [0, P2],
        [7, ack],
        [20, { type: "escalated", kind: "functional", tier: 3, step: null, policy: null, by: "hand", why: "PLC" }],
      ],
      until: 200,
      // Its steps still tell those whom they name.
      taken: ["5: 0 hierarchical 1", "30: 2 hierarchical 3", "180: 3 hierarchical 3"],
    },
  ])("$name", ({ log: steps, until = 300, taken }) => expect(run(steps, { chains: [CHAIN] }, until)).toEqual(taken));

  it("are all due when nobody was there to take them", () => {
    const due = stateOf(log([[0, P2]]), { chains: [CHAIN] }, min(31))?.due ?? [];
    expect(due.map(({ body }) => [body.step, body.why])).toEqual([
      [0, "nobody took it for 5 minutes"],
      [1, "nobody took it for 10 minutes"],
      [2, "not resolved for 30 minutes"],
    ]);
  });

  it("say what is next", () => {
    const { next } =
      stateOf(
        log([
          [0, P2],
          [3, ack],
        ]),
        { chains: [CHAIN] },
        min(4),
      ) ?? {};
    expect(next).toEqual({ step: 2, at: min(30) });
  });

  it("outside their hours wait for the next opening, and are not taken after the fact", () => {
    const chains = [chain(step(unacknowledged(600), { calendar: "trading_hours" }))]; // 20:00, when the shop closes
    const state = (minute: number) => stateOf(log([[0, P2]]), { chains, site: shop }, min(minute));
    expect(state(599)).toMatchObject({ due: [], next: { at: Date.parse("2026-11-21T08:00+01:00") } });
    expect(state(900)).toMatchObject({ due: [], next: { at: Date.parse("2026-11-21T08:00+01:00") } });
    expect(state(22 * 60)?.due).toHaveLength(1);
    // Nobody looked on Saturday: on Sunday it is closed.
    expect(state(30 * 60 + 600)).toMatchObject({ due: [], next: { at: Date.parse("2026-11-23T08:00+01:00") } });
  });

  it("of tier 0 tell nobody, and the tier stays", () => {
    const chains = [chain(step(unacknowledged(0), { tell: [], run: "probe_now" }))];
    expect(run([[0, P2]], { chains }, 10)).toEqual(["0: 0 hierarchical 0"]);
    const events = log([
      [0, P2],
      [0, stateOf(log([[0, P2]]), { chains }, T0)?.due[0]?.body ?? ack],
    ]);
    let facts: EscalationFacts | null = null;
    for (const event of events) facts = foldEscalation(facts, event);
    expect(facts?.tier).toBe(1);
  });

  it("of a clock that was breached are due at once, and repeat from then", () => {
    const breach = step(
      { is: "sla", clock: "response", percent: 100 },
      { repeat: { everyMs: 10 * MINUTE_MS, times: 1 } },
    );
    expect(run([[0, P2]], { chains: [chain(breach)] }, 60)).toEqual(["15: 0 hierarchical 1", "25: 0 hierarchical 1"]);
  });
});

describe("a person who does not wait", () => {
  const ESCALATE = { tier: null, why: "PLC" };
  const incidentOf = (steps: readonly Step[]) => foldIncident("INC-000001", log(steps));
  const decide = (steps: readonly Step[], request: { tier: 2 | 3 | 4 | null; why: string }, chains = [CHAIN]) =>
    decideEscalation(incidentOf(steps), request, stateOf(log(steps), { chains }, min(3)));

  it.each<{ name: string; log: Step[]; tier: 2 | 3 | 4 | null; gives: object }>([
    {
      name: "takes the next step now",
      log: [[0, P2]],
      tier: null,
      gives: { step: 0, policy: "stores", kind: "hierarchical", tier: 1 },
    },
    {
      name: "names a tier, and the step that leads there",
      log: [[0, P2]],
      tier: 2,
      gives: { step: 2, policy: "stores", kind: "functional", tier: 2 },
    },
    {
      name: "names a tier to which no step leads",
      log: [[0, P2]],
      tier: 4,
      gives: { step: null, policy: null, kind: "functional", tier: 4 },
    },
  ])("$name", ({ log: steps, tier, gives }) => {
    expect(decide(steps, { tier, why: "PLC" })).toMatchObject({
      ok: true,
      value: { by: "hand", why: "PLC", ...gives },
    });
  });

  it("goes through the chain, and the clock does not take again what was taken by hand", () => {
    const steps: Step[] = [[0, P2]];
    for (let n = 1; n <= 4; n++) {
      const decided = decide(steps, ESCALATE);
      if (decided.ok) steps.push([n, decided.value]);
    }
    expect(steps.slice(1).map(([, body]) => body.type === "escalated" && body.step)).toEqual([0, 1, 2, 3]);
    expect(decide(steps, ESCALATE)).toMatchObject({
      ok: false,
      error: { message: "All of its chain was asked: name a tier." },
    });
    // Only the repetitions of the second are left.
    expect(run(steps, { chains: [CHAIN] }, 300)).toEqual(["15: 1 hierarchical 3", "20: 1 hierarchical 3"]);
  });

  it.each<{ name: string; log: Step[]; tier: 2 | null; chains: Chain[]; says: string }>([
    {
      name: "where it is already",
      log: [
        [0, P2],
        [1, { type: "assigned", to: null, tier: 3 }],
      ],
      tier: 2,
      chains: [CHAIN],
      says: "INC-000001 is at tier 3 already",
    },
    { name: "into no chain", log: [[0, P2]], tier: null, chains: [], says: "No chain fits INC-000001" },
    {
      name: "what is resolved",
      log: [
        [0, P2],
        [1, ack],
        [2, resolved("cleaned")],
      ],
      tier: 2,
      chains: [CHAIN],
      says: "nobody works on it",
    },
  ])("can't escalate $name", ({ log: steps, tier, chains, says }) => {
    expect(decide(steps, { tier, why: "x" }, chains)).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining(says) },
    });
  });
});

describe("the chain of an incident", () => {
  const named = (name: string, where: Chain["where"], ...steps: EscalationStep[]): Chain => ({
    ...chain(...steps),
    name,
    where,
  });
  const policy: EscalationPolicy = {
    chains: [
      named("gold", { contract: ["gold"] }),
      named("south", { region: ["south"] }),
      named("outlets", { labels: { class: ["b", "c"], outlet: ["yes"] } }),
      named("docks", { format: ["dc"], kind: ["conveyor", "drive"] }),
      named("urgent", { priority: ["P1"] }, step(unacknowledged(5))),
      named("printers", { category: ["consumable"], priority: ["P2"] }, step(unresolved(20)), step(unresolved(60))),
    ],
  };
  it.each([
    { name: "is the first that fits", of: { priority: "P1", contract: "gold" }, chain: "gold" },
    { name: "needs all that it names", of: { format: "dc", kind: "conveyor" }, chain: "docks" },
    { name: "and is another one without", of: { format: "dc", kind: null, priority: "P1" }, chain: "urgent" },
    { name: "goes by the region of the site", of: { region: "south" }, chain: "south" },
    { name: "and by its labels", of: { labels: { class: "c", outlet: "yes" } }, chain: "outlets" },
    { name: "all of those that are named", of: { labels: { class: "c" } }, chain: "printers" },
    { name: "goes by priority and category", of: {}, chain: "printers" },
    { name: "is none when none fits", of: { priority: "P4" }, chain: null },
  ] as const)("$name", ({ of, chain: expected }) => {
    expect(chainFor(policy, { ...subject, ...of })?.name ?? null).toBe(expected);
  });

  it("begins when its priority gives it to the incident, and goes on when that comes back", () => {
    const { chains } = policy;
    expect(
      run(
        [
          [0, P2],
          [40, priority("P1")],
        ],
        { chains },
        60,
      ),
    ).toEqual(["20: 0 hierarchical 1", "45: 0 hierarchical 1"]);
    const back: Step[] = [
      [0, P2],
      [40, priority("P1")],
      [41, priority("P2")],
    ];
    expect(run(back, { chains }, 120)).toEqual(["20: 0 hierarchical 1", "101: 1 hierarchical 1"]);
  });
});
