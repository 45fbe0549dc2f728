/**
 * One ICMP echo by the system's own `ping`, which has the right to send one where an unprivileged program has not.
 */
import { execFile } from "node:child_process";
import { platform } from "node:os";
import { err, ok, type Result } from "@aislewatch/base";
import type { PollContext, PollError } from "../drivers/driver.ts";
import { readPing } from "./ping-output.ts";

const OUTPUT_BYTES_MAX = 8_192;
/** Left of a poll's time for ping to start and to end by itself. */
const PING_SHARE = 0.8;

export type Echo = {
  /** Null: ping tells no time. */
  readonly roundTripMs: number | null;
};

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
  { signal, timeoutMs }: Pick<PollContext, "signal" | "timeoutMs">,
  pinger: Pinger = systemPing(),
): Promise<Result<Echo, PollError>> {
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
      resolve("failure" in answer ? err(answer.failure) : ok(answer));
    });
  });
}
