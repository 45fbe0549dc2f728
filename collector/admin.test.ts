import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT } from "@aislewatch/runtime";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { administer, UsageError } from "./admin.ts";
import { verifyAgentPassword } from "./agent-password.ts";
import { type CollectorConfig, defaultCollectorConfig } from "./config.ts";
import { createSqliteStore } from "./store/state/sqlite.ts";
import type { StateStore } from "./store/state/store.ts";

let folder = "";
let said = "";

const run = (...[command = "", ...args]: string[]): Promise<number> => {
  said = "";
  return administer(command, args, () => config());
};
let config = (): CollectorConfig => defaultCollectorConfig(folder);

/** What stands in the state store afterwards. */
async function kept<T>(look: (state: StateStore) => T): Promise<T> {
  const state = createSqliteStore({ file: join(folder, "state.sqlite") });
  await state.open();
  try {
    return look(state);
  } finally {
    await state.close();
  }
}

describe("the commands on a data folder", () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "aislewatch-"));
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      said += String(text);
      return true;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true, force: true });
  });

  it("agents add: the password is shown once and only its hash is kept", async () => {
    expect(await run("agents", "add", "s1/pc")).toBe(EXIT.asked);
    const password = said.trim();
    const hash = await kept((state) => state.agentCredential("s1", "pc")?.passwordHash ?? "");
    expect(hash).not.toContain(password);
    expect(verifyAgentPassword(Buffer.from(password), hash)).toBe(true);
    await run("agents", "add", "s1/pc");
    const newHash = await kept((state) => state.agentCredential("s1", "pc")?.passwordHash ?? "");
    expect(verifyAgentPassword(Buffer.from(password), newHash)).toBe(false);
  });

  it("writes a secret to a file that only its owner can read, and says nothing", async () => {
    const out = join(folder, "token");
    writeFileSync(out, "old", { mode: 0o644 });
    expect(await run("tokens", "add", "grafana", "--role", "viewer", "--out", out)).toBe(EXIT.asked);
    expect(said).toBe("");
    expect(readFileSync(out, "utf8")).toMatch(/^\S{20,}\n$/);
    expect(statSync(out).mode & 0o777).toBe(0o600);
  });

  it("users add, list and remove", async () => {
    const file = join(folder, "password");
    writeFileSync(file, "correct horse battery\n");
    await run("users", "add", "kim", "--role", "admin", "--password-file", file);
    await run("users", "add", "jo");
    await run("users", "list");
    expect(said.split("\n").sort()).toEqual(["", "jo\toperator\tby link", "kim\tadmin\tby password"]);
    expect(await kept((state) => JSON.stringify(state.users()))).not.toContain("correct horse");
    await run("users", "remove", "jo");
    expect(await kept((state) => state.users().map(({ name }) => name))).toEqual(["kim"]);
    await expect(run("users", "remove", "jo")).rejects.toThrow("there is no user jo");
  });

  it("proposes a command for the same collector", async () => {
    await run("users", "add", "kim", "--config", "here/collector.yaml");
    expect(said).toBe("kim may sign in with a link: aislewatch login-link kim --config here/collector.yaml\n");
  });

  it.each([
    { host: "0.0.0.0", url: "http://localhost:8443/" },
    { host: "::", url: "http://localhost:8443/" },
    { host: "::1", url: "http://[::1]:8443/" },
    { host: "noc.example", url: "http://noc.example:8443/" },
  ])("login-link leads to $url where the collector listens on $host", async ({ host, url }) => {
    config = () => ({ ...defaultCollectorConfig(folder), http: { host, port: 8_443, named: true } });
    await run("login-link");
    expect(said).toContain(url);
    config = () => defaultCollectorConfig(folder);
  });

  it("login-link: single-use, for an admin that is made when there is nobody", async () => {
    await run("login-link");
    expect(said).toMatch(/^http:\/\/127\.0\.0\.1:8080\/\S+\n$/);
    expect(await kept((state) => state.users().map(({ role }) => role))).toEqual(["admin"]);
    await run("login-link", "--url", "https://noc.example");
    expect(said).toMatch(/^https:\/\/noc\.example\//);
  });

  it("audits what was done, without secrets", async () => {
    await run("agents", "add", "s1/pc");
    const password = said.trim();
    await run("tokens", "add", "grafana");
    const audit = await kept((state) => state.auditLog(10));
    expect(audit.map(({ actor, action, detail }) => [actor, action, detail]).sort()).toEqual([
      ["cli", "agents add", "s1/pc"],
      ["cli", "tokens add", "grafana"],
    ]);
    expect(JSON.stringify(audit)).not.toContain(password);
  });

  it.each([
    { name: "an agent without a site", words: ["agents", "add", "pc"], says: /SITE\/AGENT/ },
    { name: "an agent with a bad id", words: ["agents", "add", "Store/pc"], says: /SITE\/AGENT/ },
    { name: "the collector's own name", words: ["agents", "add", "s1/collector"], says: /reports under that name/ },
    { name: "a name with blanks", words: ["users", "add", "k m"], says: /expected a name/ },
    { name: "no name", words: ["tokens", "add"], says: /received nothing/ },
    { name: "an unknown role", words: ["users", "add", "kim", "--role", "god"], says: /viewer, operator, admin/ },
    { name: "an unknown verb", words: ["users", "rename", "kim"], says: /unknown command/ },
  ])("refuse $name with words that help", async ({ words, says }) => {
    const refused = await run(...words).catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(UsageError);
    expect(String(refused)).toMatch(says);
    expect(await kept((state) => [state.users(), state.auditLog(5)])).toEqual([[], []]);
  });

  it("refuse a short password", async () => {
    const file = join(folder, "password");
    writeFileSync(file, "short\n");
    await expect(run("users", "add", "kim", "--password-file", file)).rejects.toThrow(/at least 10/);
  });

  it("end with 2 when the configuration is faulty", async () => {
    expect(await administer("users", ["list"], () => null)).toBe(EXIT.config);
  });
});
