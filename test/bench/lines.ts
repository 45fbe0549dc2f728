/**
 * What serial lines cost the agent: a real agent process, with the process that its serial binding runs in, asks 20
 * devices on pseudo-terminals every 10 s and every second; beside it the same agent without a line, and Network UPS
 * Tools' own serial driver on as many UPSs. In the end one port floods and one hangs in its driver's open(), and the
 * polls of the others must stay as punctual as they were.
 */
import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { hangingOpen } from "../rig/hanging-open.ts";
import {
  type CollectorRig,
  cleanUp,
  onCleanUp,
  ROOT,
  startCollector,
  startPeer,
  tempFolder,
  waitFor,
} from "../rig/rig.ts";
import { AgentProcess, type AgentProgram, fromSources, nextMessage, nodeOfItsOwn } from "./agent-process.ts";
import { type Figure, progress } from "./figure.ts";
import type { LineOrder, LineReport } from "./line-crowd.ts";
import { latenessOf, pause, quantilesOf } from "./punctuality.ts";
import { spent } from "./spent.ts";

const LINES = 20;
const SLOW_MS = 10_000;
const FAST_MS = 1_000;
/** First polls, who the devices are, and what V8 compiles and throws away at the start. */
const WARM_UP_MS = 15_000;
const MEASURED_MS = 30_000;
const START_MS_MAX = 30_000;
/** The flood is told within three seconds, a hang after the poll's time limit: both are left alone by then. */
const TROUBLE_SETTLES_MS = 12_000;
/** Debian's nut-server. Its drivers are the daemon that most often polls a serial line in a shop: that of the UPS. */
const NUT_DRIVER = "/lib/nut/nutdrv_qx";

type Cost = {
  readonly polls: number;
  readonly requestsPerPoll: number;
  readonly cpuMsPerPoll: number;
  readonly corePercent: number;
  readonly pssMb: number;
};
type Watch = Cost & { readonly lateMs: { readonly p50: number; readonly p99: number } };

export async function benchLines(): Promise<Figure[]> {
  if (spawnSync("socat", ["-V"]).error !== undefined) {
    progress("lines: no socat here (Debian package socat), so nothing to measure");
    return [];
  }
  try {
    const program = fromSources(nodeOfItsOwn());
    const collector = await startCollector();
    const idle = await withoutLines(collector, program);
    const slow = await watch(collector, program, SLOW_MS);
    const fast = await watch(collector, program, FAST_MS);
    const trouble = await besideTrouble(collector, program);
    return [
      { label: "no line: memory, PSS", value: idle.pssMb, unit: "MB" },
      { label: "no line: CPU of one core", value: idle.corePercent, unit: "%" },
      ...figuresOf("10 s", slow),
      { label: `${LINES} lines every 10 s: memory more than without`, value: slow.pssMb - idle.pssMb, unit: "MB" },
      ...figuresOf("1 s", fast),
      ...trouble,
      ...(await watchByNut()),
    ];
  } finally {
    await cleanUp();
  }
}

const HOST = "{ id: this-host, kind: host, driver: host, every: 10s }";
const DRIVERS = [
  "kind: receipt_printer, driver: escpos",
  "kind: label_printer, driver: zpl",
  "kind: scale, driver: toledo_8217",
  "kind: scale, driver: mt_sics",
] as const;

function deviceOn(path: string, i: number, everyMs: number): string {
  const speaks = DRIVERS[i % DRIVERS.length];
  return `{ id: line-${i}, ${speaks}, every: ${everyMs / 1_000}s, line: { serial: "${path}" } }`;
}

async function withoutLines(
  collector: CollectorRig,
  program: AgentProgram,
): Promise<{ pssMb: number; corePercent: number }> {
  progress("lines: an agent without a line");
  const agent = await AgentProcess.start(collector, program, { name: "bench-none/agent", devices: [HOST] });
  await pause(WARM_UP_MS);
  const { pssMb, cpuSeconds, seconds } = await spent(() => [agent.pid], MEASURED_MS);
  await agent.stop();
  return { pssMb, corePercent: (cpuSeconds / seconds) * 100 };
}

async function watch(collector: CollectorRig, program: AgentProgram, everyMs: number): Promise<Watch> {
  progress(`lines: ${LINES} of them every ${everyMs / 1_000} s`);
  const crowd = await LineCrowd.start({ count: LINES, quietMs: 0.4 * everyMs });
  const devices = [HOST, ...crowd.paths.map((path, i) => deviceOn(path, i, everyMs))];
  const agent = await AgentProcess.start(collector, program, { name: `bench-${everyMs}/agent`, devices });
  await crowd.allAsked();
  await pause(WARM_UP_MS);
  const cost = await measure(crowd, () => [agent.pid, ...serialChildrenOf(agent.pid)], everyMs);
  await agent.stop();
  await crowd.stop();
  return cost;
}

/** The same 20 at 1 s, with a port that floods and one whose driver hangs beside them from the start. */
async function besideTrouble(collector: CollectorRig, program: AgentProgram): Promise<Figure[]> {
  progress(`lines: ${LINES} of them every 1 s beside a port that floods and one that hangs`);
  const crowd = await LineCrowd.start({ count: LINES, quietMs: 0.4 * FAST_MS });
  const flooding = await ptyOf("cat /dev/zero");
  const hanging = await ptyOf("cat");
  const shim = hangingOpenOf(hanging);
  const devices = [
    ...crowd.paths.map((path, i) => deviceOn(path, i, FAST_MS)),
    deviceOn(flooding, 1, FAST_MS).replace("line-1", "flooding"),
    ...(shim === null ? [] : [deviceOn(hanging, 1, FAST_MS).replace("line-1", "hanging")]),
  ];
  const env = shim === null ? {} : { LD_PRELOAD: shim };
  const agent = await AgentProcess.start(collector, program, { name: "bench-trouble/agent", devices, env });
  await crowd.allAsked();
  await pause(TROUBLE_SETTLES_MS);
  const cost = await measure(crowd, () => [agent.pid, ...serialChildrenOf(agent.pid)], FAST_MS);
  const { skippedOf, failureOf } = agent.health();
  const isTrouble =
    /left alone|hang|more than/.test(failureOf("flooding")) &&
    (shim === null || /left alone|hang/.test(failureOf("hanging")));
  if (!isTrouble) throw new Error(`no trouble: ${failureOf("flooding")}; ${failureOf("hanging")}`);
  const skipped = skippedOf(0) - skippedOf(LINES);
  await agent.stop();
  await crowd.stop();
  const of = shim === null ? "beside a flood" : "beside a flood and a hang";
  return [
    ...lateFigures(`${LINES} lines every 1 s ${of}`, cost),
    {
      label: `${LINES} lines every 1 s ${of}: polls a line and second`,
      value: cost.polls / LINES / (MEASURED_MS / 1_000),
      unit: "",
    },
    { label: `${LINES} lines every 1 s ${of}: skipped turns`, value: skipped, unit: "" },
    { label: `${LINES} lines every 1 s ${of}: memory, PSS`, value: cost.pssMb, unit: "MB" },
  ];
}

async function watchByNut(): Promise<Figure[]> {
  if (!existsSync(NUT_DRIVER)) {
    progress("lines: no NUT here (Debian package nut-server), so nothing to compare with");
    return [];
  }
  progress(`lines: ${LINES} UPSs every 10 s by NUT's driver`);
  const crowd = await LineCrowd.start({ count: LINES, quietMs: 0.4 * SLOW_MS, isUps: true });
  const folder = tempFolder();
  const sections = crowd.paths.map(
    (path, i) =>
      `[u${i}]\ndriver = nutdrv_qx\nport = ${path}\nprotocol = megatec\nnovendor\nnorating\npollinterval = 10\n`,
  );
  writeFileSync(join(folder, "ups.conf"), sections.join(""));
  const user = process.getuid?.() === 0 ? ["-u", "root"] : [];
  const drivers = await Promise.all(
    crowd.paths.map((_, i) =>
      startPeer(NUT_DRIVER, ["-a", `u${i}`, "-F", ...user], {
        env: { NUT_CONFPATH: folder, NUT_STATEPATH: folder, NUT_ALTPIDPATH: folder },
      }),
    ),
  );
  await crowd.allAsked();
  await pause(WARM_UP_MS);
  const cost = await measure(crowd, () => drivers.map(({ pid }) => pid), SLOW_MS);
  for (const driver of drivers) await driver.stop();
  await crowd.stop();
  return costFigures(`NUT, ${LINES} UPSs every 10 s`, cost);
}

const costFigures = (of: string, cost: Cost): Figure[] => [
  { label: `${of}: CPU`, value: cost.cpuMsPerPoll, unit: "ms a poll" },
  { label: `${of}: CPU of one core`, value: cost.corePercent, unit: "%" },
  { label: `${of}: memory, PSS`, value: cost.pssMb, unit: "MB" },
  { label: `${of}: questions a poll`, value: cost.requestsPerPoll, unit: "" },
];
const lateFigures = (of: string, { lateMs }: Watch): Figure[] => [
  { label: `${of}: polls begin late by, p50`, value: lateMs.p50, unit: "ms" },
  { label: `${of}: polls begin late by, p99`, value: lateMs.p99, unit: "ms" },
];
const figuresOf = (every: string, watched: Watch): Figure[] => {
  const of = `${LINES} lines every ${every}`;
  return [...costFigures(of, watched), ...lateFigures(of, watched)];
};

async function measure(crowd: LineCrowd, pids: () => readonly number[], everyMs: number): Promise<Watch> {
  crowd.order({ count: true });
  const { cpuSeconds, seconds, pssMb } = await spent(pids, MEASURED_MS);
  const { polls, requests } = await crowd.report();
  const count = polls.flat().length;
  if (count === 0) throw new Error("nobody polled");
  return {
    polls: count,
    requestsPerPoll: requests / count,
    cpuMsPerPoll: (cpuSeconds * 1_000) / count,
    corePercent: (cpuSeconds / seconds) * 100,
    pssMb,
    // Each device has a phase of its own on the grid.
    lateMs: quantilesOf(polls.flatMap((begun) => latenessOf(begun, everyMs))),
  };
}

/** The process in which an agent's serial binding runs: a child of the agent. */
function serialChildrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(/\s+/).filter(Boolean);
  return children.map(Number).filter((child) => existsSync(`/proc/${child}/smaps_rollup`));
}

async function ptyOf(command: string): Promise<string> {
  const path = join(tempFolder(), "port");
  await startPeer("socat", [`PTY,link=${path},rawer`, `SYSTEM:${command}`]);
  await waitFor("socat's pty", () => existsSync(path));
  return path;
}

/** A library that makes open() of one path block, as the driver of a broken adapter does; null without a compiler. */
function hangingOpenOf(path: string): string | null {
  const real = resolve(dirname(path), readlinkSync(path));
  const folder = tempFolder();
  mkdirSync(folder, { recursive: true });
  const library = hangingOpen(folder, real);
  if (library === null) progress("lines: no gcc here, so no port hangs");
  return library;
}

/** The simulated devices, in a process of their own. */
class LineCrowd {
  readonly paths: readonly string[];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, paths: readonly string[]) {
    this.#child = child;
    this.paths = paths;
  }

  static async start({ count, quietMs, isUps = false }: { count: number; quietMs: number; isUps?: boolean }) {
    const args = [String(count), String(quietMs), ...(isUps ? ["ups"] : [])];
    const child = fork(join(ROOT, "test/bench/line-crowd.ts"), args, {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    // It ends its pseudo-terminals itself.
    onCleanUp(() => void child.kill("SIGTERM"));
    const { paths } = (await nextMessage(child)) as { paths: string[] };
    return new LineCrowd(child, paths);
  }

  order(order: LineOrder): void {
    this.#child.send(order);
  }

  async report(): Promise<LineReport> {
    const answer = nextMessage(this.#child);
    this.order({ report: true });
    return (await answer) as LineReport;
  }

  async allAsked(): Promise<void> {
    for (let waitedMs = 0; waitedMs < START_MS_MAX; waitedMs += 500) {
      if ((await this.report()).polls.every((polls) => polls.length > 0)) return;
      await pause(500);
    }
    throw new Error(`not every line was polled within ${START_MS_MAX / 1_000} s of the start`);
  }

  async stop(): Promise<void> {
    const exited = new Promise((done) => this.#child.once("exit", done));
    this.#child.kill("SIGTERM");
    await exited;
  }
}
