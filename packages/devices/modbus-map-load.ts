/** Register maps from the disk: the shipped ones, and those of the operator's folder of profiles. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { errorText } from "@aislewatch/base";
import { type Diagnostic, readConfigText } from "@aislewatch/config";
import type { RegisterMap } from "./modbus-map.ts";
import { isMapText, type MapsResult, parseMaps } from "./modbus-map-file.ts";
import { type ProfileText, unreadableProfile } from "./profile-file.ts";

/** More files than this in a folder is not a folder of maps. */
const FILES_MAX = 1_000;

/** The maps that come with the product. A mistake in one of them is ours: it throws. */
export function loadBuiltinMaps(): readonly RegisterMap[] {
  builtin ??= readBuiltin();
  return builtin;
}

let builtin: readonly RegisterMap[] | undefined;

function readBuiltin(): readonly RegisterMap[] {
  const loaded = loadMapsFrom(fileURLToPath(new URL("./modbus-maps", import.meta.url)), []);
  if (!loaded.ok)
    throw new Error(loaded.diagnostics.map((d) => `${d.file}:${d.line} ${d.path} ${d.message}`).join("\n"));
  return loaded.value;
}

/** The maps among the `*.yaml` of a folder, above `base`; all mistakes of all files at once. */
export function loadMapsFrom(dir: string, base: readonly RegisterMap[] = loadBuiltinMaps()): MapsResult {
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
    else if (isMapText(text.value)) texts.push({ file, text: text.value });
  }
  const parsed = parseMaps(texts, base);
  if (diagnostics.length === 0) return parsed;
  return { ok: false, diagnostics: [...diagnostics, ...(parsed.ok ? [] : parsed.diagnostics)] };
}
