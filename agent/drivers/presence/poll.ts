/**
 * Looks without touching: one ICMP echo by the system's `ping`, or the system's own knowledge of a port. Never opens a
 * port and never connects to a device.
 */
import { execFile } from "node:child_process";
import { access, readFile, realpath } from "node:fs/promises";
import { platform } from "node:os";
import { join } from "node:path";
import { err, ok, type Result } from "@aislewatch/base";
import { holdersOf, type System } from "../../transport/serial-access.ts";
import type { PollContext, PollError } from "../driver.ts";
import { parseTtyCounters, type TtyCounters, ttyDriver } from "../tty-counters.ts";
import { readPing } from "./ping-output.ts";
import type { PresenceReply } from "./types.ts";

const OUTPUT_BYTES_MAX = 8_192;
/** Left of a poll's time for ping to start and to end by itself. */
const PING_SHARE = 0.8;

export type Pinger = {
  readonly program: string;
  readonly arguments: (host: string, waitMs: number) => readonly string[];
};

/** By argument vector, never through a shell; a host never begins with a hyphen (its schema sees to that). */
export function systemPing(system: NodeJS.Platform = platform()): Pinger {
  if (system === "win32") {
    return { program: "ping", arguments: (host, waitMs) => ["-n", "1", "-w", String(Math.ceil(waitMs)), host] };
  }
  return {
    program: "ping",
    arguments: (host, waitMs) => ["-n", "-c", "1", "-W", String(Math.max(1, Math.ceil(waitMs / 1_000))), host],
  };
}

export function pingHost(
  host: string,
  { signal, timeoutMs }: PollContext,
  pinger: Pinger = systemPing(),
): Promise<Result<PresenceReply, PollError>> {
  const waitMs = timeoutMs * PING_SHARE;
  const options = {
    signal,
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    maxBuffer: OUTPUT_BYTES_MAX,
    windowsHide: true,
    env: { PATH: process.env["PATH"], SystemRoot: process.env["SystemRoot"], LC_ALL: "C" },
  } as const;
  return new Promise((resolve) => {
    execFile(pinger.program, pinger.arguments(host, waitMs), options, (error, stdout, stderr) => {
      if (error !== null && error.code === "ENOENT") {
        const hint = "install it (Debian: apt-get install iputils-ping)";
        resolve(err({ kind: "config", detail: `there is no program "${pinger.program}" here`, hint }));
        return;
      }
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
      const answer = readPing({ code, out: `${stdout}\n${stderr}` }, host);
      resolve("failure" in answer ? err(answer.failure) : ok({ kind: "host", roundTripMs: answer.roundTripMs }));
    });
  });
}

export async function lookAtPort(path: string, system: System): Promise<Result<PresenceReply, PollError>> {
  let port: string;
  try {
    port = await realpath(path);
  } catch {
    return ok({ kind: "port", attached: false, holders: null, counters: null });
  }
  const holders = await holdersOf(port, system);
  const known = holders.length > 0 || (await seesOthers(system));
  return ok({
    kind: "port",
    attached: true,
    holders: known ? holders : null,
    counters: await countersOf(port, system),
  });
}

/** The open files of other users' processes are shown to root only. */
async function seesOthers({ root }: System): Promise<boolean> {
  try {
    await access(join(root, "proc/1/fd"), 4);
    return true;
  } catch {
    return false;
  }
}

async function countersOf(port: string, { root }: System): Promise<TtyCounters | null> {
  try {
    const found = ttyDriver(port, await readFile(join(root, "proc/tty/drivers"), "latin1"));
    if (found === null) return null;
    const text = await readFile(join(root, "proc/tty/driver", found.driver), "latin1");
    return parseTtyCounters(text, found.index);
  } catch {
    // Not shown to this user, or another system.
    return null;
  }
}
