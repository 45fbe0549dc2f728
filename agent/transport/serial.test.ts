/** The serial process for real: killed, stopped, and hanging in a port's open, with other ports in use. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realClock } from "@aislewatch/runtime";
import { afterEach, describe, expect, it } from "vitest";
import { hangingOpen } from "../../test/rig/hanging-open.ts";
import type { Exchange, Line } from "./line.ts";
import { type SerialAddress, type SerialPorts, serialPorts } from "./serial.ts";
import { forkSerialProcess, SerialHost, type SerialProcess } from "./serial-host.ts";
import type { Order, Report } from "./serial-wire.ts";

const has = (command: string, flag: string): boolean => spawnSync(command, [flag]).error === undefined;
const hasSocat = has("socat", "-V");
if (!hasSocat && process.env["CI"]) throw new Error("socat is missing: apt-get install socat");
if (!hasSocat) process.stderr.write("serial.test.ts: skipped, socat is not installed\n");
const hasCompiler = has("gcc", "--version");

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "serial-"));
  stops.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A device behind a pty: what it does with what comes is a shell command. */
async function startDevice(
  command: string,
  path = join(folder(), "tty"),
): Promise<{ path: string; socat: ChildProcess }> {
  const socat = spawn("socat", [`PTY,link=${path},raw,echo=0`, `SYSTEM:${command}`], { stdio: "ignore" });
  stops.push(() => socat.kill("SIGKILL"));
  await expect.poll(() => existsSync(path)).toBe(true);
  return { path, socat };
}

const address = (path: string): SerialAddress => ({
  path,
  baudRate: 9600,
  parity: "none",
  dataBits: 8,
  stopBits: 1,
  flow: "none",
});
const asking = (request: string, timeoutMs = 10_000): Exchange => ({
  request: Buffer.from(request),
  isComplete: (bytes) => Buffer.from(bytes).includes("\n"),
  timeoutMs,
  replyBytesMax: 4_096,
});
const ECHO = "cat";
/** Answers after a while: time to do something to the process that waits for it. */
const SLOW_ECHO = "while read -r line; do sleep 1; echo $line; done";

function ports(): SerialPorts {
  const made = serialPorts(realClock, Math.random);
  stops.push(() => made.stop());
  return made;
}

async function open(from: SerialPorts, path: string, timeoutMs = 5_000): Promise<Line> {
  const opened = await from.openLine(address(path))(AbortSignal.timeout(20_000), timeoutMs);
  if (!opened.ok) throw new Error(opened.error.detail);
  stops.push(() => opened.value.close());
  return opened.value;
}

async function say(line: Line, text: string): Promise<string> {
  const said = await line.exchange(asking(text), AbortSignal.timeout(20_000));
  return said.ok ? Buffer.from(said.value).toString().trim() : `${said.error.kind}: ${said.error.detail}`;
}

const isRunning = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
};

describe.runIf(hasSocat)("serial ports in a process of their own", () => {
  it("starts no process before a port is opened, and ends it when it is told to", async () => {
    const { path } = await startDevice(ECHO);
    const serial = ports();
    expect(serial.pid()).toBeNull();
    expect(await say(await open(serial, path), "hello\n")).toBe("hello");
    const pid = serial.pid() ?? 0;
    expect(isRunning(pid)).toBe(true);
    await serial.stop();
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  it("tells what came when nobody had asked: it may be half of a card's number", async () => {
    const go = join(folder(), "go");
    const { path } = await startDevice(
      `head -c 2; while [ ! -e ${go} ]; do sleep 0.02; done; printf 49297318; sleep 60`,
    );
    const line = await open(ports(), path);
    expect(await say(line, "a\n")).toBe("a");
    writeFileSync(go, "");
    let came = "";
    const allThatCame = (): string => {
      came += Buffer.from(line.leftOver()).toString();
      return came;
    };
    await expect.poll(allThatCame).toBe("49297318");
  });

  it.each([
    { name: "is killed", signal: "SIGKILL" },
    { name: "hangs", signal: "SIGSTOP" },
  ] as const)("asks again in a new process when the first $name, and leaves none behind", async ({ signal }) => {
    const devices = [await startDevice(SLOW_ECHO), await startDevice(SLOW_ECHO)];
    const serial = ports();
    const lines = [await open(serial, devices[0]?.path ?? ""), await open(serial, devices[1]?.path ?? "")];
    const pid = serial.pid() ?? 0;
    const said = Promise.all(lines.map((line, n) => say(line, `question ${n}\n`)));
    process.kill(pid, signal);
    expect(await said).toEqual(["question 0", "question 1"]);
    expect(serial.pid()).not.toBe(pid);
    await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);
  });

  it("gives a port up whose process is lost again while nobody else was asked", async () => {
    const { path } = await startDevice(SLOW_ECHO);
    const serial = ports();
    const line = await open(serial, path);
    const losses: string[] = [];
    serial.watch((detail) => losses.push(detail));
    const asked = line.exchange(asking("question\n"), AbortSignal.timeout(20_000));
    let killed = 0;
    const lossesAfterKill = (): readonly string[] => {
      const pid = serial.pid();
      if (pid !== null && pid !== killed) process.kill(pid, "SIGKILL");
      killed = pid ?? killed;
      return losses;
    };
    await expect.poll(lossesAfterKill).toHaveLength(2);
    expect(await asked).toMatchObject({ ok: false, error: { kind: "io", misbehaved: true } });
  });

  it("finds a device again that was unplugged and plugged in under the same path", async () => {
    const { path, socat } = await startDevice(ECHO);
    const serial = ports();
    const line = await open(serial, path);
    expect(await say(line, "one\n")).toBe("one");
    const pid = serial.pid();
    socat.kill("SIGKILL");
    await expect.poll(() => say(line, "two\n")).toMatch(/^(io|timeout|unreachable): /);
    await line.close();
    rmSync(path, { force: true });
    expect(await serial.openLine(address(path))(AbortSignal.timeout(5_000), 5_000)).toMatchObject({
      ok: false,
      error: { kind: "unreachable" },
    });
    await startDevice(ECHO, path);
    expect(await say(await open(serial, path), "three\n")).toBe("three");
    expect(serial.pid()).toBe(pid);
  });

  it("says what is wrong with a path that is no serial port", async () => {
    const path = join(folder(), "file");
    writeFileSync(path, "");
    const opened = await ports().openLine(address(path))(AbortSignal.timeout(5_000), 5_000);
    expect(opened).toMatchObject({ ok: false, error: { kind: "config", detail: expect.stringContaining(path) } });
  });

  it("gives up on a port that floods, within its bound", async () => {
    const { path } = await startDevice("cat /dev/zero");
    const line = await open(ports(), path);
    const said = await line.exchange({ ...asking("x"), isComplete: () => false }, AbortSignal.timeout(5_000));
    expect(said).toMatchObject({ ok: false, error: { kind: "protocol", misbehaved: true } });
  });

  it.runIf(hasCompiler)("serves other ports while one hangs in its driver's open", async () => {
    const made = folder();
    const [hanging, well] = [await startDevice(ECHO, join(made, "hanging")), await startDevice(ECHO)];
    const shim = hangingOpen(made, readlink(hanging.path));
    if (shim === null) throw new Error("gcc made no library");
    const before = process.env["LD_PRELOAD"];
    process.env["LD_PRELOAD"] = shim;
    let serial: SerialPorts;
    try {
      serial = ports();
      await (await open(serial, well.path)).close();
    } finally {
      if (before === undefined) delete process.env["LD_PRELOAD"];
      else process.env["LD_PRELOAD"] = before;
    }
    const opening = serial.openLine(address(hanging.path))(AbortSignal.timeout(20_000), 3_000);
    for (let n = 0; n < 5; n++) {
      const line = await open(serial, well.path);
      expect(await say(line, `well ${n}\n`)).toBe(`well ${n}`);
      await line.close();
    }
    expect(await opening).toMatchObject({
      ok: false,
      error: { kind: "io", misbehaved: true, detail: expect.stringContaining("hangs") },
    });
    expect(await say(await open(serial, well.path), "still well\n")).toBe("still well");
  });

  it("ends with the program that started it, also when that was killed", async () => {
    const { path } = await startDevice(ECHO);
    const script = join(folder(), "parent.mjs");
    writeFileSync(
      script,
      `import { serialPorts } from ${JSON.stringify(join(import.meta.dirname, "serial.ts"))};
       import { realClock } from ${JSON.stringify(join(import.meta.dirname, "../../packages/runtime/clock.ts"))};
       const serial = serialPorts(realClock, Math.random);
       const line = await serial.openLine(${JSON.stringify(address(path))})(AbortSignal.timeout(9000), 9000);
       process.stdout.write(String(serial.pid()) + "\\n");
       setInterval(() => line, 1000);`,
    );
    const parent = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
    stops.push(() => parent.kill("SIGKILL"));
    const pid = await new Promise<number>((resolve) => {
      parent.stdout.once("data", (chunk: Buffer) => resolve(Number(chunk.toString())));
    });
    expect(isRunning(pid)).toBe(true);
    parent.kill("SIGKILL");
    await expect.poll(() => isRunning(pid)).toBe(false);
  });
});

function readlink(path: string): string {
  return spawnSync("readlink", ["-f", path]).stdout.toString().trim();
}

describe("SerialHost", () => {
  /** A process of which the test says what it does. */
  function fakeProcess(): SerialProcess & {
    orders: Order[];
    report(report: Report): void;
    exit(): void;
    killed: boolean;
  } {
    let listen: (report: Report) => void = () => {};
    const exits: (() => void)[] = [];
    return {
      pid: 1,
      orders: [],
      killed: false,
      send(order) {
        this.orders.push(order);
      },
      kill() {
        this.killed = true;
      },
      leave() {},
      onReport: (listener) => {
        listen = listener;
      },
      onExit: (listener) => void exits.push(listener),
      report: (report) => listen(report),
      exit: () => {
        for (const listener of exits) listener();
      },
    };
  }

  const OPTIONS = { path: "", baudRate: 9600, parity: "none", dataBits: 8, stopBits: 1 } as const;
  const FLAGS = { rtscts: false, xon: false, xoff: false, hupcl: false, lock: true } as const;
  const limits = { signal: new AbortController().signal, timeoutMs: 60_000 };

  /** A clock that the test moves, and that lets what waits for a promise run. */
  function steppedClock() {
    let nowMs = 0;
    const timers: { atMs: number; run: () => void }[] = [];
    const clock = {
      now: () => nowMs,
      monotonic: () => nowMs,
      after(delayMs: number, run: () => void) {
        const timer = { atMs: nowMs + delayMs, run };
        timers.push(timer);
        return () => void timers.splice(timers.indexOf(timer), 1);
      },
    };
    const pass = (ms: number): void => {
      nowMs += ms;
      for (const timer of timers.filter(({ atMs }) => atMs <= nowMs)) {
        timers.splice(timers.indexOf(timer), 1);
        timer.run();
      }
    };
    return { clock, pass };
  }

  it("blames the port that the binding was called for when it hangs, and no other", async () => {
    const process = fakeProcess();
    const { clock, pass } = steppedClock();
    const host = new SerialHost({ clock, random: () => 0, start: () => process });
    const [a, b] = ["a", "b"].map((path) => host.open({ ...OPTIONS, ...FLAGS, path }, limits));
    process.report({ say: "opened", id: 1 });
    const opened = await a;
    process.report({ say: "at", id: 2 });
    for (let beat = 0; beat < 4; beat++) pass(750);
    expect(await b).toMatchObject({ ok: false, error: { kind: "lost", blamed: true } });
    expect(opened?.ok && opened.value.loss).toMatchObject({ blamed: false });
    expect(process.killed).toBe(true);
  });

  it.each([
    { name: "the port, when the binding was called for it", called: true },
    { name: "nobody, when the process has not come to it", called: false },
  ])("blames for a port that does not open in time $name", async ({ called }) => {
    const process = fakeProcess();
    const { clock, pass } = steppedClock();
    const host = new SerialHost({ clock, random: () => 0, start: () => process });
    const opening = host.open({ ...OPTIONS, ...FLAGS, path: "a" }, { ...limits, timeoutMs: 2_000 });
    if (called) for (const id of [1, null]) process.report({ say: "at", id });
    pass(2_000);
    expect(await opening).toEqual({ ok: false, error: { kind: "late", hung: called } });
    expect(process.orders).toContainEqual({ do: "close", id: 1 });
    expect(await host.open({ ...OPTIONS, ...FLAGS, path: "a" }, limits)).toMatchObject({ ok: false });
    process.report({ say: "closed", id: 1 });
    const again = host.open({ ...OPTIONS, ...FLAGS, path: "a" }, limits);
    process.report({ say: "opened", id: 2 });
    expect((await again).ok).toBe(true);
  });

  it.each([
    { name: "that answers each heartbeat", answers: 1, beats: 12, killed: false },
    { name: "that answers every third one, on a busy machine", answers: 3, beats: 12, killed: false },
    { name: "that left three unanswered", answers: 0, beats: 3, killed: false },
    { name: "that leaves three unanswered until the next is due", answers: 0, beats: 4, killed: true },
  ])("takes for hung no process but one $name: $killed", ({ answers, beats, killed }) => {
    const process = fakeProcess();
    const { clock, pass } = steppedClock();
    const host = new SerialHost({ clock, random: () => 0, start: () => process });
    void host.open({ ...OPTIONS, ...FLAGS, path: "a" }, limits);
    for (let beat = 1; beat <= beats; beat++) {
      pass(750);
      if (answers > 0 && beat % answers === 0) process.report({ say: "pong" });
    }
    expect(process.killed).toBe(killed);
  });

  it("does not call a port hung that the binding had no time for", async () => {
    const process = fakeProcess();
    const { clock, pass } = steppedClock();
    const host = new SerialHost({ clock, random: () => 0, start: () => process });
    const late = async (path: string, id: number, timeoutMs: number) => {
      const opening = host.open({ ...OPTIONS, ...FLAGS, path }, { ...limits, timeoutMs });
      for (const at of [id, null]) process.report({ say: "at", id: at });
      pass(timeoutMs);
      return opening;
    };
    expect(await late("a", 1, 1_499)).toEqual({ ok: false, error: { kind: "late", hung: false } });
    expect(await late("b", 2, 1_500)).toEqual({ ok: false, error: { kind: "late", hung: true } });
  });

  /** A host whose processes the test has all in hand. */
  function hostOfMany() {
    const processes: ReturnType<typeof fakeProcess>[] = [];
    const { clock, pass } = steppedClock();
    const start = () => {
      const made = fakeProcess();
      processes.push(made);
      return made;
    };
    const host = new SerialHost({ clock, random: () => 0.999, start });
    return { processes, pass, open: (path: string, over = limits) => host.open({ ...OPTIONS, ...FLAGS, path }, over) };
  }

  it("gives up the process of a port that hangs when it is wanted again after twenty seconds", async () => {
    const { processes, pass, open } = hostOfMany();
    const late = open("a", { ...limits, timeoutMs: 2_000 });
    processes[0]?.report({ say: "at", id: 1 });
    processes[0]?.report({ say: "at", id: null });
    pass(2_000);
    await late;
    const answering = (ms: number): void => {
      for (let left = ms; left > 0; left -= 500) {
        pass(500);
        processes[0]?.report({ say: "pong" });
      }
    };
    answering(17_500);
    expect(await open("a")).toMatchObject({ ok: false, error: { kind: "late", hung: true } });
    expect(processes).toHaveLength(1);
    answering(500);
    void open("a");
    expect(processes.map(({ killed }) => killed)).toEqual([true, false]);
    expect(processes[1]?.orders).toMatchObject([{ do: "open", options: { path: "a" } }]);
  });

  it("starts the next process at once after a loss, and pauses after the second in a row", async () => {
    const { processes, pass, open } = hostOfMany();
    const lose = async (): Promise<void> => {
      const opening = open("a");
      processes.at(-1)?.exit();
      expect(await opening).toMatchObject({ ok: false, error: { kind: "lost", blamed: false } });
    };
    await lose();
    await lose();
    expect(processes).toHaveLength(2);
    expect(await open("a")).toMatchObject({
      ok: false,
      error: { kind: "failed", detail: expect.stringContaining("again and again") },
    });
    pass(1_000);
    void open("a");
    expect(processes).toHaveLength(3);
  });

  it("has 256 ports open and no more", async () => {
    const { open, processes } = hostOfMany();
    for (let n = 0; n < 256; n++) void open(`port-${n}`);
    expect(await open("one more")).toEqual({ ok: false, error: { kind: "failed", detail: "256 ports are open" } });
    processes[0]?.report({ say: "closed", id: 1 });
    void open("one more");
    expect(processes[0]?.orders.at(-1)).toMatchObject({ do: "open", options: { path: "one more" } });
  });

  it("starts no further process while too many of those that it killed do not die", async () => {
    const processes: ReturnType<typeof fakeProcess>[] = [];
    const { clock, pass } = steppedClock();
    const start = () => {
      const made = fakeProcess();
      processes.push(made);
      return made;
    };
    const host = new SerialHost({ clock, random: () => 0, start });
    for (let n = 0; n < 5; n++) {
      const opening = host.open({ ...OPTIONS, ...FLAGS, path: "a" }, limits);
      for (let beat = 0; beat < 4; beat++) pass(750);
      expect((await opening).ok).toBe(false);
      pass(120_000);
    }
    expect(processes.map(({ killed }) => killed)).toEqual([true, true, true]);
    for (const process of processes) process.exit();
    void host.open({ ...OPTIONS, ...FLAGS, path: "a" }, limits);
    expect(processes).toHaveLength(4);
  });

  it("runs from a plain start", () => {
    const child = forkSerialProcess();
    expect(child.pid).toBeGreaterThan(0);
    child.kill();
  });
});
