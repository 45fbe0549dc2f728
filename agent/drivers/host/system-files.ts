/**
 * The system as the host driver sees it: files below a root, and programs. What is not there, or may not be read, is null or
 * empty. Nothing here writes.
 */
import { execFile } from "node:child_process";
import { open, readdir, readFile } from "node:fs/promises";
import { arch, platform, userInfo } from "node:os";
import { join } from "node:path";
import type { Source } from "../driver.ts";
import type { RecordBytes } from "./login-records.ts";

/** One end of a command; `code` null: it did not start, or was ended by us. */
export type CommandEnd = { readonly code: number | null; readonly out: string; readonly isMissing: boolean };

export type HostSystem = {
  /** Where the files are; `/` but in tests. */
  readonly root: string;
  readonly platform: NodeJS.Platform;
  readonly recordBytes: RecordBytes;
  /** Who runs this, for commands that grant a right. */
  readonly user: string;
  readonly run: (program: string, args: readonly string[], timeoutMs: number) => Promise<CommandEnd>;
};

/** A tool asks a service that may be starting. */
export const TOOL_MS_MAX = 3_000;
const OUTPUT_BYTES_MAX = 256 * 1024;
const FILE_BYTES_MAX = 256 * 1024;

/** Root's tools are not on every service's path. */
const ENVIRONMENT =
  platform() === "win32"
    ? process.env
    : { ...process.env, LC_ALL: "C", PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };

export const thisSystem: HostSystem = {
  root: "/",
  platform: platform(),
  recordBytes: arch() === "arm64" ? 400 : 384,
  user: userName(),
  run: (program, args, timeoutMs) =>
    new Promise((resolve) => {
      const options = {
        timeout: timeoutMs,
        killSignal: "SIGKILL",
        maxBuffer: OUTPUT_BYTES_MAX,
        windowsHide: true,
        env: ENVIRONMENT,
      } as const;
      execFile(program, args, options, (error, stdout) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
        resolve({ code, out: String(stdout), isMissing: error?.code === "ENOENT" });
      });
    }),
};

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without a name, as in some containers.
    return String(process.getuid?.() ?? "aislewatch");
  }
}

/** What is learned from where, and what is not to be had here, with the command that grants it; as of the last look. */
export class Evidence {
  readonly #sources = new Map<string, Source>();

  used(name: string, detail: string): void {
    this.#sources.set(name, { name, state: "used", detail });
  }

  /** Not there; `grant` brings it. */
  absent(name: string, detail: string, grant?: string): void {
    this.#sources.set(name, { name, state: "absent", detail, ...(grant !== undefined && { grant }) });
  }

  /** There, and not for this user. */
  denied(name: string, detail: string, grant: string): void {
    this.#sources.set(name, { name, state: "denied", detail, grant });
  }

  /** By name. */
  get all(): readonly Source[] {
    return [...this.#sources.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** Files of a system, by their paths below its root; a Windows has none of these. */
export class SystemFiles {
  readonly #root: string;
  readonly #isWindows: boolean;

  constructor({ root, platform: of }: HostSystem) {
    this.#root = root;
    this.#isWindows = of === "win32";
  }

  async text(path: string): Promise<string | null> {
    if (this.#isWindows) return null;
    try {
      return (await readFile(join(this.#root, path), "utf8")).slice(0, FILE_BYTES_MAX);
    } catch {
      return null;
    }
  }

  async names(folder: string): Promise<string[]> {
    if (this.#isWindows) return [];
    try {
      return (await readdir(join(this.#root, folder))).sort();
    } catch {
      return [];
    }
  }

  /** The last `bytesMax` bytes of a file. */
  async tail(path: string, bytesMax: number): Promise<Uint8Array | null> {
    if (this.#isWindows) return null;
    try {
      const file = await open(join(this.#root, path), "r");
      try {
        const { size } = await file.stat();
        const length = Math.min(size, bytesMax);
        const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    } catch {
      return null;
    }
  }
}
