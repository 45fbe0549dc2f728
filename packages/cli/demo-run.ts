/**
 * `npm start`: writes the demo's configuration into one folder and runs three programs from it, each a process of its
 * own as in the field: collector, simulated devices, agent. They are started with an IPC channel, so that they end when
 * this process does, however it ends. A program that dies by itself is started again; the others go on meanwhile.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { backoffMs, errorText } from "@aislewatch/base";
import { lockFolder } from "@aislewatch/runtime";
import { DEMO_FOLDER } from "./client.ts";
import { complain, EXIT, type ExitCode, print } from "./command.ts";
import { AGENT_NODE_FLAGS, agentEnvironment, COMMAND, DEMO_COMMAND, PROGRAMS, RULES } from "./programs.ts";

const SITE = "store-0042";
const AGENT = "back-office";
const READY_MS_MAX = 30_000;
/** All three together stop within 5 s; the rest is for the slowest. */
const STOP_MS_MAX = 4_000;
const PORT_TRIES = 50;
const RESTART = { baseMs: 500, maxMs: 15_000 };
/** Lines of a program's log kept to explain its death. */
const LOG_TAIL_CHARS = 4_000;

export type DemoOptions = {
  readonly folder: string;
  /** Named by the user: a taken one is an error. Null: the usual one, or the next free. */
  readonly http: number | null;
  readonly mqtt: number | null;
  readonly scenario: boolean;
};

type Program = {
  readonly name: string;
  readonly args: readonly string[];
  /** As bin/ starts it. */
  readonly nodeFlags?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** How it says that it is up. */
  readonly ready: (message: unknown) => boolean;
};

export async function runDemo(options: DemoOptions): Promise<ExitCode> {
  const folder = resolve(options.folder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const lock = lockFolder(folder);
  if (!lock.ok) {
    complain(`aislewatch: ${lock.error.detail}\n`);
    return EXIT.failed;
  }
  const stop = new AbortController();
  let terms = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (signal === "SIGTERM" && ++terms > 1) process.exit(EXIT.failed);
    stop.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  process.on("disconnect", () => stop.abort());

  const running: Supervised[] = [];
  try {
    const http = await choosePort("page", options.http, 8080);
    const mqtt = await choosePort("agents", options.mqtt, 1883);
    const url = `http://127.0.0.1:${http}`;
    const config = writeCollectorConfig(folder, http, mqtt);
    const secrets = await makeSecrets(folder, config, url);

    progress("Starting the collector");
    running.push(
      await start(
        { name: "collector", args: [PROGRAMS.collector, "collector", "--config", config], ready: hasReady },
        folder,
        stop.signal,
      ),
    );
    progress("Starting the demo store");
    const simulator = [
      PROGRAMS.simulator,
      ...["--folder", join(folder, "demo")],
      ...["--collector", `mqtt://127.0.0.1:${mqtt}`],
      ...["--password", `file:${secrets.agentPassword}`],
      ...["--data", join(folder, "agent")],
      ...(options.scenario ? ["--scenario"] : []),
    ];
    running.push(await start({ name: "demo store", args: simulator, ready: hasReady }, folder, stop.signal));
    progress("Starting the agent");
    running.push(
      await start(
        {
          name: "agent",
          args: [PROGRAMS.agent, "run", "--config", join(folder, "demo", "agent.yaml")],
          nodeFlags: AGENT_NODE_FLAGS,
          env: agentEnvironment(process.env),
          ready: hasReady,
        },
        folder,
        stop.signal,
      ),
    );
    if (!stop.signal.aborted) welcome(folder, await loginLink(config));
    await new Promise<void>((done) => {
      if (stop.signal.aborted) done();
      else stop.signal.addEventListener("abort", () => done(), { once: true });
    });
    return EXIT.ok;
  } catch (thrown) {
    if (stop.signal.aborted) return EXIT.ok;
    complain(`aislewatch: ${errorText(thrown)}\n`);
    return EXIT.failed;
  } finally {
    if (running.length > 0) complain("Stopping …\n");
    // The agent first: what its outbox still holds reaches the collector.
    for (const program of running.reverse()) await program.stop();
    lock.value.release();
  }
}

const hasReady = (message: unknown): boolean => typeof message === "object" && message !== null && "ready" in message;
const progress = (text: string): void => complain(`${text} …\n`);

/** The wished port, or the next free one. A port that the user named must be free. */
async function choosePort(what: string, named: number | null, usual: number): Promise<number> {
  const wanted = named ?? usual;
  for (let port = wanted; port < wanted + PORT_TRIES; port++) {
    if (await isFree(port)) {
      if (port !== wanted) complain(`Port ${wanted} (${what}) is used by another program; using ${port}.\n`);
      return port;
    }
    if (named !== null)
      throw new Error(`port ${named} (${what}) is used by another program; name another, or none to have one chosen`);
  }
  throw new Error(`no free port for the ${what} from ${wanted} to ${wanted + PORT_TRIES - 1}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}

function writeCollectorConfig(folder: string, http: number, mqtt: number): string {
  const sites = join(folder, "sites.yaml");
  // Yours to edit: written once. collector.yaml follows the ports and is written at each start.
  if (!existsSync(sites)) {
    writeFileSync(
      sites,
      `sites:
  - id: ${SITE}
    name: Riverside Market
    time_zone: Europe/Berlin
    format: store
    # Open around the clock, so that the demo's priorities are the same whenever it is watched.
    trading_hours: { daily: "00:00-24:00" }
`,
    );
  }
  const overrides = join(folder, "overrides.yaml");
  if (!existsSync(overrides)) {
    writeFileSync(
      overrides,
      "# Other values of a rule's vars for some sites or devices (docs/rules.md, Overrides).\noverrides: []\n",
    );
  }
  const config = join(folder, "collector.yaml");
  writeFileSync(
    config,
    `# Written by "${DEMO_COMMAND}" at each start. To keep a configuration of your own, copy it and run
# "${COMMAND} collector --config YOUR-COPY".
listen:
  http: "127.0.0.1:${http}"
  mqtt: "127.0.0.1:${mqtt}"
data: ./collector
rules: ${JSON.stringify(join(RULES, "packs"))}
runbooks: ${JSON.stringify(join(RULES, "runbooks"))}
sites: ./sites.yaml
overrides: ./overrides.yaml
`,
  );
  return config;
}

/** A password for the agent and a token for the command line, made once. */
async function makeSecrets(folder: string, config: string, url: string): Promise<{ agentPassword: string }> {
  const secrets = join(folder, "secrets");
  mkdirSync(secrets, { recursive: true, mode: 0o700 });
  const agentPassword = join(secrets, "agent-password");
  const token = join(secrets, "cli-token");
  const made = existsSync(join(folder, "collector", "state.sqlite"));
  if (!made || !existsSync(agentPassword))
    await collectorCommand(["agents", "add", `${SITE}/${AGENT}`, "--config", config, "--out", agentPassword]);
  if (!made || !existsSync(token))
    await collectorCommand(["tokens", "add", "cli", "--role", "admin", "--config", config, "--out", token]);
  const cli = join(folder, "cli.json");
  writeFileSync(cli, JSON.stringify({ url, token: readFileSync(token, "utf8").trim() }), { mode: 0o600 });
  chmodSync(cli, 0o600);
  return { agentPassword };
}

const loginLink = async (config: string): Promise<string> =>
  (await collectorCommand(["login-link", "--config", config])).trim();

async function collectorCommand(args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [...NODE_FLAGS, PROGRAMS.collector, ...args]);
  return stdout;
}

const NODE_FLAGS = ["--disable-warning=ExperimentalWarning"];

function welcome(folder: string, link: string): void {
  const shown = relative(process.cwd(), folder) || ".";
  const here = shown === DEMO_FOLDER ? "" : ` --folder ${shown}`;
  print(`
  Aislewatch is running.

  Open     ${link}
           (signs you in once, within 10 minutes)
  Again    ${COMMAND} login-link --config ${join(shown, "collector.yaml")}
  Break    ${COMMAND} demo fault receiving/label-printer media-out${here}
  Watch    ${COMMAND} incidents watch${here}
  Logs     ${join(shown, "logs")}
  Stop     Ctrl-C

`);
}

type Supervised = { stop(): Promise<void> };

/** Starts a program, waits until it is up, and starts it again when it dies by itself. */
async function start(program: Program, folder: string, stop: AbortSignal): Promise<Supervised> {
  let child: ChildProcess | null = null;
  let stopping = false;
  let attempt = 0;
  let timer: NodeJS.Timeout | null = null;

  const logFile = join(folder, "logs", `${program.name.replace(" ", "-")}.log`);
  mkdirSync(join(folder, "logs"), { recursive: true });
  const log = openSync(logFile, "w", 0o600);

  const launch = (): ChildProcess => {
    const [script = "", ...args] = program.args;
    const next = spawn(process.execPath, [...NODE_FLAGS, ...(program.nodeFlags ?? []), script, ...args], {
      cwd: folder,
      env: program.env ?? process.env,
      stdio: ["ignore", "ignore", log, "ipc"],
    });
    next.on("exit", (code, signal) => {
      child = null;
      if (stopping || stop.aborted) return;
      const waitMs = backoffMs(attempt++, RESTART, Math.random());
      complain(
        `The ${program.name} ended by itself (${signal ?? `code ${code}`}); starting it again in ${(waitMs / 1000).toFixed(1)} s.\n`,
      );
      timer = setTimeout(() => {
        child = launch();
      }, waitMs);
    });
    return next;
  };

  child = launch();
  await untilReady(child, { ...program, logFile }, stop);
  return {
    async stop() {
      stopping = true;
      if (timer !== null) clearTimeout(timer);
      const last = child;
      if (last === null || last.exitCode !== null) return;
      await new Promise<void>((done) => {
        const kill = setTimeout(() => last.kill("SIGKILL"), STOP_MS_MAX);
        last.once("exit", () => {
          clearTimeout(kill);
          done();
        });
        last.kill("SIGTERM");
      });
    },
  };
}

type Starting = Program & { readonly logFile: string };

function untilReady(child: ChildProcess, { name, ready, logFile }: Starting, stop: AbortSignal): Promise<void> {
  const tail = (): string => readFileSync(logFile, "utf8").slice(-LOG_TAIL_CHARS);
  return new Promise((done, fail) => {
    const timer = setTimeout(
      () => end(new Error(`the ${name} was not up within ${READY_MS_MAX / 1000} s\n${tail()}`)),
      READY_MS_MAX,
    );
    const end = (error?: Error): void => {
      clearTimeout(timer);
      child.off("message", onMessage);
      child.off("exit", onExit);
      stop.removeEventListener("abort", onAbort);
      if (error === undefined) done();
      else fail(error);
    };
    const onMessage = (message: unknown): void => {
      if (ready(message)) end();
    };
    const onExit = (code: number | null): void => end(new Error(`the ${name} ended with code ${code}\n${tail()}`));
    const onAbort = (): void => end();
    child.on("message", onMessage);
    child.on("exit", onExit);
    stop.addEventListener("abort", onAbort);
  });
}
