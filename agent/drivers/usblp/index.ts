import { err, ok, type Result } from "@aislewatch/base";
import { realClock } from "@aislewatch/runtime";
import { z } from "zod";
import { readDeviceId } from "../../core/device-id.ts";
import type { UsbInterface } from "../../core/usb-device.ts";
import { usbMatchText } from "../../core/usb-match.ts";
import { interfaceFile, nodeOf, takenFromKernel, type UsbNode } from "../../transport/usb-node.ts";
import { readPortStatus } from "../../transport/usblp.ts";
import { type DevicePoller, defineDriver, type PollContext, type PollError, type Source } from "../driver.ts";
import { usbIdentifying } from "../usb-asset.ts";
import { deviceGate, UsbSlot, type UsbSlotConfig, usbSlotKey, usbSlotOptions } from "../usb-slot.ts";
import { isWell, METRICS, parse } from "./parse.ts";
import type { UsblpReply } from "./types.ts";

export default defineDriver<UsbSlotConfig, UsblpReply>({
  name: "usblp",
  title: "USB printer by its port status and device id, whatever language it prints",
  config: z.strictObject(usbSlotOptions),
  lineKey: (config) => usbSlotKey("usblp", config),
  address: ({ match }) => usbMatchText(match),
  recorded: {
    config: { match: { port: "1-1" } },
    identifying: ({ device, deviceId }) => {
      const serial = readDeviceId(deviceId ?? "")?.serial ?? null;
      return [...usbIdentifying(device), ...(serial === null ? [] : [{ of: "serial", text: serial } as const])];
    },
  },
  open: ({ config }) => new Poller(config),
});

class Poller implements DevicePoller<UsblpReply> {
  readonly #slot: UsbSlot;
  #sources: readonly Source[] = [];
  #about: readonly (readonly [string, string])[] = [];
  /** The device that said that all is well; another number is another printer, or this one after a restart. */
  #well: string | null = null;

  constructor(config: UsbSlotConfig) {
    this.#slot = new UsbSlot(config, "usblp");
  }

  async poll(context: PollContext): Promise<Result<UsblpReply, PollError>> {
    const found = await this.#slot.find();
    if (!found.ok) return found;
    if (found.value === null) {
      this.#sources = [{ name: "sysfs", state: "used", detail: "nothing that fits is attached" }];
      return ok({ device: null, certain: false, deviceId: null, portStatus: null, wasWell: false });
    }
    return await this.#look(found.value, context);
  }

  async #look({ device, certain, interfaces }: UsbNode, { signal, timeoutMs }: PollContext) {
    const { take, sysfs } = this.#slot.config;
    const [printer] = interfaces;
    const path = printer === undefined ? null : nodeOf(printer, "usblp");
    const bytes = printer === undefined ? null : await interfaceFile(sysfs, printer, "ieee1284_id");
    const deviceId = bytes === null ? null : Buffer.from(bytes).toString("latin1").trim();
    this.#tell(deviceId, this.#slot.source(path, device.vendorId));
    const attached = { device, certain, deviceId, portStatus: null, wasWell: false };
    if (!take) return ok(attached);
    const asked =
      path === null
        ? err(noFile(device.port, printer))
        : await readPortStatus(path, { clock: realClock, gate: deviceGate, signal, timeoutMs });
    return this.#slot.orAttached(asked.ok ? ok(this.#statusOf(attached, asked.value)) : asked, attached);
  }

  #statusOf(attached: UsblpReply, portStatus: number): UsblpReply {
    const who = `${attached.device?.port} ${attached.device?.devnum}`;
    if (isWell(portStatus)) this.#well = who;
    return { ...attached, portStatus, wasWell: this.#well === who };
  }

  #tell(deviceId: string | null, file: Source): void {
    const id = deviceId === null ? null : readDeviceId(deviceId);
    const detail = id === null ? "the printer has none, or another program has it" : "read by the kernel when it came";
    this.#sources = [
      { name: "sysfs", state: "used", detail: this.#slot.config.sysfs },
      { name: "device id", state: id === null ? "absent" : "used", detail },
      file,
    ];
    const languages = id?.languages.join(", ") ?? "";
    this.#about = languages === "" ? [] : [["languages", languages]];
  }

  parse = parse;
  metrics = () => METRICS;
  profile = () => null;
  about = () => this.#about;
  sources = () => this.#sources;
  watch = (speakUp: () => void) => this.#slot.listen(speakUp);
  close = async () => {};
}

function noFile(port: string, printer: UsbInterface | undefined): PollError {
  return printer !== undefined && takenFromKernel(printer)
    ? {
        kind: "busy",
        detail: `the printer at port ${port} is used by a program that goes past the kernel's driver, as CUPS does`,
      }
    : { kind: "config", detail: `the device at port ${port} has no printer interface that the kernel's usblp knows` };
}
