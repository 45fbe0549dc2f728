import { realClock } from "@aislewatch/runtime";
import { z } from "zod";
import { PORT_PATTERN, type UsbDevice } from "../../core/usb-device.ts";
import { type UsbPlaces, UsbWatch } from "../../transport/sysfs-watch.ts";
import { defineDriver, type Source } from "../driver.ts";
import { METRICS, parse } from "./parse.ts";
import { sourcesOf } from "./sources.ts";
import type { UsbReply } from "./types.ts";
import { WatchedSlot } from "./watched-slot.ts";

const SYSFS = "/sys";

const match = z
  .strictObject({
    id: z
      .string()
      .regex(/^[0-9a-f]{4}(?::[0-9a-f]{4})?$/i, 'expected vendor and product as "05e0:1300", or the vendor as "05e0"')
      .optional(),
    serial: z.string().min(1).max(126).optional(),
    port: z.string().regex(PORT_PATTERN, 'expected a port as the kernel names it: "1-4", "2-1.6.1.2"').optional(),
    path: z
      .string()
      .max(256)
      .startsWith("/dev/", "expected a device file below /dev, as /dev/serial/by-id/…")
      .optional(),
  })
  .superRefine((given, context) => {
    if (Object.values(given).some((value) => value !== undefined)) return;
    const message = "expected at least one of id, serial, port and path";
    context.addIssue({ code: "custom", path: [], message, params: { code: "CFG_VALUE" } });
  });

const config = z.strictObject({
  match,
  /** Another root of sysfs: of the host, in a container; or a folder of the same shape. */
  sysfs: z.string().max(256).startsWith("/", "expected an absolute path").default(SYSFS),
  /** The kernel's log, or a file that grows like it. Read where this user may. */
  kernel_log: z.string().max(256).startsWith("/", "expected an absolute path").optional(),
});
type Config = z.infer<typeof config>;

/** One watch for all devices of one sysfs; it watches while somebody listens. */
const watches = new Map<string, UsbWatch>();

function watchOf(places: UsbPlaces): UsbWatch {
  const key = JSON.stringify(places);
  const watch = watches.get(key) ?? new UsbWatch(places, realClock);
  watches.set(key, watch);
  return watch;
}

const isSystem = (sysfs: string): boolean => sysfs === SYSFS;

function placesOf({ sysfs, kernel_log }: Config): UsbPlaces {
  return {
    sysfs,
    deviceFiles: isSystem(sysfs) ? "/dev/bus/usb" : null,
    kernelLog: kernel_log ?? (isSystem(sysfs) ? "/dev/kmsg" : null),
  };
}

function address({ match: { id, serial, port, path } }: Config): string {
  const parts = [id, serial && `serial ${serial}`, port && `port ${port}`, path];
  return parts.filter((part) => part !== undefined).join(", ");
}

export default defineDriver<Config, UsbReply>({
  name: "usb",
  title: "A USB device by what the system knows of it: presence, identity, power, errors; it is never opened",
  config,
  lineKey: (given) => `usb:${given.sysfs}:${address(given)}`,
  address,
  open({ config: given }) {
    const places = placesOf(given);
    const watch = watchOf(places);
    const [vendorId = null, productId = null] = given.match.id?.toLowerCase().split(":") ?? [];
    const { serial = null, port = null, path = null } = given.match;
    const slot = new WatchedSlot(watch, { vendorId, productId, serial, port }, path);
    let sources: readonly Source[] = [];
    return {
      async poll() {
        const polled = await slot.poll();
        sources = polled.ok
          ? sourcesOf(places, watch, slot.device)
          : [{ name: "sysfs", state: "absent", detail: polled.error.detail }];
        return polled;
      },
      parse,
      metrics: () => METRICS,
      profile: () => null,
      about: () => [...describe(slot), ...sources.map(sourceText)],
      sources: () => sources,
      watch: (speakUp) => slot.listen(speakUp),
      close: async () => {},
    };
  },
});

const DOUBTS: Readonly<Record<string, string>> = {
  missing: "by its port: it has no serial number",
  no_serial_number: "by its port: what it says is no serial number",
  repeated: "by its port: another one has the same serial number",
};

function describe(slot: WatchedSlot): (readonly [string, string])[] {
  const { device, doubt } = slot;
  if (device === null) return [];
  return [
    ["usb", `${device.vendorId}:${device.productId} at port ${device.port}, device number ${device.devnum}`],
    ["told from others", doubt === null ? "by its serial number" : (DOUBTS[doubt] ?? doubt)],
    ["interfaces", device.interfaces.map(interfaceText).join("; ")],
  ];
}

function interfaceText({ name, class: code, driver, nodes }: UsbDevice["interfaces"][number]): string {
  return `${name} class ${code ?? "unknown"}, ${driver ?? "no kernel driver"}${nodes.map((node) => ` /dev/${node}`).join("")}`;
}

const sourceText = ({ name, state, detail, grant }: Source): readonly [string, string] => [
  name,
  `${state}: ${detail}${grant === undefined ? "" : `; to allow it: ${grant}`}`,
];
