/** Which profile a device has. */
import { capture, isOidLike } from "./pattern.ts";
import type { Match, Profile } from "./profile.ts";

/** What is known of a device before it has a profile; `present` are those of `probeOids` at or below which something is. */
export type DeviceFacts = {
  readonly sysObjectID: string;
  readonly sysDescr: string;
  readonly present?: ReadonlySet<string>;
};

/** What to ask for by GETNEXT before matching: is there anything at or below these? */
export function probeOids(profiles: readonly Profile[]): string[] {
  const probes = profiles.flatMap(({ match }) =>
    match.flatMap(({ present }) => (present === undefined ? [] : [present])),
  );
  return [...new Set(probes)];
}

/**
 * The most specific profile that matches, or null; an entry's own weight stands instead of what it would weigh. A profile beats those that it extends. Otherwise what a device has
 * (a Printer-MIB) says more than whose SNMP software it runs (net-snmp is in printers, UPS cards and hosts alike), and
 * of two object ids the longer one wins.
 */
export function matchProfile(profiles: readonly Profile[], facts: DeviceFacts): Profile | null {
  return weighProfiles(profiles, facts)[0]?.profile ?? null;
}

/** Every profile that fits, the one that wins first; those that it extends are left out, and so for the others. */
export function weighProfiles(
  profiles: readonly Profile[],
  facts: DeviceFacts,
): readonly { readonly profile: Profile; readonly weight: number }[] {
  const weighed = profiles.flatMap((profile) => {
    const weight = scoreOf(profile, facts);
    return weight === null ? [] : [{ profile, weight }];
  });
  const ancestors = new Set(weighed.flatMap(({ profile }) => profile.lineage.filter((name) => name !== profile.name)));
  return weighed
    .filter(({ profile }) => !ancestors.has(profile.name))
    .sort((a, b) => b.weight - a.weight || (a.profile.name < b.profile.name ? -1 : 1));
}

function scoreOf({ match }: Profile, facts: DeviceFacts): number | null {
  const scores = match.map((entry) => scoreEntry(entry, facts)).filter((score) => score !== null);
  return scores.length === 0 ? null : Math.max(...scores);
}

/** More than the arcs of any object id that we name: enterprises begin at seven, vendors add a handful. */
const PRESENT_SCORE = 32;
const DESCR_SCORE = 8;

function scoreEntry(entry: Match, facts: DeviceFacts): number | null {
  let score = 0;
  if (entry.sys_object_id !== undefined) {
    if (!isOidLike(facts.sysObjectID.replace(/^\./, ""), entry.sys_object_id)) return null;
    score += entry.sys_object_id.split(".").filter((arc) => arc !== "*").length;
  }
  if (entry.sys_descr !== undefined) {
    if (capture(entry.sys_descr, facts.sysDescr.slice(0, DESCR_CHARS_MAX)) === null) return null;
    score += DESCR_SCORE;
  }
  if (entry.present !== undefined) {
    if (!facts.present?.has(entry.present)) return null;
    score += PRESENT_SCORE;
  }
  return entry.weight ?? score;
}

/** RFC 1213 allows 255; a pattern never sees more. */
const DESCR_CHARS_MAX = 256;
