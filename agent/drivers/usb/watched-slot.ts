/** The slot of one configured device: looks at the shared watch of its sysfs, and keeps what happened between polls. */
import { realpathSync } from "node:fs";
import { err, ok, type Result } from "@aislewatch/base";
import { hubOf, identityOf, readUsbDevice, type SysfsDevice, type UsbDevice } from "../../core/usb-device.ts";
import type { UsbMatch } from "../../core/usb-match.ts";
import type { UsbScan, UsbWatch } from "../../transport/sysfs-watch.ts";
import type { PollError } from "../driver.ts";
import { readKernelLine, readPrinterLine } from "./kernel-lines.ts";
import {
  EMPTY_SLOT,
  type Found,
  findDevice,
  type Step,
  stepKernel,
  stepOverCurrent,
  stepPrinter,
  stepSlot,
  type UsbEvent,
} from "./slot.ts";
import type { UsbReply } from "./types.ts";

/** Events that wait for the next poll: as many as a reading takes. A device that flaps faster is counted, not told. */
const EVENTS_MAX = 64;

export class WatchedSlot {
  readonly #watch: UsbWatch;
  readonly #match: UsbMatch;
  /** A link below /dev that leads to the device's file, for one that is configured by its path. */
  readonly #path: string | null;
  #state = EMPTY_SLOT;
  #events: UsbEvent[] = [];
  /** As of the last scan. */
  #devices: readonly UsbDevice[] = [];

  constructor(watch: UsbWatch, match: Omit<UsbMatch, "node">, path: string | null) {
    this.#watch = watch;
    this.#match = { ...match, node: null };
    this.#path = path;
    this.#state = { ...EMPTY_SLOT, productId: match.productId };
  }

  listen(speakUp: () => void): () => void {
    return this.#watch.listen((scan) => {
      const { attached } = this.#state;
      const told = this.#events.length;
      this.#take(scan);
      // The first time that it is there is no event, and is worth a poll.
      if (this.#events.length > told || this.#state.attached !== attached) speakUp();
    });
  }

  async poll(): Promise<Result<UsbReply, PollError>> {
    const scanned = await this.#watch.scan();
    if (!scanned.ok) return scanned;
    // What a listener has taken already is no news the second time.
    const found = this.#look(scanned.value.devices);
    if (found.kind === "several") {
      const detail = `${found.ports.length} devices fit: at the ports ${found.ports.slice(0, 8).join(", ")}`;
      return err({ kind: "config", detail, hint: "name the one that is meant by its port: or serial:" });
    }
    const port = this.#port;
    if (port !== null) this.#apply(stepOverCurrent(this.#state, port, await this.#watch.overCurrentCount(port)));
    return ok(this.#reply());
  }

  /** Where it is, was last, or should be: what never got through to the system is in that port, too. */
  get #port(): string | null {
    return this.#state.seen?.port ?? this.#match.port;
  }

  get device(): UsbDevice | null {
    return this.#state.attached ? this.#state.seen : null;
  }

  /** Why the device is told by its port; null when it is told by its serial number, or is not there. */
  get doubt(): string | null {
    const { device } = this;
    return device === null ? null : identityOf(device, this.#devices).doubt;
  }

  #reply(): UsbReply {
    const { device } = this;
    const { certain, productId, disconnects, resets, errors, overCurrents } = this.#state;
    const hears = this.#watch.readsKernelLog;
    const hub = device === null ? null : hubOf(device.port);
    return {
      device,
      certain,
      productId,
      hubSelfPowered: this.#devices.find(({ port }) => port === hub)?.selfPowered ?? null,
      disconnects,
      resets: hears ? resets : null,
      errors: hears ? errors : null,
      overCurrents,
      events: this.#events.splice(0),
    };
  }

  #take({ devices, kernelLines }: UsbScan): void {
    const port = this.#port;
    const lines = kernelLines.map(readKernelLine).filter((line) => line !== null);
    if (port !== null && lines.length > 0) this.#apply(stepKernel(this.#state, port, lines));
    this.#look(devices);
    // After the look: a printer that was just plugged in has its device file by now.
    const printer = kernelLines.map(readPrinterLine).filter((line) => line !== null);
    if (printer.length > 0) this.#apply(stepPrinter(this.#state, printer));
  }

  #look(devices: readonly SysfsDevice[]): Found {
    this.#devices = devices.map(readUsbDevice).filter((device) => device !== null);
    const match = this.#path === null ? this.#match : { ...this.#match, node: nodeAt(this.#path) };
    const found = findDevice(this.#devices, match, this.#state);
    this.#apply(stepSlot(this.#state, found));
    return found;
  }

  #apply({ next, events }: Step): void {
    this.#state = next;
    this.#events.push(...events.slice(0, EVENTS_MAX - this.#events.length));
  }
}

/** A memory file system answers at once; "" when the link leads nowhere, as while its device is away. */
function nodeAt(path: string): string {
  try {
    return realpathSync(path).replace(/^\/dev\//, "");
  } catch {
    return "";
  }
}
