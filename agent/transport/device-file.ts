/**
 * Character devices of USB drivers (usblp, hidraw) as files. They are opened with O_NONBLOCK and read by asking again, so
 * that no read waits in a thread. Opening, closing and ioctl can still hang in a driver whose device is in trouble, and a
 * thread of the pool with it: all of these go through one gate, which lets two in at a time and gives up waiting for
 * them. Two that never come back keep two of the pool's four threads, and the agent goes on without these devices.
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type Clock, err, ok, type Result } from "@aislewatch/base";
import { ioctl } from "./ioctl.ts";
import type { LineError } from "./line.ts";

/** The pool has four threads unless it was told otherwise; the outbox and name look-ups need the others. */
const INSIDE_MAX = 2;
/** Devices of a machine that are polled at one moment; a POS terminal has five. */
const WAITING_MAX = 64;
/** The kernel waits 5 s for a control transfer. */
export const CALL_MS_MAX = 6_000;

export class DeviceHang extends Error {}

/** Lets few calls in at a time, and counts one that was given up until it comes back. */
export class DeviceGate {
  readonly #clock: Clock;
  #inside = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What came too late is handed to `late`, to be closed. */
  async run<T>(call: () => Promise<T>, timeoutMs: number, late: (value: T) => void = () => {}): Promise<T> {
    const deadlineMs = this.#clock.monotonic() + timeoutMs;
    await this.#enter(timeoutMs);
    const pending = call().finally(() => this.#leave());
    return await new Promise<T>((done, fail) => {
      let over = false;
      const cancel = this.#clock.after(Math.max(1, deadlineMs - this.#clock.monotonic()), () => {
        over = true;
        fail(new DeviceHang("its driver did not come back in time"));
      });
      pending.then(
        (value) => {
          cancel();
          if (over) late(value);
          else done(value);
        },
        (thrown: unknown) => {
          cancel();
          fail(thrown);
        },
      );
    });
  }

  async #enter(timeoutMs: number): Promise<void> {
    if (this.#inside < INSIDE_MAX) {
      this.#inside++;
      return;
    }
    if (this.#waiting.length >= WAITING_MAX) throw new DeviceHang("too many devices wait for drivers that hang");
    await new Promise<void>((enter, fail) => {
      const inside = (): void => {
        cancel();
        enter();
      };
      const cancel = this.#clock.after(timeoutMs, () => {
        const at = this.#waiting.indexOf(inside);
        if (at >= 0) this.#waiting.splice(at, 1);
        fail(new DeviceHang("drivers of other USB devices hang"));
      });
      this.#waiting.push(inside);
    });
  }

  /** Whoever waits takes the place over. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#inside--;
    else next();
  }
}

export type Opening = {
  readonly gate: DeviceGate;
  readonly write: boolean;
  readonly timeoutMs: number;
};

/** An open device. Its methods throw what fs throws, and `DeviceHang`. */
export class DeviceFile {
  readonly #file: FileHandle;
  readonly #gate: DeviceGate;
  #closing: Promise<void> | null = null;
  #isOpen = true;

  private constructor(file: FileHandle, gate: DeviceGate) {
    this.#file = file;
    this.#gate = gate;
  }

  static async open(path: string, { gate, write, timeoutMs }: Opening): Promise<DeviceFile> {
    const flags = (write ? constants.O_RDWR : constants.O_RDONLY) | constants.O_NONBLOCK | constants.O_NOCTTY;
    const file = await gate.run(
      () => open(path, flags),
      Math.min(timeoutMs, CALL_MS_MAX),
      (late) => void late.close().catch(() => {}),
    );
    return new DeviceFile(file, gate);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Null: nothing came since. */
  async read(bytesMax: number): Promise<Uint8Array | null> {
    try {
      const { bytesRead, buffer } = await this.#file.read(new Uint8Array(bytesMax), 0, bytesMax, null);
      // usblp ends a read at each transfer, and some printers send empty ones all the time.
      return bytesRead === 0 ? null : buffer.subarray(0, bytesRead);
    } catch (thrown) {
      if (codeOf(thrown) === "EAGAIN") return null;
      throw thrown;
    }
  }

  /** How many of the bytes the driver took; 0 while it still sends those before. */
  async write(bytes: Uint8Array): Promise<number> {
    try {
      return (await this.#file.write(bytes, 0, bytes.byteLength, null)).bytesWritten;
    } catch (thrown) {
      if (codeOf(thrown) === "EAGAIN") return 0;
      throw thrown;
    }
  }

  async ioctl(request: number, bytes: Uint8Array, timeoutMs: number): Promise<number> {
    return await this.#gate.run(() => ioctl(this.#file.fd, request, bytes), Math.min(timeoutMs, CALL_MS_MAX));
  }

  /** Waits no longer than a healthy driver takes; a call that is inside keeps the file until it comes back. */
  close(): Promise<void> {
    this.#closing ??= this.#gate
      .run(() => this.#file.close(), CLOSE_MS_MAX)
      .catch(() => {})
      .finally(() => {
        this.#isOpen = false;
      });
    return this.#closing;
  }
}

const CLOSE_MS_MAX = 500;

export const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : "";

/** What went wrong with a device file, for a person. `path` as configured; `busyBy` names who has it, when that is known. */
export function describeDeviceError(thrown: unknown, path: string, busyBy = "another program"): LineError {
  const hang = thrown instanceof DeviceHang ? thrown.message : null;
  if (hang !== null) {
    const hint = "unplug the device and plug it in again; others go on";
    return { kind: "io", detail: `${path}: ${hang}`, hint, misbehaved: true };
  }
  const code = codeOf(thrown);
  const known = ERRORS[code];
  if (known === undefined) return { kind: "io", detail: `${path}: ${code === "" ? String(thrown) : code}` };
  const { kind, what, hint } = known;
  return { kind, detail: `${path} ${what.replace("%", busyBy)}`, ...(hint !== undefined && { hint }) };
}

const GONE = {
  kind: "unreachable",
  what: "is not there",
  hint: "is the cable plugged in, and the device on?",
} as const;
const DENIED = {
  kind: "config",
  what: "may not be opened",
  hint: "`aislewatch-agent status` has the command that grants it",
} as const;
const ERRORS: Readonly<
  Record<string, { readonly kind: LineError["kind"]; readonly what: string; readonly hint?: string }>
> = {
  EBUSY: { kind: "busy", what: "is in use by %" },
  EACCES: DENIED,
  EPERM: DENIED,
  ENOENT: GONE,
  ENODEV: GONE,
  ENXIO: GONE,
  EINVAL: { kind: "config", what: "can only be written to: this printer tells nothing" },
  ENOSYS: {
    kind: "config",
    what: "can't be asked: the optional package koffi is missing",
    hint: "install the agent with its optional dependencies, on Linux",
  },
};

/** Asks again every `stepMs` until there is an answer or the time is over; null then. */
export async function until<T>(
  ask: () => Promise<T | null>,
  { clock, signal, timeoutMs, stepMs }: { clock: Clock; signal: AbortSignal; timeoutMs: number; stepMs: number },
): Promise<T | null> {
  const endMs = clock.monotonic() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null || signal.aborted || clock.monotonic() >= endMs) return answer;
    await new Promise<void>((wake) => clock.after(stepMs, wake));
  }
}

/** The same as a value: for callers that report errors and do not throw them. */
export async function tryDevice<T>(
  run: () => Promise<T>,
  describe: (thrown: unknown) => LineError,
): Promise<Result<T, LineError>> {
  try {
    return ok(await run());
  } catch (thrown) {
    return err(describe(thrown));
  }
}
