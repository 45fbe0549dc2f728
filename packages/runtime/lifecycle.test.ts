import { EventEmitter } from "node:events";
import { ManualClock } from "@aislewatch/base";
import { describe, expect, it } from "vitest";
import { createLifecycle, createLog, type Part, runProgram, silentLog } from "./index.ts";

const part = (name: string, seen: string[], over: Partial<Part> = {}): Part => ({
  name,
  start: () => void seen.push(`+${name}`),
  stop: () => void seen.push(`-${name}`),
  ...over,
});

describe("createLifecycle", () => {
  it("starts in order and stops in reverse", async () => {
    const seen: string[] = [];
    const life = createLifecycle([part("a", seen), part("b", seen)], { clock: new ManualClock(), log: silentLog });
    expect((await life.start()).ok).toBe(true);
    await Promise.all([life.stop(), life.stop()]);
    expect(seen).toEqual(["+a", "+b", "-b", "-a"]);
  });

  it("unwinds a failed start, the failed part included, and says which part failed", async () => {
    const seen: string[] = [];
    const broken = part("b", seen, { start: () => Promise.reject(new Error("no disk")) });
    const life = createLifecycle([part("a", seen), broken, part("c", seen)], {
      clock: new ManualClock(),
      log: silentLog,
    });
    expect(await life.start()).toEqual({ ok: false, error: { part: "b", detail: "no disk" } });
    expect(seen).toEqual(["+a", "-b", "-a"]);
  });

  it("goes on stopping when a part hangs past its deadline or throws", async () => {
    const seen: string[] = [];
    const clock = new ManualClock();
    const hung = part("hung", seen, { stop: () => new Promise(() => {}), stopMsMax: 500 });
    const throwing = part("throwing", seen, {
      stop: () => {
        throw new Error("bug");
      },
    });
    const life = createLifecycle([part("a", seen), hung, throwing], { clock, log: silentLog });
    await life.start();
    const stopped = life.stop();
    while (!seen.includes("-a")) {
      clock.advance(500);
      await new Promise(setImmediate);
    }
    await stopped;
    expect(seen.at(-1)).toBe("-a");
    expect(clock.pending).toBe(0);
  });
});

class Host extends EventEmitter {
  readonly pid = 7;
  connected = true;
  exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

describe("runProgram", () => {
  const clock = new ManualClock();
  const program = (host: Host, parts: Part[] = [], lines: string[] = []) =>
    runProgram({
      lifecycle: createLifecycle(parts, { clock, log: silentLog }),
      log: createLog({ program: "t", level: "info", format: "text", clock, write: (line) => lines.push(line) }),
      version: "1",
      host,
      clock,
    });

  it.each([
    { event: "SIGTERM", code: 0 },
    { event: "SIGINT", code: 0 },
    { event: "disconnect", code: 0 },
    { event: "uncaughtException", code: 1 },
  ])("stops on $event with exit code $code and leaves no listener", async ({ event, code }) => {
    const host = new Host();
    const seen: string[] = [];
    const done = program(host, [part("a", seen)]);
    host.emit(event, new Error("bug"));
    expect(await done).toBe(code);
    expect(seen).toEqual(["+a", "-a"]);
    expect(host.eventNames()).toEqual([]);
  });

  it("exits at once on a second SIGTERM, but not on a second SIGINT or an echo of the first", async () => {
    const host = new Host();
    const done = program(host);
    host.emit("SIGINT");
    host.emit("SIGINT");
    host.emit("SIGTERM");
    host.emit("SIGTERM");
    expect(host.exits).toEqual([]);
    clock.advance(501);
    host.emit("SIGTERM");
    expect(host.exits).toEqual([1]);
    await done;
  });

  it("stops when its parent died before it listened", async () => {
    const host = new Host();
    host.connected = false;
    expect(await program(host)).toBe(0);
  });

  it("exits with 1 and names the part when a start fails", async () => {
    const lines: string[] = [];
    const broken = part("outbox", [], { start: () => Promise.reject(new Error("no disk")) });
    expect(await program(new Host(), [broken], lines)).toBe(1);
    expect(lines.join("")).toContain('start_failed part=outbox detail="no disk"');
  });
});
