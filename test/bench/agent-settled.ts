/**
 * What 200 devices cost the agent one, four and ten minutes after its start: V8 compiles what runs often in the first
 * minutes, and the heap finds its size. Three processes with 12 values a device, which the budget is for, and three with
 * all 26, started in turn; each with devices and a Node binary of its own, so that its PSS is what it would be alone. They
 * are measured all the time: what is given back by the minute leaves hills and valleys.
 */
import { readFileSync } from "node:fs";
import type { CollectorRig } from "../rig/rig.ts";
import { AgentProcess, type AgentProgram, nodeOfItsOwn } from "./agent-process.ts";
import { type Cost, Crowd, measure, SMALL, TWELVE_VALUES, upsDevices } from "./agent-watch.ts";
import { type Figure, progress } from "./figure.ts";
import { pause, quantile } from "./punctuality.ts";

const PROCESSES = 3;
const MINUTES = 10;
const SHOWN = [1, 4, 10];
const MINUTE_MS = 60_000;
const KINDS = [
  { values: 12, more: ", profile: twelve", profile: TWELVE_VALUES },
  { values: 26, more: "" },
];

type Kind = (typeof KINDS)[number];
/** MB of PSS, by whose they are. */
type Parts = { readonly v8: number; readonly malloc: number; readonly code: number; readonly files: number };
/** `minutes` has what each minute cost, from the second on, which is minute 1. */
type Settled = { readonly kind: Kind; readonly minutes: readonly Cost[]; readonly parts: Parts };

export async function watchSettling(collector: CollectorRig, program: AgentProgram): Promise<Figure[]> {
  progress(`agent: ${SMALL} devices for ${MINUTES} minutes, ${PROCESSES * KINDS.length} processes`);
  const running: Promise<Settled>[] = [];
  for (let n = 1; n <= PROCESSES; n++) {
    for (const kind of KINDS) running.push((await begin(collector, program, kind, n)).settled);
  }
  const settled = await Promise.all(running);
  return KINDS.flatMap((kind) =>
    figuresOf(
      kind,
      settled.filter((one) => one.kind === kind),
    ),
  );
}

/** Returns once the agent is up; `settled` comes with its last minute. */
async function begin(
  collector: CollectorRig,
  program: AgentProgram,
  kind: Kind,
  n: number,
): Promise<{ readonly settled: Promise<Settled> }> {
  const crowd = await Crowd.start(SMALL);
  const agent = await AgentProcess.start(
    collector,
    { ...program, node: nodeOfItsOwn() },
    {
      name: `settling-${kind.values}-${n}/agent`,
      devices: upsDevices(crowd.ports, kind.more),
      ...(kind.profile !== undefined && { profile: kind.profile }),
    },
  );
  return { settled: watch(kind, crowd, agent) };
}

async function watch(kind: Kind, crowd: Crowd, agent: AgentProcess): Promise<Settled> {
  await pause(agent.startedAt + MINUTE_MS - Date.now());
  const minutes: Cost[] = [];
  while (minutes.length < MINUTES) minutes.push(await measure(crowd, agent.pid, MINUTE_MS));
  const parts = partsOf(agent.pid);
  await agent.stop();
  crowd.stop();
  return { kind, minutes, parts };
}

function figuresOf({ values }: Kind, settled: readonly Settled[]): Figure[] {
  const of = `${SMALL} devices, ${values} values`;
  const all = settled.flatMap(({ minutes }) => minutes);
  const shown = SHOWN.flatMap((minute) => {
    const at = `${of}, minute ${minute}`;
    const costs = settled.flatMap(({ minutes }) => minutes[minute - 1] ?? []);
    return [
      { label: `${at}: memory, PSS, median of ${PROCESSES} processes`, value: median(costs, "pssMb"), unit: "MB" },
      { label: `${at}: – the most at any moment`, value: most(costs), unit: "MB" },
      { label: `${at}: – not pages of files`, value: median(costs, "anonymousMb"), unit: "MB" },
      { label: `${at}: CPU of one core`, value: median(costs, "corePercent"), unit: "%" },
    ];
  });
  const part = (name: string, which: keyof Parts): Figure => ({
    label: `${of}, in the end: of its PSS ${name}`,
    value: quantile(
      settled.map(({ parts }) => parts[which]),
      0.5,
    ),
    unit: "MB",
  });
  return [
    ...shown,
    { label: `${of}, all minutes: memory, PSS, median`, value: median(all, "pssMb"), unit: "MB" },
    { label: `${of}, all minutes: – the most at any moment`, value: most(all), unit: "MB" },
    { label: `${of}, all minutes: CPU of one core, median`, value: median(all, "corePercent"), unit: "%" },
    part("V8's pages", "v8"),
    part("malloc's heap", "malloc"),
    part("machine code that V8 made", "code"),
    part("pages of files", "files"),
  ];
}

const median = (costs: readonly Cost[], figure: "pssMb" | "anonymousMb" | "corePercent"): number =>
  quantile(
    costs.map((cost) => cost[figure]),
    0.5,
  );

const most = (costs: readonly Cost[]): number => Math.max(...costs.map(({ pssMostMb }) => pssMostMb));

/** V8's pages are mappings of 256 KiB or so many times that, of no file; malloc has one heap (agent-flags.mjs). */
function partsOf(pid: number): Parts {
  const parts = { v8: 0, malloc: 0, code: 0, files: 0 };
  for (const mapping of readFileSync(`/proc/${pid}/smaps`, "latin1").split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ (\d+) *(.*)$/m.exec(mapping);
    const pss = Number(/^Pss: +(\d+) kB$/m.exec(mapping)?.[1] ?? 0) * 1_024;
    if (head === null) continue;
    const [, from = "", to = "", rights, inode, name] = head;
    const bytes = Number.parseInt(to, 16) - Number.parseInt(from, 16);
    if (name === "[heap]") parts.malloc += pss / 1e6;
    else if (inode !== "0") parts.files += pss / 1e6;
    else if (rights === "rwxp") parts.code += pss / 1e6;
    else if (rights === "rw-p" && bytes % V8_PAGE_BYTES === 0) parts.v8 += pss / 1e6;
  }
  return parts;
}

const V8_PAGE_BYTES = 256 * 1_024;
