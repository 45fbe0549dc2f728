/** Register maps from the disk: the shipped ones, and those of the operator's folder of profiles. */
import type { RegisterMap } from "./modbus-map.ts";
import { type MapsResult, parseMaps } from "./modbus-map-file.ts";
import { loadFolder, loadShipped } from "./yaml-folder.ts";

/** The maps that come with the product. */
export function loadBuiltinMaps(): readonly RegisterMap[] {
  builtin ??= loadShipped("./modbus-maps", (dir) => loadMapsFrom(dir, []));
  return builtin;
}

let builtin: readonly RegisterMap[] | undefined;

/** The maps among the `*.yaml` of a folder, above `base`; all mistakes of all files at once. */
export const loadMapsFrom = (dir: string, base: readonly RegisterMap[] = loadBuiltinMaps()): MapsResult =>
  loadFolder(dir, { maps: true }, (texts) => parseMaps(texts, base));
