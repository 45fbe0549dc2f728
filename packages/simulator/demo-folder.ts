/**
 * The demo's folder: what must be the same at the next start (ports, SNMPv3 passwords), and what the CLI and the agent
 * read (devices.json, agent.yaml). Secrets are files of their own with mode 0600, named by reference only.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type AgentYamlOptions, agentYaml } from "./agent-yaml.ts";
import type { DemoCredentials, DemoDevice } from "./demo-devices.ts";
import type { DemoStore } from "./store.ts";

/** devices.json */
export type DemoFile = {
  readonly site: DemoStore["site"];
  readonly devices: readonly DemoDevice[];
  readonly ports: Readonly<Record<string, number>>;
};

const DEVICES = "devices.json";
const SECRETS = "secrets";

/** Ports of the last run; none when there was none, or when its file is damaged. */
export function rememberedPorts(folder: string): Record<string, number> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(join(folder, DEVICES), "utf8"));
  } catch {
    return {};
  }
  const ports: unknown = typeof json === "object" && json !== null && "ports" in json ? json.ports : null;
  if (typeof ports !== "object" || ports === null) return {};
  const isPort = (entry: [string, unknown]): entry is [string, number] =>
    Number.isInteger(entry[1]) && Number(entry[1]) > 0 && Number(entry[1]) <= 65_535;
  return Object.fromEntries(Object.entries(ports).filter(isPort));
}

/** The SNMPv3 passwords of the demo: made at the first start, kept afterwards. References are relative to the folder. */
export function demoCredentials(folder: string): DemoCredentials {
  mkdirSync(join(folder, SECRETS), { recursive: true, mode: 0o700 });
  const [auth, priv] = [`${SECRETS}/snmp-v3-auth`, `${SECRETS}/snmp-v3-priv`];
  return {
    authPassword: keptSecret(join(folder, auth)),
    privPassword: keptSecret(join(folder, priv)),
    authPasswordRef: `file:${auth}`,
    privPasswordRef: `file:${priv}`,
  };
}

/** USM asks for eight octets at least (RFC 3414 §11.2); 18 random bytes are 24 characters. */
const SECRET_BYTES = 18;

function keptSecret(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    const secret = randomBytes(SECRET_BYTES).toString("base64url");
    writeFileSync(path, `${secret}\n`, { mode: 0o600 });
    return secret;
  }
}

/** Writes devices.json and agent.yaml, each whole or not at all. */
export function writeDemoFolder(folder: string, store: DemoStore, options: AgentYamlOptions): void {
  const file: DemoFile = { site: store.site, devices: store.devices, ports: store.ports };
  replace(join(folder, DEVICES), `${JSON.stringify(file, null, 2)}\n`);
  replace(join(folder, "agent.yaml"), agentYaml(store, options));
}

function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
