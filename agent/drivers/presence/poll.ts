/**
 * Looks without touching: one ICMP echo by the system's `ping`, or the system's own knowledge of a port. Never opens a
 * port and never connects to a device.
 */
import { access, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { ok, type Result } from "@aislewatch/base";
import { pingHost } from "../../transport/ping.ts";
import { holdersOf, type System } from "../../transport/serial-access.ts";
import type { PollContext, PollError } from "../driver.ts";
import { parseTtyCounters, type TtyCounters, ttyDriver } from "../tty-counters.ts";
import type { PresenceReply } from "./types.ts";

export async function lookAtHost(host: string, context: PollContext): Promise<Result<PresenceReply, PollError>> {
  const answered = await pingHost(host, context);
  return answered.ok ? ok({ kind: "host", roundTripMs: answered.value.roundTripMs }) : answered;
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
