/** Values of options as they were written on the command line, and files that must not be there yet. */
import { existsSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { errorText } from "@aislewatch/base";
import { asWritten, durationMsBetween, formatDiagnostics } from "@aislewatch/config";
import { loadBuiltinProfiles, loadProfilesFrom, type Profile } from "@aislewatch/devices";
import type { z } from "zod";
import type { AgentConfig } from "../config.ts";
import type { Flags, Terminal, WrittenOption } from "./terminal.ts";

/** The value of an option, `fallback` when it was not given; null after a complaint. */
export function optionValue<T>(
  { written }: Flags,
  terminal: Terminal,
  { option, schema, fallback }: { option: WrittenOption; schema: z.ZodType<T>; fallback: T },
): T | null {
  const text = written[option];
  if (text === undefined) return fallback;
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  terminal.error(`--${option}: ${parsed.error.issues[0]?.message ?? "not understood"}; received "${text}"\n`);
  return null;
}

export function wholeNumber(what: string, min: number, max: number): z.ZodType<number> {
  return asWritten(`${what} from ${min} to ${max}`, (written) => {
    const value = typeof written === "string" && /^\d{1,9}$/.test(written) ? Number(written) : Number.NaN;
    return value >= min && value <= max ? { ok: true, value } : { ok: false };
  });
}

/** `200/s`, or `200`. */
export function ratePerSecond(max: number): z.ZodType<number> {
  return asWritten(`packets a second such as 200/s, at most ${max}/s`, (written) => {
    const value = Number(typeof written === "string" ? (/^(\d{1,6})(?:\/s)?$/.exec(written)?.[1] ?? "") : "");
    return value >= 1 && value <= max ? { ok: true, value } : { ok: false };
  });
}

export const durationBetween = durationMsBetween;

/** The built-in profiles and those of `--profiles`, else of the configuration; null after a complaint. */
export function profilesOf(
  { written }: Flags,
  terminal: Terminal,
  config: AgentConfig | null,
): readonly Profile[] | null {
  if (written.profiles === undefined) return config?.profiles ?? loadBuiltinProfiles();
  const loaded = loadProfilesFrom(written.profiles);
  if (loaded.ok) return loaded.value;
  terminal.error(`${formatDiagnostics(loaded.diagnostics, undefined, { color: terminal.errorIsTerminal })}\n`);
  return null;
}

/**
 * Says so before the work of hours begins: when `--out` names a file that is there, which a habit of the shell must not
 * overwrite, or a folder that is not.
 */
export function isFree({ written: { out } }: Flags, terminal: Terminal): boolean {
  if (out === undefined) return true;
  if (existsSync(out)) {
    terminal.error(`--out: ${out} is there already; remove it, or name another file\n`);
    return false;
  }
  const folder = dirname(resolve(out));
  if (existsSync(folder)) return true;
  terminal.error(`--out: ${out}: there is no folder ${folder}\n`);
  return false;
}

/** To `--out`, or to the terminal, where it is not lost when the file can't be written; false after a complaint. */
export function writeOut(text: string, { written: { out } }: Flags, terminal: Terminal): boolean {
  if (out !== undefined) {
    try {
      writeFileSync(out, text, { flag: "wx" });
      return true;
    } catch (thrown) {
      terminal.error(`--out: ${out} can't be written: ${errorText(thrown)}\n`);
    }
  }
  terminal.out(text);
  return out === undefined;
}
