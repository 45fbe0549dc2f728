import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { hashAgentPassword, verifyAgentPassword } from "./agent-password.ts";
import { brokerConfig } from "./broker-config.ts";
import { type CollectorConfig, defaultCollectorConfig } from "./config.ts";
import { createSqliteStore } from "./store/state/sqlite.ts";

const BROKER = {
  url: "mqtt://127.0.0.1:1884",
  clientId: "c",
  username: "collector",
  password: "of-the-collector",
  ...{ ca: null, certificate: null, serverName: null },
};

let folder = "";
let out = "";
let said = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "broker-config-"));
  out = join(folder, "mosquitto");
  said = "";
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, "write").mockImplementation((text) => {
      said += String(text);
      return true;
    });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const run = (args: string[], broker: CollectorConfig["broker"] = BROKER): Promise<number> =>
  brokerConfig(["mosquitto", "--out", out, ...args], () => ({ ...defaultCollectorConfig(folder), broker }));
const read = (name: string): string => readFileSync(join(out, name), "utf8");

async function letIn(agent: string, passwordHash = hashAgentPassword(agent)): Promise<void> {
  const state = createSqliteStore({ file: join(folder, "state.sqlite") });
  await state.open();
  state.putAgentCredential({ site: "s1", agent, passwordHash });
  await state.close();
}

describe("aislewatch broker-config mosquitto", () => {
  it("writes the files, of which nobody else reads the passwords, and says what to do with them", async () => {
    await letIn("pc");
    expect(await run([])).toBe(0);
    expect(read("mosquitto.conf")).toContain(`password_file ${out}/aislewatch.passwords`);
    expect(read("aislewatch.acl")).toContain("user collector");
    const [collector, pc] = read("aislewatch.passwords").trimEnd().split("\n");
    expect(verifyAgentPassword(Buffer.from("of-the-collector"), collector?.slice("collector:".length) ?? "")).toBe(
      true,
    );
    expect(verifyAgentPassword(Buffer.from("pc"), pc?.slice("s1/pc:".length) ?? "")).toBe(true);
    for (const name of ["aislewatch.passwords", "aislewatch.acl"])
      expect(statSync(join(out, name)).mode & 0o777, name).toBe(0o600);
    expect(said).toMatch(/1 agents.*\n[^\n]*chown[^\n]*\nStart it: mosquitto -c/);
    expect(said).not.toContain("of-the-collector");
  });

  it("overwrites nothing that somebody may have changed, and renews the passwords alone", async () => {
    await run([]);
    writeFileSync(join(out, "aislewatch.acl"), "mine\n");
    await expect(run([])).rejects.toThrow(/there already/);
    await letIn("pc");
    expect(await run(["--passwords"])).toBe(0);
    expect([read("aislewatch.acl"), read("aislewatch.passwords")]).toEqual([
      "mine\n",
      expect.stringContaining("s1/pc:"),
    ]);
    expect(await run(["--force"])).toBe(0);
    expect(read("aislewatch.acl")).toContain("user collector");
  });

  it("shows them and writes nothing", async () => {
    expect(await run(["--print"])).toBe(0);
    expect(said).toMatch(/mosquitto\.conf[\s\S]*aislewatch\.acl[\s\S]*aislewatch\.passwords/);
    expect(() => statSync(out)).toThrow();
  });

  it("names the agents that need a new password", async () => {
    await letIn("old", "sha256$salt$hash");
    expect(await run([])).toBe(0);
    expect(said).toMatch(/earlier form[\s\S]*aislewatch agents add s1\/old --out FILE/);
  });

  it.each([
    { name: "another broker", args: ["emqx"], broker: BROKER, says: /mosquitto/ },
    { name: "the broker inside", args: [], broker: null, says: /broker: external/ },
    { name: "no name", args: [], broker: { ...BROKER, username: null, password: null }, says: /mqtt\.username/ },
    { name: "TLS without a certificate", args: [], broker: { ...BROKER, url: "mqtts://b" }, says: /--certificate/ },
    { name: "a certificate without TLS", args: ["--certificate", "a", "--key", "b"], broker: BROKER, says: /mqtts:/ },
  ])("refuses $name", async ({ args, broker, says }) => {
    await expect(run(args, broker)).rejects.toThrow(says);
  });
});
