/**
 * `node line-crowd.ts COUNT QUIET_MS [ups]`, a process of its own: so many serial devices, each behind a pair of socat's
 * pseudo-terminals at the pace of its real line, that watch their watcher. By turns a receipt printer, a label printer
 * and two scales; with `ups`, UPSs that speak Megatec, for the peer that polls those. Says over IPC `{ paths }` when all
 * are up, and answers each LineOrder. Questions to one device within QUIET_MS of each other are one poll.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realClock } from "@aislewatch/runtime";
import {
  bringToLife,
  type Dialogue,
  escposDialogue,
  labelPrinter,
  receiptPrinter,
  scale,
  seededRandom,
  sicsDialogue,
  startSerialDevice,
  toledoDialogue,
  zplDialogue,
} from "@aislewatch/simulator";
import { pause } from "./punctuality.ts";

/** `count` begins a count anew; `report` ends in a LineReport. */
export type LineOrder = { readonly count: true } | { readonly report: true };
export type LineReport = {
  /** When each poll of a device began, Unix ms, in the devices' order. */
  readonly polls: readonly (readonly number[])[];
  readonly requests: number;
};

const PTY_WAIT_MS = 10;
const random = seededRandom(7);
const [count, quietMs] = [Number(process.argv[2] ?? "0"), Number(process.argv[3] ?? "0")];
const isUps = process.argv[4] === "ups";
const folder = mkdtempSync(join(tmpdir(), "line-crowd-"));
const cables: ChildProcess[] = [];

type Spoken = { readonly dialogue: () => Dialogue; readonly baudRate: number; readonly sevenEven?: true };
const identity = { name: "dock-1", model: "ZT411", serial: "99J204500217", firmware: "V92.21.39Z", location: "Dock" };
const sics = { model: "Ariva-S-15", firmware: "2.10", serial: "B042003117" };

/** Megatec's protocol: `Q1` is answered with measurements and status bits; ratings and names are not known to it. */
const megatec = (): Dialogue => {
  let tail = "";
  return {
    take(bytes) {
      const commands = (tail + Buffer.from(bytes).toString("latin1")).split("\r");
      tail = (commands.pop() ?? "").slice(-16);
      return commands
        .filter((command) => command === "Q1")
        .map(() => "(230.0 230.0 230.0 017 50.0 13.6 25.0 00001001\r");
    },
  };
};

function spoken(i: number): Spoken {
  if (isUps) return { dialogue: megatec, baudRate: 2_400 };
  switch (i % 4) {
    case 0:
      return {
        dialogue: escposDialogue({ device: bringToLife(receiptPrinter(), realClock, random) }),
        baudRate: 9_600,
      };
    case 1:
      return {
        dialogue: zplDialogue({ identity, device: bringToLife(labelPrinter(identity), realClock, random) }),
        baudRate: 9_600,
      };
    case 2:
      return {
        dialogue: toledoDialogue({ device: bringToLife(scale(), realClock, random) }),
        baudRate: 9_600,
        sevenEven: true,
      };
    default:
      return {
        dialogue: sicsDialogue({ device: bringToLife(scale(), realClock, random), identity: sics }),
        baudRate: 9_600,
      };
  }
}

let requests = 0;
type Counted = { readonly path: string; lastMs: number; polls: number[] };

async function open(i: number): Promise<Counted> {
  const [far, near] = [join(folder, `device-${i}`), join(folder, `host-${i}`)];
  const socat = spawn("socat", [`pty,rawer,link=${far}`, `pty,rawer,link=${near}`], { stdio: "ignore" });
  cables.push(socat);
  while (!(existsSync(far) && existsSync(near))) {
    if (socat.exitCode !== null) throw new Error("socat made no pseudo-terminals");
    await pause(PTY_WAIT_MS);
  }
  const { dialogue, baudRate, sevenEven } = spoken(i);
  const counted: Counted = { path: near, lastMs: 0, polls: [] };
  const watched = (): Dialogue => {
    const talk = dialogue();
    return {
      take(bytes) {
        const nowMs = Date.now();
        if (nowMs - counted.lastMs > quietMs) counted.polls.push(nowMs);
        counted.lastMs = nowMs;
        requests++;
        return talk.take(bytes);
      },
    };
  };
  const framing = sevenEven ? ({ dataBits: 7, parity: "even" } as const) : {};
  const started = await startSerialDevice({
    path: far,
    baudRate,
    ...framing,
    dialogue: watched,
    clock: realClock,
    random,
  });
  if (!started.ok) throw new Error(started.error.detail);
  return counted;
}

process.on("exit", () => {
  for (const cable of cables) cable.kill();
  rmSync(folder, { recursive: true, force: true });
});
const crowd: Counted[] = [];
for (let i = 0; i < count; i++) crowd.push(await open(i));

process.on("message", (order: LineOrder) => {
  if ("count" in order) {
    requests = 0;
    for (const counted of crowd) counted.polls = [];
  }
  if ("report" in order) process.send?.({ polls: crowd.map(({ polls }) => polls), requests } satisfies LineReport);
});
process.on("disconnect", () => process.exit(0));
process.on("SIGTERM", () => process.exit(0));
process.send?.({ paths: crowd.map(({ path }) => path) });
