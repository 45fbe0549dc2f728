/**
 * People in records. A record says who did something in a field of its own (`actor: "user:anna"`, `assignee: "anna"`),
 * and what people wrote may name anybody anywhere. The first is found and renamed for certain; in texts a name is found
 * as it is spelt, and whether to replace it is for a person to say.
 *
 * Nothing that is counted depends on who somebody is, only on whether it was the same one: so a log in which a person
 * has one other name everywhere folds to the same state and the same figures (person.test.ts).
 */

/** Of what a record's field says: null leaves it. */
export type Renaming = {
  /** A name in a field that says who. */
  readonly who: (name: string) => string | null;
  /** A text that people or the collector wrote. */
  readonly text: (text: string) => string | null;
};

export type Renamed<T> = {
  readonly value: T;
  /** How many fields that say who have another name now. */
  readonly fields: number;
  /** The texts in which `text` found something, as they were. */
  readonly texts: readonly string[];
};

/** Fields that hold a name, or names, and nothing else. In all others a person has their kind before the name. */
const WHO_FIELDS: ReadonlySet<string> = new Set(["to", "assignee"]);
/**
 * Fields that hold records together: what stands there is a place, a thing or a word of ours, whoever is called so. Who
 * did something has a kind; what has none there is the collector itself (`actor: "system"`), a device that hides others
 * (`suppressed {by: "store-1/switch"}`) or a word (`escalated {by: "timer"}`).
 */
const STRUCTURE_FIELDS: ReadonlySet<string> = new Set(
  `actor action by acknowledgedBy id key type state kind category severity priority code outcome event clock policy chain rule ruleVersion runbook
   site agent device component incident parent into from mergedInto suppressedBy notification channel epoch lane url`.split(
    /\s+/,
  ),
);
/** `cli` and `system` are nobody. */
const ACTOR = /^(user|token):(.+)$/su;
/** Records are ours and flat; a deeper one is no record. */
const DEPTH_MAX = 16;

/** The record with its names replaced; the same object when there is nothing to replace. */
export function renamed<T>(record: T, renaming: Renaming): Renamed<T> {
  const texts: string[] = [];
  let fields = 0;

  function ofString(text: string, field: string): string {
    const actor = ACTOR.exec(text);
    if (actor !== null || WHO_FIELDS.has(field)) {
      const [kind, name] = actor === null ? [null, text] : [actor[1], actor[2] ?? ""];
      const other = renaming.who(name);
      if (other !== null) {
        fields++;
        return kind === null ? other : `${kind}:${other}`;
      }
    }
    const other = STRUCTURE_FIELDS.has(field) ? null : renaming.text(text);
    if (other === null) return text;
    texts.push(text);
    return other;
  }

  function of(value: unknown, field: string, depth: number): unknown {
    if (typeof value === "string") return ofString(value, field);
    if (typeof value !== "object" || value === null || depth > DEPTH_MAX) return value;
    if (Array.isArray(value)) {
      const next = value.map((one) => of(one, field, depth + 1));
      return next.some((one, n) => one !== value[n]) ? next : value;
    }
    let changed = false;
    const entries = Object.entries(value).map(([name, one]) => {
      const next = of(one, name, depth + 1);
      changed ||= next !== one;
      return [name, next] as const;
    });
    return changed ? Object.fromEntries(entries) : value;
  }

  // A record keeps its shape: strings stay strings, and nothing comes or goes.
  return { value: of(record, "", 0) as T, fields, texts };
}

/** One person, under all the names by which they are known, becomes `to`. */
export function renamingOf(names: readonly string[], to: string, options: { readonly inText: boolean }): Renaming {
  const known = new Set(names);
  const found = wordsOf(names);
  return {
    who: (name) => (known.has(name) ? to : null),
    text: (text) => {
      if (!found.test(text)) return null;
      // A function, so that a pseudonym is never read as a pattern.
      return options.inText ? text.replace(wordsOf(names, "giu"), () => to) : text;
    },
  };
}

/** Names as words of a text, whatever their case: "anna" is in "Ask Anna." and not in "Annapolis". */
function wordsOf(names: readonly string[], flags = "iu"): RegExp {
  const either = names.map((name) => name.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")).join("|");
  return new RegExp(`(?<![\\p{L}\\p{N}_])(?:${either})(?![\\p{L}\\p{N}_])`, flags);
}

/** Everybody gets another name, except who has one of those already. Texts stay. */
export const renamingAll = (pseudonym: (name: string) => string): Renaming => ({
  who: (name) => (isPseudonym(name) ? null : pseudonym(name)),
  text: () => null,
});

/** `person-…` is made of the name with a key, and the same each time; `erased-…` of nothing at all. */
const PSEUDONYM = /^(?:person|erased)-[a-z2-7]{12}$/;
export const isPseudonym = (name: string): boolean => PSEUDONYM.test(name);

/** An address of e-mail, of which what is before the @ is gone; or a telephone number, of which all is. */
const ADDRESSES = /[\w.+%-]{1,64}(?=@[\w-]{1,63}(?:\.[\w-]{1,63})+)|\+?\d[\d ()/-]{6,20}\d(?!\d)/gu;
const CUT = "…";

/** Addresses of people in a record of a delivery. Ids and times, which are numbers too, stand in fields that are none of text. */
export const cutAddresses = (text: string): string => text.replace(ADDRESSES, CUT);
