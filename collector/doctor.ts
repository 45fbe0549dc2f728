/**
 * `aislewatch doctor`: what is wrong with a collector, and what to do about it. Looks only: nothing is sent, published or
 * written. A collector that runs on the data folder is asked how it is; of one that does not, ports and broker are tried.
 */
import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { errorText } from "@aislewatch/base";
import {
  certificateFinding,
  type Finding,
  findingsExit,
  findingsJson,
  findingsText,
  inspectEndpoint,
  inspectFolder,
  inspectProcess,
  inspectSecrets,
  lockOwner,
  realClock,
} from "@aislewatch/runtime";
import { VERSION } from "./app.ts";
import { tryBroker } from "./broker/try.ts";
import type { CollectorConfig, Listen } from "./config.ts";
import { loadConfigSet } from "./config-set.ts";
import { seriesFindings, stateFindings } from "./doctor-stores.ts";
import { parseExposition } from "./exposition.ts";
import type { ChannelConfig } from "./notify/routing.ts";

export const doctorHelp = `Usage: aislewatch doctor [options]

  Looks at a collector's configuration, stores, ports, broker, channels, people and agents: what is wrong, and what to
  do about it. Nothing is sent or changed. It may run or not.

  --config FILE   the collector's collector.yaml
  --data DIR      or its data folder (default: ./data, or what the file says; where the demo was started, the demo's)
  --json          for scripts

Exit codes: 0 all is well, 1 something is worth a look, 2 something does not work.
`;

/** Where `npm start` left its own, below the folder in which it was started. */
const DEMO_CONFIG = join(".aislewatch", "collector.yaml");
const ASK_MS_MAX = 5_000;
const ANSWER_BYTES_MAX = 8 * 2 ** 20;
/** Beside DuckDB's own memory: docs/benchmarks.md. */
const MEMORY_BYTES = 256 * 2 ** 20;
/** A socket an agent, and some for people and stores. */
const OPEN_FILES = 1_024;
const MISTAKES_SHOWN_MAX = 10;

type FindConfig = (options: { config?: string | undefined; data?: string | undefined }) => CollectorConfig | null;

export async function doctor(args: string[], findConfig: FindConfig): Promise<number> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args,
    options: { config: text, data: text, json: { type: "boolean" }, help: { type: "boolean", short: "h" } },
  });
  if (values.help) {
    process.stdout.write(doctorHelp);
    return 0;
  }
  const isDemo = values.config === undefined && values.data === undefined && existsSync(DEMO_CONFIG);
  const file = isDemo ? DEMO_CONFIG : values.config;
  const config = findConfig({ ...values, config: file });
  const findings =
    config === null
      ? [configFinding(`${file} can't be used`, "mend what stands above")]
      : await diagnose(config, file ?? null, realClock.now());
  process.stdout.write(values.json ? findingsJson(findings) : findingsText(findings));
  return findingsExit(findings);
}

const configFinding = (what: string, todo: string): Finding => ({ group: "configuration", level: "fail", what, todo });

/** `configFile`: null when everything is as shipped. */
export async function diagnose(config: CollectorConfig, configFile: string | null, nowMs: number): Promise<Finding[]> {
  const files = [configFile, config.notifications].filter((file) => file !== null);
  const pid = lockOwner(config.data);
  const set = loadConfigSet(config);
  const [running, series, channels] = await Promise.all([
    pid === null ? stopped(config) : asked(config, pid),
    seriesFindings(config, nowMs),
    Promise.all((set.ok ? set.value.notifications.channels : []).map((one) => channelFindings(one, nowMs))),
  ]);
  return [
    ...configSet(set),
    ...inspectSecrets("configuration", files),
    ...inspectProcess({ memoryBytes: config.memoryLimitBytes + MEMORY_BYTES, openFiles: OPEN_FILES }),
    ...running,
    ...listening(config),
    ...certificate(config, nowMs),
    ...inspectFolder("data folder", config.data),
    ...stateFindings(config.data, nowMs, VERSION),
    ...series,
    ...channels.flat(),
  ];
}

function configSet(loaded: ReturnType<typeof loadConfigSet>): Finding[] {
  if (loaded.ok) {
    const { rules, sites } = loaded.value;
    const what = `${rules.rules.length} rules, ${sites.length} sites: no mistakes found`;
    return [{ group: "configuration", level: "ok", what }];
  }
  return loaded.diagnostics
    .slice(0, MISTAKES_SHOWN_MAX)
    .map(({ file, line, column, code, message }) =>
      configFinding(
        `${file}:${line}:${column} ${code} ${message}`,
        "mend it; until then a running collector keeps the last good set. aislewatch collector --check shows the line",
      ),
    );
}

const urlOf = ({ host, port }: Listen, isTls: boolean): string =>
  `${isTls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;

/** Where it listens on every address, loopback is one of them. */
const reached = (listen: Listen): Listen => ({
  ...listen,
  host: listen.host === "0.0.0.0" ? "127.0.0.1" : listen.host === "::" ? "::1" : listen.host,
});

function listening({ http, mqtt, broker, tls }: CollectorConfig): Finding[] {
  const group = "network";
  const all = [
    { name: tls === null ? "HTTP" : "HTTPS", listen: http },
    ...(broker === null ? [{ name: tls === null ? "MQTT" : "MQTT over TLS", listen: mqtt }] : []),
  ];
  return all.map(({ name, listen: { host, port } }) => {
    const who = /^(127\.|::1$|localhost$)/.test(host) ? "this host only" : "whoever reaches this address";
    return { group, level: "ok", what: `${name} on ${host}:${port}, for ${who}` };
  });
}

function certificate({ tls }: CollectorConfig, nowMs: number): Finding[] {
  if (tls === null) return [];
  const { validTo } = new X509Certificate(tls.cert);
  return [certificateFinding("network", "the collector's certificate", Date.parse(validTo), nowMs)];
}

async function stopped(config: CollectorConfig): Promise<Finding[]> {
  const group = "collector";
  const todo = "start it: systemctl start aislewatch, or aislewatch collector --config FILE";
  const ports = await Promise.all([config.http, ...(config.broker === null ? [config.mqtt] : [])].map(portFinding));
  return [
    { group, level: "warn", what: `no collector runs on ${config.data}`, todo },
    ...ports,
    ...(config.broker === null ? [] : [await brokerFinding(config.broker)]),
  ];
}

/** By listening there for a moment. */
function portFinding({ host, port, named }: Listen): Promise<Finding> {
  const group = "network";
  return new Promise((done) => {
    const server = createServer();
    server.once("error", (error) => {
      const code = "code" in error ? String(error.code) : "";
      if (code === "EADDRINUSE" && !named)
        done({
          group,
          level: "ok",
          what: `${host}:${port} is used by another program: the next free port will be taken`,
        });
      else if (code === "EADDRINUSE") {
        const todo = `see who it is with ss -ltnp 'sport = :${port}', or name another port in collector.yaml`;
        done({ group, level: "fail", what: `${host}:${port} is used by another program`, todo });
      } else {
        const todo =
          "look at listen in collector.yaml: the address must be this host's, and ports below 1024 need a right";
        done({ group, level: "fail", what: `can't listen on ${host}:${port}: ${errorText(error)}`, todo });
      }
    });
    server.listen(port, host, () => {
      server.close(() => done({ group, level: "ok", what: `${host}:${port} is free` }));
    });
  });
}

async function brokerFinding(broker: NonNullable<CollectorConfig["broker"]>): Promise<Finding> {
  const trouble = await tryBroker(broker, ASK_MS_MAX);
  if (trouble === null) return { group: "broker", level: "ok", what: `${broker.url} takes us, and lets us read` };
  const { code, detail, hint } = trouble;
  return { group: "broker", level: "fail", what: `${broker.url}: ${code} ${detail}`, todo: hint };
}

/** What a running collector says of itself; what its figures mean stands in docs/operate.md. */
async function asked(config: CollectorConfig, pid: number): Promise<Finding[]> {
  const group = "collector";
  const url = urlOf(reached(config.http), config.tls !== null);
  const [health, metrics] = await Promise.all([ask(`${url}/healthz`), ask(`${url}/metrics`)]);
  if (health instanceof Error) {
    const todo = `does it still start? Else look at its log, and end process ${pid}: it loses nothing by it`;
    const more = config.http.named ? "" : " (its port was taken at its start, perhaps: its log says which one it has)";
    return [{ group, level: "fail", what: `process ${pid} does not answer at ${url}: ${health.message}${more}`, todo }];
  }
  return [
    { group, level: "ok", what: `process ${pid} answers at ${url}` },
    ...reasonsOf(health).map(
      (what): Finding => ({ group, level: "fail", what, todo: "see the runbooks of site aislewatch" }),
    ),
    ...(metrics instanceof Error ? [] : figureFindings(metrics)),
  ];
}

function reasonsOf(text: string): string[] {
  try {
    const { reasons } = JSON.parse(text) as { reasons?: unknown };
    return Array.isArray(reasons) ? reasons.map(String) : [];
  } catch {
    return ["what answers at its address is no collector"];
  }
}

/** Figures that should be 0, what it means when they are not, and what to do. */
const SHOULD_BE_0: readonly { name: string; level: "warn" | "fail"; what: string; todo: string }[] = [
  {
    ...{
      name: "aislewatch_rules_refused",
      level: "fail",
      what: "edited files are faulty, the last good set is in use",
    },
    todo: "aislewatch collector --check --config FILE shows what is wrong",
  },
  {
    ...{
      name: "aislewatch_batches_shed_total",
      level: "warn",
      what: "the time-series store was slower than its agents",
    },
    todo: "a faster disk, or fewer samples; nothing is lost, agents send again",
  },
  {
    ...{ name: "aislewatch_state_commit_failures_total", level: "warn", what: "the state store could not be written" },
    todo: "look at the room and the health of its disk",
  },
  {
    ...{
      name: "aislewatch_timeseries_append_failures_total",
      level: "warn",
      what: "the time-series store could not be written",
    },
    todo: "look at the room and the health of its disk, or at InfluxDB",
  },
  {
    ...{ name: "aislewatch_batch_gaps_total", level: "warn", what: "batches are missing" },
    todo: "aislewatch audit delivery says which",
  },
  {
    ...{ name: "aislewatch_notification_channel_down", level: "fail", what: "a channel fails" },
    todo: "aislewatch notify channels says which and why",
  },
];

function figureFindings(text: string): Finding[] {
  const group = "collector";
  try {
    const families = parseExposition(text);
    return SHOULD_BE_0.flatMap(({ name, level, what, todo }) => {
      const sum = families.find((one) => one.name === name)?.samples.reduce((all, { value }) => all + value, 0) ?? 0;
      return sum === 0 ? [] : [{ group, level, what: `${what} (${name} is ${sum})`, todo }];
    });
  } catch (thrown) {
    return [{ group, level: "warn", what: `its figures can't be read: ${errorText(thrown)}` }];
  }
}

/** The text of an answer, whatever its status. Its certificate is not looked at: nothing is sent, and it is our own. */
function ask(url: string): Promise<string | Error> {
  return new Promise((done) => {
    const request = (url.startsWith("https:") ? requestHttps : requestHttp)(
      url,
      { rejectUnauthorized: false, signal: AbortSignal.timeout(ASK_MS_MAX) },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (more: string) => {
          text += more;
          if (text.length > ANSWER_BYTES_MAX) request.destroy(new Error("it answers without end"));
        });
        response.on("end", () => done(text));
        response.on("error", done);
      },
    );
    request.on("error", done);
    request.end();
  });
}

/** Can its server be reached? Nothing is sent to it. */
async function channelFindings(channel: ChannelConfig, nowMs: number): Promise<Finding[]> {
  const found = await inspectEndpoint(
    { group: `channel ${channel.name}`, timeoutMs: ASK_MS_MAX, ...placeOf(channel) },
    nowMs,
  );
  return found;
}

function placeOf(channel: ChannelConfig) {
  if (channel.kind === "email") {
    const { host, port, tls, ca } = channel;
    // With STARTTLS the server speaks first, in the clear: that it answers is what can be told without sending.
    return { host, port, tls: tls === "implicit" ? { ca, serverName: null } : null };
  }
  const { protocol, hostname, port } = new URL(channel.url);
  const isTls = protocol === "https:";
  return {
    ...{ host: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port || (isTls ? 443 : 80)) },
    tls: isTls ? { ca: null, serverName: null } : null,
  };
}
