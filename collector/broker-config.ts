/**
 * `aislewatch broker-config mosquitto`: the files that Mosquitto needs to be this collector's broker, from collector.yaml and
 * the agents that were let in. Overwrites nothing without being told so, but the list of passwords, of which it keeps the
 * lines of others.
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { EXIT } from "@aislewatch/runtime";
import { UsageError } from "./admin.ts";
import { hashAgentPassword } from "./agent-password.ts";
import {
  MOSQUITTO_FILES,
  type MosquittoPlan,
  mosquittoAcl,
  mosquittoConf,
  mosquittoPasswords,
} from "./broker/mosquitto.ts";
import type { CollectorConfig } from "./config.ts";
import { COLLECTOR_AGENT, OWN_SITE } from "./own-reports.ts";
import { createSqliteStore } from "./store/state/sqlite.ts";
import type { AgentCredential } from "./store/state/store.ts";

export const brokerConfigHelp = `Usage: aislewatch broker-config mosquitto --config collector.yaml [options]

  --out DIR            where the files go (default: ./mosquitto)
  --certificate FILE   the broker's certificate and key, for mqtts://; paths on the broker's host
  --key FILE
  --passwords          only the list of passwords: after agents were added or removed; entries of others stay
  --print              show the files and write nothing
  --force              overwrite mosquitto.conf and the access list, too
  --data DIR           the collector's data folder, when it is not that of the file
`;

type FindConfig = (options: { config?: string | undefined; data?: string | undefined }) => CollectorConfig | null;

export async function brokerConfig(args: string[], findConfig: FindConfig): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      config: { type: "string" },
      data: { type: "string" },
      out: { type: "string", default: "mosquitto" },
      certificate: { type: "string" },
      key: { type: "string" },
      passwords: { type: "boolean", default: false },
      print: { type: "boolean", default: false },
      force: { type: "boolean", default: false },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    process.stdout.write(brokerConfigHelp);
    return EXIT.asked;
  }
  const [broker, ...rest] = positionals;
  if (broker !== "mosquitto" || rest.length > 0)
    throw new UsageError(`expected a broker: mosquitto; received "${positionals.join(" ")}"\n\n${brokerConfigHelp}`);
  const config = findConfig(values);
  if (config === null) return EXIT.config;
  const plan = planOf(config, values);
  const agents = await agentsOf(config.data);
  const file = (name: keyof typeof MOSQUITTO_FILES): string => join(plan.folder, MOSQUITTO_FILES[name]);
  const before = existsSync(file("passwords")) ? readFileSync(file("passwords"), "utf8") : "";
  const password = config.broker?.password ?? null;
  const hash = password === null ? null : hashAgentPassword(password);
  const passwords = mosquittoPasswords({ username: plan.username, hash, agents }, before);
  const texts = values.passwords ? {} : { conf: mosquittoConf(plan), acl: mosquittoAcl(plan) };
  if (values.print) {
    for (const [name, text] of Object.entries({ ...texts, passwords: passwords.text }))
      process.stdout.write(`### ${file(name === "conf" || name === "acl" ? name : "passwords")}\n${text}\n`);
    return tellOfNew(passwords.needNew);
  }
  const there = [file("conf"), file("acl")].filter((path) => existsSync(path));
  if (!values.passwords && !values.force && there.length > 0)
    throw new Error(
      `${there.join(" and ")}: there already. --passwords renews the passwords alone, --force overwrites`,
    );
  mkdirSync(join(plan.folder, "data"), { recursive: true, mode: 0o700 });
  if (texts.conf !== undefined) writeFileSync(file("conf"), texts.conf);
  // Mosquitto warns of a list that everyone may read, and will refuse it.
  if (texts.acl !== undefined) replacePrivate(file("acl"), texts.acl);
  replacePrivate(file("passwords"), passwords.text);
  process.stdout.write(`${plan.folder}: ${passwords.agents} agents and "${plan.username}" may sign in.\n`);
  process.stdout.write(
    values.passwords
      ? "Have Mosquitto read it again: kill -HUP its process, or systemctl reload mosquitto.\n"
      : `Mosquitto's user must be able to read these files and to write data/: chown -R mosquitto: ${plan.folder}\nStart it: mosquitto -c ${file("conf")}\n`,
  );
  return tellOfNew(passwords.needNew);
}

type Given = {
  readonly out: string;
  readonly passwords: boolean;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
};

function planOf({ broker }: CollectorConfig, { out, certificate, key, passwords }: Given): MosquittoPlan {
  if (broker === null)
    throw new UsageError("collector.yaml has the broker inside the collector; this is for broker: external");
  if (broker.username === null)
    throw new UsageError("collector.yaml names no mqtt.username and mqtt.password: Mosquitto lets nobody in without");
  const isTls = broker.url.startsWith("mqtts:");
  if (!passwords && isTls !== (certificate !== undefined && key !== undefined))
    throw new UsageError(
      isTls
        ? `${broker.url} needs the broker's own certificate: --certificate FILE --key FILE`
        : `${broker.url} has no TLS: --certificate and --key are for mqtts://`,
    );
  return {
    folder: resolve(out),
    url: broker.url,
    username: broker.username,
    own: { site: OWN_SITE, agent: COLLECTOR_AGENT },
    certificate:
      certificate === undefined || key === undefined ? null : { cert: resolve(certificate), key: resolve(key) },
  };
}

async function agentsOf(data: string): Promise<readonly AgentCredential[]> {
  const file = join(data, "state.sqlite");
  if (!existsSync(file)) return [];
  const state = createSqliteStore({ file });
  await state.open();
  try {
    return state.agentCredentials();
  } finally {
    await state.close();
  }
}

/** The old one or the new one, whole, for a broker that may read it at any moment; it stays whose it was. */
function replacePrivate(path: string, text: string): void {
  const next = `${path}.next`;
  writeFileSync(next, text, { mode: 0o600 });
  chmodSync(next, 0o600);
  const was = statSync(path, { throwIfNoEntry: false });
  if (was !== undefined && process.getuid?.() === 0) chownSync(next, was.uid, was.gid);
  renameSync(next, path);
}

function tellOfNew(needNew: readonly string[]): number {
  if (needNew.length === 0) return EXIT.asked;
  process.stderr.write(
    `${needNew.length} agents can't sign in at a broker: what is kept of their passwords is of an earlier form.\nMake new ones, and run this again with --passwords:\n`,
  );
  for (const name of needNew) process.stderr.write(`  aislewatch agents add ${name} --out FILE\n`);
  return EXIT.asked;
}
