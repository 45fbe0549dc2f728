import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ManualClock } from "@aislewatch/base";
import type { Lane, Reading } from "@aislewatch/contract";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Outbox, type OutboxOptions, openOutbox } from "./outbox.ts";
import { sampleReading } from "./sample-reading.ts";

const AT = 1_700_000_000_000;
const ALL = { batchesMax: 10_000, bytesMax: 1e9 };
const LANES = ["live", "history"] as const;
/** How often a file that failed is tried again. */
const MEND_MS = 10_000;

let folder = "";
let clock = new ManualClock();
let epochs = 0;
let told: string[] = [];
let exchanges = 0;
const open: Outbox[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "outbox-"));
  clock = new ManualClock();
  epochs = 0;
  told = [];
  exchanges = 0;
});
afterEach(() => {
  for (const outbox of open.splice(0)) outbox.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(over: Partial<OutboxOptions> = {}): Outbox {
  const outbox = openOutbox({
    folder,
    bytesMax: 10_000_000,
    ageMsMax: 7 * 86_400_000,
    clock,
    newEpoch: () => `epoch-${++epochs}`,
    onTrouble: () => told.push("trouble"),
    onMended: (moved) => told.push(`mended, ${moved} moved`),
    onSetAside: () => told.push("set aside"),
    onExchange: () => exchanges++,
    ...over,
  });
  open.push(outbox);
  return outbox;
}

const reading = (n: number, pad = 0): Reading => sampleReading(n, { at: AT, metrics: { up: true, load_1m: n }, pad });

const add = (outbox: Outbox, n: number, lane: Lane = "live"): unknown =>
  outbox.append([reading(n)], { lane, keep: false });

const db = () => join(folder, "outbox.db");

function onFile(sql: string): void {
  const file = new DatabaseSync(db());
  file.exec(sql);
  file.close();
}

/** From now on every write to the file fails, also that of who opens it anew, until `heal`. */
function wound(): void {
  onFile(`
    CREATE TRIGGER no_batch BEFORE INSERT ON batch BEGIN SELECT raise(ABORT, 'attempt to write a readonly database'); END;
    CREATE TRIGGER no_meta BEFORE INSERT ON meta BEGIN SELECT raise(ABORT, 'attempt to write a readonly database'); END;
  `);
}
const heal = (): void => onFile("DROP TRIGGER no_batch; DROP TRIGGER no_meta");

/** As the uplink does when its connection stands. */
function connect(outbox: Outbox): void {
  outbox.connecting();
  expect(outbox.connected()).toBe(true);
}

/** What a connection made now would send, oldest first. */
function devicesIn(outbox: Outbox): string[] {
  return LANES.flatMap((lane) =>
    outbox.unacked(lane, 0, ALL).flatMap(({ body }) => JSON.parse(`{${body}`).subjects as string[]),
  );
}

describe("an outbox whose file can't be had", () => {
  type Case = { name: string; block: () => void; clear: () => void; epochAfter: string };
  const cases: Case[] = [
    {
      name: "the data folder is none",
      block: () => {
        rmSync(folder, { recursive: true });
        writeFileSync(folder, "");
      },
      clear: () => {
        rmSync(folder);
        mkdirSync(folder);
      },
      epochAfter: "epoch-2",
    },
    {
      name: "the file is of a newer version",
      block: () => {
        start().close();
        onFile("PRAGMA user_version = 99");
      },
      clear: () => onFile("PRAGMA user_version = 2"),
      epochAfter: "epoch-1",
    },
    {
      name: "the disk takes no writes",
      block: () => {
        start().close();
        wound();
      },
      clear: heal,
      epochAfter: "epoch-1",
    },
  ];

  it.each(cases)(
    "begins in memory when $name, and moves into the file when that is over",
    ({ block, clear, epochAfter }) => {
      block();
      const outbox = start();
      expect([told, outbox.trouble?.since]).toEqual([["trouble"], clock.now()]);
      for (let n = 0; n < 5; n++) add(outbox, n, n < 3 ? "history" : "live");
      clear();
      clock.advance(MEND_MS);
      add(outbox, 5);
      expect([told, outbox.trouble]).toEqual([["trouble", "mended, 5 moved"], null]);
      outbox.close();
      const again = start();
      expect([again.epoch, again.lastSeq]).toEqual([epochAfter, { live: 3, history: 3 }]);
      expect(devicesIn(again)).toEqual(["d3", "d4", "d5", "d0", "d1", "d2"]);
    },
  );

  it.each([
    { name: "is a folder", damage: () => mkdirSync(db()), aside: true },
    { name: "was cut to nothing", damage: () => writeFileSync(db(), ""), aside: false },
    { name: "is no database", damage: () => writeFileSync(db(), "x".repeat(9_000)), aside: true },
  ])("begins a new file when outbox.db $name", ({ damage, aside }) => {
    damage();
    const outbox = start();
    add(outbox, 1);
    expect([outbox.trouble, told]).toEqual([null, aside ? ["set aside"] : []]);
    expect(readdirSync(folder).includes("outbox.corrupt-1")).toBe(aside);
  });
});

describe("an outbox whose file fails while it runs", () => {
  it("goes on from memory under an epoch of its own, once what was on its way is acked, and comes back to the file", () => {
    const outbox = start();
    add(outbox, 1);
    connect(outbox);
    outbox.markInFlight({ live: 1, history: 0 });
    wound();
    add(outbox, 2);
    add(outbox, 3);
    expect([outbox.epoch, devicesIn(outbox), exchanges, told]).toEqual(["epoch-1", ["d1"], 0, ["trouble"]]);
    expect(outbox.figures).toMatchObject({ batches: 3, oldestAt: AT + 1 });
    outbox.ack("epoch-1", { live: 1, history: 0 });
    expect(exchanges).toBe(1);
    connect(outbox);
    expect([outbox.epoch, devicesIn(outbox)]).toEqual(["epoch-2", ["d2", "d3"]]);
    heal();
    clock.advance(MEND_MS);
    add(outbox, 4);
    // The collector may have d2 and d3 already: they keep their names, and go first, for only the memory has them.
    expect([told.at(-1), devicesIn(outbox), exchanges]).toEqual(["mended, 0 moved", ["d2", "d3"], 1]);
    expect([outbox.trouble, outbox.inMemory?.detail]).toEqual([null, expect.stringContaining("goes first")]);
    outbox.ack("epoch-2", { live: 2, history: 0 });
    expect(exchanges).toBe(2);
    connect(outbox);
    expect([outbox.epoch, devicesIn(outbox), outbox.inMemory]).toEqual(["epoch-1", ["d4"], null]);
  });

  it("comes back to the file also when nothing more is appended", () => {
    const outbox = start();
    add(outbox, 1);
    connect(outbox);
    wound();
    add(outbox, 2);
    clock.advance(MEND_MS);
    outbox.tend();
    expect([exchanges, told]).toEqual([1, ["trouble"]]);
    connect(outbox);
    expect(outbox.ack("epoch-2", { live: 1, history: 0 })).toBe("taken");
    heal();
    outbox.tend();
    expect(told).toEqual(["trouble"]);
    clock.advance(MEND_MS);
    outbox.tend();
    connect(outbox);
    expect([exchanges, told, outbox.epoch]).toEqual([2, ["trouble", "mended, 0 moved"], "epoch-1"]);
    expect(devicesIn(outbox)).toEqual(["d1"]);
  });

  it("moves the memory into the file when that is well again, however often no connection came about meanwhile", () => {
    const outbox = start();
    wound();
    add(outbox, 1);
    for (let tries = 0; tries < 3; tries++) outbox.connecting();
    add(outbox, 2);
    heal();
    clock.advance(MEND_MS);
    outbox.tend();
    expect(told).toEqual(["trouble", "mended, 2 moved"]);
    // One that was begun for the memory, and stands now, is about nothing that there is.
    expect(outbox.connected()).toBe(false);
    connect(outbox);
    expect([outbox.epoch, devicesIn(outbox)]).toEqual(["epoch-1", ["d1", "d2"]]);
  });

  it("serves the memory after a moment when nobody acks what the file had on its way", () => {
    const outbox = start();
    add(outbox, 1);
    connect(outbox);
    wound();
    add(outbox, 2);
    clock.advance(9_000);
    add(outbox, 3);
    expect(exchanges).toBe(0);
    clock.advance(1_000);
    add(outbox, 4);
    expect(exchanges).toBe(1);
  });

  it("says once what is wrong, however often it tries", () => {
    const outbox = start();
    wound();
    for (let n = 0; n < 10; n++) {
      add(outbox, n);
      clock.advance(MEND_MS);
    }
    expect(told).toEqual(["trouble"]);
  });

  it("drops the oldest in memory when that is full, and reports exactly what", () => {
    const outbox = start({ memoryBytesMax: 50_000 });
    wound();
    for (let n = 0; n < 200; n++) outbox.append([reading(n, 400)], { lane: "live", keep: false });
    expect(outbox.figures.bytes).toBeLessThanOrEqual(50_000);
    connect(outbox);
    const bodies = outbox.unacked("live", 0, ALL).map(({ body }) => JSON.parse(`{${body}`));
    const [{ dropped }] = bodies;
    expect(dropped[0].samples / 2 + bodies.length - 1).toBe(200);
    expect(outbox.droppedSamples).toBe(dropped[0].samples);
  });

  it("tells at its end how many samples only the memory held", () => {
    const outbox = start();
    add(outbox, 1);
    wound();
    add(outbox, 2);
    add(outbox, 3);
    connect(outbox);
    expect(outbox.close()).toBe(4);
  });

  it("saves at its end what nobody has heard of, when the file takes it again", () => {
    const outbox = start();
    wound();
    add(outbox, 1);
    heal();
    expect(outbox.close()).toBe(0);
    expect(devicesIn(start())).toEqual(["d1"]);
  });

  it("makes room on a full disk, but not before half of the memory is used", () => {
    const outbox = start({ fileBytesMax: 150_000, memoryBytesMax: 60_000 });
    let n = 0;
    const fill = (): unknown => outbox.append([reading(n++, 400)], { lane: "history", keep: false });
    while (outbox.trouble === null && n < 1_000) fill();
    expect(outbox.trouble?.detail).toMatch(/full/);
    clock.advance(MEND_MS);
    fill();
    expect([outbox.trouble === null, outbox.droppedSamples]).toEqual([false, 0]);
    while (outbox.droppedSamples === 0 && n < 2_000) {
      clock.advance(MEND_MS / 20);
      fill();
    }
    for (let more = 0; more < 400 && outbox.trouble !== null; more++) {
      clock.advance(MEND_MS);
      fill();
    }
    expect([outbox.trouble, told.at(-1)]).toEqual([null, expect.stringMatching(/^mended, \d+ moved$/)]);
    const bodies = outbox.unacked("history", 0, ALL).map(({ body }) => JSON.parse(`{${body}`));
    const lost = bodies.reduce((sum, { dropped }) => sum + (dropped?.[0].samples ?? 0), 0);
    expect(lost + bodies.filter(({ tables }) => tables.length > 0).length * 2).toBe(n * 2);
  });

  it.each([
    { name: "is written", use: (outbox: Outbox) => void add(outbox, 999) },
    { name: "is read", use: (outbox: Outbox) => void devicesIn(outbox) },
    { name: "is acked", use: (outbox: Outbox) => void outbox.ack("epoch-1", { live: 60, history: 0 }) },
  ])("sets a file aside that was damaged under it, when it $name, and goes on in a new one", ({ use }) => {
    const outbox = start();
    for (let n = 0; n < 60; n++) outbox.append([reading(n, 400)], { lane: "live", keep: false });
    connect(outbox);
    damage(4_096);
    use(outbox);
    for (let n = 100; n < 103; n++) add(outbox, n);
    expect(told).toEqual(["set aside"]);
    expect(exchanges).toBeGreaterThan(0);
    connect(outbox);
    // The process knew the epoch and how far it was, so that not even the page matters on which they stood.
    expect(outbox.epoch).toBe("epoch-1");
    expect(devicesIn(outbox)).toEqual(expect.arrayContaining(["d100", "d101", "d102"]));
  });

  it.each([
    { name: "was deleted", lose: () => rmSync(db()) },
    { name: "was replaced by another", lose: () => [rmSync(db()), writeFileSync(db(), "another")] },
    { name: "was deleted while nobody answers", lose: () => rmSync(db()), isOffline: true },
  ])("begins a file anew that $name under it, with all that was in it", ({ lose, isOffline = false }) => {
    const outbox = start({ onGone: ({ epoch }) => told.push(`gone: ${epoch}`) });
    for (let n = 0; n < 60; n++) outbox.append([reading(n, 400)], { lane: "live", keep: false });
    connect(outbox);
    outbox.ack("epoch-1", { live: 7, history: 0 });
    outbox.tend();
    expect([told, exchanges]).toEqual([[], 0]);
    lose();
    clock.advance(10_000);
    if (!isOffline) outbox.tend();
    add(outbox, 100);
    expect([told, exchanges]).toEqual([["gone: epoch-1"], 1]);
    connect(outbox);
    expect([outbox.epoch, outbox.lastSeq.live, outbox.lanes.live.first]).toEqual(["epoch-1", 61, 8]);
    outbox.close();
    expect(devicesIn(start())).toHaveLength(54);
  });

  it("sends nothing of a new file on a connection that was about the old one", () => {
    const outbox = start();
    for (let n = 0; n < 60; n++) outbox.append([reading(n, 400)], { lane: "live", keep: false });
    connect(outbox);
    damage(4_096);
    add(outbox, 100);
    expect([devicesIn(outbox), outbox.ack("epoch-1", { live: 5, history: 0 })]).toEqual([[], "stranger"]);
  });

  /**
   * A collector that takes each (epoch, lane, seq) once, and an uplink that connects, sends, loses its connection and is
   * told to connect anew; the disk fails and heals in between. In the end every reading has arrived once.
   */
  it("loses nothing and doubles nothing, however the disk and the line come and go", () => {
    const action = fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom("live", "history") },
      { weight: 3, arbitrary: fc.constantFrom("send", "ack") },
      { weight: 2, arbitrary: fc.constantFrom("call", "connect", "cut", "wait", "mend time") },
      { weight: 1, arbitrary: fc.constantFrom("wound", "heal") },
    );
    fc.assert(
      fc.property(fc.array(action, { minLength: 20, maxLength: 150 }), (actions) => {
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder);
        const line = new Line(start({ onExchange: () => line.cut() }));
        let wounded = false;
        let n = 0;
        const act: Record<string, () => void> = {
          live: () => void add(line.outbox, n++, "live"),
          history: () => void add(line.outbox, n++, "history"),
          send: () => line.send(),
          ack: () => line.ack(),
          call: () => line.call(),
          connect: () => line.connect(),
          cut: () => line.cut(),
          wait: () => clock.advance(1_000),
          "mend time": () => clock.advance(MEND_MS),
          wound: () => {
            if (!wounded) wound();
            wounded = true;
          },
          heal: () => {
            if (wounded) heal();
            wounded = false;
          },
        };
        for (const name of actions) act[name]?.();
        act["heal"]?.();
        for (let round = 0; round < 6; round++) {
          clock.advance(MEND_MS);
          add(line.outbox, n++);
          line.connect();
          line.send();
          line.ack();
        }
        expect(line.arrived.toSorted((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, k) => k));
        for (const outbox of open.splice(0)) outbox.close();
      }),
      { numRuns: 60 },
    );
  });
});

/** Uplink and collector in one. */
class Line {
  readonly outbox: Outbox;
  readonly arrived: number[] = [];
  readonly #seen = new Map<string, Record<Lane, number>>();
  #sent: Record<Lane, number> | null = null;
  #isCalling = false;

  constructor(outbox: Outbox) {
    this.outbox = outbox;
  }

  /** Begins a connection, of which nothing may come. */
  call(): void {
    if (this.#sent !== null) return;
    this.outbox.connecting();
    this.#isCalling = true;
  }

  connect(): void {
    if (this.#sent !== null) return;
    if (!this.#isCalling) this.outbox.connecting();
    this.#isCalling = false;
    // Not about what it was begun for any more: anew.
    if (!this.outbox.connected()) connect(this.outbox);
    this.#sent = { ...this.outbox.acked };
    if (!this.outbox.isGreeted) this.ack();
  }

  cut(): void {
    this.#sent = null;
  }

  send(): void {
    const { epoch } = this.outbox;
    for (const lane of LANES) {
      if (this.#sent === null) return;
      for (const { seq, body } of this.outbox.unacked(lane, this.#sent[lane], ALL)) {
        this.#sent[lane] = seq;
        this.#take({ epoch, lane, seq }, body);
      }
    }
    if (this.#sent !== null) this.outbox.markInFlight(this.#sent);
  }

  ack(): void {
    if (this.#sent !== null) this.outbox.ack(this.outbox.epoch, { ...this.#of(this.outbox.epoch) });
  }

  #of(epoch: string): Record<Lane, number> {
    const seen = this.#seen.get(epoch) ?? { live: 0, history: 0 };
    this.#seen.set(epoch, seen);
    return seen;
  }

  #take({ epoch, lane, seq }: { epoch: string; lane: Lane; seq: number }, body: string): void {
    const seen = this.#of(epoch);
    if (seq <= seen[lane]) return;
    expect(seq).toBe(seen[lane] + 1);
    seen[lane] = seq;
    for (const device of JSON.parse(`{${body}`).subjects as string[]) this.arrived.push(Number(device.slice(1)));
  }
}

/** Time passes whenever it is looked at, as where a step takes long. */
class SlowClock extends ManualClock {
  perLookMs = 0;
  override monotonic(): number {
    this.#shift += this.perLookMs;
    return super.monotonic() + this.#shift;
  }
  #shift = 0;
}

describe("a damaged file that takes long to save", () => {
  const ROWS = 1_600;
  let slow = new SlowClock();

  /** With pages in the middle that can't be read. */
  function damaged(): void {
    const outbox = start();
    for (let n = 0; n < ROWS; n++) outbox.append([reading(n, 200)], { lane: "live", keep: false });
    for (const each of open.splice(0)) each.close();
    const bytes = readFileSync(db());
    bytes.fill("x", Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 20 * 1_024);
    writeFileSync(db(), bytes);
    slow = new SlowClock();
    slow.perLookMs = 1_000;
    told = [];
  }

  /** Lets time pass until the file is there; how many steps that took. */
  function untilMended(outbox: Outbox, read: (step: number) => void): number {
    for (let step = 0; step < 1_000; step++) {
      if (outbox.trouble === null) return step;
      read(step);
      slow.advance(10);
    }
    throw new Error("it is saved for ever");
  }

  it("is saved a step at a time, and what is read meanwhile goes to memory and then behind it", () => {
    damaged();
    const outbox = start({ clock: slow });
    expect(outbox.inMemory?.detail).toMatch(/being saved/);
    slow.perLookMs = 0;
    let n = ROWS;
    const steps = untilMended(outbox, () => void add(outbox, n++));
    expect(steps).toBeGreaterThan(4);
    expect(told).toEqual(["trouble", "set aside", `mended, ${steps} moved`]);
    connect(outbox);
    expect(outbox.epoch).toBe("epoch-1");
    const devices = devicesIn(outbox).filter((device) => device !== undefined);
    expect(devices.slice(-steps)).toEqual(Array.from({ length: steps }, (_, i) => `d${ROWS + i}`));
    expect(devices.length).toBeGreaterThan(ROWS * 0.9);
    expect(outbox.lanes.live.last).toBe(ROWS + steps);
  });

  it("is begun anew at the next start by an agent that ends meanwhile, and nothing of it is lost", () => {
    damaged();
    const ended = start({ clock: slow });
    slow.perLookMs = 0;
    slow.advance(10);
    for (const each of open.splice(0)) each.close();
    expect(ended.trouble).toBeNull();
    slow.advance(60_000);
    expect(readdirSync(folder).filter((name) => /saved|corrupt/.test(name))).toEqual([]);
    const outbox = start();
    connect(outbox);
    expect([outbox.epoch, outbox.lanes.live.last]).toEqual(["epoch-1", ROWS]);
    expect(devicesIn(outbox).length).toBeGreaterThan(ROWS * 0.9);
  });

  it("that was deleted is saved in the same way, from what is still open", () => {
    slow = new SlowClock();
    const outbox = start({ clock: slow });
    for (let n = 0; n < ROWS; n++) outbox.append([reading(n, 200)], { lane: "live", keep: false });
    for (const name of readdirSync(folder)) if (name.startsWith("outbox.db")) rmSync(join(folder, name));
    slow.perLookMs = 1_000;
    outbox.tend();
    slow.perLookMs = 0;
    expect(outbox.inMemory?.detail).toMatch(/being saved/);
    let n = ROWS;
    const steps = untilMended(outbox, () => void add(outbox, n++));
    expect(steps).toBeGreaterThan(4);
    connect(outbox);
    expect(outbox.epoch).toBe("epoch-1");
    expect(devicesIn(outbox)).toEqual(Array.from({ length: ROWS + steps }, (_, i) => `d${i}`));
  });
});

describe("a power cut", () => {
  /** What the disk holds when the power goes after so many bytes of the log. */
  function diskAfter(walBytes: number): string {
    const cut = mkdtempSync(join(tmpdir(), "outbox-cut-"));
    copyFileSync(db(), join(cut, "outbox.db"));
    copyFileSync(`${db()}-wal`, join(cut, "outbox.db-wal"));
    truncateSync(join(cut, "outbox.db-wal"), walBytes);
    return cut;
  }

  it("at any byte of the log leaves every append that had returned, whole, and no half of the next", () => {
    const outbox = start();
    const sizes = Array.from({ length: 40 }, (_, n) => {
      outbox.append([reading(n, (n * 37) % 500)], { lane: n % 3 === 0 ? "history" : "live", keep: n % 5 === 0 });
      return statSync(`${db()}-wal`).size;
    });
    const last = sizes.at(-1) ?? 0;
    fc.assert(
      fc.property(fc.integer({ min: sizes[0] ?? 0, max: last }), (walBytes) => {
        const cut = diskAfter(walBytes);
        const after = openOutbox({ folder: cut, bytesMax: 1e7, ageMsMax: 1e9, clock, newEpoch: () => "other" });
        const { live, history } = after.lastSeq;
        expect([after.epoch, live + history]).toEqual(["epoch-1", sizes.filter((size) => size <= walBytes).length]);
        expect(devicesIn(after)).toHaveLength(live + history);
        after.close();
        rmSync(cut, { recursive: true, force: true });
      }),
      { numRuns: 60 },
    );
  });

  it("and bits that turned in the log cost what stands behind them, never the start", () => {
    const outbox = start();
    for (let n = 0; n < 40; n++) add(outbox, n);
    const walBytes = statSync(`${db()}-wal`).size;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: walBytes - 1 }), (at) => {
        const cut = diskAfter(walBytes);
        overwrite(join(cut, "outbox.db-wal"), at, Buffer.from([0xa5, 0x5a, 0xa5]));
        const after = openOutbox({ folder: cut, bytesMax: 1e7, ageMsMax: 1e9, clock, newEpoch: () => "other" });
        expect(after.trouble).toBeNull();
        expect(after.append([reading(99)], { lane: "live", keep: false })).toEqual({ batches: 1 });
        after.close();
        rmSync(cut, { recursive: true, force: true });
      }),
      { numRuns: 40 },
    );
  });
});

/** Garbage in all pages behind the first, which says that this is a database; another's write empties our page cache. */
function damage(from: number): void {
  onFile("UPDATE meta SET value = 0 WHERE key = 'clean'; PRAGMA wal_checkpoint(TRUNCATE)");
  overwrite(db(), from, Buffer.alloc(statSync(db()).size - from, 0x55));
}

function overwrite(path: string, at: number, bytes: Buffer): void {
  const file = openSync(path, "r+");
  writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}
