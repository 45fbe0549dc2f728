/**
 * A device of the simulator on a line of its own, TCP or a pseudo-terminal under the real serialport binding, and a
 * poller of a driver at the other end: what every dialect is tried on.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Kind } from "@aislewatch/devices";
import { realClock } from "@aislewatch/runtime";
import { type ByteDevice, type Dialogue, seededRandom, startSerialDevice, startTcpDevice } from "@aislewatch/simulator";
import type { AnyDriver, Parsed } from "../../agent/drivers/driver.ts";
import { PATIENCE_MS } from "./rig.ts";

export type Cleaner = (end: () => unknown) => void;

const hasSocat = spawnSync("socat", ["-V"]).error === undefined;
if (!hasSocat && process.env["CI"]) throw new Error("socat is missing: apt-get install socat");
export const LINES: readonly ("tcp" | "serial")[] = hasSocat ? ["tcp", "serial"] : ["tcp"];

const POLL_MS_MAX = 5_000;

export type SimulatedLine = {
  readonly device: ByteDevice;
  /** As `line:` in agent.yaml has it. */
  readonly line: { readonly tcp: string } | { readonly serial: string };
  /** The cable or adapter is pulled out, and plugged in again on the same path; serial lines only. */
  unplug(): Promise<void>;
  replug(): Promise<void>;
};

export async function simulatedLine(
  kind: "tcp" | "serial",
  dialogue: () => Dialogue,
  onEnd: Cleaner,
): Promise<SimulatedLine> {
  const speaker = { dialogue, clock: realClock, random: seededRandom(11), paceMs: 1 };
  if (kind === "tcp") {
    const started = await startTcpDevice({ ...speaker, address: "127.0.0.1", port: 0 });
    if (!started.ok) throw new Error(started.error.detail);
    onEnd(() => started.value.stop());
    const tcpOnly = () => Promise.reject(new Error("a TCP line has no plug"));
    return {
      device: started.value,
      line: { tcp: `127.0.0.1:${started.value.line}` },
      unplug: tcpOnly,
      replug: tcpOnly,
    };
  }
  const folder = mkdtempSync(join(tmpdir(), "line-"));
  const [far, near] = [join(folder, "device"), join(folder, "host")];
  let cable: ChildProcess | null = null;
  let device: ByteDevice | null = null;
  const plug = async (): Promise<ByteDevice> => {
    cable = await startPty(far, near);
    const started = await startSerialDevice({ ...speaker, path: far, baudRate: 115_200 });
    if (!started.ok) throw new Error(started.error.detail);
    device = started.value;
    return started.value;
  };
  const unplug = async (): Promise<void> => {
    await device?.stop();
    device = null;
    const ended = cable;
    cable = null;
    if (ended === null) return;
    await new Promise<void>((resolve) => {
      ended.once("exit", () => resolve());
      ended.kill("SIGTERM");
    });
  };
  onEnd(async () => {
    await unplug();
    rmSync(folder, { recursive: true, force: true });
  });
  return { device: await plug(), line: { serial: near }, unplug, replug: async () => void (await plug()) };
}

/** Two pseudo-terminals, each the other's end; both are there when this returns. */
async function startPty(one: string, other: string): Promise<ChildProcess> {
  const socat = spawn("socat", [`pty,raw,echo=0,link=${one}`, `pty,raw,echo=0,link=${other}`], { stdio: "ignore" });
  const untilMs = performance.now() + PATIENCE_MS;
  while (!(existsSync(one) && existsSync(other))) {
    if (performance.now() > untilMs || socat.exitCode !== null) throw new Error("socat made no pseudo-terminals");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return socat;
}

export type Polled = { readonly metrics: Readonly<Record<string, unknown>>; readonly asset: Parsed["asset"] } | string;

/** Polls and parses as the agent does; what failed is its kind. */
export function pollerOf(
  driver: AnyDriver,
  kind: Kind,
  config: object,
  onEnd: Cleaner,
): (timeoutMs?: number) => Promise<Polled> {
  const poller = driver.open({ id: "device", kind, config: driver.config.parse(config), secret: () => "" });
  onEnd(() => poller.close());
  return async (timeoutMs = POLL_MS_MAX) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const reply = await poller.poll({ signal, timeoutMs, nowMs: 0 });
    if (!reply.ok) return reply.error.kind;
    // A reply is what a recording holds: it must survive a file.
    const parsed = poller.parse(JSON.parse(JSON.stringify(reply.value)));
    return parsed.ok ? { metrics: parsed.value.samples[0]?.metrics ?? {}, asset: parsed.value.asset } : "protocol";
  };
}
