import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { incidentId } from "../incidents/log.ts";
import type { Incident } from "../incidents/types.ts";
import type { Message } from "./message.ts";
import type { NotificationPolicy } from "./routing.ts";
import { DOWN, opened, POLICY, REFUSED, type Sample, sampleNotifications, T0, TAKEN } from "./sample-notifications.ts";

let sample: Sample | null = null;
afterEach(async () => {
  await sample?.close();
  sample = null;
});
/** Two messages in ten minutes. */
const LIMITED: NotificationPolicy = {
  ...POLICY,
  channels: POLICY.channels.map((one) => ({ ...one, rate: { atMost: 2, withinMs: 600_000 } })),
};

/** All of a site in one message, which waits 5 s, and has another one 20 s later at the earliest. */
const GROUPED: NotificationPolicy = {
  ...POLICY,
  routes: POLICY.routes.map((route) => ({ ...route, grouping: { by: ["site"], waitMs: 5_000, intervalMs: 20_000 } })),
};
/** What ends goes by itself. */
const HALF_GROUPED: NotificationPolicy = {
  ...POLICY,
  routes: [
    { where: {}, on: ["opened", "reopened"], to: ["a"], grouping: { by: [], waitMs: 8_000, intervalMs: 60_000 } },
    { where: {}, on: ["recovered", "resolved"], to: ["a"] },
  ],
};

/** What was told, by itself or in a summary, in order. */
const toldIds = ({ arrived }: Sample): string[] => arrived.flatMap(({ message }) => toldIn(message));
const toldIn = ({ id, items }: Message): string[] =>
  items.length === 0 ? [id] : items.map(({ notification }) => notification);

async function start(): Promise<Sample> {
  sample = await sampleNotifications();
  return sample;
}
const MINUTE_MS = 60_000;

describe("delivery", () => {
  it("tries again after a growing wait, with the same id and words, until it is taken", async () => {
    const it = await start();
    it.world.answer = () => (it.arrived.length < 4 ? DOWN : TAKEN);
    it.write(null, opened());
    await it.pass(MINUTE_MS);
    expect(it.arrived).toHaveLength(4);
    expect(new Set(it.arrived.map(({ message }) => JSON.stringify(message))).size).toBe(1);
    const log = it.state.attempts(null, 10);
    expect(log.map(({ outcome }) => outcome)).toEqual(["delivered", "retry", "retry", "retry"]);
    const waits = log.map(({ at }, index) => at - (log[index + 1]?.at ?? at)).slice(0, -1);
    expect(waits).toEqual(waits.toSorted((a, b) => b - a));
    expect(it.state.waitingNotifications()).toEqual([]);
  });

  it("does not overtake what failed of the same incident, but others do", async () => {
    const it = await start();
    it.world.answer = (_, { id }) => (id === "INC-000001/1" && it.clock.now() < T0 + 5_000 ? DOWN : TAKEN);
    const one = it.write(null, opened("Out", "p1"));
    it.write(one, { type: "recovered", values: {} });
    it.write(null, opened("Out", "p2"));
    await it.pass(30_000);
    const ids = it.arrived.map(({ message }) => message.id);
    expect(ids.slice(0, 2)).toEqual(["INC-000001/1", "INC-000002/1"]);
    expect(ids.at(-1)).toBe("INC-000001/2");
  });

  it("gives up at once what is refused, and after an hour what is not taken, and says so", async () => {
    const it = await start();
    it.world.answer = (_, { id }) => (id === "INC-000001/1" ? REFUSED : DOWN);
    it.write(null, opened("Out", "p1"));
    it.write(null, opened("Out", "p2"));
    await it.pass(1_000);
    expect(it.givenUp.map(({ notification }) => notification)).toEqual(["INC-000001/1"]);
    await it.pass(80 * MINUTE_MS);
    expect(it.givenUp.map(({ notification }) => notification)).toEqual(["INC-000001/1", "INC-000002/1"]);
    expect(it.delivery.state("a")).toMatchObject({ waiting: 0, isDown: true, failure: { status: 503 } });
    expect(it.state.notificationsOf("INC-000002", 1)).toMatchObject([{ state: "failed" }]);
  });

  it("asks a channel that fails by one attempt at a time, takes up all once it works, and others all the while", async () => {
    const it = await start();
    let most = 0;
    it.world.answer = async (channel) => {
      most = Math.max(most, it.delivery.state("a").busy);
      return channel === "a" ? DOWN : TAKEN;
    };
    const incidents = Array.from({ length: 50 }, (_, n) => it.write(null, opened("Out", `p${n}`)));
    await it.pass(5 * MINUTE_MS);
    expect(most).toBe(4);
    expect(it.arrived.length).toBeLessThan(40);
    expect(it.delivery.state("a")).toMatchObject({ waiting: 50, isDown: true, deliveredAt: null });
    it.world.answer = () => TAKEN;
    await it.pass(MINUTE_MS * 10);
    expect(it.delivery.state("a")).toMatchObject({ waiting: 0, isDown: false, failure: null });
    expect(new Set(it.arrived.map(({ message }) => message.id)).size).toBe(incidents.length);
  });

  it("tries all that failed at once when the channel works again, as a test finds", async () => {
    const it = await start();
    it.world.answer = () => DOWN;
    it.write(null, opened("Out", "p1"));
    await it.pass(20 * MINUTE_MS);
    it.world.answer = () => TAKEN;
    it.arrived.length = 0;
    await it.delivery.test("a", { id: "test/x", by: "user:ana" });
    await it.pass(1_000);
    expect(it.arrived.map(({ message }) => message.id)).toEqual(["test/x", "INC-000001/1"]);
  });

  it("leaves a channel alone for as long as it asked for", async () => {
    const it = await start();
    it.world.answer = () => ({
      ok: false,
      error: { retryable: true, status: 429, detail: "HTTP 429", retryAfterMs: 10 * MINUTE_MS },
    });
    it.write(null, opened("Out", "p1"));
    await it.pass(MINUTE_MS);
    it.write(null, opened("Out", "p2"));
    await it.pass(8 * MINUTE_MS);
    expect(it.arrived).toHaveLength(1);
    it.world.answer = () => TAKEN;
    await it.pass(2 * MINUTE_MS);
    expect(new Set(it.arrived.map(({ message }) => message.id)).size).toBe(2);
  });

  it("sends no more messages than its channel may get, all that is more in summaries, and what is urgent at once", async () => {
    sample = await sampleNotifications(LIMITED);
    const it = sample;
    for (let n = 0; n < 5; n++) it.write(null, opened("Out", `p${n}`));
    await it.pass(2_000);
    expect(it.arrived.map(({ message }) => [message.event, message.items.length])).toEqual([["summary", 5]]);
    for (let n = 5; n < 12; n++) {
      it.write(null, opened("Out", `p${n}`));
      await it.pass(2_000);
    }
    expect(it.arrived.map(({ message }) => message.event)).toEqual(["summary", "opened"]);
    it.write(null, { ...opened("Out", "urgent"), priority: "P1" });
    await it.pass(2_000);
    expect(it.arrived[2]?.message).toMatchObject({ event: "opened", incident: { priority: "P1" } });
    await it.pass(10 * MINUTE_MS);
    expect(it.arrived.slice(3).map(({ message }) => [message.event, message.items.length])).toEqual([["summary", 6]]);
    expect(new Set(toldIds(it))).toEqual(new Set(Array.from({ length: 13 }, (_, n) => `${incidentId(n + 1)}/1`)));
    expect(it.state.notificationsOf(incidentId(1), 9).map(({ id, state }) => [id, state])).toEqual([
      [`summary/${incidentId(1)}/1`, "delivered"],
      [`${incidentId(1)}/1`, "covered"],
    ]);
  });

  it("tells of its end whoever was told of an incident in a summary", async () => {
    sample = await sampleNotifications(LIMITED);
    const it = sample;
    const [one] = ["p1", "p2", "p3"].map((device) => it.write(null, opened("Out", device)));
    await it.pass(2_000);
    await it.crash();
    it.write(one ?? null, { type: "recovered", values: {} });
    await it.pass(2_000);
    expect(it.arrived.map(({ message }) => message.event)).toEqual(["summary", "recovered"]);
  });

  it("ends an attempt that takes too long, and tries again", async () => {
    const it = await start();
    it.world.answer = (_, __, signal) =>
      it.arrived.length > 1
        ? TAKEN
        : new Promise((resolve) => signal.addEventListener("abort", () => resolve(DOWN), { once: true }));
    it.write(null, opened());
    await it.pass(MINUTE_MS);
    expect(it.state.attempts(null, 5).map(({ outcome, durationMs }) => [outcome, durationMs])).toEqual([
      ["delivered", 0],
      ["retry", 10_000],
    ]);
  });

  it("keeps what waits for a channel that no file names for a day", async () => {
    const it = await start();
    it.world.names = ["b"];
    it.write(null, opened());
    await it.pass(MINUTE_MS);
    expect(it.delivery.state("a").waiting).toBe(1);
    it.clock.advance(86_400_000);
    await it.pass(1_000);
    expect(it.givenUp).toMatchObject([{ channel: "a", detail: expect.stringContaining("no such channel") }]);
  });

  it("tests a channel at once, past what waits, and logs it", async () => {
    const it = await start();
    const tried = await it.delivery.test("a", { id: "test/x", by: "user:ana" });
    expect(tried).toMatchObject({ notification: "test/x", outcome: "delivered", status: 204 });
    await it.pass(1_000);
    expect(it.state.attempts({ channel: "a" }, 1)).toEqual([tried]);
    expect(await it.delivery.test("none", { id: "test/y", by: "user:ana" })).toBeNull();
  });

  it("is down for one message that is tried in vain for a quarter of an hour, though others get through", async () => {
    const it = await start();
    it.world.answer = (_, { id }) => (id === "INC-000001/1" ? DOWN : TAKEN);
    it.write(null, opened("Out", "p1"));
    for (let n = 2; n < 16; n++) {
      await it.pass(MINUTE_MS);
      it.write(null, opened("Out", `p${n}`));
    }
    expect(it.delivery.state("a")).toMatchObject({ isDown: false, waiting: 2, oldestAt: T0 });
    await it.pass(2 * MINUTE_MS);
    it.write(null, opened("Out", "p99"));
    await it.pass(1_000);
    expect(it.delivery.state("a")).toMatchObject({ isDown: true, waiting: 1 });
    expect(it.delivery.state("a").counts).toMatchObject({ delivered: 15, failed: 0 });
  });

  it("knows after a restart that a channel was failing", async () => {
    const it = await start();
    it.world.answer = () => DOWN;
    it.write(null, opened());
    await it.pass(5 * MINUTE_MS);
    await it.crash();
    expect(it.delivery.state("a")).toMatchObject({ waiting: 1, isDown: true, failure: { detail: "HTTP 503" } });
  });
});

type Step =
  | { readonly do: "open" | "recover" | "resolve"; readonly device: number }
  | { readonly do: "commit" | "full" | "crash" | "fail" | "work" }
  | { readonly do: "pass"; readonly seconds: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom("open", "recover", "resolve"), device: fc.nat(3) }),
  fc.record({ do: fc.constantFrom("commit", "full", "crash", "fail", "work") }),
  fc.record({ do: fc.constant("pass"), seconds: fc.integer({ min: 1, max: 40 }) }),
);

describe("whatever is killed in between", () => {
  it.each([
    { name: "a channel that takes all", policy: POLICY },
    { name: "one that may get few", policy: LIMITED },
    { name: "one that gets groups", policy: GROUPED },
    { name: "one that gets few groups", policy: { ...GROUPED, channels: LIMITED.channels } },
    { name: "one that gets groups of what begins", policy: HALF_GROUPED },
  ])(
    "what was committed reaches $name, the same each time and in the order of its incident; nothing else does",
    async ({ policy }) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          const it = await sampleNotifications(policy);
          try {
            const run = new Run(it);
            for (const one of steps) await run.take(one);
            it.world.answer = () => TAKEN;
            await it.pass(40 * MINUTE_MS);
            run.check();
          } finally {
            await it.close();
          }
        }),
        { numRuns: 25 },
      );
    },
  );
});

/** The same steps, and what must be true after them. */
class Run {
  readonly #it: Sample;
  readonly #incidents = new Map<number, Incident>();

  constructor(it: Sample) {
    this.#it = it;
  }

  async take(step: Step): Promise<void> {
    const it = this.#it;
    if (step.do === "commit") it.commit();
    else if (step.do === "full") it.commitInVain();
    else if (step.do === "pass") await it.pass(step.seconds * 1_000);
    else if (step.do === "fail") it.world.answer = () => DOWN;
    else if (step.do === "work") it.world.answer = () => TAKEN;
    else if (step.do === "crash") {
      await it.crash();
      this.#incidents.clear();
    } else if ("device" in step) this.#write(step.do, step.device);
  }

  #write(what: "open" | "recover" | "resolve", device: number): void {
    const { write } = this.#it;
    const incident = this.#incidents.get(device);
    if (what === "open") {
      if (incident === undefined) this.#incidents.set(device, write(null, opened("Out", `p${device}`)));
    } else if (incident !== undefined && incident.state === "new" && incident.recoveredAt === null) {
      const body =
        what === "recover" ? { type: "recovered", values: {} } : { type: "resolved", code: "cleaned", text: null };
      this.#incidents.set(device, write(incident, body as Parameters<typeof write>[1]));
    }
  }

  check(): void {
    const { arrived, state } = this.#it;
    const words = new Map<string, string>();
    const first: string[] = [];
    for (const { message } of arrived) {
      const text = JSON.stringify(message);
      if (!words.has(message.id)) first.push(...toldIn(message));
      expect(words.get(message.id) ?? text).toBe(text);
      words.set(message.id, text);
    }
    const ends = new Map<string, string[]>();
    for (const { message } of arrived) {
      if (message.group !== undefined) ends.set(message.group.id, [...(ends.get(message.group.id) ?? []), message.id]);
    }
    for (const { message } of arrived) {
      // A group that ended says nothing more.
      if (message.group?.isOver) expect(ends.get(message.group.id)?.at(-1)).toBe(message.id);
    }
    expect(state.notificationGroups().flatMap(({ members }) => members.filter(({ isOver }) => isOver))).toEqual([]);
    const ids = [...new Set(first.map((id) => id.split("/")[0] ?? ""))];
    for (const id of ids) expect(state.incident(id)).not.toBeNull();
    const kept = this.#committed();
    expect(first.toSorted()).toEqual(kept.toSorted());
    for (const id of ids) {
      const own = first.filter((one) => one.startsWith(`${id}/`)).map((one) => Number(one.split("/")[1]));
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
  }

  /** All that the logs on disk say should be told: everything here is. */
  #committed(): string[] {
    const all = Array.from({ length: 200 }, (_, n) => `INC-${String(n + 1).padStart(6, "0")}`);
    return all.flatMap((id) => this.#it.state.incidentEvents(id).map(({ seq }) => `${id}/${seq}`));
  }
}
