/** A system for tests: files below a folder, and programs that say what they are told to. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { CommandEnd, HostSystem } from "./system-files.ts";

export type TestSystem = HostSystem & {
  /** Command lines, in order. */
  readonly ran: string[];
  /** By how a command line begins; may be changed while the test runs. */
  readonly says: Record<string, Partial<CommandEnd>>;
};

const roots: string[] = [];

export function removeTestSystems(): void {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
}

/** Programs that are not named are not installed. */
export function testSystem(
  files: Readonly<Record<string, string | Uint8Array>>,
  says: Record<string, Partial<CommandEnd>> = {},
  platform: NodeJS.Platform = "linux",
): TestSystem {
  const root = mkdtempSync(join(tmpdir(), "host-"));
  roots.push(root);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  const ran: string[] = [];
  return {
    root,
    platform,
    recordBytes: 384,
    user: "till",
    ran,
    says,
    async run(program, args) {
      const line = [program, ...args].join(" ");
      ran.push(line);
      const found = Object.entries(says).find(([begin]) => line.startsWith(begin))?.[1];
      return { code: found === undefined ? null : 0, out: "", isMissing: found === undefined, ...found };
    },
  };
}
