import { parseArgs } from "node:util";
import type { components } from "@aislewatch/api";
import { alignedTable } from "@aislewatch/runtime";
import { formatAge } from "./age.ts";
import { auditText, parseAgent } from "./audit.ts";
import { type Api, connect, findConnection, orThrow } from "./client.ts";
import { EXIT, type ExitCode, print, printJson, UsageError, unknownCommand } from "./command.ts";

export const agentsHelp = `Usage: aislewatch agents <command> [options]

  list                      all agents: how they are, and what they owe
      --site SITE           only this site
  show SITE/AGENT           one agent, its deliveries and its slowest devices
  probe SITE/AGENT [DEVICE] polls a device now, or all that the agent has
  diagnostics SITE/AGENT    how the agent and its host are, as JSON
  reload SITE/AGENT         has it read its agent.yaml again, if that allows it (administrators)
  commands SITE/AGENT       what it was asked, by whom, and what came of it
  remove SITE/AGENT         takes it out: its password, its session and its devices; history stays (administrators)

  --json                    for scripts: the API's own answer
  --url URL                 the collector (default: AISLEWATCH_URL, or the demo's)
  --folder DIR              the demo's folder (default: .aislewatch)

On the collector's host:
  add SITE/AGENT            makes a password for an agent (--out FILE writes it there)
`;

type Agent = components["schemas"]["Agent"];
type Address = { readonly site: string; readonly agent: string };

const KINDS = { probe: "probe_now", diagnostics: "send_diagnostics", reload: "reload" } as const;
const COMMANDS = ["list", "show", ...Object.keys(KINDS), "commands", "remove", "add"];
/** How often a command is looked at until it is answered; the collector ends it at its deadline. */
const LOOK_MS = 300;

export async function agents(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      site: { type: "string" },
      json: { type: "boolean" },
      url: { type: "string" },
      folder: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [command, name, ...more] = positionals;
  if (values.help || command === undefined) {
    print(agentsHelp);
    return values.help ? EXIT.ok : EXIT.usage;
  }
  if (!COMMANDS.includes(command)) throw new UsageError(unknownCommand(command, COMMANDS));
  const [device, ...rest] = command === "probe" ? more : [undefined, ...more];
  if (rest.length > 0) throw new UsageError(`one agent at a time, not also ${rest.join(" ")}`);
  const address = command === "list" ? null : parseAgent(name);
  const api = connect(findConnection(values));
  const json = values.json ?? false;
  if (address === null) return list(api, values.site, json);
  switch (command) {
    case "show":
      return show(api, address, json);
    case "commands":
      return listCommands(api, address, json);
    case "probe":
    case "diagnostics":
    case "reload":
      return ask(api, address, { kind: KINDS[command], device: device ?? null, json });
    default:
      return remove(api, address);
  }
}

type Command = components["schemas"]["Command"];

/** Waits for the answer; 1 when it is another than `done`. */
async function ask(
  api: Api,
  { site, agent }: Address,
  { kind, device, json }: Pick<Command, "kind" | "device"> & { json: boolean },
): Promise<ExitCode> {
  const path = { site, agent };
  let command = orThrow(
    await api.POST("/api/v1/agents/{site}/{agent}/commands", { params: { path }, body: { kind, device } }),
  );
  while (command.state === "sent") {
    await new Promise((done) => setTimeout(done, LOOK_MS));
    command = orThrow(await api.GET("/api/v1/commands/{id}", { params: { path: { id: command.id } } }));
  }
  if (json) printJson(command);
  else if (kind === "send_diagnostics" && command.state === "done") print(`${pretty(command.detail)}\n`);
  else print(`${command.state}: ${command.detail}\n`);
  return command.state === "done" ? EXIT.ok : EXIT.failed;
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // Of a newer agent, perhaps.
  }
}

async function listCommands(api: Api, { site, agent }: Address, json: boolean): Promise<ExitCode> {
  const found = orThrow(await api.GET("/api/v1/agents/{site}/{agent}/commands", { params: { path: { site, agent } } }));
  if (json) {
    printJson(found);
    return EXIT.ok;
  }
  const rows = found.map(({ issuedAt, by, kind, device, state, detail }) => [
    new Date(issuedAt).toLocaleString(),
    by,
    `${kind} ${device ?? ""}`.trimEnd(),
    state,
    kind === "send_diagnostics" && state === "done" ? "" : (detail.split("\n")[0] ?? ""),
  ]);
  print(
    rows.length === 0
      ? "It was never asked anything.\n"
      : alignedTable([["WHEN", "WHO", "WHAT", "OUTCOME", "DETAIL"], ...rows]),
  );
  return EXIT.ok;
}

async function list(api: Api, site: string | undefined, json: boolean): Promise<ExitCode> {
  const all = orThrow(await api.GET("/api/v1/agents"));
  const found = site === undefined ? all : all.filter((agent) => agent.site === site);
  if (json) printJson(found);
  else print(found.length === 0 ? "No agents.\n" : listText(found, Date.now()));
  return EXIT.ok;
}

/** One line an agent. */
export function listText(found: readonly Agent[], nowMs: number): string {
  return alignedTable(
    [
      ["AGENT", "STATE", "SEEN", "VERSION", "DEVICES", "WAITING", "OWED", "MISSING", "CPU", "MB", "NOTE"],
      ...found.map((agent) => [
        `${agent.site}/${agent.id}`,
        stateOf(agent),
        agent.online ? "now" : formatAge(nowMs - agent.lastSeenAt),
        agent.version ?? "–",
        `${agent.devices}`,
        agent.outbox === null ? "–" : `${agent.outbox.batches}`,
        `${agent.owed.live + agent.owed.history}`,
        `${agent.missingBatches}`,
        agent.cost === null ? "–" : `${agent.cost.cpuPercent.toFixed(1)} %`,
        agent.cost === null ? "–" : `${Math.round(agent.cost.memoryBytes / 1e6)}`,
        notesOf(agent).join("; "),
      ]),
    ],
    [4, 5, 6, 7, 8, 9],
  );
}

const stateOf = ({ online, heard }: Agent): string => (heard ? (online ? "online" : "offline") : "not back yet");

/** As the rules see it (rules/packs/agent.yaml). */
const CLOCK_OFF_SECONDS = 60;
const FILLING_MIN = 0.5;

/** Within a second it is the way of a message, not the clock. */
const clockText = (offset: number): string =>
  Math.abs(offset) < 1 ? "right" : `${Math.round(Math.abs(offset))} s ${offset > 0 ? "ahead" : "behind"}`;

function notesOf({ online, clockOffsetSeconds, refusedClaims, thinnedSamples, outbox, epochRefused }: Agent): string[] {
  const old =
    online && outbox !== null && outbox.ageSeconds >= 60
      ? [`outbox ${formatAge(outbox.ageSeconds * 1_000)} behind`]
      : [];
  const offset = clockOffsetSeconds ?? 0;
  const used = outbox === null || outbox.bytesMax === null ? 0 : outbox.bytes / outbox.bytesMax;
  return [
    ...(epochRefused ? ["nothing is taken of it: explain what is missing of its earlier outboxes"] : []),
    ...(online && outbox !== null && outbox.inMemory !== null ? [`can't write its outbox: ${outbox.inMemory}`] : []),
    ...old,
    ...(online && used >= FILLING_MIN ? [`outbox ${Math.round(used * 100)} % full`] : []),
    ...(Math.abs(offset) >= CLOCK_OFF_SECONDS ? [`clock ${clockText(offset)}`] : []),
    ...(thinnedSamples > 0 ? [`${thinnedSamples} samples thinned`] : []),
    ...(refusedClaims.length > 0 ? [`claims devices of another agent: ${refusedClaims.join(", ")}`] : []),
  ];
}

async function show(api: Api, { site, agent: id }: Address, json: boolean): Promise<ExitCode> {
  const detail = orThrow(await api.GET("/api/v1/agents/{site}/{agent}", { params: { path: { site, agent: id } } }));
  if (json) {
    printJson(detail);
    return EXIT.ok;
  }
  const { agent, slowest, delivery } = detail;
  const at = (ms: number | null): string => (ms === null ? "–" : new Date(ms).toLocaleString());
  const lines: [string, string][] = [
    ["State", `${stateOf(agent)}, last seen ${at(agent.lastSeenAt)}`],
    ["Host", agent.host ?? "–"],
    ["Version", `${agent.version ?? "–"}, started ${at(agent.startedAt)}`],
    ["Epoch", agent.epoch ?? "–"],
    ["Outbox", outboxText(agent)],
    ["Thinned", agent.thinnedSamples === 0 ? "nothing" : `${agent.thinnedSamples} samples`],
    ["Clock", clockLine(agent)],
    ["Cost", costLine(agent)],
    ["Devices", `${agent.devices}`],
    ["Notes", notesOf(agent).join("; ") || "–"],
  ];
  print(`${agent.site}/${agent.id}  ${agent.siteName}\n\n`);
  for (const [name, text] of lines) print(`  ${name.padEnd(8)} ${text}\n`);
  if (slowest.length > 0) {
    const rows = slowest.map(({ device, seconds, everySeconds }) => [
      device,
      seconds.toFixed(3),
      `${everySeconds}`,
      everySeconds > 0 ? `${((seconds / everySeconds) * 100).toPrecision(2)} %` : "–",
    ]);
    print(`\nSlowest devices\n${alignedTable([["DEVICE", "SECONDS", "EVERY", "SHARE"], ...rows], [1, 2, 3])}`);
  }
  print(`\nDeliveries\n${auditText(delivery, Date.now())}`);
  return EXIT.ok;
}

function clockLine({ clockOffsetSeconds, timesShiftedSeconds }: Agent): string {
  if (clockOffsetSeconds === null) return "unknown";
  return `${clockText(clockOffsetSeconds)}${timesShiftedSeconds === 0 ? "" : "; its times are shifted by as much"}`;
}

function costLine({ cost, disk }: Agent): string {
  if (cost === null) return "unknown";
  const free = disk === null ? "" : `; ${(disk.freeBytes / 1e9).toFixed(1)} GB free on its disk`;
  return `${cost.cpuPercent.toFixed(1)} % of a core, ${Math.round(cost.memoryBytes / 1e6)} MB${free}`;
}

function outboxText({ outbox, owed }: Agent): string {
  if (outbox === null) return "unknown";
  const age = outbox.ageSeconds > 0 ? `, the oldest reading ${formatAge(outbox.ageSeconds * 1_000)} old` : "";
  const of = outbox.bytesMax === null ? "" : ` of ${Math.round(outbox.bytesMax / 2 ** 20)} MiB`;
  return `${outbox.batches} batches, ${Math.ceil(outbox.bytes / 1_024)} KiB${of}${age}; owed: ${owed.live} live, ${owed.history} history`;
}

async function remove(api: Api, { site, agent }: Address): Promise<ExitCode> {
  const { response, error } = await api.DELETE("/api/v1/agents/{site}/{agent}", { params: { path: { site, agent } } });
  if (!response.ok) orThrow({ error, response });
  print(
    `${site}/${agent} is taken out. Its history stays; "aislewatch agents add ${site}/${agent}" lets it in again.\n`,
  );
  return EXIT.ok;
}
