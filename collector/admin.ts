/**
 * Commands that work on a collector's state store, while it runs or not: SQLite lets several processes in. Secrets are
 * shown once, on stdout, or written to a file that only its owner can read; they never stand on a command line.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isId } from "@aislewatch/contract";
import { EXIT, realClock } from "@aislewatch/runtime";
import { hashAgentPassword, newAgentPassword } from "./agent-password.ts";
import { type AuthDeps, createLoginLink, createToken, ensureAdmin, putUser } from "./api/auth.ts";
import { isRestoreUnfinished } from "./backup/restore-places.ts";
import type { CollectorConfig } from "./config.ts";
import { COLLECTOR_AGENT, OWN_SITE } from "./own-reports.ts";
import { createSqliteStore } from "./store/state/sqlite.ts";
import type { Role } from "./store/state/store.ts";

export class UsageError extends Error {}

export const adminHelp = `Usage: aislewatch users add NAME [--role viewer|operator|admin] [--password-file FILE|-]
       aislewatch users list | remove NAME
       aislewatch tokens add NAME [--role viewer|operator|admin] [--out FILE]
       aislewatch agents add SITE/AGENT [--out FILE]
       aislewatch login-link [USER] [--url URL]

  --config FILE   the collector's collector.yaml
  --data DIR      or its data folder (default: ./data)
  --out FILE      write the secret there (mode 0600) instead of showing it
  --url URL       where that person reaches the page, when it is not where the collector listens
`;

/** From a person at a terminal, so a name is short and a secret is not. */
const PASSWORD_CHARS_MIN = 10;
const ROLES: readonly Role[] = ["viewer", "operator", "admin"];

type FindConfig = (options: { config?: string | undefined; data?: string | undefined }) => CollectorConfig | null;
type Options = {
  config?: string | undefined;
  data?: string | undefined;
  role?: string | undefined;
  out?: string | undefined;
  "password-file"?: string | undefined;
  url?: string | undefined;
};

export async function administer(command: string, args: string[], findConfig: FindConfig): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      config: { type: "string" },
      data: { type: "string" },
      role: { type: "string" },
      out: { type: "string" },
      "password-file": { type: "string" },
      url: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    process.stdout.write(adminHelp);
    return EXIT.asked;
  }
  const config = findConfig(values);
  if (config === null) return EXIT.config;
  if (isRestoreUnfinished(config.data))
    throw new Error(`a restore into ${config.data} was killed: start the collector, or run aislewatch restore again`);
  if (!existsSync(config.data)) mkdirSync(config.data, { recursive: true, mode: 0o700 });
  const state = createSqliteStore({ file: join(config.data, "state.sqlite") });
  await state.open();
  try {
    const deps: AuthDeps = { state, clock: realClock, random: (bytes) => randomBytes(bytes) };
    return await run([command, ...positionals], values, deps, config);
  } finally {
    await state.close();
  }
}

async function run(words: string[], options: Options, deps: AuthDeps, config: CollectorConfig): Promise<number> {
  const [command, verb, name] = words;
  const audit = (action: string, detail: string) =>
    deps.state.audit({ at: realClock.now(), actor: "cli", action, detail });
  switch (`${command} ${command === "login-link" ? "" : verb}`.trim()) {
    case "users add": {
      const user = needName(name);
      const password = readPassword(options["password-file"]);
      await putUser(deps, { name: user, role: roleOf(options.role ?? "operator"), password });
      audit("users add", user);
      process.stdout.write(
        password === null
          ? `${user} may sign in with a link: aislewatch login-link ${user}${sameCollector(options)}\n`
          : `${user} may sign in.\n`,
      );
      return EXIT.asked;
    }
    case "users list":
      for (const { name: user, role, passwordHash } of deps.state.users()) {
        process.stdout.write(`${user}\t${role}\t${passwordHash === null ? "by link" : "by password"}\n`);
      }
      return EXIT.asked;
    case "users remove":
      if (!deps.state.removeUser(needName(name))) throw new Error(`there is no user ${name}`);
      audit("users remove", needName(name));
      return EXIT.asked;
    case "tokens add": {
      const token = createToken(deps, needName(name), roleOf(options.role ?? "operator"));
      audit("tokens add", needName(name));
      give(token, options.out);
      return EXIT.asked;
    }
    case "agents add": {
      const [site, agent] = agentOf(name);
      const password = newAgentPassword();
      deps.state.putAgentCredential({ site, agent, passwordHash: hashAgentPassword(password) });
      audit("agents add", `${site}/${agent}`);
      give(password, options.out);
      return EXIT.asked;
    }
    case "login-link": {
      const user = verb ?? ensureAdmin(deps).name;
      if (!deps.state.users().some((known) => known.name === user))
        throw new Error(`there is no user ${user}: aislewatch users add ${user}`);
      const { host, port } = config.http;
      const named = host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host;
      const url = options.url ?? `${config.tls === null ? "http" : "https"}://${named}:${port}`;
      process.stdout.write(`${url}${createLoginLink(deps, user)}\n`);
      audit("login-link", user);
      return EXIT.asked;
    }
    default:
      throw new UsageError(`unknown command "${words.join(" ")}"\n\n${adminHelp}`);
  }
}

/** What has to stand behind a command that we propose, so that it means the collector that this one meant. */
const sameCollector = ({ config, data }: Options): string =>
  `${config === undefined ? "" : ` --config ${config}`}${data === undefined ? "" : ` --data ${data}`}`;

function needName(name: string | undefined): string {
  if (name === undefined || !/^[\w.@-]{1,64}$/.test(name)) {
    throw new UsageError(
      `expected a name of letters, digits and . _ - @; received ${name === undefined ? "nothing" : `"${name}"`}`,
    );
  }
  return name;
}

function roleOf(text: string): Role {
  const role = ROLES.find((known) => known === text);
  if (role === undefined) throw new UsageError(`--role takes one of ${ROLES.join(", ")}, not "${text}"`);
  return role;
}

function agentOf(name: string | undefined): [string, string] {
  const [site = "", agent = "", ...rest] = (name ?? "").split("/");
  if (!isId(site) || !isId(agent) || rest.length > 0) {
    throw new UsageError(`expected SITE/AGENT, such as store-0042/backoffice-pc; received "${name ?? ""}"`);
  }
  if (agent === COLLECTOR_AGENT)
    throw new UsageError(`an agent can't be called "${COLLECTOR_AGENT}": the collector reports under that name`);
  if (site === OWN_SITE)
    throw new UsageError(`a site can't be called "${OWN_SITE}": the collector is a device there itself`);
  return [site, agent];
}

function readPassword(file: string | undefined): string | null {
  if (file === undefined) return null;
  const password = readFileSync(file === "-" ? 0 : file, "utf8").replace(/\r?\n$/, "");
  if (password.length < PASSWORD_CHARS_MIN)
    throw new UsageError(`a password has at least ${PASSWORD_CHARS_MIN} characters`);
  return password;
}

function give(secret: string, out: string | undefined): void {
  if (out === undefined) {
    process.stdout.write(`${secret}\n`);
    return;
  }
  writeFileSync(out, `${secret}\n`, { mode: 0o600 });
  chmodSync(out, 0o600);
}
