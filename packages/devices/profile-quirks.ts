/** What is different in some models and firmware of a family, put above its profile. */
import { capture, compareVersions, isOidLike } from "./pattern.ts";
import type { Expression, Profile, Quirk } from "./profile.ts";

export type QuirkFacts = {
  readonly model?: string;
  readonly firmware?: string;
  readonly sysDescr: string;
  readonly sysObjectID: string;
};

/** The profile with every quirk that holds for this device applied, in the order of the file. */
export function withQuirks(profile: Profile, facts: QuirkFacts): Profile {
  let { metrics, tables } = profile;
  for (const quirk of profile.quirks.filter(({ when }) => holds(when, facts))) {
    metrics = changed(metrics, quirk.metrics);
    const replaced = Object.entries(quirk.tables).flatMap(([name, { metrics: by }]) => {
      const table = tables[name];
      return table === undefined ? [] : [[name, { ...table, metrics: changed(table.metrics, by) }] as const];
    });
    tables = Object.assign({}, tables, Object.fromEntries(replaced));
  }
  return { ...profile, metrics, tables };
}

function changed(metrics: Profile["metrics"], by: Quirk["metrics"]): Record<string, Expression> {
  const entries = Object.entries({ ...metrics, ...by });
  return Object.fromEntries(entries.filter((entry): entry is [string, Expression] => entry[1] !== null));
}

function holds(when: Quirk["when"], { model = "", firmware = "", sysDescr, sysObjectID }: QuirkFacts): boolean {
  const fits = (pattern: string | undefined, text: string): boolean =>
    pattern === undefined || capture(pattern, text) !== null;
  if (!fits(when.model, model) || !fits(when.firmware, firmware) || !fits(when.sys_descr, sysDescr)) return false;
  if (when.sys_object_id !== undefined && !isOidLike(sysObjectID.replace(/^\./, ""), when.sys_object_id)) return false;
  if (when.firmware_from === undefined && when.firmware_before === undefined) return true;
  if (!/\d/.test(firmware)) return false;
  if (when.firmware_from !== undefined && compareVersions(firmware, when.firmware_from) < 0) return false;
  return when.firmware_before === undefined || compareVersions(firmware, when.firmware_before) < 0;
}
