import { realClock } from "@aislewatch/runtime";
import { z } from "zod";
import type { UsbDevice } from "../../core/usb-device.ts";
import { usbMatchSchema, usbMatchText } from "../../core/usb-match.ts";
import type { UsbPlaces } from "../../transport/sysfs-watch.ts";
import { usbWatch } from "../../transport/usb-node.ts";
import { defineDriver, type Source } from "../driver.ts";
import { usbIdentifying } from "../usb-asset.ts";
import { METRICS, parse } from "./parse.ts";
import { sourcesOf } from "./sources.ts";
import type { UsbReply } from "./types.ts";
import { WatchedSlot } from "./watched-slot.ts";

const SYSFS = "/sys";

const config = z.strictObject({
  match: usbMatchSchema,
  /** Another root of sysfs: of the host, in a container; or a folder of the same shape. */
  sysfs: z.string().max(256).startsWith("/", "expected an absolute path").default(SYSFS),
  /** The kernel's log, or a file that grows like it. Read where this user may. */
  kernel_log: z.string().max(256).startsWith("/", "expected an absolute path").optional(),
});
type Config = z.infer<typeof config>;

const isSystem = (sysfs: string): boolean => sysfs === SYSFS;

function placesOf({ sysfs, kernel_log }: Config): UsbPlaces {
  return {
    sysfs,
    deviceFiles: isSystem(sysfs) ? "/dev/bus/usb" : null,
    kernelLog: kernel_log ?? (isSystem(sysfs) ? "/dev/kmsg" : null),
  };
}

export default defineDriver<Config, UsbReply>({
  name: "usb",
  title: "A USB device by what the system knows of it: presence, identity, power, errors; it is never opened",
  config,
  lineKey: (given) => `usb:${given.sysfs}:${usbMatchText(given.match)}`,
  address: (given) => usbMatchText(given.match),
  recorded: { config: { match: { port: "1-1" } }, identifying: ({ device }) => usbIdentifying(device) },
  open({ config: given }) {
    const places = placesOf(given);
    const watch = usbWatch(places, realClock);
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
