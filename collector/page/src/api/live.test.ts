import { beforeEach, describe, expect, it } from "vitest";
import type { Answer, Api } from "./client.ts";
import { SILENCE_MAX_MS } from "./connection.ts";
import { createLive, type Live } from "./live.ts";
import { sampleIncident } from "./sample-incident.ts";
import type { Incident, StreamEvent } from "./types.ts";

/** A collector and a clock in one's hand. */
class Bench {
  nowMs = 1_000_000;
  open: Incident[] = [];
  signedIn = true;
  reachable = true;
  /** Streams opened so far, and the one that is open. */
  streams = 0;
  stream: { onData: (data: string, id: string) => void; onError: () => void } | null = null;
  /** Where the last one that was opened was to go on. */
  after: string | null = null;
  /** How often the open incidents were asked for. */
  lists = 0;
  timers: { atMs: number; callback: () => void }[] = [];
  /** What the list goes on with, and what its second page waits for. */
  secondPage: Incident[] = [];
  pagesAfterFirst: Promise<void> = Promise.resolve();

  readonly live: Live = createLive({
    api: this.api(),
    openStream: (handlers, after) => {
      this.streams += 1;
      this.after = after;
      this.stream = handlers;
      return () => {
        if (this.stream === handlers) this.stream = null;
      };
    },
    now: () => this.nowMs,
    after: (delayMs, callback) => {
      const timer = { atMs: this.nowMs + delayMs, callback };
      this.timers.push(timer);
      return () => {
        this.timers = this.timers.filter((each) => each !== timer);
      };
    },
  });

  api(): Api {
    const refused = async <T>(): Promise<Answer<T>> => ({ ok: false, error: { kind: "missing", message: "" } });
    return {
      me: () => this.answer({ name: "anna", role: "operator" }),
      incidents: async ({ cursor }) => {
        this.lists += 1;
        if (cursor !== undefined) await this.pagesAfterFirst;
        const rest = this.secondPage.length > 0;
        if (cursor !== undefined) return this.answer({ items: this.secondPage, cursor: null, total: 2 });
        return this.answer({ items: this.open, cursor: rest ? "2" : null, total: this.open.length });
      },
      overview: refused,
      signIn: refused,
      signOut: refused,
      incident: refused,
      triage: refused,
      handOver: refused,
      act: refused,
      actOnMany: refused,
      sites: refused,
      devices: refused,
      device: refused,
      events: refused,
      series: refused,
      agents: refused,
      agent: refused,
      explain: refused,
      rules: refused,
      maintenance: refused,
      addMaintenance: refused,
      changeMaintenance: refused,
      endMaintenance: refused,
      people: refused,
      report: refused,
      channels: refused,
      notificationLog: refused,
      testChannel: refused,
      told: refused,
    };
  }

  async answer<T>(value: T): Promise<Answer<T>> {
    if (!this.reachable) return { ok: false, error: { kind: "offline", message: "unreachable" } };
    if (!this.signedIn) return { ok: false, error: { kind: "signed_out", message: "sign in" } };
    return { ok: true, value };
  }

  async start(): Promise<void> {
    this.live.start();
    await settle();
    await this.hello(false);
  }

  async hello(resumed: boolean): Promise<void> {
    await this.send({ type: "hello", now: this.nowMs, version: "1", resumed }, resumed ? "" : "p-0");
  }

  async send(event: StreamEvent, id = ""): Promise<void> {
    this.stream?.onData(JSON.stringify(event), id);
    await settle();
  }

  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (;;) {
      const next = this.timers.filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.nowMs = next.atMs;
      this.timers = this.timers.filter((timer) => timer !== next);
      next.callback();
      await settle();
    }
    this.nowMs = endMs;
  }

  get ids(): string[] {
    return [...this.live.get().incidents.entries.keys()].sort();
  }
}

/** Lets every promise that is due run. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

describe("the live store", () => {
  it("fetches the open incidents once the stream says hello", async () => {
    bench.open = [sampleIncident({ id: "A" })];
    await bench.start();
    expect(bench.ids).toEqual(["A"]);
    expect(bench.live.get()).toMatchObject({ synced: true, connection: { phase: "live" } });
  });

  it("shows the first page of a long list while the rest is on its way", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    bench.open = [sampleIncident({ id: "A" })];
    bench.secondPage = [sampleIncident({ id: "B" })];
    bench.pagesAfterFirst = promise;
    await bench.start();
    expect([bench.ids, bench.live.get().synced]).toEqual([["A"], false]);
    resolve();
    await settle();
    expect([bench.ids, bench.live.get().synced]).toEqual([["A", "B"], true]);
  });

  it("shows an incident that the stream brings, together with others of the same moment", async () => {
    await bench.start();
    let renders = 0;
    await bench.send({ type: "incident", incident: sampleIncident({ id: "A" }) });
    bench.live.subscribe(() => {
      renders += 1;
    });
    await bench.send({ type: "incident", incident: sampleIncident({ id: "B" }) });
    await bench.pass(100);
    expect(bench.ids).toEqual(["A", "B"]);
    expect(renders).toBe(1);
  });

  it("fetches again what is due when files were edited, though no incident changed", async () => {
    bench.open = [sampleIncident({ id: "A", due: null })];
    await bench.start();
    const due = { clock: "response", state: "running", dueAt: 5 } as const;
    bench.open = [sampleIncident({ id: "A", due })];
    await bench.send({ type: "rules", version: "2", refused: [] });
    expect(bench.live.get().incidents.entries.get("A")?.incident.due).toEqual(due);
  });

  it("counts a silent stream as lost, opens another and fetches again what it missed", async () => {
    bench.open = [sampleIncident({ id: "A" })];
    await bench.start();
    bench.open = [sampleIncident({ id: "B" })];
    await bench.pass(SILENCE_MAX_MS + 1);
    expect(bench.live.get().connection.phase).toBe("lost");
    await bench.pass(1_000);
    expect(bench.streams).toBe(2);
    await bench.hello(false);
    await bench.send({ type: "reset", why: "other_process" }, "q-0");
    expect(bench.ids).toEqual(["B"]);
    expect(bench.live.get().connection.phase).toBe("live");
  });

  it("goes on after the last event that arrived, and fetches nothing when nothing was missed", async () => {
    bench.open = [sampleIncident({ id: "A" })];
    await bench.start();
    await bench.send({ type: "incident", incident: sampleIncident({ id: "B" }) }, "p-7");
    bench.stream?.onError();
    await bench.pass(1_000);
    expect([bench.streams, bench.after, bench.lists]).toEqual([2, "p-7", 1]);
    await bench.hello(true);
    await bench.send({ type: "incident", incident: sampleIncident({ id: "C" }) }, "p-8");
    await bench.pass(100);
    expect([bench.ids, bench.lists]).toEqual([["A", "B", "C"], 1]);
  });

  it("fetches again when it was told that it missed something while connected", async () => {
    await bench.start();
    bench.open = [sampleIncident({ id: "A" })];
    await bench.send({ type: "reset", why: "too_slow" }, "p-9");
    expect([bench.ids, bench.lists]).toEqual([["A"], 2]);
  });

  it("fetches after all when the line broke before the first list had come", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    bench.secondPage = [sampleIncident({ id: "B" })];
    bench.pagesAfterFirst = promise;
    await bench.start();
    bench.reachable = false;
    resolve();
    await settle();
    expect(bench.live.get().synced).toBe(false);
    bench.reachable = true;
    await bench.pass(1_000);
    await bench.hello(true);
    expect([bench.live.get().synced, bench.ids]).toEqual([true, ["B"]]);
  });

  it("begins anew after signing out, whatever it had heard", async () => {
    await bench.start();
    bench.live.stop();
    bench.live.start();
    await settle();
    expect(bench.after).toBeNull();
  });

  it("stays live as long as beats come", async () => {
    await bench.start();
    for (let beat = 0; beat < 10; beat += 1) {
      await bench.pass(5_000);
      await bench.send({ type: "beat", now: bench.nowMs });
    }
    expect(bench.streams).toBe(1);
    expect(bench.live.get().connection.phase).toBe("live");
  });

  it("keeps the last view and tries on while the collector is away", async () => {
    bench.open = [sampleIncident({ id: "A" })];
    await bench.start();
    bench.reachable = false;
    bench.stream?.onError();
    await bench.pass(60_000);
    expect(bench.ids).toEqual(["A"]);
    expect(bench.live.get().connection).toMatchObject({ phase: "lost", lostAt: 1_000_000 });
    bench.reachable = true;
    await bench.pass(10_000);
    expect(bench.streams).toBe(2);
  });

  it("forgets everything and stops when the session is gone", async () => {
    bench.open = [sampleIncident({ id: "A" })];
    await bench.start();
    bench.signedIn = false;
    bench.stream?.onError();
    await bench.pass(60_000);
    expect(bench.live.get()).toMatchObject({ signedOut: true, me: null });
    expect(bench.ids).toEqual([]);
    expect(bench.timers).toEqual([]);
  });

  it("starts afresh after signing in again", async () => {
    bench.signedIn = false;
    bench.live.start();
    await settle();
    expect(bench.live.get().signedOut).toBe(true);
    bench.signedIn = true;
    await bench.start();
    expect(bench.live.get()).toMatchObject({ signedOut: false, synced: true });
  });

  it("tells the collector's clock from this machine's", async () => {
    await bench.start();
    await bench.send({ type: "beat", now: bench.nowMs + 90_000 });
    expect(bench.live.get().clockOffsetMs).toBe(90_000);
  });

  it.each(["", "{", "null", '{"type":"later"}', '{"type":"incident"}', '{"type":"incident","incident":{"id":7}}'])(
    "passes over %j on the stream",
    async (data) => {
      await bench.start();
      bench.stream?.onData(data, "");
      await bench.pass(100);
      expect(bench.ids).toEqual([]);
    },
  );
});
