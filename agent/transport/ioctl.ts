/**
 * The one call that Node has not: ioctl(2) on a device file that is open already. By koffi, an optional dependency with a
 * binary of its own; it is loaded with the first call. It runs in a thread of the pool, for the kernel waits up to five
 * seconds for a USB device that does not answer: callers go through a `DeviceGate`.
 */
import { errorText } from "@aislewatch/base";

/** Errors have the names of fs errors in `code`; `ENOSYS` when koffi is not installed or knows no such platform. */
export class IoctlError extends Error {
  readonly code: string;

  constructor(code: string, detail: string) {
    super(detail);
    this.code = code;
  }
}

type Call = {
  readonly async: (
    fd: number,
    request: number,
    bytes: Uint8Array,
    done: (error: unknown, result: unknown) => void,
  ) => void;
};
type Native = { readonly call: Call; readonly lastError: () => string };

let native: Promise<Native> | null = null;

/** Returns what the call returned; `bytes` are the request's argument, changed in place. Linux only. */
export async function ioctl(fd: number, request: number, bytes: Uint8Array): Promise<number> {
  native ??= load();
  const { call, lastError } = await native;
  return await new Promise((done, fail) => {
    call.async(fd, request, bytes, (error, result) => {
      if (error === null && typeof result === "number" && result >= 0) done(result);
      else if (error === null) fail(new IoctlError(lastError(), `ioctl: ${lastError()}`));
      else fail(new IoctlError("EIO", errorText(error)));
    });
  });
}

/** True when device files can be asked; false where only reads and writes are possible. */
export async function hasIoctl(): Promise<boolean> {
  native ??= load();
  return await native.then(
    () => true,
    () => false,
  );
}

async function load(): Promise<Native> {
  if (process.platform !== "linux") throw new IoctlError("ENOSYS", "device files are asked on Linux only");
  try {
    const { default: koffi } = await import("koffi");
    // Variadic in C; on Linux's ABIs an argument is passed the same way either way.
    const call: Call = koffi.load(null).func("int ioctl(int fd, unsigned long request, _Inout_ uint8_t *bytes)");
    const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));
    return { call, lastError: () => names.get(koffi.errno()) ?? "EIO" };
  } catch (thrown) {
    throw new IoctlError("ENOSYS", `koffi is not installed for this platform: ${errorText(thrown)}`);
  }
}
