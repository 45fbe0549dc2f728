/**
 * New lines of the kernel's log, as often as somebody asks: from /dev/kmsg (Documentation/ABI/testing/dev-kmsg: one
 * record a read, never blocking) or from a file that grows. It is evidence beside sysfs where this user may read it
 * (CAP_SYSLOG, or kernel.dmesg_restrict=0). What was there before the first call is not news and is passed over.
 */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";

/** Bytes of a record at most, with its context (CONSOLE_EXT_LOG_MAX). */
const RECORD_BYTES_MAX = 8_192;
/** The ring holds a few thousand records of ordinary length. */
const OLD_RECORDS_MAX = 50_000;
/** Lines at one time; a kernel that says more has other troubles, and what is over is passed over. */
const LINES_MAX = 1_000;

export class KernelLog {
  readonly #path: string;
  readonly #buffer = Buffer.alloc(RECORD_BYTES_MAX);
  #file: { readonly fd: number; readonly isDevice: boolean; readonly inode: number; position: number } | null = null;
  #rest = "";

  constructor(path: string) {
    this.#path = path;
  }

  get isOpen(): boolean {
    return this.#file !== null;
  }

  /** Empty at first, and when the log can't be read; it is tried again at each call. Never throws. */
  read(): readonly string[] {
    const lines: string[] = [];
    try {
      if (this.#file === null) this.#open();
      else this.#news(lines);
    } catch {
      this.close();
    }
    return lines.slice(0, LINES_MAX);
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file.fd);
    this.#file = null;
    this.#rest = "";
  }

  #open(): void {
    const fd = openSync(this.#path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(fd);
    const isDevice = stats.isCharacterDevice();
    this.#file = { fd, isDevice, inode: stats.ino, position: stats.size };
    if (isDevice) this.#drain(OLD_RECORDS_MAX, () => {});
  }

  /** What an old file still got is read before the new one that stands in its place. */
  #news(lines: string[]): void {
    const drain = (): void => this.#drain(LINES_MAX, (text) => lines.push(...this.#lines(text)));
    drain();
    if (!this.#wasRotated()) return;
    this.close();
    this.#open();
    if (this.#file !== null) this.#file.position = 0;
    drain();
  }

  /** logrotate renames a log and begins another, or (`copytruncate`) empties it. */
  #wasRotated(): boolean {
    const file = this.#file;
    if (file === null || file.isDevice) return false;
    const now = statSync(this.#path, { throwIfNoEntry: false });
    // Renamed, and nobody has written since: the new file comes with the next line.
    if (now === undefined) return false;
    return now.ino !== file.inode || now.size < file.position;
  }

  #drain(readsMax: number, take: (text: string) => void): void {
    for (let reads = 0; reads < readsMax; reads++) {
      const read = this.#readOnce();
      if (read === "end") return;
      if (read > 0) take(this.#buffer.toString("utf8", 0, read));
    }
  }

  #readOnce(): number | "end" {
    const file = this.#file;
    if (file === null) return "end";
    try {
      const read = readSync(file.fd, this.#buffer, 0, RECORD_BYTES_MAX, file.isDevice ? null : file.position);
      file.position += read;
      return read === 0 ? "end" : read;
    } catch (thrown) {
      const code = thrown instanceof Error && "code" in thrown ? thrown.code : "";
      if (code === "EAGAIN") return "end";
      // Records were overwritten before they were read: the next one is there.
      if (code === "EPIPE") return 0;
      throw thrown;
    }
  }

  /** A record of /dev/kmsg is whole; of a file, the last line may still be growing. */
  #lines(text: string): string[] {
    const lines = (this.#rest + text).split("\n");
    this.#rest = (lines.pop() ?? "").slice(-RECORD_BYTES_MAX);
    return lines;
  }
}
