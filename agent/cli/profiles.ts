import { parseArgs } from "node:util";
import { errorText } from "@aislewatch/base";
import { type Diagnostic, formatDiagnostics, readConfigText } from "@aislewatch/config";
import {
  isMapText,
  type KnownTrap,
  loadBuiltinProfiles,
  loadProfilesFrom,
  type Profile,
  type ProfileText,
  parseProfiles,
  probeOids,
  profileMetrics,
  profileOids,
  type RegisterMap,
  TrapTable,
  weighProfiles,
} from "@aislewatch/devices";
import { alignedTable, EXIT } from "@aislewatch/runtime";
import { checkMaps, explainMap, knownMaps, listedMaps, mapRows } from "./profiles-maps.ts";
import type { Terminal } from "./terminal.ts";

export const PROFILES_HELP = `aislewatch-agent profiles: what the agent knows of SNMP and Modbus devices; connects to nothing

Usage
  aislewatch-agent profiles check FILE…            say what is wrong with profiles and register maps
  aislewatch-agent profiles list                   name every profile and map, and whether a device confirmed it
  aislewatch-agent profiles explain SYSOBJECTID    which profile such a device gets, why, and what is read
  aislewatch-agent profiles explain MAP            what is read of a Modbus device with this map, and how
  aislewatch-agent profiles traps [OID]            which traps are known, and the faults that they tell of

Options
      --descr TEXT        explain: the device's sysDescr, which some profiles look at
      --present OID       explain: the device has something at or below this OID; may stand several times
      --profiles FOLDER   profiles and maps of your own beside the built-in ones
      --json              list, explain, traps: JSON instead of a table
  -h, --help              print this

Exit codes: 0 done; 1 no profile fits, or no such trap is known; 2 a profile or the command line is wrong.
`;

/** `profiles …`: the words after it. */
export function profiles(args: readonly string[], terminal: Terminal): number {
  let read: ReturnType<typeof readArgs>;
  try {
    read = readArgs(args);
  } catch (thrown) {
    return refuse(errorText(thrown), terminal);
  }
  const { values, positionals } = read;
  const [verb, ...words] = positionals;
  if (values.help || verb === undefined) {
    terminal.out(PROFILES_HELP);
    return EXIT.asked;
  }
  const { descr = "", present = [], profiles: folder = null, json = false } = values;
  const standing = folder === null ? { ok: true as const, value: loadBuiltinProfiles() } : loadProfilesFrom(folder);
  if (!standing.ok) return complain(standing.diagnostics, new Map(), terminal);
  const known = standing.value;
  const maps = knownMaps(folder);
  if (!maps.ok) return complain(maps.diagnostics, new Map(), terminal);
  if (verb === "check")
    return words.length === 0
      ? refuse("check needs a FILE", terminal)
      : check(words, { known, maps: maps.value }, terminal);
  if (verb === "list") {
    return words.length === 0
      ? list({ known, maps: maps.value }, json, terminal)
      : refuse(`list takes no more words; received "${words.join(" ")}"`, terminal);
  }
  const oid = words[0]?.replace(/^\./, "") ?? "";
  const isOid = words.length === 1 && /^\d+(?:\.\d+)+$/.test(oid);
  if (verb === "traps") {
    return words.length === 0 || isOid
      ? traps(known, oid, { json, terminal })
      : refuse("traps takes one OID, such as 1.3.6.1.4.1.318.0.5", terminal);
  }
  if (verb !== "explain") return refuse(`unknown word "${verb}"; expected check, list, explain or traps`, terminal);
  const map = maps.value.find(({ name }) => words.length === 1 && name === words[0]);
  if (map !== undefined) {
    explainMap(map, { json, terminal });
    return EXIT.asked;
  }
  if (!isOid) {
    return refuse("explain needs one SYSOBJECTID, such as 1.3.6.1.4.1.318.1.3.27, or the name of a map", terminal);
  }
  return explain(known, { sysObjectID: oid, sysDescr: descr, present: new Set(present) }, { json, terminal });
}

function readArgs(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      descr: { type: "string" },
      present: { type: "string", multiple: true },
      profiles: { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
}

function refuse(complaint: string, terminal: Terminal): number {
  terminal.error(`${complaint}\nTry: aislewatch-agent profiles --help\n`);
  return EXIT.config;
}

function complain(
  diagnostics: readonly Diagnostic[],
  texts: ReadonlyMap<string, string>,
  { error, errorIsTerminal }: Terminal,
): number {
  error(`${formatDiagnostics(diagnostics, texts, { color: errorIsTerminal })}\n`);
  return EXIT.config;
}

type Known = { readonly known: readonly Profile[]; readonly maps: readonly RegisterMap[] };

function check(files: readonly string[], { known, maps }: Known, terminal: Terminal): number {
  const texts: ProfileText[] = [];
  const unreadable: Diagnostic[] = [];
  for (const file of files) {
    const text = readConfigText(file);
    if (text.ok) texts.push({ file, text: text.value });
    else unreadable.push(text.error);
  }
  const [mapTexts, profileTexts] = [true, false].map((wanted) =>
    texts.filter(({ text }) => isMapText(text) === wanted),
  );
  const parsed = parseProfiles(profileTexts ?? [], known);
  const checked = checkMaps(mapTexts ?? [], maps);
  const diagnostics = [...unreadable, ...(parsed.ok ? [] : parsed.diagnostics), ...checked.diagnostics];
  if (diagnostics.length > 0 || !parsed.ok) {
    return complain(diagnostics, new Map(texts.map(({ file, text }) => [file, text])), terminal);
  }
  for (const line of checked.said) terminal.out(line);
  const fresh = parsed.value.filter((profile) => !known.includes(profile));
  const standing = new TrapTable(known.filter(({ name }) => !fresh.some((profile) => profile.name === name)));
  for (const profile of fresh) {
    const replaces = known.some(({ name }) => name === profile.name) ? "; stands instead of the built-in one" : "";
    terminal.out(`${profile.name}: right; ${summary(profile)}${replaces}\n`);
    for (const { trap, oid } of profile.traps) {
      const replaced = standing.find(oid);
      if (replaced === null) continue;
      terminal.out(`${profile.name}: ${trap} stands instead of ${replaced.entry.trap} of ${replaced.profile}\n`);
    }
  }
  return EXIT.asked;
}

function summary(profile: Profile): string {
  const { gets, walks } = profileOids(profile, "");
  const tables = walks.filter(({ identityOnly }) => !identityOnly).length;
  const read = `${profileMetrics(profile).length} metrics from ${gets.length} scalars and ${tables} tables`;
  return profile.traps.length === 0 ? read : `${read}; ${profile.traps.length} traps`;
}

type Output = { readonly json: boolean; readonly terminal: Terminal };

/** All of them, or the one of this OID. */
function traps(known: readonly Profile[], oid: string, { json, terminal }: Output): number {
  const table = new TrapTable(known);
  const found = oid === "" ? table.all() : [table.find(oid)].filter((trap) => trap !== null);
  if (found.length === 0) {
    terminal.error(`no profile tells of the trap ${oid}; it is an event all the same, with its OID and its values\n`);
    return EXIT.crashed;
  }
  if (json) {
    terminal.out(
      `${JSON.stringify(
        found.map(({ profile, entry }) => ({ profile, ...entry })),
        null,
        2,
      )}\n`,
    );
    return EXIT.asked;
  }
  const rows = found.map(({ profile, entry }) => [
    entry.oid,
    entry.trap,
    meaningOf(entry),
    profile,
    entry.source ?? "",
  ]);
  terminal.out(alignedTable([["OID", "TRAP", "TELLS OF", "PROFILE", "SOURCE"], ...rows]));
  return EXIT.asked;
}

/** The fault, or those of its cases; "over" where it is. */
function meaningOf({ fault, cleared, cases }: KnownTrap["entry"]): string {
  const said = (code: string | undefined, over: boolean): string[] =>
    code === undefined ? [] : [over ? `${code} over` : code];
  const all = [...cases.flatMap((one) => said(one.fault, one.cleared ?? cleared)), ...said(fault, cleared)];
  const [first = "no fault", ...others] = new Set(all);
  return others.length > SHOWN_MAX
    ? `${first} and ${others.length} others, by its values`
    : [first, ...others].join(", ");
}

/** A printer's alert tells of a dozen faults. */
const SHOWN_MAX = 2;

function list({ known, maps }: Known, json: boolean, terminal: Terminal): number {
  const sorted = known.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (json) {
    const all = sorted.map(({ name, kind, title, verified, source, lineage }) => ({
      name,
      kind,
      title,
      verified,
      source,
      extends: lineage.slice(1),
      driver: "snmp",
    }));
    terminal.out(`${JSON.stringify([...all, ...listedMaps(maps)], null, 2)}\n`);
    return EXIT.asked;
  }
  const rows = sorted.map(({ name, kind, title, verified, match }) => [
    name,
    kind ?? "",
    match.length === 0 ? "only extended" : verified ? "yes" : "documents only",
    title,
  ]);
  terminal.out(alignedTable([["PROFILE", "KIND", "CONFIRMED", "TITLE"], ...rows]));
  terminal.out(`\n${mapRows(maps)}`);
  return EXIT.asked;
}

type Facts = { readonly sysObjectID: string; readonly sysDescr: string; readonly present: ReadonlySet<string> };

function explain(known: readonly Profile[], facts: Facts, { json, terminal }: Output): number {
  const unknown = [...facts.present].filter((oid) => !probeOids(known).includes(oid));
  for (const oid of unknown) terminal.error(`--present ${oid}: no profile asks for that\n`);
  const weighed = weighProfiles(known, facts);
  const [best, ...others] = weighed;
  if (best === undefined) {
    terminal.error(`no profile fits ${facts.sysObjectID}\n`);
    return EXIT.crashed;
  }
  const { profile } = best;
  const oids = profileOids(profile, facts.sysObjectID);
  if (json) {
    const { name, kind, verified, source, lineage } = profile;
    const runnersUp = others.map((other) => ({ name: other.profile.name, weight: other.weight }));
    const said = { name, kind, weight: best.weight, verified, source, lineage, others: runnersUp };
    terminal.out(`${JSON.stringify({ ...said, metrics: profileMetrics(profile), ...oids }, null, 2)}\n`);
    return EXIT.asked;
  }
  const probes = probeOids(known.filter(({ name }) => name !== profile.name)).filter((oid) => !facts.present.has(oid));
  terminal.out(
    alignedTable([
      ["profile", `${profile.name}: ${profile.title}`],
      ["kind", profile.kind ?? "not said: name one in agent.yaml"],
      ["weight", String(best.weight)],
      ["before", others.map((other) => `${other.profile.name} (${other.weight})`).join(", ") || "nothing else fits"],
      ["extends", profile.lineage.slice(1).join(", ") || "nothing"],
      ["confirmed", profile.verified ? "on a device or a recording" : `by documents only: ${profile.source}`],
      ["reads", summary(profile)],
      ["metrics", profileMetrics(profile).join(" ")],
    ]),
  );
  terminal.out(
    `A device is also asked whether it has any of ${probes.length} other OIDs, which may say more: --present.\n`,
  );
  return EXIT.asked;
}
