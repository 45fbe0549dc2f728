/**
 * What the Linux kernel counts of its serial ports (/proc/tty): bytes in and out, and damaged characters. Pure: texts
 * in. Counters are shown to root only, and not by every driver (usbserial has none).
 */
export type TtyCounters = {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly framingErrors: number;
  readonly parityErrors: number;
  readonly breaks: number;
  readonly overruns: number;
};

/** Lines of a file in /proc/tty; the kernel's largest table has some hundred. */
const LINES_MAX = 1_024;

/**
 * Which file of /proc/tty/driver a device file is told in, and under which number. `drivers` is the text of
 * /proc/tty/drivers: name, path without number, major, minors, type.
 */
export function ttyDriver(device: string, drivers: string): { readonly driver: string; readonly index: number } | null {
  const match = /^(\/dev\/[A-Za-z_/]*[A-Za-z_/])(\d{1,5})$/.exec(device);
  if (match === null) return null;
  const [, prefix, digits] = match;
  for (const line of drivers.split("\n").slice(0, LINES_MAX)) {
    const [driver = "", path] = line.split(/\s+/);
    if (path === prefix && /^[\w.-]{1,64}$/.test(driver)) return { driver, index: Number(digits) };
  }
  return null;
}

/**
 * The counters of one port in a file of /proc/tty/driver, such as
 * `0: uart:16550A port:000003F8 irq:4 tx:218 rx:12 fe:1 RTS|DTR`. Errors that never happened are left out there; null
 * when the port or its counters are not told.
 */
export function parseTtyCounters(text: string, index: number): TtyCounters | null {
  const line = text.split("\n", LINES_MAX).find((candidate) => /^\s*(\d{1,5}):/.exec(candidate)?.[1] === String(index));
  if (line === undefined) return null;
  const told = new Map(
    [...line.matchAll(/(?<=\s)(tx|rx|fe|pe|brk|oe):(\d{1,15})(?=\s|$)/g)].map(([, name = "", digits]) => [
      name,
      Number(digits),
    ]),
  );
  const [sent, received] = [told.get("tx"), told.get("rx")];
  if (sent === undefined || received === undefined) return null;
  return {
    sentBytes: sent,
    receivedBytes: received,
    framingErrors: told.get("fe") ?? 0,
    parityErrors: told.get("pe") ?? 0,
    breaks: told.get("brk") ?? 0,
    overruns: told.get("oe") ?? 0,
  };
}
