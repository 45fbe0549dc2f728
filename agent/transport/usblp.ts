/**
 * USB printers through the kernel's usblp (/dev/usb/lpN). usblp lets one program in at a time, so an open file keeps a
 * spooler that prints through it out for as long: it is opened for one poll and closed again, and who comes meanwhile
 * and finds it busy comes again, as spoolers do. CUPS goes another way: it takes the printer from usblp altogether
 * (libusb); then the file is gone or dead, at once, and the poll ends.
 *
 * An open and close sends nothing to the printer. GET_PORT_STATUS (USB printer class 1.1, 4.2.2) is a question on the
 * control pipe, beside the data. A question in the printer's language waits in the printer behind what it prints.
 */
import { Duplex } from "node:stream";
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import {
  type DeviceFile,
  type DeviceGate,
  describeDeviceError,
  DeviceFile as Files,
  tryDevice,
  until,
} from "./device-file.ts";
import type { LineError, OpenStream } from "./line.ts";
import { holdersOf, holderText } from "./serial-access.ts";

/** Asked again so often while a line is open; a printer answers within a few milliseconds. */
const READ_STEP_MS = 10;
/** One transfer; usblp's buffer. */
const READ_BYTES = 8_192;
/** An old answer that waits in the printer comes with the first transfers. */
const DRAIN_MS = 40;
/** More than this is no old answer: the line's own bound then says so. */
const DRAIN_BYTES_MAX = 65_536;
/** How often a printer that another poll of ours has is looked at; that one takes a second at most. */
const TURN_STEP_MS = 25;
/** LPGETSTATUS of lp and usblp: the byte of GET_PORT_STATUS, in an int. */
const LPGETSTATUS = 0x060b;

export type UsblpContext = { readonly clock: Clock; readonly gate: DeviceGate };
type UsblpOpening = UsblpContext & { readonly signal: AbortSignal; readonly timeoutMs: number };
type Opened = Result<DeviceFile, LineError>;

/** The byte of GET_PORT_STATUS: bit 5 paper empty, 4 selected, 3 no error. The file is open for some milliseconds. */
export async function readPortStatus(path: string, opening: UsblpOpening): Promise<Result<number, LineError>> {
  const { timeoutMs } = opening;
  const opened = await openFile(path, { ...opening, write: false });
  if (!opened.ok) return opened;
  const file = opened.value;
  const status = new Uint8Array(4);
  const asked = await tryDevice(
    () => file.ioctl(LPGETSTATUS, status, timeoutMs),
    (thrown) => describeDeviceError(thrown, path),
  );
  await file.close();
  return asked.ok ? ok(status[0] ?? 0) : asked;
}

/** `path` at the moment of each opening: the printer may have come back under another number. */
export function openUsblpStream(
  path: () => Promise<Result<string, LineError>>,
  { clock, gate }: UsblpContext,
): OpenStream {
  return async (signal, timeoutMs) => {
    const found = await path();
    if (!found.ok) return found;
    const opened = await openFile(found.value, { clock, gate, signal, timeoutMs, write: true });
    if (!opened.ok) return opened;
    const file = opened.value;
    const describe = (error: Error): LineError => describeDeviceError(error, found.value);
    const drained = await tryDevice(() => drain(file, clock, signal), describeWith(found.value));
    if (!drained.ok) {
      await file.close();
      return drained;
    }
    const stream = new UsblpStream(file, clock);
    const close = async (): Promise<void> => {
      stream.destroy();
      await file.close();
    };
    return ok({ stream, describe, close });
  };
}

const describeWith =
  (path: string) =>
  (thrown: unknown): LineError =>
    describeDeviceError(thrown, path);

/** Printers that are open here. Two devices of one configuration may be one printer: that is no other program. */
const ours = new Map<string, DeviceFile>();

async function openFile(path: string, opening: UsblpOpening & { readonly write: boolean }): Promise<Opened> {
  const { clock, signal, timeoutMs } = opening;
  const isOurs = (): boolean => ours.get(path)?.isOpen === true;
  const tried = await until<Opened>(
    async () => {
      if (isOurs()) return null;
      const file = await tryDevice(() => Files.open(path, opening), describeWith(path));
      if (file.ok) ours.set(path, file.value);
      // Another poll of ours was quicker.
      return !file.ok && file.error.kind === "busy" && isOurs() ? null : file;
    },
    { clock, signal, timeoutMs, stepMs: TURN_STEP_MS },
  );
  const opened = tried ?? err<LineError>({ kind: "busy", detail: `${path} is in use by another poll of this agent` });
  if (opened.ok || opened.error.kind !== "busy") return opened;
  const holders = await holdersOf(path, { root: "/", ownPids: new Set([process.pid]) });
  if (holders.length === 0) return opened;
  return err(describeDeviceError(Object.assign(new Error(), { code: "EBUSY" }), path, holderText(holders)));
}

async function drain(file: DeviceFile, clock: Clock, signal: AbortSignal): Promise<void> {
  const endMs = clock.monotonic() + DRAIN_MS;
  let dropped = 0;
  while (clock.monotonic() < endMs && dropped < DRAIN_BYTES_MAX && !signal.aborted) {
    const old = await file.read(READ_BYTES);
    dropped += old?.byteLength ?? 0;
    if (old === null) await new Promise<void>((wake) => clock.after(READ_STEP_MS, wake));
  }
}

/** Reads while somebody wants to read, and writes as fast as the driver takes it. */
class UsblpStream extends Duplex {
  readonly #file: DeviceFile;
  readonly #clock: Clock;
  #cancel: (() => void) | null = null;
  #reading = false;

  constructor(file: DeviceFile, clock: Clock) {
    super({ emitClose: true, autoDestroy: true });
    this.#file = file;
    this.#clock = clock;
    this.on("error", () => {});
  }

  override _read(): void {
    if (this.#reading || this.#cancel !== null) return;
    this.#reading = true;
    this.#file.read(READ_BYTES).then(
      (bytes) => {
        this.#reading = false;
        if (this.destroyed) return;
        if (bytes !== null) this.push(bytes);
        else this.#cancel = this.#clock.after(READ_STEP_MS, () => this.#again());
      },
      (thrown: unknown) => this.#fail(thrown),
    );
  }

  #again(): void {
    this.#cancel = null;
    if (!this.destroyed) this._read();
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    // A printer that takes nothing is an exchange without an answer, whose own time limit ends it.
    this.#send(bytes).then(
      () => done(),
      (thrown: unknown) => done(thrown instanceof Error ? thrown : new Error(String(thrown))),
    );
  }

  async #send(bytes: Uint8Array): Promise<void> {
    let sent = 0;
    while (sent < bytes.byteLength && !this.destroyed) {
      const taken = await this.#file.write(bytes.subarray(sent));
      sent += taken;
      if (taken === 0) await new Promise<void>((wake) => this.#clock.after(READ_STEP_MS, wake));
    }
  }

  #fail(thrown: unknown): void {
    this.#reading = false;
    this.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#cancel?.();
    this.#cancel = null;
    done(error);
  }
}
