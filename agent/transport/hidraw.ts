/**
 * HID devices through the kernel's hidraw (/dev/hidrawN), opened for reading only: nothing can be sent to the device but
 * the question for a report (GET_REPORT, USB HID 1.11, 7.2.1). hidraw lets any number of programs in, and each gets all
 * input reports; a POS application that goes past the kernel (libusb) takes the device from hidraw, and the file is gone.
 *
 * Whose reports hold what customers bring to the till must not be listened to: a plan says whether input reports are
 * read at all, and which reports are asked for by their number.
 */
import type { Clock, Result } from "@aislewatch/base";
import type { ReportType } from "../core/hid-report.ts";
import {
  codeOf,
  type DeviceFile,
  type DeviceGate,
  describeDeviceError,
  DeviceFile as Files,
  tryDevice,
  until,
} from "./device-file.ts";
import type { LineError } from "./line.ts";

export type HidAsk = {
  readonly report: Exclude<ReportType, "output">;
  readonly reportId: number;
  /** With the byte for the id, when the device's reports have ids. */
  readonly bytes: number;
};

export type HidPlan = {
  readonly asks: readonly HidAsk[];
  /** `never`; or `first` and `last`: before and after the questions, when those brought nothing. */
  readonly listen: "never" | "first" | "last";
};

/** As it came: with the byte for its id when the device's reports have one. */
export type HidReport = { readonly report: Exclude<ReportType, "output">; readonly bytes: Uint8Array };

/** A scale at rest says so several times a second; a UPS every few seconds, which is waited for once a poll. */
const LISTEN_MS_MAX = 2_000;
const LISTEN_STEP_MS = 20;
/** After the first one: the others of the same moment. */
const SETTLE_MS = 60;
/** Reports of one poll; the kernel keeps 64 for who does not read. */
const REPORTS_MAX = 64;
/** HID_MAX_BUFFER_SIZE is 16 KB; a full-speed interrupt transfer is 64 bytes. */
const REPORT_BYTES_MAX = 4_096;

/** _IOC(_IOC_WRITE | _IOC_READ, 'H', number, bytes): linux/hidraw.h. */
const request = (number: number, bytes: number): number => ((3 << 30) | (bytes << 16) | (0x48 << 8) | number) >>> 0;
const HIDIOCGFEATURE = 0x07;
/** Since Linux 5.11. */
const HIDIOCGINPUT = 0x0a;

export type HidContext = {
  readonly clock: Clock;
  readonly gate: DeviceGate;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
};

/** What the device said in one poll; empty when it said nothing. */
export async function readHidReports(
  path: string,
  plan: HidPlan,
  context: HidContext,
): Promise<Result<readonly HidReport[], LineError>> {
  const { gate, timeoutMs } = context;
  return await tryDevice(
    async () => {
      const file = await Files.open(path, { gate, write: false, timeoutMs });
      try {
        return await carryOut(file, plan, context);
      } finally {
        await file.close();
      }
    },
    (thrown) => describeDeviceError(thrown, path),
  );
}

async function carryOut(file: DeviceFile, { asks, listen }: HidPlan, context: HidContext): Promise<HidReport[]> {
  const heard = listen === "first" ? await hear(file, context) : [];
  if (heard.length > 0) return heard;
  const answers = await ask(file, asks, context);
  return answers.length > 0 || listen !== "last" ? answers : await hear(file, context);
}

async function ask(file: DeviceFile, asks: readonly HidAsk[], { signal, timeoutMs, clock }: HidContext) {
  const reports: HidReport[] = [];
  const endMs = clock.monotonic() + timeoutMs;
  for (const { report, reportId, bytes } of asks.slice(0, REPORTS_MAX)) {
    const leftMs = endMs - clock.monotonic();
    if (signal.aborted || leftMs <= 0) break;
    const buffer = new Uint8Array(Math.min(bytes + (reportId === 0 ? 1 : 0), REPORT_BYTES_MAX));
    buffer[0] = reportId;
    try {
      const number = report === "feature" ? HIDIOCGFEATURE : HIDIOCGINPUT;
      const length = await file.ioctl(request(number, buffer.byteLength), buffer, leftMs);
      // A device that does not know the report may answer with another one, or with zeros.
      if (length > 0 && buffer[0] === reportId)
        reports.push({ report, bytes: withoutZeroId(buffer, length, reportId) });
    } catch (thrown) {
      // Refused (a stall), too old a kernel, or no koffi: other reports may come. Anything else ends the poll.
      if (!["EPIPE", "EINVAL", "ENOTTY", "ENOSYS", "EIO", "ETIMEDOUT", "EPROTO", "EOVERFLOW"].includes(codeOf(thrown)))
        throw thrown;
    }
  }
  return reports;
}

/** For a device without ids hidraw wants a zero where the id would be, and leaves it there. */
const withoutZeroId = (buffer: Uint8Array, length: number, reportId: number): Uint8Array =>
  buffer.slice(reportId === 0 ? 1 : 0, length);

async function hear(file: DeviceFile, { clock, signal, timeoutMs }: HidContext): Promise<HidReport[]> {
  const reports: HidReport[] = [];
  const next = (waitMs: number): Promise<Uint8Array | null> =>
    until(() => file.read(REPORT_BYTES_MAX), { clock, signal, timeoutMs: waitMs, stepMs: LISTEN_STEP_MS });
  let bytes = await next(Math.min(LISTEN_MS_MAX, timeoutMs * 0.6));
  const endMs = clock.monotonic() + SETTLE_MS;
  while (bytes !== null && reports.length < REPORTS_MAX) {
    reports.push({ report: "input", bytes });
    bytes = await next(Math.max(0, endMs - clock.monotonic()));
  }
  return reports;
}
