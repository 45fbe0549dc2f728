import { err, ManualClock, ok, type Result } from "@aislewatch/base";
import type { Reading } from "@aislewatch/contract";
import { type Log, silentLog } from "@aislewatch/runtime";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Device } from "./config.ts";
import { defineDriver, type Parsed, type PollContext, type PollError } from "./drivers/driver.ts";
import { Poller } from "./poller.ts";

type Poll = (context: PollContext, clock: ManualClock) => Promise<Result<Parsed, PollError>>;

const answer = (over: Partial<Parsed> = {}): Parsed => ({
  samples: [{ component: null, metrics: { media_out: false } }],
  ...over,
});

/** A poller over fake devices, and a clock that moves while promises settle. */
function setUp(polls: Record<string, Poll>, over: Partial<Device> = {}, log: Log = silentLog) {
  const speakers = new Set<() => void>();
  const clock = new ManualClock();
  const readings: Reading[] = [];
  const closed: string[] = [];
  let inventories = 0;
  const devices = Object.entries(polls).map(([id, poll]): Device => {
    const driver = defineDriver({
      name: "fake",
      title: "A fake device",
      config: z.strictObject({}),
      lineKey: () => id,
      address: () => `fake://${id}`,
      open: () => ({
        poll: (context: PollContext) => poll(context, clock),
        parse: (reply: Parsed) => (reply.asset?.model === "nonsense" ? err({ detail: "no frame" }) : ok(reply)),
        metrics: () => ["media_out"],
        profile: () => null,
        watch(speakUp) {
          speakers.add(speakUp);
          return () => speakers.delete(speakUp);
        },
        close: async () => void closed.push(id),
      }),
    });
    return {
      id,
      kind: "label_printer",
      driver,
      driverConfig: {},
      lineKey: id,
      intervalMs: 10_000,
      timeoutMs: 5_000,
      labels: {},
      dependsOn: [],
      secret: () => "",
      fingerprint: id,
      ...over,
    };
  });
  const poller = new Poller({
    devices,
    clock,
    random: () => 0,
    log,
    onReading: (reading) => readings.push(reading),
    onInventory: () => inventories++,
  });
  const advance = async (ms: number): Promise<void> => {
    await new Promise(setImmediate);
    for (let passed = 0; passed < ms; passed += 100) {
      clock.advance(100);
      await new Promise(setImmediate);
    }
  };
  return { poller, devices, clock, readings, closed, advance, speakers, inventories: () => inventories };
}

const metricsOf = (reading: Reading | undefined) => reading?.samples[0]?.metrics;

describe("Poller", () => {
  describe("with another set of devices", () => {
    const deviceOf = (poller: ReturnType<typeof setUp>, id: string) => {
      const found = poller.devices.find((one) => one.id === id);
      if (found === undefined) throw new Error(`no device ${id}`);
      return found;
    };

    it("goes on with those that are the same, ends those that went, and begins those that came", async () => {
      const set = setUp({ a: async () => ok(answer()), b: async () => ok(answer()), c: async () => ok(answer()) });
      const { poller, readings, advance, closed } = set;
      poller.start();
      await advance(5_000);
      const before = readings.filter(({ device }) => device === "a").length;
      const fresh = { ...deviceOf(set, "c"), id: "d", fingerprint: "d" };
      const changed = { ...deviceOf(set, "b"), fingerprint: "b2", intervalMs: 1_000 };
      const changes = await poller.reconfigure([deviceOf(set, "a"), changed, fresh]);
      expect(changes).toEqual({ added: 1, removed: 1, changed: 1, unchanged: 1 });
      expect(closed.toSorted()).toEqual(["b", "c"]);
      expect(poller.inventory().devices.map(({ id }) => id)).toEqual(["a", "b", "d"]);
      readings.splice(0);
      await advance(10_000);
      const count = (id: string) => readings.filter(({ device }) => device === id).length;
      expect([before, count("a"), count("c")]).toEqual([1, 1, 0]);
      expect(count("b")).toBeGreaterThan(5);
      expect(count("d")).toBeGreaterThan(0);
      await poller.stop();
    });

    it("ends a poll of a device that went, without a word of it, before its line is used again", async () => {
      let isEnded = false;
      const set = setUp({
        a: ({ signal }) =>
          new Promise((done) => {
            signal.addEventListener("abort", () => {
              isEnded = true;
              done(ok(answer()));
            });
          }),
      });
      const { poller, readings, advance, closed } = set;
      poller.start();
      await advance(3_000);
      await poller.reconfigure([]);
      expect([isEnded, closed, readings]).toEqual([true, ["a"], []]);
      await poller.stop();
    });
  });

  it("polls at once when it is asked, and tells how a poll ended that began after", async () => {
    const { poller, readings, advance } = setUp({ a: async () => ok(answer()) }, { intervalMs: 3_600_000 });
    poller.start();
    await advance(5_000);
    const probed = poller.probe("a");
    await advance(2_000);
    expect(await probed).toEqual({ failure: null, samples: 1, tookMs: 0 });
    expect(readings).toHaveLength(2);
    expect(poller.probe("none")).toBeNull();
    await poller.stop();
  });

  it("polls a device at once when its driver hears of a change, and listens no longer than it polls", async () => {
    const { poller, readings, advance, speakers } = setUp({ a: async () => ok(answer()) }, { intervalMs: 3_600_000 });
    expect(speakers.size).toBe(0);
    poller.start();
    await advance(5_000);
    expect([readings.length, speakers.size]).toEqual([1, 1]);
    for (const speakUp of speakers) speakUp();
    await advance(100);
    expect(readings).toHaveLength(2);
    await poller.stop();
    expect(speakers.size).toBe(0);
  });

  it("polls each device at its interval and stamps what it says", async () => {
    const { poller, clock, readings, advance } = setUp({ a: async () => ok(answer()) });
    poller.start();
    await advance(20_000);
    expect(readings).toHaveLength(3);
    expect(readings[0]).toEqual({
      device: "a",
      at: clock.now() - 20_000,
      samples: [
        { component: null, metrics: { up: true, poll_duration_seconds: 0, polls_skipped_total: 0, media_out: false } },
      ],
    });
    await poller.stop();
  });

  it.each([
    {
      name: "an answer that makes no sense",
      poll: async () => ok(answer({ asset: { model: "nonsense" } })),
      kind: "protocol",
      up: false,
    },
    {
      name: "a failed poll",
      poll: async () => err({ kind: "refused", detail: "no", hint: "try" } as const),
      kind: "refused",
      up: false,
    },
    {
      name: "a line in other hands",
      poll: async () => err({ kind: "busy", detail: "no" } as const),
      kind: "busy",
      up: undefined,
    },
    { name: "a bug in a driver", poll: async () => Promise.reject(new Error("bug")), kind: "protocol", up: false },
  ] satisfies { name: string; poll: Poll; kind: string; up: boolean | undefined }[])(
    "makes $name a reading of kind $kind",
    async ({ poll, kind, up }) => {
      const { poller, readings, advance } = setUp({ a: poll });
      poller.start();
      await advance(100);
      expect(readings[0]?.failure?.kind).toBe(kind);
      expect(metricsOf(readings[0])?.["up"]).toBe(up);
      await poller.stop();
    },
  );

  it("ends a poll at its deadline by its signal", async () => {
    const { poller, readings, advance } = setUp({
      a: ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => resolve(err({ kind: "timeout", detail: "no answer" })));
        }),
    });
    poller.start();
    await advance(4_900);
    expect(readings).toEqual([]);
    await advance(200);
    expect(readings[0]).toMatchObject({ failure: { kind: "timeout", detail: "no answer" } });
    expect(metricsOf(readings[0])?.["poll_duration_seconds"]).toBeCloseTo(5, 0);
    await poller.stop();
  });

  it("goes on without a driver that ignores its deadline, and says whose bug it is", async () => {
    const events: string[] = [];
    const log: Log = { emit: (event) => void events.push(event.name) };
    const { poller, readings, advance } = setUp(
      { a: () => new Promise(() => {}), b: async () => ok(answer()) },
      {},
      log,
    );
    poller.start();
    await advance(6_000);
    expect(readings.map(({ device, failure }) => [device, failure?.kind])).toEqual([
      ["b", undefined],
      ["a", "timeout"],
    ]);
    expect(events).toContain("poll_overran");
    await advance(6_000);
    expect(readings.filter(({ device }) => device === "b")).toHaveLength(2);
    const stopped = poller.stop();
    await advance(1_000);
    await stopped;
  });

  it("counts the turns that a slow device skipped", async () => {
    const { poller, advance } = setUp(
      {
        a: (_, clock) => new Promise((resolve) => clock.after(4_500, () => resolve(ok(answer())))),
      },
      { intervalMs: 1_000 },
    );
    poller.start();
    await advance(9_500);
    expect(poller.states[0]?.health).toMatchObject({ polls: 2, skippedTurns: 3 });
    const stopped = poller.stop();
    await advance(600);
    await stopped;
  });

  it("tells when a device is heard, when an asset or a component becomes known, and keeps what it knew", async () => {
    let polls = 0;
    const replies = [
      answer(),
      answer({ asset: { model: "ZD421" }, samples: [{ component: "tray-1", metrics: { tray_empty: false } }] }),
      answer({ asset: { model: "ZD421" } }),
      answer({ asset: { serial: "D8J0042" } }),
    ];
    const { poller, advance, inventories } = setUp({ a: async () => ok(replies[polls++] ?? answer()) });
    const { revision: before, devices } = poller.inventory();
    expect(devices[0]?.unheard).toBe(true);
    poller.start();
    await advance(50_000);
    expect(inventories()).toBe(3);
    expect(poller.inventory().devices[0]?.unheard).toBeUndefined();
    expect(poller.inventory()).toMatchObject({
      revision: before + 3,
      devices: [
        {
          id: "a",
          kind: "label_printer",
          driver: "fake",
          address: "fake://a",
          intervalMs: 10_000,
          asset: { model: "ZD421", serial: "D8J0042" },
          components: ["tray-1"],
          metrics: ["up", "poll_duration_seconds", "polls_skipped_total", "media_out"],
        },
      ],
    });
    await poller.stop();
  });

  it("stops at once, reports nothing of what it cut short, and leaves no timer", async () => {
    const { poller, clock, readings, closed, advance } = setUp({
      a: ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => resolve(err({ kind: "timeout", detail: "" })));
        }),
    });
    poller.start();
    await advance(100);
    await poller.stop();
    clock.advance(600);
    expect([readings, closed, clock.pending]).toEqual([[], ["a"], 0]);
  });

  it("polls a device that spoke up at once, with what it said, and once more however often it speaks", async () => {
    const { poller, readings, advance } = setUp({ "lane-1/ups": async () => ok(answer()) });
    poller.start();
    await advance(3_000);
    expect(readings).toHaveLength(1);
    const event = (n: number) => ({ component: null, code: "on_battery", detail: `trap ${n}` });
    const taken = Array.from({ length: 10_000 }, (_, n) => poller.pollNow("lane-1/ups", [event(n)]));
    await advance(200);
    expect([readings.length, taken.filter(Boolean).length, poller.pollNow("nobody")]).toEqual([2, 64, false]);
    expect(readings[1]?.events).toEqual(Array.from({ length: 64 }, (_, n) => event(n)));
    await advance(1_000);
    expect(readings).toHaveLength(2);
    // Once more, for it spoke while that poll was under way; then on its grid again.
    await advance(2_000);
    expect([readings.length, readings[2]?.events]).toEqual([3, undefined]);
    await advance(4_000);
    expect(readings).toHaveLength(4);
    await poller.stop();
  });

  it("tells whose word a verdict is when that changes, and keeps it over a poll that failed", async () => {
    const said = (by: string[]) =>
      ok(
        answer({
          samples: [{ component: null, metrics: { media_out: by.length > 0 } }],
          evidence: by.length > 0 ? [{ component: null, metric: "media_out", by, against: [] }] : [],
        }),
      );
    const replies = [said([]), said(["error bits"]), err({ kind: "timeout", detail: "" } as const)];
    const later = [said(["error bits"]), said(["error bits", "alert table"]), said([])];
    const left = [...replies, ...later];
    const { poller, readings, advance } = setUp({ a: async () => left.shift() ?? said([]) });
    poller.start();
    await advance(90_000);
    await poller.stop();
    expect(readings.flatMap(({ events }, n) => (events ?? []).map(({ code, detail }) => [n, code, detail]))).toEqual([
      [1, "verdict", "media_out: said by error bits"],
      [4, "verdict", "media_out: said by error bits, alert table"],
      [5, "verdict_cleared", "media_out: said by nobody any more; it was error bits, alert table"],
    ]);
  });

  it("lets go of the signal of each poll that is over", async () => {
    const signals: AbortSignal[] = [];
    const { poller, advance } = setUp({
      a: async ({ signal }) => {
        signals.push(signal);
        return ok(answer());
      },
    });
    poller.start();
    await advance(20_000);
    await poller.stop();
    expect(new Set(signals).size).toBe(3);
    expect(signals.some(({ aborted }) => aborted)).toBe(false);
  });

  it("tells what a device said though it does not answer, and what it said as the agent stops", async () => {
    const { poller, readings, advance } = setUp({
      "lane-1/ups": async () => err({ kind: "timeout", detail: "no answer" }),
    });
    const event = { component: null, code: "battery_low", detail: "a trap" };
    poller.start();
    poller.pollNow("lane-1/ups", [event]);
    await advance(500);
    expect(readings).toMatchObject([{ failure: { kind: "timeout" }, events: [event] }]);
    poller.pollNow("lane-1/ups", [event]);
    const stopped = poller.stop();
    await advance(2_000);
    await stopped;
    expect(readings[1]).toMatchObject({ samples: [], events: [event] });
    expect(poller.pollNow("lane-1/ups", [event])).toBe(false);
  });
});
