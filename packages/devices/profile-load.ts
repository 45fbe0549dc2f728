/** Profiles from the disk: the shipped ones, and a folder of the operator's own that may extend or replace them. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { errorText } from "@aislewatch/base";
import { type Diagnostic, readConfigText } from "@aislewatch/config";
import { isMapText } from "./modbus-map-file.ts";
import type { Profile } from "./profile.ts";
import { type ProfilesResult, type ProfileText, parseProfiles, unreadableProfile } from "./profile-file.ts";

/** More files than this in a folder is not a folder of profiles. */
const FILES_MAX = 1_000;

/** The profiles that come with the product. A mistake in one of them is ours: it throws. */
export function loadBuiltinProfiles(): readonly Profile[] {
  builtin ??= readBuiltin();
  return builtin;
}

let builtin: readonly Profile[] | undefined;

function readBuiltin(): readonly Profile[] {
  const loaded = loadProfilesFrom(fileURLToPath(new URL("./profiles", import.meta.url)), []);
  if (!loaded.ok)
    throw new Error(loaded.diagnostics.map((d) => `${d.file}:${d.line} ${d.path} ${d.message}`).join("\n"));
  return loaded.value;
}

/** The `*.yaml` of a folder above `base`, by default the shipped profiles; all mistakes of all files at once. */
export function loadProfilesFrom(dir: string, base: readonly Profile[] = loadBuiltinProfiles()): ProfilesResult {
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
    // Register maps of Modbus devices may lie in the same folder: modbus-map-load reads them.
    else if (!isMapText(text.value)) texts.push({ file, text: text.value });
  }
  const parsed = parseProfiles(texts, base);
  if (diagnostics.length === 0) return parsed;
  return { ok: false, diagnostics: [...diagnostics, ...(parsed.ok ? [] : parsed.diagnostics)] };
}
