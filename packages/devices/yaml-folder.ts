/** A folder of YAML files on the disk: the shipped profiles and register maps, and an operator's own, of both kinds. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { errorText } from "@aislewatch/base";
import { type Diagnostic, readConfigText } from "@aislewatch/config";
import { isMapText } from "./modbus-map-file.ts";
import { type ProfileText, unreadableProfile } from "./profile-file.ts";

/** More files than this in a folder is not a folder of profiles. */
const FILES_MAX = 1_000;

type Loaded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Those `*.yaml` of a folder that are maps, or all others, in order; what can be read is checked beside what can not. */
export function loadFolder<T>(
  dir: string,
  { maps }: { readonly maps: boolean },
  parse: (texts: readonly ProfileText[]) => Loaded<T>,
): Loaded<T> {
  let names: string[];
  try {
    names = readdirSync(dir).filter((name) => name.endsWith(".yaml"));
  } catch (thrown) {
    return { ok: false, diagnostics: [unreadableProfile(dir, `expected a folder of profiles: ${errorText(thrown)}`)] };
  }
  if (names.length > FILES_MAX) {
    return { ok: false, diagnostics: [unreadableProfile(dir, `expected at most ${FILES_MAX} profiles`)] };
  }
  const texts: ProfileText[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const name of names.sort()) {
    const file = `${dir}/${name}`;
    const text = readConfigText(file);
    if (!text.ok) diagnostics.push(text.error);
    else if (isMapText(text.value) === maps) texts.push({ file, text: text.value });
  }
  const parsed = parse(texts);
  if (diagnostics.length === 0) return parsed;
  return { ok: false, diagnostics: [...diagnostics, ...(parsed.ok ? [] : parsed.diagnostics)] };
}

/** What came with the product, in a folder beside this file. A mistake in it is ours: it throws. */
export function loadShipped<T>(folder: string, load: (dir: string) => Loaded<T>): T {
  const loaded = load(fileURLToPath(new URL(folder, import.meta.url)));
  if (loaded.ok) return loaded.value;
  throw new Error(loaded.diagnostics.map((d) => `${d.file}:${d.line} ${d.path} ${d.message}`).join("\n"));
}
