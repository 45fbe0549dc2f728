/**
 * What the drivers have in common that look into a USB device: which one is meant, whether it may be opened, what rights
 * that needs. **Never by default**: opening a device's file can keep its owner out (usblp), and hands what it says to us
 * (hidraw). Without `take: true` only sysfs is read.
 */
import { ok, type Result } from "@aislewatch/base";
import { realClock } from "@aislewatch/runtime";
import { z } from "zod";
import { readUsbDevice } from "../core/usb-device.ts";
import { fitsUsbMatch, type UsbMatchConfig, usbMatchOf, usbMatchSchema, usbMatchText } from "../core/usb-match.ts";
import { DeviceGate } from "../transport/device-file.ts";
import type { UsbWatch } from "../transport/sysfs-watch.ts";
import { findUsbNode, type NodeClass, type UsbNode, usbWatch } from "../transport/usb-node.ts";
import type { PollError, Source } from "./driver.ts";
import { grantOf, mayOpen } from "./usb-rights.ts";

export const SYSFS = "/sys";

export const usbSlotOptions = {
  match: usbMatchSchema,
  /** Open the device's file at each poll, and close it again. */
  take: z.boolean().default(false),
  /** Another root of sysfs: of the host, in a container. */
  sysfs: z.string().max(256).startsWith("/", "expected an absolute path").default(SYSFS),
};
export type UsbSlotConfig = { readonly match: UsbMatchConfig; readonly take: boolean; readonly sysfs: string };

/** All device files of this program go through one gate. */
export const deviceGate = new DeviceGate(realClock);

/** The same as the driver usb's, of the same sysfs: one scan serves all. */
export const watchOf = (sysfs: string): UsbWatch => {
  const isSystem = sysfs === SYSFS;
  const places = {
    sysfs,
    deviceFiles: isSystem ? "/dev/bus/usb" : null,
    kernelLog: isSystem ? "/dev/kmsg" : null,
  };
  return usbWatch(places, realClock);
};

/** One poll at a time for all that looks into one device, a dialect over its usblp included. */
export const usbSlotKey = (nodeClass: NodeClass, { match }: Pick<UsbSlotConfig, "match">): string =>
  `${nodeClass}:${usbMatchText(match)}`;

export class UsbSlot {
  readonly config: UsbSlotConfig;
  readonly #nodeClass: NodeClass;
  #saidAttached = false;

  constructor(config: UsbSlotConfig, nodeClass: NodeClass) {
    this.config = config;
    this.#nodeClass = nodeClass;
  }

  async find(): Promise<Result<UsbNode | null, PollError>> {
    const found = await findUsbNode(watchOf(this.config.sysfs), this.config.match, this.#nodeClass);
    if (found.ok && found.value === null) this.#saidAttached = false;
    return found;
  }

  /**
   * What a poll brought that tried to ask the device. The first one after the device came says that it is attached, also
   * when it could not be asked: the word that it was gone would stand else for as long as it is mute or another's.
   */
  orAttached<Reply>(asked: Result<Reply, PollError>, attached: Reply): Result<Reply, PollError> {
    const isNews = !this.#saidAttached;
    this.#saidAttached = true;
    return asked.ok || !isNews ? asked : ok(attached);
  }

  /** Speaks up when what fits comes, goes, or comes back under another number. */
  listen(speakUp: () => void): () => void {
    let before: string | null = null;
    return watchOf(this.config.sysfs).listen(({ devices }) => {
      const match = usbMatchOf({ ...this.config.match, path: undefined }, () => "");
      const fitting = devices.map(readUsbDevice).filter((one) => one !== null && fitsUsbMatch(one, match));
      const now = fitting
        .map((one) => `${one?.port} ${one?.devnum} ${one?.interfaces.map(({ driver }) => driver)}`)
        .join();
      if (before !== null && before !== now) speakUp();
      before = now;
    });
  }

  /** What is known of the file, without opening it. */
  source(path: string | null, vendorId: string): Source {
    const { take } = this.config;
    const name = this.#nodeClass;
    if (path === null)
      return { name, state: "absent", detail: "another program has taken it from the kernel's driver" };
    if (mayOpen(path, name)) {
      return take
        ? { name, state: "used", detail: `${path}, opened for each poll` }
        : { name, state: "ready", detail: `${path}, left to its owner; \`take: true\` opens it for each poll` };
    }
    return { name, state: "denied", detail: `${path} may not be opened`, grant: grantOf(name, vendorId) };
  }
}
