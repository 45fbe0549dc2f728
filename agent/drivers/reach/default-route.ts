/**
 * The default gateway, from what the system lists. Pure. Linux: /proc/net/route, addresses as hexadecimal numbers in the
 * byte order of the processor, little-endian on all that the agent runs on. Windows: `route print -4`, by its columns.
 */

/** More routes than a store's host has. */
const LINES_MAX = 2_048;
/** RTF_UP and RTF_GATEWAY of <linux/route.h>. */
const UP_AND_GATEWAY = 0x3;

export function linuxGateway(table: string): string | null {
  const routes = table.split("\n", LINES_MAX).flatMap((line) => {
    const [, destination = "", gateway = "", flags = "", , , metric = "", mask = ""] = line.trim().split(/\s+/);
    const isDefault = destination === "00000000" && mask === "00000000";
    if (!isDefault || !/^[0-9A-F]{8}$/i.test(gateway)) return [];
    if ((Number.parseInt(flags, 16) & UP_AND_GATEWAY) !== UP_AND_GATEWAY) return [];
    return [{ gateway: dotted(gateway), metric: Number(metric) }];
  });
  return best(routes);
}

const dotted = (hex: string): string => [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(".");

export function windowsGateway(table: string): string | null {
  const address = "(\\d{1,3}(?:[.]\\d{1,3}){3})";
  const row = new RegExp(`^\\s*0[.]0[.]0[.]0\\s+0[.]0[.]0[.]0\\s+${address}\\s+${address}\\s+(\\d{1,5})\\s*$`);
  const routes = table.split(/\r?\n/, LINES_MAX).flatMap((line) => {
    const [, gateway, , metric] = row.exec(line) ?? [];
    return gateway === undefined ? [] : [{ gateway, metric: Number(metric) }];
  });
  return best(routes);
}

/** The route of the lowest metric is the one that is taken. */
function best(routes: readonly { gateway: string; metric: number }[]): string | null {
  let taken: { gateway: string; metric: number } | null = null;
  for (const route of routes) if (taken === null || route.metric < taken.metric) taken = route;
  return taken?.gateway ?? null;
}
