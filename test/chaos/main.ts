/**
 * `npm run chaos -- [--seed N] [--minutes N] [--only kill,cut] [--agents N] [--replay FILE]`: a long run that prints what
 * it does, then what held, then how to have the same again. docs/chaos.md.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { errorText } from "@aislewatch/base";
import { EXIT } from "@aislewatch/runtime";
import { cleanUp } from "../rig/rig.ts";
import { shown } from "./laws.ts";
import { ACT_KINDS, type ActKind, plan, type SavedRun, savedRun } from "./plan.ts";
import { type RunReport, runChaos } from "./run.ts";

const SIZE = { agents: 3, devicesPerAgent: 2, everyMs: 250 } as const;
/** An act every one and a half seconds or so: most runs have several at a time. */
const POLLS_BETWEEN = 36;
/** As shells say it of SIGINT. */
const INTERRUPTED = 130;
const FOR_MS_MAX = 25_000;
const ECHO_MS = 500;

function wanted(args: readonly string[]): SavedRun {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string" },
      minutes: { type: "string", default: "5" },
      agents: { type: "string", default: String(SIZE.agents) },
      only: { type: "string" },
      replay: { type: "string" },
    },
  });
  if (values.replay !== undefined) {
    return savedRun.parse(JSON.parse(readFileSync(values.replay, "utf8")));
  }
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1e6) : Number(values.seed);
  const agents = Number(values.agents);
  const minutes = Number(values.minutes);
  if (![seed, agents, minutes].every((value) => Number.isFinite(value) && value >= 0))
    throw new Error("--seed, --minutes and --agents are numbers");
  const polls = Math.round((minutes * 60_000 * agents * SIZE.devicesPerAgent) / SIZE.everyMs);
  const kinds = kindsOf(values.only);
  return {
    seed,
    agents,
    polls,
    plan: plan({ seed, agents, polls, kinds, pollsBetween: POLLS_BETWEEN, forMsMax: FOR_MS_MAX }),
  };
}

/** Each word is a kind or the begin of some: `kill` is kill-agent and kill-collector. */
function kindsOf(only: string | undefined): readonly ActKind[] {
  if (only === undefined) return ACT_KINDS;
  const words = only.split(",");
  const unknown = words.filter((word) => !ACT_KINDS.some((kind) => kind.startsWith(word)));
  if (unknown.length > 0) throw new Error(`no act is called ${unknown.join(", ")}; there are ${ACT_KINDS.join(", ")}`);
  return ACT_KINDS.filter((kind) => words.some((word) => kind.startsWith(word)));
}

function keep(run: SavedRun): string {
  const folder = join(tmpdir(), "aislewatch-chaos");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `seed-${run.seed}.json`);
  writeFileSync(file, `${JSON.stringify(run, null, 1)}\n`);
  return file;
}

function summary({ acts, leftOut, verdicts, tookMs }: RunReport): string[] {
  const counted = Object.entries(acts).map(([kind, count]) => `${count} ${kind}`);
  return [
    "",
    `${(tookMs / 60_000).toFixed(1)} minutes: ${counted.join(", ")}`,
    ...leftOut.map((one) => `left out: ${one}`),
    ...verdicts.map(shown),
  ];
}

async function main(): Promise<number> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const run = wanted(process.argv.slice(2));
  const file = keep(run);
  const interrupted = new AbortController();
  let stoppedMs = Number.NEGATIVE_INFINITY;
  for (const stop of ["SIGINT", "SIGTERM"] as const) {
    process.on(stop, () => {
      // A terminal tells the whole group, and the launcher passes on what it is told: twice is once.
      const isEcho = performance.now() - stoppedMs < ECHO_MS;
      if (isEcho) return;
      stoppedMs = performance.now();
      // Disks are unmounted and programs ended also when nobody wants to wait for the laws.
      if (interrupted.signal.aborted) void cleanUp().then(() => process.exit(INTERRUPTED));
      else say("stopping: everything heals, then the laws are looked at; once more to leave at once");
      interrupted.abort();
    });
  }
  say(`seed ${run.seed}: ${run.plan.length} acts on ${run.agents} agents within ${run.polls} polls`);
  const report = await runChaos({ ...SIZE, ...run, say, signal: interrupted.signal });
  for (const line of summary(report)) say(line);
  say(`\nthe same again: npm run chaos -- --replay ${file}`);
  return report.verdicts.every(({ broken }) => broken.length === 0) ? EXIT.asked : EXIT.crashed;
}

try {
  process.exitCode = await main();
} catch (thrown) {
  process.stderr.write(`${errorText(thrown)}\n`);
  process.exitCode = EXIT.crashed;
}
