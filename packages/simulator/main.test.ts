/** The demo as users start it: a process with a folder. */
import { type ChildProcess, fork } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { demoControl } from "./control.ts";
import type { DemoFile } from "./demo-folder.ts";
import { DEMO_PLAN } from "./store-plan.ts";

const ending: (() => void)[] = [];
afterEach(() => {
  for (const end of ending.splice(0).reverse()) end();
});

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "demo-"));
  ending.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

type Started = { readonly child: ChildProcess; readonly exit: Promise<number | null>; readonly said: () => string };

async function start(args: readonly string[], waitReady = true): Promise<Started> {
  const child = fork(fileURLToPath(new URL("./main.ts", import.meta.url)), [...args], { silent: true, execArgv: [] });
  ending.push(() => void child.kill("SIGKILL"));
  let said = "";
  child.stderr?.on("data", (bytes) => {
    said += bytes;
  });
  const exit = new Promise<number | null>((resolve) => child.on("exit", resolve));
  if (waitReady) {
    await Promise.race([
      new Promise((resolve) => child.on("message", resolve)),
      exit.then((code) => {
        throw new Error(`ended with ${code}: ${said}`);
      }),
    ]);
  }
  return { child, exit, said: () => said };
}

const devicesOf = (path: string): DemoFile => JSON.parse(readFileSync(join(path, "devices.json"), "utf8")) as DemoFile;

describe("the demo's process", () => {
  it("writes its files, is controlled, stops on SIGTERM, and finds ports and secrets again", async () => {
    const path = await folder();
    const first = await start([
      "--folder",
      path,
      "--collector",
      "mqtt://127.0.0.1:1999",
      "--password",
      "file:secrets/x",
    ]);
    const yaml = parse(readFileSync(join(path, "agent.yaml"), "utf8")) as { collector: unknown; devices: unknown[] };
    expect(yaml.collector).toEqual({ url: "mqtt://127.0.0.1:1999", password: "file:secrets/x" });
    expect(yaml.devices).toHaveLength(DEMO_PLAN.length + 1);
    const secret = join(path, "secrets", "snmp-v3-auth");
    expect(statSync(secret).mode & 0o777).toBe(0o600);
    expect((await demoControl(path, { do: "fault", device: "back-office/ups", fault: "mains-loss" })).ok).toBe(true);
    const [ports, password] = [devicesOf(path).ports, readFileSync(secret, "utf8")];
    first.child.kill("SIGTERM");
    expect(await first.exit).toBe(0);
    expect(existsSync(join(path, "control.json"))).toBe(false);

    const second = await start(["--folder", path]);
    expect(devicesOf(path).ports).toEqual(ports);
    expect(readFileSync(secret, "utf8")).toBe(password);
    second.child.disconnect();
    expect(await second.exit).toBe(0);
  });

  it("refuses a second start on the same folder, and says who has it", async () => {
    const path = await folder();
    const first = await start(["--folder", path]);
    const second = await start(["--folder", path], false);
    expect(await second.exit).toBe(1);
    expect(second.said()).toContain(`process ${first.child.pid}`);
    expect((await demoControl(path, { do: "list" })).ok).toBe(true);
  });

  it.each([
    { args: [], text: "--folder is missing" },
    { args: ["--folder", "x", "--log", "xml"], text: "--log: expected json or text" },
    { args: ["--fodler", "x"], text: "fodler" },
  ])("explains $args and exits 2", async ({ args, text }) => {
    const started = await start(args, false);
    expect(await started.exit).toBe(2);
    expect(started.said()).toContain(text);
    expect(started.said()).toContain("usage:");
  });
});
