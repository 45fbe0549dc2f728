/**
 * Each device as `doctor` finds it. A running agent has the lines, and knows: it is asked by the file that it writes.
 * Without one each device is polled once, as `probe` does it, several lines at a time.
 */
import { accessSync, constants, readFileSync, realpathSync, statSync } from "node:fs";
import { errorText } from "@aislewatch/base";
import { type Finding, realClock, userName } from "@aislewatch/runtime";
import type { Device } from "../config.ts";
import { harmless } from "../core/byte-text.ts";
import { redact } from "../core/card-data.ts";
import type { Source } from "../drivers/driver.ts";
import { openDevice } from "../poller.ts";
import type { AgentStatusFile } from "../status-file.ts";
import { adviceFor, lineOf } from "./line-advice.ts";

const GROUP = "devices";
/** Lines that are asked at the same time. */
const LINES_MAX = 16;
/** For all devices together: who waits for a diagnosis waits no longer. */
export const DEVICES_MS_MAX = 60_000;

/** As the running agent has it. */
export const devicesOf = ({ devices }: AgentStatusFile): Finding[] =>
  summed(
    devices.flatMap(({ id, health, sources }) => [
      ...(health.state === "down"
        ? [
            {
              ...{ group: GROUP, level: "fail" as const },
              what: safe(`${id}: ${health.lastFailure?.detail ?? "does not answer"}`),
              todo: "stop the agent and look closer: aislewatch-agent probe, with this device's id",
            },
          ]
        : [
            {
              group: GROUP,
              level: "ok" as const,
              what: `${id}: ${health.state === "up" ? "answers" : "not polled yet"}`,
            },
          ]),
      ...deniedSources(id, sources),
    ]),
  );

/** By polling each once. Devices of one line wait for each other; what time does not allow is said, not left out. */
export async function askDevices(devices: readonly Device[], stop: AbortSignal): Promise<Finding[]> {
  const lines = [...Map.groupBy(devices, ({ lineKey }) => lineKey).values()];
  const deadline = AbortSignal.any([stop, AbortSignal.timeout(DEVICES_MS_MAX)]);
  const found = new Map<Device, readonly Finding[]>();
  const worker = async (): Promise<void> => {
    for (let line = lines.shift(); line !== undefined; line = lines.shift())
      for (const device of line) found.set(device, await askDevice(device, deadline));
  };
  await Promise.all(Array.from({ length: LINES_MAX }, worker));
  return summed(devices.flatMap((device) => found.get(device) ?? []));
}

async function askDevice(device: Device, deadline: AbortSignal): Promise<Finding[]> {
  const { id, timeoutMs } = device;
  if (deadline.aborted) return [{ group: GROUP, level: "warn", what: `${id}: not asked, for want of time` }];
  const denied = deniedPath(device);
  if (denied !== null) return [denied];
  const poller = openDevice(device);
  const fail = (what: string, todo: string | undefined): Finding => ({
    ...{ group: GROUP, level: "fail", what: safe(`${id}: ${what}`) },
    ...(todo !== undefined && { todo: safe(todo) }),
  });
  try {
    const signal = AbortSignal.any([deadline, AbortSignal.timeout(timeoutMs)]);
    const startMs = realClock.monotonic();
    const polled = await poller.poll({ signal, timeoutMs, nowMs: realClock.now() });
    if (!polled.ok) {
      const { kind, detail } = polled.error;
      return [fail(`${kind}: ${detail}`, adviceFor(polled.error, lineOf(device)))];
    }
    const parsed = poller.parse(polled.value);
    if (!parsed.ok) return [fail(`protocol: ${parsed.error.detail}`, "is the driver the right one for it?")];
    const took = Math.round(realClock.monotonic() - startMs);
    return [
      { group: GROUP, level: "ok", what: `${id}: answers, ${took} ms` },
      ...deniedSources(id, poller.sources?.() ?? []),
    ];
  } catch (thrown) {
    return [fail(errorText(thrown), undefined)];
  } finally {
    await poller.close();
  }
}

const deniedSources = (id: string, sources: readonly Source[]): Finding[] =>
  sources
    .filter(({ state }) => state === "denied")
    .map(({ name, detail, grant }) => ({
      ...{ group: GROUP, level: "warn" as const, what: safe(`${id}: may not use ${name}: ${detail}`) },
      ...(grant !== undefined && { todo: grant }),
    }));

/** A serial port or a printer's file that this user may not open, with the command that lets it. */
function deniedPath(device: Device): Finding | null {
  const line = lineOf(device);
  const path = line?.kind === "serial" ? line.serial.path : line?.kind === "usblp" ? line.usblp.path : undefined;
  if (path === undefined || process.platform === "win32") return null;
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return null;
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EACCES")) return null;
  }
  return {
    ...{ group: GROUP, level: "fail", what: `${device.id}: ${userName()} may not open ${path}` },
    todo: grantFor(statSync(realpathSync(path)).gid, userName(), groupsText()),
  };
}

/** The command for root: who is in the group of the device file may open it. `groups` is the text of /etc/group. */
export function grantFor(gid: number, user: string, groups: string): string {
  const name = groups
    .split("\n")
    .map((line) => line.split(":"))
    .find(([, , id]) => id === String(gid))?.[0];
  // Root's own group would give far more than this port.
  if (gid === 0 || name === undefined)
    return "give the device file a group of its own by a rule of udev, such as dialout";
  return `usermod -aG ${name} ${user}, and start the agent anew`;
}

function groupsText(): string {
  try {
    return readFileSync("/etc/group", "utf8");
  } catch {
    return "";
  }
}

/** Devices that are well are one line: what is wrong must not be looked for among hundreds. */
function summed(found: readonly Finding[]): Finding[] {
  const well = found.filter(({ level }) => level === "ok");
  const rest = found.filter(({ level }) => level !== "ok");
  if (well.length <= WELL_SHOWN_MAX) return [...rest, ...well];
  return [...rest, { group: GROUP, level: "ok", what: `${well.length} devices are well` }];
}

const WELL_SHOWN_MAX = 10;

/** A device's text as a terminal may have it. */
const safe = (text: string): string => harmless(redact(text));
