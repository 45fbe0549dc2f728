/** What of a site's devices is shown, and its spelling in the URL. A label filter is `name=value`. */
import type { Device, DeviceState } from "../api/types.ts";

export const DEVICE_STATES = ["up", "down", "unreachable", "unknown"] as const satisfies readonly DeviceState[];

export type DeviceFilters = {
  readonly state: DeviceState | null;
  readonly kind: string | null;
  readonly label: string | null;
};

export function parseDeviceFilters(search: string): DeviceFilters {
  const query = new URLSearchParams(search);
  const label = query.get("label") ?? "";
  return {
    state: DEVICE_STATES.find((state) => state === query.get("state")) ?? null,
    kind: query.get("kind") || null,
    label: label.indexOf("=") > 0 ? label : null,
  };
}

export function formatDeviceFilters(filters: DeviceFilters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) {
    if (value !== null) query.set(name, value);
  }
  return query.toString();
}

export function matchesDevice(device: Device, { state, kind, label }: DeviceFilters): boolean {
  return (
    (state === null || device.state === state) &&
    (kind === null || device.kind === kind) &&
    (label === null || labelsOf(device).includes(label))
  );
}

export const labelsOf = (device: Device): string[] =>
  Object.entries(device.labels).map(([name, value]) => `${name}=${value}`);
