import { err, ok, type Result } from "@aislewatch/base";
import { realClock } from "@aislewatch/runtime";
import { z } from "zod";
import { type HidDescriptor, parseHidDescriptor } from "../../core/hid-report.ts";
import { type HidKind, hidRole, stateReports } from "../../core/hid-role.ts";
import { usbMatchText } from "../../core/usb-match.ts";
import { type HidPlan, type HidReport, readHidReports } from "../../transport/hidraw.ts";
import { hasIoctl } from "../../transport/ioctl.ts";
import { nodeOf, reportDescriptor, takenFromKernel, type UsbNode } from "../../transport/usb-node.ts";
import { type DevicePoller, defineDriver, type PollContext, type PollError, type Source } from "../driver.ts";
import { type ScaleOptions, scaleOptions } from "../scale.ts";
import { usbIdentifying } from "../usb-asset.ts";
import { deviceGate, UsbSlot, type UsbSlotConfig, usbSlotKey, usbSlotOptions } from "../usb-slot.ts";
import { METRICS, parse } from "./parse.ts";
import type { HidReply } from "./types.ts";

type Config = UsbSlotConfig & ScaleOptions;

export default defineDriver<Config, HidReply>({
  name: "hid",
  title: "HID scale, scanner or UPS on USB, by its state reports; what is scanned or typed is never read",
  config: z.strictObject({ ...usbSlotOptions, ...scaleOptions }),
  lineKey: (config) => usbSlotKey("hidraw", config),
  address: ({ match }) => usbMatchText(match),
  recorded: { config: { match: { port: "1-1" } }, identifying: ({ device }) => usbIdentifying(device) },
  options: ({ zero_window_kilograms }) => ({ zero_window_kilograms }),
  open: ({ config }) => new Poller(config),
});

/** An interface of the device, by its descriptor in sysfs. */
type Interface = {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly descriptor: HidDescriptor;
  readonly kind: HidKind;
};

class Poller implements DevicePoller<HidReply> {
  readonly #slot: UsbSlot;
  readonly #options: ScaleOptions;
  #sources: readonly Source[] = [];
  #about: readonly (readonly [string, string])[] = [];

  constructor(config: Config) {
    this.#slot = new UsbSlot(config, "hidraw");
    this.#options = config;
  }

  async poll(context: PollContext): Promise<Result<HidReply, PollError>> {
    const found = await this.#slot.find();
    if (!found.ok) return found;
    if (found.value === null) {
      this.#sources = [{ name: "sysfs", state: "used", detail: "nothing that fits is attached" }];
      return ok({ device: null, certain: false, descriptor: null, reports: null });
    }
    return await this.#look(found.value, context);
  }

  async #look(node: UsbNode, context: PollContext): Promise<Result<HidReply, PollError>> {
    const { device, certain } = node;
    const { take, sysfs } = this.#slot.config;
    const { chosen, refusals } = await choose(node, sysfs);
    this.#sources = [
      { name: "sysfs", state: "used", detail: sysfs },
      chosen === null
        ? { name: "hidraw", state: "absent", detail: refusals.join("; ") || "no HID interface" }
        : this.#slot.source(chosen.path, device.vendorId),
    ];
    this.#about = chosen === null ? [] : [["HID", `${chosen.kind} at ${chosen.path}`]];
    const seen = { device, certain, descriptor: chosen === null ? null : Buffer.from(chosen.bytes).toString("hex") };
    const attached: HidReply = { ...seen, reports: null };
    if (!take) return ok(attached);
    const asked = chosen === null ? err(this.#nothing(node, refusals)) : await ask(chosen, context);
    return this.#slot.orAttached(asked.ok ? ok({ ...seen, reports: asked.value.map(asHex) }) : asked, attached);
  }

  #nothing({ device, interfaces }: UsbNode, refusals: readonly string[]): PollError {
    if (interfaces.some(takenFromKernel)) {
      const detail = `the device at port ${device.port} is used by a program that goes past the kernel's driver`;
      return { kind: "busy", detail };
    }
    const detail = `the device at port ${device.port} is not opened: ${refusals.join("; ") || "no HID interface"}`;
    return { kind: "config", detail, hint: "leave out `take`, and only its presence is watched" };
  }

  parse = (reply: HidReply) => parse(reply, this.#options);
  metrics = () => METRICS;
  profile = () => null;
  about = () => this.#about;
  sources = () => this.#sources;
  watch = (speakUp: () => void) => this.#slot.listen(speakUp);
  close = async () => {};
}

const asHex = ({ report, bytes }: HidReport) => ({ report, hex: Buffer.from(bytes).toString("hex") });

/** The first interface that may be looked at. A scanner may have one that types and one that does not. */
async function choose(
  { interfaces }: UsbNode,
  sysfs: string,
): Promise<{ readonly chosen: Interface | null; readonly refusals: readonly string[] }> {
  const refusals: string[] = [];
  for (const one of interfaces) {
    const path = nodeOf(one, "hidraw");
    const bytes = path === null ? null : await reportDescriptor(sysfs, path);
    if (path === null || bytes === null) continue;
    const descriptor = parseHidDescriptor(bytes);
    if (!descriptor.ok) {
      refusals.push(`${one.name}: its report descriptor makes no sense (${descriptor.error.detail})`);
      continue;
    }
    const role = hidRole(descriptor.value);
    if (role.refused !== null) refusals.push(`${one.name}: ${role.refused}`);
    else return { chosen: { path, bytes, descriptor: descriptor.value, kind: role.kind }, refusals };
  }
  return { chosen: null, refusals };
}

/** A scale speaks by itself; a UPS is asked, and listened to when it does not answer; a scanner is only asked. */
const LISTEN: Readonly<Record<HidKind, HidPlan["listen"]>> = { scale: "first", ups: "last", scanner: "never" };

async function ask({ path, descriptor, kind }: Interface, { signal, timeoutMs }: PollContext) {
  const plan: HidPlan = { asks: stateReports(descriptor, kind), listen: LISTEN[kind] };
  if (plan.asks.length === 0 && plan.listen === "never") {
    return err<PollError>({ kind: "config", detail: `${path} has no report of its state beside what is scanned` });
  }
  const said = await readHidReports(path, plan, { clock: realClock, gate: deviceGate, signal, timeoutMs });
  if (!said.ok || said.value.length > 0) return said;
  if (plan.listen === "never" && !(await hasIoctl())) {
    const hint = "install the agent with its optional dependencies, on Linux";
    return err<PollError>({ kind: "config", detail: "reports can't be asked for: koffi is missing", hint });
  }
  return err<PollError>({ kind: "timeout", detail: `${path} opened, but no report of its state came` });
}
