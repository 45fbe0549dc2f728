/**
 * A real agent process for a benchmark. It runs from a copy of the node binary, so that the benchmark's other processes
 * share no page of it with it: its PSS is that of a machine on which it is the only Node program.
 */
import { type ChildProcess, fork } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { STATUS_FILE } from "../../agent/status-file.ts";
import { bundleAgent } from "../../deploy/bundle-agent.ts";
import { AGENT_NODE_FLAGS, agentEnvironment } from "../../packages/cli/bin/agent-flags.mjs";
import { type CollectorRig, onCleanUp, ROOT, tempFolder } from "../rig/rig.ts";

export type AgentOrder = {
  /** `site/agent`. */
  readonly name: string;
  /** Devices of agent.yaml, each as a YAML flow mapping. */
  readonly devices: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A profile of one's own, in YAML. */
  readonly profile?: string;
};

/** What an agent is started from: a node binary, and the sources or, once `bundleAgent` made it, an installed agent. */
export type AgentProgram = { readonly node: string; readonly main: string; readonly compileCache: string };

export const fromSources = (node: string): AgentProgram => ({
  node,
  main: join(ROOT, "agent/main.ts"),
  compileCache: tempFolder(),
});

/** Bundled anew; packages with binaries of their own are found in the checkout's node_modules. */
export async function installed(node: string): Promise<AgentProgram> {
  const folder = tempFolder();
  await bundleAgent(folder);
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return { node, main: join(folder, "main.mjs"), compileCache: tempFolder() };
}

/** As the launcher starts it. */
export function forkAgent(
  { node, main, compileCache }: AgentProgram,
  config: string,
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const child = fork(main, ["run", "--config", config], {
    execPath: node,
    execArgv: ["--disable-warning=ExperimentalWarning", ...AGENT_NODE_FLAGS, ...benchFlags()],
    env: { ...agentEnvironment(process.env), NODE_COMPILE_CACHE: compileCache, ...env },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  onCleanUp(() => void child.kill("SIGKILL"));
  return child;
}

export async function endAgent(child: ChildProcess): Promise<void> {
  const exited = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  await exited;
}

export function nodeOfItsOwn(): string {
  const node = join(tempFolder(), "node");
  copyFileSync(process.execPath, node);
  chmodSync(node, 0o755);
  return node;
}

/** The agent's process, started as its launcher does. */
export class AgentProcess {
  readonly startedAt: number;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, startedAt: number) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.#folder = folder;
    this.startedAt = startedAt;
  }

  static async start(
    collector: CollectorRig,
    program: AgentProgram,
    { name, devices, env = {}, profile }: AgentOrder,
  ): Promise<AgentProcess> {
    const folder = tempFolder();
    const config = join(folder, "agent.yaml");
    const [site, agent] = name.split("/");
    const password = await collector.addAgent(name);
    const head = `site: ${site}\nagent: ${agent}\ncollector: { url: "${collector.mqtt}", password: "file:${password}" }\n`;
    if (profile !== undefined) {
      mkdirSync(join(folder, "profiles"));
      writeFileSync(join(folder, "profiles/own.yaml"), profile);
    }
    const own = profile === undefined ? "" : "profiles: profiles\n";
    writeFileSync(
      config,
      `${head}data: ./data\n${own}devices:\n${devices.map((device) => `  - ${device}\n`).join("")}`,
    );
    const startedAt = Date.now();
    const child = forkAgent(program, config, env);
    await nextMessage(child);
    return new AgentProcess(child, folder, startedAt);
  }

  /** From status.json, which is five seconds old at most. */
  health() {
    const text = readFileSync(join(this.#folder, "data", STATUS_FILE), "utf8");
    const { devices } = JSON.parse(text) as {
      devices: {
        id: string;
        health: { skippedTurns: number; samples: number; lastFailure: { detail: string } | null };
      }[];
    };
    const skippedOf = (from: number): number =>
      devices.slice(from).reduce((sum, { health }) => sum + health.skippedTurns, 0);
    const values = devices.reduce((sum, { health }) => sum + health.samples, 0) / devices.length;
    const failureOf = (id: string): string =>
      devices.find((one) => one.id === id)?.health.lastFailure?.detail ?? "none";
    return { skipped: skippedOf(0), skippedOf, values, failureOf };
  }

  stop(): Promise<void> {
    return endAgent(this.#child);
  }
}

/** More flags for the agent's Node, such as `--cpu-prof`. */
const benchFlags = (): string[] => process.env["AISLEWATCH_BENCH_NODE_FLAGS"]?.split(" ") ?? [];

export function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((done, fail) => {
    const onExit = (code: number | null): void => fail(new Error(`${child.spawnfile} ended with ${code}`));
    child.once("exit", onExit);
    child.once("message", (message) => {
      child.off("exit", onExit);
      done(message);
    });
  });
}
