/** What `profiles` says of Modbus register maps. */
import type { Diagnostic } from "@aislewatch/config";
import {
  loadBuiltinMaps,
  loadMapsFrom,
  type MapsResult,
  modbusPlan,
  type ProfileText,
  parseMaps,
  profileMetrics,
  type Register,
  type RegisterMap,
  spokenRegister,
} from "@aislewatch/devices";
import { alignedTable } from "@aislewatch/runtime";
import type { Terminal } from "./terminal.ts";

export const knownMaps = (folder: string | null): MapsResult =>
  folder === null ? { ok: true, value: loadBuiltinMaps() } : loadMapsFrom(folder);

/** One line for each map that is right; what is wrong with the others. */
export function checkMaps(
  texts: readonly ProfileText[],
  known: readonly RegisterMap[],
): { readonly said: readonly string[]; readonly diagnostics: readonly Diagnostic[] } {
  const parsed = parseMaps(texts, known);
  if (!parsed.ok) return { said: [], diagnostics: parsed.diagnostics };
  const fresh = parsed.value.filter((map) => !known.includes(map));
  const said = fresh.map((map) => {
    const replaces = known.some(({ name }) => name === map.name) ? "; stands instead of the built-in one" : "";
    return `${map.name}: right; ${summary(map)}${replaces}\n`;
  });
  return { said, diagnostics: [] };
}

function summary(map: RegisterMap): string {
  const { blocks } = modbusPlan(map);
  const asked = blocks.filter(({ role }) => role === "state").length;
  return `${profileMetrics(map.profile).length} metrics; ${asked} reads at every poll, ${blocks.length - asked} now and then`;
}

const inOrder = (maps: readonly RegisterMap[]): RegisterMap[] => maps.toSorted((a, b) => (a.name < b.name ? -1 : 1));

export const listedMaps = (maps: readonly RegisterMap[]): object[] =>
  inOrder(maps).map(({ name, kind, title, verified, source }) => ({
    name,
    kind,
    title,
    verified,
    source,
    driver: "modbus",
  }));

export function mapRows(maps: readonly RegisterMap[]): string {
  const rows = inOrder(maps).map(({ name, kind, title, verified }) => [
    name,
    kind ?? "",
    verified ? "yes" : "documents only",
    title,
  ]);
  return alignedTable([["REGISTER MAP", "KIND", "CONFIRMED", "TITLE"], ...rows]);
}

/** What is read of such a device, how, and which metrics come of it. */
export function explainMap(map: RegisterMap, { json, terminal }: { json: boolean; terminal: Terminal }): void {
  const plan = modbusPlan(map);
  const metrics = profileMetrics(map.profile);
  const { name, title, kind, verified, source, registers } = map;
  if (json) {
    terminal.out(`${JSON.stringify({ name, title, kind, verified, source, metrics, registers, ...plan }, null, 2)}\n`);
    return;
  }
  terminal.out(
    alignedTable([
      ["map", `${name}: ${title}`],
      ["kind", kind ?? "not said"],
      ["confirmed", verified ? "on a device or a recording" : `by documents only: ${source}`],
      ["reads", summary(map)],
      ["metrics", metrics.join(" ")],
    ]),
  );
  const asks = [plan.serverId && "report server ID (17)", plan.deviceId && "read device identification (43/14)"].filter(
    (asked) => asked !== false,
  );
  const reads = plan.blocks.map((block) => [
    `${spokenRegister(map, block)}${block.count === 1 ? "" : `, ${block.count} of them`}`,
    { state: "at every poll", wear: "now and then", identity: "until it is known" }[block.role],
    block.registers.join(" "),
  ]);
  terminal.out(
    `\n${alignedTable([["READ", "WHEN", "REGISTERS"], ...reads, ...asks.map((asked) => [asked, "until it is known", ""])])}`,
  );
  const rows = Object.entries(registers).map(([register, of]) => [register, spokenRegister(map, of), shapeOf(of)]);
  terminal.out(`\n${alignedTable([["REGISTER", "WHERE", "HOW"], ...rows])}`);
}

function shapeOf({ type, wordOrder, bits, scale, offset, unit, absent }: Register): string {
  const order = ["u32", "s32", "f32"].includes(type) ? ` ${wordOrder.replace("_", " word ")}` : "";
  const part = bits === null ? "" : ` bits ${bits[0]} to ${bits[1]}`;
  const scaled = scale === 1 ? "" : ` × ${scale}`;
  const moved = offset === 0 ? "" : ` ${offset < 0 ? "−" : "+"} ${Math.abs(offset)}`;
  const unknown = absent.length === 0 ? "" : `; ${absent.join(", ")}: not known`;
  return `${type}${order}${part}${scaled}${moved}${unit === "" ? "" : ` ${unit}`}${unknown}`;
}
