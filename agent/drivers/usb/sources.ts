/** What the watching of a USB device draws on, and which right is lacking. Opens no device. */
import { closeSync, constants, openSync } from "node:fs";
import type { UsbDevice } from "../../core/usb-device.ts";
import type { UsbPlaces, UsbWatch } from "../../transport/sysfs-watch.ts";
import type { NodeClass } from "../../transport/usb-node.ts";
import type { Source } from "../driver.ts";
import { grantOf, mayOpen } from "../usb-rights.ts";

export function sourcesOf(places: UsbPlaces, watch: UsbWatch, device: UsbDevice | null): readonly Source[] {
  const nodes = device?.interfaces.flatMap((one) => one.nodes) ?? [];
  return [
    { name: "sysfs", state: "used", detail: places.sysfs },
    hotPlug(places, watch),
    ...kernelLog(places, watch),
    // In a folder that only looks like sysfs there are no devices to open.
    ...(places.deviceFiles === null || device === null ? [] : nodes.flatMap((node) => opened(node, device))),
  ];
}

function hotPlug({ sysfs, deviceFiles }: UsbPlaces, watch: UsbWatch): Source {
  const name = "hot-plug";
  if (!watch.isListened) return { name, state: "ready", detail: "changes are watched while the agent runs" };
  if (watch.isWatching) return { name, state: "used", detail: `changes in ${deviceFiles ?? sysfs}, at once` };
  const detail = `${deviceFiles ?? sysfs} can't be watched: changes are seen by a scan every few seconds`;
  return { name, state: "absent", detail };
}

function kernelLog({ kernelLog: path }: UsbPlaces, watch: UsbWatch): readonly Source[] {
  if (path === null) return [];
  const name = "kernel log";
  if (watch.isListened ? watch.readsKernelLog : mayRead(path)) return [{ name, state: "used", detail: path }];
  const detail = `${path} may not be read: errors of cables and power are not counted`;
  const grant = "sysctl -w kernel.dmesg_restrict=0 (or AmbientCapabilities=CAP_SYSLOG in the agent's service)";
  return [{ name, state: "denied", detail, grant }];
}

/** Device files that other drivers of ours open, if the configuration says so. */
function opened(node: string, { vendorId }: UsbDevice): readonly Source[] {
  const path = `/dev/${node}`;
  const nodeClass = classOf(node);
  if (nodeClass === null) return [];
  if (mayOpen(path, nodeClass)) return [{ name: nodeClass, state: "ready", detail: `${path}, left to its owner` }];
  const grant = grantOf(nodeClass, vendorId);
  return [{ name: nodeClass, state: "denied", detail: `${path} may not be opened`, grant }];
}

function classOf(node: string): NodeClass | null {
  if (/^usb\/lp\d+$/.test(node)) return "usblp";
  return /^hidraw\d+$/.test(node) ? "hidraw" : null;
}

/** Its mode says that anybody may; whether the kernel lets one, only an attempt tells. */
function mayRead(log: string): boolean {
  try {
    closeSync(openSync(log, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)));
    return true;
  } catch {
    return false;
  }
}
