/** The agent as it is installed: one folder, made by deploy/bundle-agent.ts, in which nothing of the checkout is. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleAgent } from "../../deploy/bundle-agent.ts";
import { startSnmpd } from "../rig/devices.ts";
import { cleanUp, ROOT, tempFolder } from "../rig/rig.ts";

const folder = tempFolder();
beforeAll(() => bundleAgent(folder));
afterAll(cleanUp);

/** What a command says and how it ends, of the sources or of the bundle. */
async function agent(main: string, args: readonly string[]) {
  const flags = ["--disable-warning=ExperimentalWarning"];
  const run = promisify(execFile)(process.execPath, [...flags, main, ...args], { cwd: folder });
  const { stdout, stderr, code } = await run.then(
    (said) => ({ ...said, code: 0 }),
    (failed: { stdout: string; stderr: string; code: number }) => failed,
  );
  return { stdout, stderr, code };
}

const SOURCES = join(ROOT, "agent/main.ts");
const BUNDLE = join(folder, "main.mjs");

describe("the bundled agent", () => {
  it.each([
    { name: "its version", args: ["--version"] },
    { name: "the profiles that it knows", args: ["profiles", "list"] },
    { name: "what is wrong with a file", args: ["check", "--config", join(ROOT, "deploy/examples/agent.yaml")] },
    { name: "a command that there is not", args: ["chekc"] },
  ])("says the same as the sources: $name", async ({ args }) => {
    expect(await agent(BUNDLE, args)).toEqual(await agent(SOURCES, args));
  });

  it("polls a device, recognises it and says what it reads", async () => {
    const { port } = await startSnmpd();
    const config = join(folder, "agent.yaml");
    const device = `{ id: till-7, kind: host, driver: snmp, address: "127.0.0.1:${port}" }`;
    const head = `site: shop\nagent: pc\ncollector: { url: "mqtt://127.0.0.1:1" }\ndata: ./data\n`;
    writeFileSync(config, `${head}devices:\n  - ${device}\n`);
    const { stdout, code } = await agent(BUNDLE, ["probe", "till-7", "--config", config]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/profile +host/);
    expect(stdout).toContain("uptime_seconds");
  });

  it("takes no more than a byte a letter of V8's memory", () => {
    const texts = readdirSync(folder).filter((name) => /\.(mjs|json)$/.test(name));
    expect(texts.filter((name) => /[^\0-\x7f]/.test(readFileSync(join(folder, name), "utf8")))).toEqual([]);
  });
});
