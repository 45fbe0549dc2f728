import type { Value } from "@aislewatch/contract";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { IncidentEvent } from "./incidents/types.ts";
import { batchOf, EPOCH, printer, reading, type SampleSite, sampleSite, statusOf, T0 } from "./sample-site.ts";

const STEP_MS = 10_000;
const DEVICES = ["left", "right"];

const RULES = `group: t
select: kind == "label_printer"
rules:
  - { id: out, title: Out, when: "media_out", for: 0s, severity: major, category: consumable }
  - { id: hot, title: "{{head_temperature_celsius}} °C", when: "head_temperature_celsius > 70", for: 0s, severity: minor, category: hardware, clear: { when: "head_temperature_celsius < 50" } }
  - { id: cover, title: Open, when: "head_open", for: 20s, severity: minor, category: hardware }
`;

/** What a poll of a device brought; null: there was none. */
type Poll = Readonly<Record<string, Value>> | null;
/** Poll n of each device. */
type Polls = readonly (readonly Poll[])[];

const good: Poll = { up: true, media_out: false, head_open: false, head_temperature_celsius: 40 };
const out: Poll = { ...good, media_out: true };
const hot: Poll = { ...good, head_temperature_celsius: 90 };
const warm: Poll = { ...good, head_temperature_celsius: 60 };

const at = (n: number): number => T0 + n * STEP_MS;

type Batch = { readonly seq: number; readonly polls: readonly number[] };

/** An agent with an outbox, as far as the collector can tell. */
class Agent {
  readonly #site: SampleSite;
  readonly #polls: Polls;
  readonly #epoch: string;
  /** It sends from memory; the epoch is of that. */
  readonly #isMemory: boolean;
  readonly live: Batch[] = [];
  readonly history: Batch[] = [];

  constructor(site: SampleSite, polls: Polls, { epoch = EPOCH, isMemory = false } = {}) {
    this.#site = site;
    this.#polls = polls;
    this.#epoch = epoch;
    this.#isMemory = isMemory;
  }

  /** Written in this lane, sent or not. */
  write(lane: "live" | "history", polls: readonly number[]): Batch {
    const batch = { seq: this[lane].length + 1, polls };
    this[lane].push(batch);
    return batch;
  }

  send(lane: "live" | "history", { seq, polls }: Batch): void {
    const readings = polls.flatMap((n) =>
      DEVICES.flatMap((device, d) => {
        const poll = this.#polls[n]?.[d] ?? null;
        return poll === null ? [] : [reading(device, at(n), poll)];
      }),
    );
    this.#site.send("telemetry", batchOf(seq, readings, { ...this.#head(), lane }));
  }

  #head() {
    return { epoch: this.#epoch, sentAt: this.#site.clock.now() };
  }

  online(): void {
    const lanes = { live: this.#lane("live"), history: this.#lane("history") };
    const inMemory = this.#isMemory ? { inMemory: { since: T0, detail: "the disk is full" } } : {};
    const outbox = { batches: 0, bytes: 0, oldestAt: null, lanes, ...inMemory };
    this.#site.send("status", statusOf({ ...this.#head(), outbox }));
    this.#site.inventory(DEVICES.map((id) => printer(id)));
  }

  offline(): void {
    this.#site.send("status", statusOf({ ...this.#head(), state: "offline" }));
  }

  #lane(lane: "live" | "history") {
    return { first: (this.#acked()?.[lane] ?? 0) + 1, last: this[lane].length };
  }

  #acked() {
    return this.#site.acks.findLast(({ epoch }) => epoch === this.#epoch);
  }

  /** What is unacked again, the present first; some batches twice, and time passes at the collector in between. */
  async resend(
    twice: (seq: number) => boolean,
    lanes: readonly ("live" | "history")[] = ["live", "history"],
    most = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    for (const lane of lanes) {
      const unacked = this[lane].filter(({ seq }) => seq > (this.#acked()?.[lane] ?? 0));
      for (const batch of unacked.slice(0, most)) {
        this.send(lane, batch);
        if (twice(batch.seq)) this.send(lane, batch);
        this.#site.judge.tick();
      }
    }
    await this.#site.pass(250);
  }
}

let site: SampleSite;

async function begin(polls: Polls, rules = RULES): Promise<Agent> {
  site = await sampleSite({ rules });
  const agent = new Agent(site, polls);
  agent.online();
  await site.pass(250);
  return agent;
}

/** To the time of poll n, with the collector's ticks. */
async function until(n: number): Promise<void> {
  const left = at(n) - site.clock.now();
  if (left > 0) await site.pass(left);
  site.judge.tick();
}

async function liveThrough(agent: Agent, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    await until(n);
    agent.send("live", agent.write("live", [n]));
  }
  await site.pass(250);
}

/** Away from poll `from` until before poll `to`; nothing of it has been sent yet. */
async function cut(agent: Agent, from: number, to: number, perBatch = 2): Promise<void> {
  agent.offline();
  for (let n = from; n < to; n += perBatch) {
    await until(n);
    agent.write(
      "history",
      Array.from({ length: Math.min(perBatch, to - n) }, (_, i) => n + i),
    );
  }
  await until(to);
  agent.online();
}

type SpellSeen = { rule: string; device: string | null; onset: number; over: number | null };

function spellsOf(events: readonly IncidentEvent[], who: { rule: string; device: string | null }): SpellSeen[] {
  const spells: SpellSeen[] = [];
  for (const event of events) {
    const last = spells.at(-1);
    if (event.type === "opened" || event.type === "fired_again")
      spells.push({ ...who, onset: event.onset, over: null });
    else if (event.type === "recovered" && last !== undefined) last.over = event.at;
    else if (event.type === "recovered_earlier") {
      for (const spell of spells) if (spell.onset === event.onset) spell.over = event.at;
    } else if (event.type === "began_earlier") {
      for (const spell of spells) if (spell.onset === event.was) spell.onset = event.onset;
    }
  }
  return spells;
}

const incidents = () => site.state.incidents({}, { limit: 1_000, cursor: null }).items;

/** In polls since the start, so that a difference can be read. */
function spells(): string[] {
  const step = (time: number | null): string => (time === null ? "…" : String((time - T0) / STEP_MS));
  return incidents()
    .flatMap(({ id, rule, subject }) => spellsOf(site.state.incidentEvents(id), { rule, device: subject.device }))
    .sort((a, b) => a.onset - b.onset)
    .map(({ rule, device, onset, over }) => `${rule} ${device} ${step(onset)}-${step(over)}`)
    .sort();
}

/** Without what the agent's own absence did to the flags. */
const FLAGS: readonly string[] = ["suppressed", "unsuppressed", "stale", "fresh"];
const logOf = (id: string) =>
  site.state
    .incidentEvents(id)
    .filter(({ type }) => !FLAGS.includes(type))
    .map((event) => `${event.type}@${(event.at - T0) / STEP_MS}${event.late ? " late" : ""}`);

/** One printer's polls, the other is well. */
const left = (...polls: readonly Poll[]): Polls => polls.map((poll) => [poll, good]);
const times = (n: number, poll: Poll): Poll[] => Array.from({ length: n }, () => poll);

describe("late data", () => {
  afterEach(() => site.end());

  it("makes one retroactive incident, resolved, of a fault that came and went while the agent was away", async () => {
    const agent = await begin(left(...times(4, good), ...times(3, out), ...times(5, good)));
    await liveThrough(agent, 0, 3);
    await cut(agent, 3, 9);
    await liveThrough(agent, 9, 10);
    expect(incidents()).toEqual([]);
    await agent.resend(() => false);
    expect(incidents()).toMatchObject([
      { rule: "out", state: "resolved", retroactive: true, onset: at(4), openedAt: at(4), recoveredAt: at(7) },
    ]);
    expect(logOf("INC-000001")).toEqual(["opened@4 late", "recovered@7 late", "resolved@7 late"]);
    expect(site.acks.at(-1)).toMatchObject({ live: 4, history: 3 });
    expect(site.state.late()).toEqual([]);
  });

  it("makes no second incident of a fault that stands: its onset is put right", async () => {
    const agent = await begin(left(...times(5, good), ...times(10, out)));
    await liveThrough(agent, 0, 3);
    await cut(agent, 3, 9);
    await liveThrough(agent, 9, 11);
    expect(incidents()).toMatchObject([{ rule: "out", onset: at(9) }]);
    await agent.resend(() => false);
    expect(incidents()).toMatchObject([{ rule: "out", state: "new", onset: at(5), openedAt: at(9) }]);
    // The other printer is heard of again after this one: how many work is known from then on.
    expect(logOf("INC-000001")).toEqual(["opened@9", "priority_changed@10", "began_earlier@5 late"]);
  });

  it("tells an incident that stood when the agent went away what became of its fault meanwhile", async () => {
    const agent = await begin(left(...times(4, out), good, good, out, ...times(6, good)));
    await liveThrough(agent, 0, 3);
    await cut(agent, 3, 9);
    await liveThrough(agent, 9, 11);
    expect(spells()).toEqual(["out left 0-9"]);
    await agent.resend(() => false);
    expect(logOf("INC-000001")).toEqual([
      "opened@0",
      "recovered@9",
      "recovered_earlier@4 late",
      "fired_again@6 late",
      "recovered@7 late",
    ]);
    expect(incidents()).toMatchObject([{ recoveredAt: at(7), recurrences: 1 }]);
  });

  it("leaves an incident standing whose fault came back before the agent did", async () => {
    const agent = await begin(left(...times(4, out), good, good, ...times(9, out)));
    await liveThrough(agent, 0, 3);
    await cut(agent, 3, 9);
    await liveThrough(agent, 9, 11);
    await agent.resend(() => false);
    expect(spells()).toEqual(["out left 0-4", "out left 6-…"]);
    expect(incidents()).toMatchObject([{ state: "new", recoveredAt: null, onset: at(6) }]);
  });

  it("hands a fault over that only its clear condition would end, and it opens once", async () => {
    const agent = await begin(left(...times(4, good), hot, ...times(8, warm), good, good));
    await liveThrough(agent, 0, 3);
    await cut(agent, 3, 9);
    await liveThrough(agent, 9, 11);
    expect(incidents()).toEqual([]);
    await agent.resend(() => false);
    expect(incidents()).toMatchObject([{ rule: "hot", state: "new", onset: at(4), recoveredAt: null }]);
    expect(incidents()[0]?.retroactive).toBeUndefined();
    await liveThrough(agent, 11, 15);
    expect(spells()).toEqual(["hot left 4-13"]);
  });

  it("waits with what stood until the device has said how it is now", async () => {
    const polls: Polls = left(...times(4, good), ...times(6, out), null, good, good);
    const agent = await begin(polls);
    await liveThrough(agent, 0, 3);
    await cut(agent, 3, 10);
    await agent.resend(() => false);
    expect(incidents()).toEqual([]);
    await liveThrough(agent, 10, 13);
    expect(spells()).toEqual(["out left 4-11"]);
    expect(incidents()).toMatchObject([{ retroactive: true }]);
  });

  it("opens what nobody denies: the device stays silent, and unknown clears nothing", async () => {
    const agent = await begin(left(...times(4, good), ...times(6, out), ...times(6, null)));
    await liveThrough(agent, 0, 3);
    await cut(agent, 3, 10);
    await agent.resend(() => false);
    await liveThrough(agent, 10, 15);
    expect(incidents()).toMatchObject([{ rule: "out", onset: at(4), state: "new", recoveredAt: null }]);
  });

  it("is judged in event time: a `for` that ran out, and one that a reading contradicted", async () => {
    const open: Poll = { ...good, head_open: true };
    const agent = await begin(left(...times(4, good), open, open, good, open, open, open, ...times(4, good)));
    await liveThrough(agent, 0, 3);
    await cut(agent, 3, 12, 3);
    await liveThrough(agent, 12, 13);
    await agent.resend(() => false);
    expect(spells()).toEqual(["cover left 7-10"]);
    expect(logOf("INC-000001")[0]).toBe("opened@9 late");
  });

  it("waits on when the agent goes away again before its devices have said how they are", async () => {
    const agent = await begin(left(...times(4, good), ...times(3, out), ...times(12, good)));
    await liveThrough(agent, 0, 3);
    await cut(agent, 3, 6);
    await agent.resend(() => false);
    await cut(agent, 6, 16);
    expect(incidents()).toEqual([]);
    await agent.resend(() => false);
    await liveThrough(agent, 16, 18);
    expect(spells()).toEqual(["out left 4-7"]);
    expect(incidents()).toMatchObject([{ retroactive: true, state: "resolved" }]);
  });

  it("ends at once what would take the key from an incident that stands", async () => {
    const agent = await begin(left(...times(4, good), out, ...times(4, good), ...times(4, out)));
    await liveThrough(agent, 0, 3);
    await cut(agent, 3, 8);
    await liveThrough(agent, 8, 12);
    await agent.resend(() => false);
    expect(incidents().map(({ state, onset }) => [state, (onset - T0) / STEP_MS])).toEqual(
      expect.arrayContaining([
        ["new", 9],
        ["closed", 4],
      ]),
    );
    await liveThrough(agent, 12, 13);
    expect(site.judge.live.openIncidents()).toHaveLength(1);
  });

  it("of a fault that comes back live soon after is one incident, which then counts as live", async () => {
    const agent = await begin(left(...times(4, good), out, ...times(6, good), out, out));
    await liveThrough(agent, 0, 3);
    await cut(agent, 3, 8);
    await liveThrough(agent, 8, 9);
    await agent.resend(() => false);
    await liveThrough(agent, 9, 13);
    expect(spells()).toEqual(["out left 11-…", "out left 4-5"]);
    expect(incidents()).toMatchObject([{ state: "new", retroactive: false, recurrences: 1 }]);
  });

  it("of two outages is judged each from where it began", async () => {
    const agent = await begin(
      left(...times(4, good), out, out, ...times(4, good), ...times(2, out), ...times(8, good)),
    );
    await liveThrough(agent, 0, 3);
    await cut(agent, 3, 8);
    await liveThrough(agent, 8, 9);
    await cut(agent, 9, 14);
    await liveThrough(agent, 14, 15);
    await agent.resend(() => false);
    expect(spells()).toEqual(["out left 10-12", "out left 4-6"]);
    expect(site.state.late()).toEqual([]);
  });

  it("also follows a time in which the collector was down", async () => {
    const agent = await begin(left(...times(4, good), ...times(2, out), ...times(8, good)));
    await liveThrough(agent, 0, 3);
    for (let n = 3; n < 9; n++) agent.write("history", [n]);
    site.clock.advance(60_000);
    await site.restart();
    site.judge.tick();
    agent.online();
    await site.pass(250);
    await liveThrough(agent, 9, 10);
    await agent.resend(() => false);
    expect(spells()).toEqual(["out left 4-6"]);
  });

  it("is not lost with a commit that fails, nor told twice", async () => {
    const agent = await begin(left(...times(4, good), out, out, ...times(8, good)));
    await liveThrough(agent, 0, 3);
    await cut(agent, 3, 9);
    await liveThrough(agent, 9, 10);
    site.disk.isFull = true;
    await agent.resend(() => false);
    expect(incidents()).toEqual([]);
    expect(site.acks.at(-1)).toMatchObject({ history: 0 });
    site.disk.isFull = false;
    await site.pass(2_000);
    expect(site.acks.at(-1)).toMatchObject({ history: 3 });
    expect(spells()).toEqual(["out left 4-6"]);
  });

  it("goes on from what a commit that failed would have kept, after a restart", async () => {
    const agent = await begin(left(...times(4, good), out, out, ...times(8, good)));
    await liveThrough(agent, 0, 3);
    await cut(agent, 3, 9);
    await liveThrough(agent, 9, 10);
    site.disk.isFull = true;
    const [first] = agent.history;
    if (first !== undefined) agent.send("history", first);
    await site.pass(250);
    site.disk.isFull = false;
    await site.pass(2_000);
    expect(site.acks.at(-1)).toMatchObject({ history: 1 });
    await site.restart();
    agent.online();
    await agent.resend(() => false);
    expect(spells()).toEqual(["out left 4-6"]);
  });

  it("goes on behind live batches that were still on their way when the line was cut", async () => {
    const agent = await begin(left(...times(3, good), ...times(3, out), ...times(8, good)));
    await liveThrough(agent, 0, 3);
    for (const n of [3, 4]) {
      await until(n);
      agent.write("live", [n]);
    }
    await cut(agent, 5, 9);
    agent.write("live", [9]);
    await until(9);
    await agent.resend(() => false);
    expect(spells()).toEqual(["out left 3-6"]);
    expect(incidents()).toHaveLength(1);
  });

  it("of an agent that nobody has heard of before is judged from its first reading", async () => {
    site = await sampleSite({ rules: RULES });
    const agent = new Agent(site, left(...times(2, good), out, out, ...times(8, good)));
    for (let n = 0; n < 7; n++) agent.write("history", [n]);
    await until(7);
    agent.online();
    await site.pass(250);
    await liveThrough(agent, 7, 9);
    await agent.resend(() => false);
    expect(spells()).toEqual(["out left 2-4"]);
  });

  it("of a week is judged as that of a minute", async () => {
    const agent = await begin(left(...times(4, good), out, out, ...times(8, good)));
    await liveThrough(agent, 0, 3);
    agent.offline();
    for (let n = 3; n < 9; n++) agent.write("history", [n]);
    for (let day = 0; day < 7; day++) {
      site.clock.advance(86_400_000);
      site.judge.tick();
    }
    agent.online();
    await agent.resend(() => false);
    expect(spells()).toEqual(["out left 4-6"]);
    expect(incidents()).toMatchObject([{ retroactive: true, state: "resolved" }]);
  });

  it("of a file that could not be written comes after the memory, in the live lane, and is judged in its time", async () => {
    const polls = left(...times(4, good), out, out, ...times(8, good));
    const file = await begin(polls);
    await liveThrough(file, 0, 3);
    file.offline();
    for (let n = 3; n < 7; n++) file.write("live", [n]);
    await until(7);
    const memory = new Agent(site, polls, { epoch: "m1", isMemory: true });
    memory.online();
    await liveThrough(memory, 7, 10);
    expect(spells()).toEqual([]);
    memory.offline();
    file.online();
    await file.resend(() => false);
    expect(spells()).toEqual(["out left 4-6"]);
    await liveThrough(file, 10, 12);
    expect(spells()).toEqual(["out left 4-6"]);
    expect(site.state.late()).toEqual([]);
  });

  it("of a file is judged in its time also when nobody saw the agent go before it sent from memory", async () => {
    const polls = left(...times(4, good), out, out, ...times(8, good));
    const file = await begin(polls);
    await liveThrough(file, 0, 3);
    for (let n = 3; n < 7; n++) file.write("live", [n]);
    await until(7);
    const memory = new Agent(site, polls, { epoch: "m1", isMemory: true });
    memory.online();
    await liveThrough(memory, 7, 10);
    file.online();
    await file.resend(() => false);
    await liveThrough(file, 10, 12);
    expect(spells()).toEqual(["out left 4-6"]);
    expect(site.state.late()).toEqual([]);
  });

  it("of a file goes on where it was, when the memory had an outage of its own meanwhile", async () => {
    const polls = left(good, good, good, ...times(2, out), ...times(4, good), out, ...times(8, good));
    const file = await begin(polls);
    await liveThrough(file, 0, 2);
    await cut(file, 2, 6, 1);
    file.offline();
    const memory = new Agent(site, polls, { epoch: "m1", isMemory: true });
    memory.online();
    await liveThrough(memory, 6, 8);
    await cut(memory, 8, 11, 1);
    await liveThrough(memory, 11, 12);
    await site.restart();
    memory.online();
    await memory.resend(() => false);
    memory.offline();
    file.online();
    await file.resend(() => true);
    await liveThrough(file, 12, 14);
    expect(spells()).toEqual(["out left 3-5", "out left 9-10"]);
    expect(site.state.late()).toEqual([]);
  });

  it.each([{ restarts: 0 }, { restarts: 2 }])(
    "of a file begins earlier what the memory saw end ($restarts restarts)",
    async ({ restarts }) => {
      const polls = left(...times(5, good), ...times(4, out), ...times(7, good));
      const file = await begin(polls);
      await liveThrough(file, 0, 2);
      file.offline();
      file.write("live", [2]);
      for (const n of [3, 4, 5, 6]) file.write("history", [n]);
      await until(7);
      if (restarts > 0) await site.restart();
      const memory = new Agent(site, polls, { epoch: "m1", isMemory: true });
      memory.online();
      await liveThrough(memory, 7, 10);
      expect(spells()).toEqual(["out left 7-9"]);
      memory.offline();
      if (restarts > 1) await site.restart();
      memory.online();
      await liveThrough(memory, 10, 11);
      // The disk is well again, and what is read now goes to the file, while the memory still has something to say.
      file.write("live", [11]);
      await until(12);
      memory.offline();
      file.online();
      await file.resend(() => false);
      await liveThrough(file, 12, 14);
      expect(spells()).toEqual(["out left 5-9"]);
      expect(site.state.late()).toEqual([]);
    },
  );

  it("of a file is waited for ten minutes, and what it brings after that is told as well", async () => {
    const polls = left(...times(3, good), out, good, good, ...times(3, good), out, ...times(75, good));
    const file = await begin(polls);
    await liveThrough(file, 0, 2);
    await cut(file, 2, 6, 1);
    file.offline();
    const memory = new Agent(site, polls, { epoch: "m1", isMemory: true });
    memory.online();
    await liveThrough(memory, 6, 8);
    await cut(memory, 8, 11, 1);
    await memory.resend(() => false);
    await liveThrough(memory, 11, 50);
    expect(spells()).toEqual([]);
    await liveThrough(memory, 50, 70);
    expect(spells()).toEqual(["out left 9-10"]);
    await site.restart();
    memory.offline();
    file.online();
    await file.resend(() => false);
    await liveThrough(file, 70, 72);
    expect(spells()).toEqual(["out left 3-4", "out left 9-10"]);
    expect(site.state.late()).toEqual([]);
  });

  it("of more readings than can wait is judged, and the live lane goes on", async () => {
    // Of two devices each: 2,048 polls fill what may wait.
    const polls = left(...times(3, good), out, good, good, ...times(3, out), ...times(2_400, good));
    const file = await begin(polls);
    await liveThrough(file, 0, 2);
    await cut(file, 2, 6, 1);
    file.offline();
    const memory = new Agent(site, polls, { epoch: "m1", isMemory: true });
    memory.online();
    const many = Array.from({ length: 200 }, (_, i) => i);
    for (let n = 6; n < 2_206; n += many.length) {
      site.clock.advance(many.length * STEP_MS);
      memory.send(
        "live",
        memory.write(
          "live",
          many.map((i) => n + i),
        ),
      );
    }
    await site.pass(250);
    expect(spells()).toEqual(["out left 6-9"]);
    memory.offline();
    file.online();
    await file.resend(() => false);
    await liveThrough(file, 2_206, 2_207);
    expect(spells()).toEqual(["out left 3-4", "out left 6-9"]);
    expect(site.state.late()).toEqual([]);
  });

  it("that lies between two live batches which both were on their way is judged between them", async () => {
    const agent = await begin(
      left(good, good, ...times(2, out), ...times(3, good), ...times(2, out), ...times(5, good)),
    );
    await liveThrough(agent, 0, 1);
    agent.offline();
    agent.write("live", [1]);
    for (const n of [2, 3, 4]) agent.write("history", [n]);
    for (const n of [5, 6]) agent.write("live", [n]);
    for (const n of [7, 8, 9]) agent.write("history", [n]);
    await until(10);
    agent.online();
    await agent.resend(() => false);
    await liveThrough(agent, 10, 12);
    expect(spells()).toEqual(["out left 2-4", "out left 7-9"]);
    expect(site.state.late()).toEqual([]);
  });

  const open: Poll = { ...good, head_open: true };

  it("counts for a `for` that began in it, and which the live readings alone would not have filled", async () => {
    const agent = await begin(left(...times(7, good), ...times(3, open), ...times(6, good)));
    await liveThrough(agent, 0, 3);
    await cut(agent, 3, 9);
    await liveThrough(agent, 9, 12);
    expect(spells()).toEqual([]);
    await agent.resend(() => false);
    expect(spells()).toEqual(["cover left 7-10"]);
    expect(logOf("INC-000001")[0]).toBe("opened@9 late");
  });

  it("fills no `for` that ended in time", async () => {
    const agent = await begin(left(...times(8, good), open, ...times(6, good)));
    await liveThrough(agent, 0, 3);
    await cut(agent, 3, 9);
    await liveThrough(agent, 9, 12);
    await agent.resend(() => false);
    expect(incidents()).toEqual([]);
  });

  it("ends what was pending when the agent went, and fired live by the passing of time", async () => {
    const agent = await begin(left(good, good, ...times(4, open), ...times(8, good)));
    await liveThrough(agent, 0, 3);
    for (let n = 3; n < 9; n++) agent.write("history", [n]);
    await until(5);
    await site.pass(250);
    agent.offline();
    expect(spells()).toEqual(["cover left 2-…"]);
    await until(9);
    agent.online();
    await liveThrough(agent, 9, 11);
    expect(spells()).toEqual(["cover left 2-9"]);
    await agent.resend(() => false);
    expect(spells()).toEqual(["cover left 2-6"]);
  });

  it("leaves to the live lane, in its own time, what was on its way until the values counted as old", async () => {
    const both: Poll = { ...good, media_out: true, head_open: true };
    const agent = await begin(left(...times(2, out), ...times(4, both), ...times(8, out)));
    await liveThrough(agent, 0, 2);
    for (let n = 2; n < 9; n++) {
      await until(n);
      agent.write("live", [n]);
    }
    agent.online();
    await agent.resend(() => false);
    expect(spells()).toEqual(["cover left 2-6", "out left 0-…"]);
  });

  it("leaves what comes live a little late to the live lane, in its own time, beside a fault that stands", async () => {
    const both: Poll = { ...good, media_out: true, head_open: true };
    const agent = await begin(left(...times(2, out), ...times(4, both), ...times(8, out)));
    await liveThrough(agent, 0, 2);
    agent.offline();
    for (let n = 2; n < 9; n++) {
      await until(n);
      agent.write("live", [n]);
    }
    await until(11);
    agent.online();
    await agent.resend(() => false);
    expect(spells()).toEqual(["cover left 2-6", "out left 0-…"]);
  });

  it("without any state to judge it from is kept, counted, and means nothing", async () => {
    const agent = await begin(left(...times(4, out)));
    site.send("telemetry", batchOf(1, [reading("left", at(1), out ?? {})], { lane: "history" }));
    await site.pass(250);
    expect(site.judge.late.counts).toMatchObject({ judged: 0, unjudged: 1 });
    expect([incidents(), agent.live]).toEqual([[], []]);
  });
});

/** Every kind of timer, and none that ends with a poll: whether the tick or the reading is first then is chance, live. */
const TIMED = `group: t
select: kind == "label_printer"
rules:
  - { id: out, title: Out, when: "media_out", for: 0s, severity: major, category: consumable }
  - { id: kept, title: Kept, when: "media_out", for: 5s, severity: minor, category: consumable, keep: 25s }
  - { id: hot, title: Hot, when: "head_temperature_celsius > 70", for: 0s, severity: minor, category: hardware, clear: { when: "head_temperature_celsius < 50", for: 15s } }
  - { id: warm, title: Warm, raise: { minor: { when: "head_temperature_celsius > 50", for: 15s }, major: { when: "head_temperature_celsius > 70", for: 15s } }, clear: { when: "head_temperature_celsius < 50" }, category: hardware }
  - { id: cover, title: Open, when: "head_open", for: 15s, severity: minor, category: hardware }
`;

/** Each is two lives of a store with a collector in it; `npm run chaos` is for the long search. */
const RUNS = 25;

/** Out of media, cover open, temperature: `O.90`, `.C40`; `_` is a poll that did not take place. */
const onePoll = fc.constantFrom(
  "_",
  ...["..", "O.", ".C", "OC"].flatMap((states) => [40, 60, 90].map((celsius) => `${states}${celsius}`)),
);

function pollOf(text: string): Poll {
  if (text === "_") return null;
  const celsius = Number(text.slice(2));
  return { up: true, media_out: text[0] === "O", head_open: text[1] === "C", head_temperature_celsius: celsius };
}

/** Polls that nobody hears of at once: in the live lane while it is but a hiccup, then in the history. */
const silence = fc.record({
  tail: fc.integer({ min: 0, max: 2 }),
  history: fc.integer({ min: 0, max: 5 }),
  perBatch: fc.integer({ min: 1, max: 3 }),
});

/** An outage, and what goes wrong besides. */
const outage = fc.record({
  /** Polls heard at once before it. */
  before: fc.integer({ min: 1, max: 3 }),
  silence,
  /** Its disk fails: it goes on from memory, which has an outage of its own, and then its file comes back. */
  memory: fc.option(fc.record({ heard: fc.integer({ min: 0, max: 2 }), silence }), { freq: 3 }),
  collectorDies: fc.subarray(["away", "back", "amid"] as const),
  /** Polls heard after the return, before any history. */
  after: fc.integer({ min: 0, max: 3 }),
  /** Batches of the history that come before the next outage. */
  historyNow: fc.integer({ min: 0, max: 4 }),
  /** Every so manieth batch comes twice. */
  twice: fc.integer({ min: 1, max: 5 }),
});
type Outage = typeof outage extends fc.Arbitrary<infer One> ? One : never;

const OUTAGES_MAX = 3;
const LAST_POLLS = 6;
/** As many as the longest outages take, and some to end with. */
const POLLS = OUTAGES_MAX * (3 + 7 + 2 + 7 + 3) + LAST_POLLS;

/** An agent through outages, as its outbox keeps and sends what it reads. */
class Store {
  n = 0;
  readonly #polls: Polls;
  readonly #file: Agent;

  constructor(polls: Polls, file: Agent) {
    this.#polls = polls;
    this.#file = file;
  }

  async heard(agent: Agent, polls: number): Promise<void> {
    await liveThrough(agent, this.n, this.n + polls);
    this.n += polls;
  }

  async #unheard(agent: Agent, { tail, history, perBatch }: Outage["silence"]): Promise<void> {
    agent.offline();
    const until_ = this.n + tail + history;
    const liveUntil = this.n + tail;
    while (this.n < until_) {
      const isLive = this.n < liveUntil;
      const count = isLive ? 1 : Math.min(perBatch, until_ - this.n);
      await until(this.n);
      agent.write(
        isLive ? "live" : "history",
        Array.from({ length: count }, (_, i) => this.n + i),
      );
      this.n += count;
    }
    await until(this.n);
  }

  async suffer({ before, silence, memory, collectorDies, after, historyNow, twice }: Outage, i: number): Promise<void> {
    const isTwice = (seq: number): boolean => seq % twice === 0;
    await this.heard(this.#file, before);
    await this.#unheard(this.#file, silence);
    if (collectorDies.includes("away")) await site.restart();
    if (memory !== null) {
      const other = new Agent(site, this.#polls, { epoch: `m${i}`, isMemory: true });
      other.online();
      await this.heard(other, memory.heard);
      await this.#unheard(other, memory.silence);
      other.online();
      await other.resend(isTwice);
      other.offline();
    }
    this.#file.online();
    await this.#file.resend(isTwice, ["live"]);
    if (collectorDies.includes("back")) await this.#restart();
    await this.heard(this.#file, after);
    await this.#file.resend(isTwice, ["history"], historyNow);
    if (collectorDies.includes("amid")) await this.#restart();
  }

  async #restart(): Promise<void> {
    await site.restart();
    this.#file.online();
    await this.#file.resend(() => false, ["live"]);
  }

  async end(): Promise<void> {
    await this.#file.resend(() => false);
    await this.heard(this.#file, POLLS - this.n);
  }
}

describe("one series of readings", () => {
  afterEach(() => site.end());

  it("gives the same spells, whatever is late, by whatever lane and outbox, and whenever the collector dies", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(onePoll, onePoll), { minLength: POLLS, maxLength: POLLS }),
        fc.array(outage, { minLength: 1, maxLength: OUTAGES_MAX }),
        async (texts, outages) => {
          const polls = texts.map((row) => row.map(pollOf));
          const whole = await begin(polls, TIMED);
          await liveThrough(whole, 0, POLLS);
          const expected = spells();
          await site.end();

          const agent = new Store(polls, await begin(polls, TIMED));
          for (const [i, one] of outages.entries()) await agent.suffer(one, i);
          await agent.end();
          expect(spells()).toEqual(expected);
          expect(site.state.late()).toEqual([]);
          await site.end();
        },
      ),
      { numRuns: RUNS, endOnFailure: true },
    );
    site = await sampleSite();
  });
});
