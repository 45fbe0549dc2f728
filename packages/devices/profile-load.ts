/** Profiles from the disk: the shipped ones, and a folder of the operator's own that may extend or replace them. */
import { existsSync, readFileSync } from "node:fs";
import type { Profile } from "./profile.ts";
import { readCompiledProfiles } from "./profile-compiled.ts";
import { type ProfilesResult, parseProfiles } from "./profile-file.ts";
import { loadFolder, loadShipped } from "./yaml-folder.ts";

/** Beside an installed agent, instead of the folder; deploy/bundle-agent.ts makes it, and a checkout has none. */
const COMPILED = new URL("./profiles.json", import.meta.url);

/** The profiles that come with the product. */
export function loadBuiltinProfiles(): readonly Profile[] {
  builtin ??= existsSync(COMPILED)
    ? readCompiledProfiles(readFileSync(COMPILED, "utf8"))
    : loadShipped("./profiles", (dir) => loadProfilesFrom(dir, []));
  return builtin;
}

let builtin: readonly Profile[] | undefined;

/** Those of a folder above `base`, by default the shipped ones; all mistakes of all files at once. */
export const loadProfilesFrom = (dir: string, base: readonly Profile[] = loadBuiltinProfiles()): ProfilesResult =>
  loadFolder(dir, { maps: false }, (texts) => parseProfiles(texts, base));
