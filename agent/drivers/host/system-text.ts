/**
 * What a Linux or Windows system writes of itself, read as text (proc(5), sysfs, systemctl(1), chronyc(1),
 * timedatectl(1), w32tm, wevtutil). Pure. Windows speaks the language of its owner: what is read of it there is known by
 * its place or its shape, never by a word.
 */

/** More than a host has; a container host's own mounts are thousands. */
const LINES_MAX = 4_096;

export type MountLine = { readonly device: string; readonly mount: string; readonly readOnly: boolean };

/** /proc/self/mounts and /etc/fstab are of one form; a blank in a name is `\040` in both (fstab(5)). */
export function parseMounts(text: string): MountLine[] {
  return lines(text).flatMap((line) => {
    const [device = "", mount = "", , options = ""] = line.trim().split(/\s+/);
    if (device.startsWith("#") || mount === "") return [];
    return [{ device: unescaped(device), mount: unescaped(mount), readOnly: options.split(",").includes("ro") }];
  });
}

const unescaped = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** /proc/pressure/memory (PSI): shares of the last minute, percent. */
export function parsePressure(text: string): { somePercent: number; fullPercent: number } | null {
  const some = /^some .*\bavg60=(\d{1,3}\.\d+)/m.exec(text)?.[1];
  const full = /^full .*\bavg60=(\d{1,3}\.\d+)/m.exec(text)?.[1];
  return some === undefined || full === undefined ? null : { somePercent: Number(some), fullPercent: Number(full) };
}

/** One counter of /proc/vmstat. */
export function vmCounter(text: string, name: string): number | null {
  const line = lines(text).find((one) => one.startsWith(`${name} `));
  return line === undefined ? null : wholeNumber(line.slice(name.length));
}

export const wholeNumber = (text: string): number | null =>
  /^\s*\d{1,15}\s*$/.test(text) ? Number.parseInt(text.trim(), 10) : null;

/** `systemctl show -p ActiveState,NRestarts,LoadState a b`: a block for each unit, in the order of the question. */
export function parseUnits(text: string, names: readonly string[]): UnitState[] {
  const blocks = text
    .slice(0, 262_144)
    .trim()
    .split(/\n\s*\n/);
  if (blocks.length !== names.length) return [];
  return names.map((name, n) => {
    const block = blocks[n] ?? "";
    const property = (key: string): string => new RegExp(`^${key}=(.*)$`, "m").exec(block)?.[1]?.trim() ?? "";
    return {
      name,
      isKnown: property("LoadState") !== "not-found",
      isActive: ["active", "reloading"].includes(property("ActiveState")),
      restarts: wholeNumber(property("NRestarts")),
    };
  });
}
export type UnitState = {
  readonly name: string;
  readonly isKnown: boolean;
  readonly isActive: boolean;
  readonly restarts: number | null;
};

/** `systemctl show -p NFailedUnits`. */
export const failedUnits = (text: string): number | null => wholeNumber(/^NFailedUnits=(.*)$/m.exec(text)?.[1] ?? "");

/**
 * `chronyc -n -c tracking`: comma-separated; field 5 is the correction that the clock still needs, field 14 the leap
 * status. Clock minus server is what is to be taken away.
 */
export function chronyOffset(text: string): number | null {
  const fields = text.trim().split(",");
  const [stratum = "", correction = "", leap = ""] = [fields[2], fields[4], fields[13]];
  if (fields.length < 14 || stratum === "0" || /not/i.test(leap)) return null;
  return /^-?\d{1,12}\.\d+$/.test(correction) ? negative(Number(correction)) : null;
}

const SPAN_SECONDS: Readonly<Record<string, number>> = {
  us: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  min: 60,
  h: 3_600,
  d: 86_400,
  day: 86_400,
  days: 86_400,
};

/** `timedatectl timesync-status`: `Offset: +1.2ms`, server minus clock (RFC 5905, theta). */
export function timesyncOffset(text: string): number | null {
  const written = /^[ \t]*Offset: ([+-]?)(.{1,60})$/m.exec(text);
  if (written === null) return null;
  const parts = [...(written[2] ?? "").matchAll(/(\d{1,9}(?:\.\d{1,9})?)\s?(us|μs|ms|s|min|h|days?|d)\b/g)];
  if (parts.length === 0) return (written[2] ?? "").trim() === "0" ? 0 : null;
  const seconds = parts.reduce((sum, [, number, unit = ""]) => sum + Number(number) * (SPAN_SECONDS[unit] ?? 0), 0);
  return written[1] === "-" ? seconds : negative(seconds);
}

/**
 * `w32tm /query /status /verbose`: root delay, root dispersion and phase offset are the lines that end in seconds with
 * seven decimals, in this order in every language.
 */
export function w32tmOffset(text: string): number | null {
  const spans = lines(text).flatMap((line) => /(-?\d{1,9}[.,]\d{7})s\s*$/.exec(line)?.[1] ?? []);
  const offset = spans[2];
  return offset === undefined ? null : Number(offset.replace(",", "."));
}

/** Ticks of all cores together since the start: those that were not idle, and all. */
export type CpuTicks = { readonly used: number; readonly all: number };

/** The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; guests are in user already. */
export function parseCpuTicks(text: string): CpuTicks | null {
  const figures = /^cpu +((?:\d{1,18} ?){5,10})/.exec(text)?.[1];
  if (figures === undefined) return null;
  const ticks = figures.trim().split(" ").slice(0, 8).map(Number);
  const all = ticks.reduce((sum, one) => sum + one, 0);
  const [, , , idle = 0, waiting = 0] = ticks;
  return { used: all - idle - waiting, all };
}

/** Since `before`; since the start where that is null. Null: no time has passed, or the counters went back. */
export function usedPercent(before: CpuTicks | null, now: CpuTicks): number | null {
  const all = now.all - (before?.all ?? 0);
  const used = now.used - (before?.used ?? 0);
  return all > 0 && used >= 0 && used <= all ? (100 * used) / all : null;
}

export type PortLine = {
  readonly name: string;
  readonly receivedBytes: number;
  readonly receiveErrors: number;
  readonly receiveDiscards: number;
  readonly sentBytes: number;
  readonly sendErrors: number;
  readonly sendDiscards: number;
};

/** /proc/net/dev: after the name eight figures of what was received and eight of what was sent, each begun by bytes, frames, errors, drops. */
export function parsePorts(text: string): PortLine[] {
  return lines(text).flatMap((line) => {
    const [, name = "", figures = ""] = /^\s*(\S{1,32}):\s*([\d\s]{15,600})$/.exec(line) ?? [];
    const numbers = figures.trim().split(/\s+/).map(Number);
    if (numbers.length < 16) return [];
    const [receivedBytes = 0, , receiveErrors = 0, receiveDiscards = 0] = numbers;
    const [sentBytes = 0, , sendErrors = 0, sendDiscards = 0] = numbers.slice(8);
    return [{ name, receivedBytes, receiveErrors, receiveDiscards, sentBytes, sendErrors, sendDiscards }];
  });
}

const negative = (value: number): number => (value === 0 ? 0 : -value);

/** `wevtutil qe System /f:xml`: when the event was written, Unix ms. */
export function eventTime(text: string): number | null {
  const written = /<TimeCreated SystemTime=['"](\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)[.\d]*Z['"]/.exec(text)?.[1];
  return written === undefined ? null : Date.parse(`${written}Z`);
}

const lines = (text: string): string[] => text.split(/\r?\n/, LINES_MAX);
