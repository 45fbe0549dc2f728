/**
 * Ctrl-C, as terminals, `timeout`, systemd and scripts send it: to the process group or to the launcher alone, which
 * may itself be killed. Whoever stops a command gets what it has, at once.
 */
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { startSnmpd } from "../rig/devices.ts";
import { cleanUp, onCleanUp, ROOT, tempFolder, waitFor } from "../rig/rig.ts";

afterAll(cleanUp);

/** Who was asked has said who it is long before the five seconds that it gets. */
const STOPPED_MS_MAX = 4_000;

type To = "the group" | "the launcher";

function launch(args: readonly string[]) {
  const child = spawn(process.execPath, [join(ROOT, "packages/cli/bin/aislewatch-agent.mjs"), ...args], {
    // A group of its own, as a shell gives each command.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { out: "", error: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    said.out += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    said.error += chunk;
  });
  const exited = once(child, "exit").then(([code]) => code as number | null);
  // The program may outlive the launcher; its pipes end with it.
  const closed = once(child, "close");
  const { pid } = child;
  if (pid === undefined) throw new Error("the launcher did not start");
  onCleanUp(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, "SIGKILL");
  });
  return {
    said,
    async stop(signal: NodeJS.Signals, to: To) {
      const sentMs = performance.now();
      process.kill(to === "the group" ? -pid : pid, signal);
      const code = await exited;
      await closed;
      return { code, tookMs: performance.now() - sentMs };
    },
  };
}

/** A device that is far away: what is sent to it or by it is there only after `delayMs`. Asked at `port`. */
async function farAway(devicePort: number, delayMs: number): Promise<{ port: number; asked(): number }> {
  const near = createSocket("udp4");
  const far = createSocket("udp4");
  let from = 0;
  let asked = 0;
  near.on("message", (message, { port }) => {
    from = port;
    asked++;
    setTimeout(() => far.send(message, devicePort, "127.0.0.1", () => undefined), delayMs).unref();
  });
  far.on("message", (message) => near.send(message, from, "127.0.0.1", () => undefined));
  near.bind(0, "127.0.0.1");
  await once(near, "listening");
  onCleanUp(() => {
    near.close();
    far.close();
  });
  return { port: near.address().port, asked: () => asked };
}

function configOf(port: number): string {
  const file = join(tempFolder(), "agent.yaml");
  const device = `{ id: till-7, kind: host, driver: snmp, address: "127.0.0.1:${port}", request_timeout: 5s }`;
  writeFileSync(
    file,
    `site: shop\nagent: pc\ncollector: { url: "mqtt://127.0.0.1:1" }\ndata: ./data\ndevices:\n  - ${device}\n`,
  );
  return file;
}

describe("a command that is stopped", () => {
  it.concurrent.each<{ signal: NodeJS.Signals; to: To; code: number | null }>([
    { signal: "SIGINT", to: "the group", code: 0 },
    { signal: "SIGINT", to: "the launcher", code: 0 },
    { signal: "SIGTERM", to: "the group", code: 0 },
    { signal: "SIGTERM", to: "the launcher", code: 0 },
    { signal: "SIGKILL", to: "the launcher", code: null },
  ])("discover, by $signal to $to, proposes what it has found", async ({ signal, to, code }) => {
    const { port } = await startSnmpd();
    const discover = launch(["discover", "--subnet", "127.0.0.0/16", "--port", String(port)]);
    await waitFor("the host", () => / 1 found /.test(discover.said.error));
    const stopped = await discover.stop(signal, to);
    expect(stopped.code).toBe(code);
    expect(stopped.tookMs).toBeLessThan(STOPPED_MS_MAX);
    expect(discover.said.out).toMatch(/^devices:\n.*\n {2}- id: till-7\n/m);
    expect(discover.said.error).toContain("stopped by hand, so this is not all");
  });

  it.concurrent("record writes what has come", async () => {
    const { port } = await startSnmpd();
    const far = await farAway(port, 100);
    const record = launch(["record", "till-7", "--config", configOf(far.port)]);
    await waitFor("some rows", () => far.asked() > 5);
    expect(await record.stop("SIGINT", "the group")).toMatchObject({ code: 0 });
    expect(JSON.parse(record.said.out)).toMatchObject({ cutShort: "stopped by hand", redacted: true });
  });

  it.concurrent("probe has nothing to show, and says so", async () => {
    const { port } = await startSnmpd();
    const far = await farAway(port, 4_000);
    const probe = launch(["probe", "till-7", "--config", configOf(far.port)]);
    await waitFor("the question", () => far.asked() > 0);
    const stopped = await probe.stop("SIGINT", "the group");
    expect(stopped.code).toBe(1);
    expect(stopped.tookMs).toBeLessThan(STOPPED_MS_MAX);
    expect(probe.said).toEqual({ out: "", error: "till-7: stopped by hand, before all of its answer was there\n" });
  });

  it.concurrent.each<To>(["the group", "the launcher"])("run has stopped in order, by SIGINT to %s", async (to) => {
    const { port } = await startSnmpd();
    const run = launch(["run", "--config", configOf(port), "--log-format", "text"]);
    await waitFor("the start", () => run.said.error.includes("program_started"));
    const stopped = await run.stop("SIGINT", to);
    expect(stopped.code).toBe(0);
    expect(run.said.error).toMatch(/program_stopped.*SIGINT/);
  });
});
