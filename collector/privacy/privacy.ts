/**
 * What becomes of people's names (docs/privacy.md): who asks gets all that is held of a person, and who is to be
 * forgotten gets another name everywhere, in one transaction.
 *
 * - The note that the files are still to be compacted is in that transaction: a kill before it leaves everything, a kill
 *   after it is followed by the compaction at the next start. In memory the name goes in the same turn of the loop, so
 *   nothing can write it again.
 * - The pseudonym of an erasure is random: nobody can find out who it was. That of retention (retention.ts) is made of
 *   the name with a key that the state store keeps, so that old and new records of one person still count as one; an
 *   erasure replaces it, too.
 */
import { createHmac } from "node:crypto";
import { type Clock, err, errorText, ok, type Result } from "@aislewatch/base";
import type { Actor } from "../incidents/types.ts";
import type { PersonRow, Place, Rewrite } from "../store/state/people.ts";
import type { StateStore } from "../store/state/store.ts";
import { type Renaming, renamed, renamingOf } from "./person.ts";

const KEY_DOCUMENT = "privacy-key";
const COMPACT_DOCUMENT = "privacy-compact";
const KEY_BYTES = 32;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const PSEUDONYM_CHARS = 12;
/** Texts that name the person, in an answer: who wants to see more replaces these first. */
const TEXTS_SHOWN = 200;
const TEXT_CHARS_SHOWN = 300;
/** Records in an answer to the person themselves. */
const RECORDS_SHOWN = 20_000;

export type Privacy = {
  /** All that is held of a person. */
  trace(name: string): Trace;
  /** What an erasure would do, or what it did. */
  erase(request: ErasureRequest): Result<Erasure, ErasureRefusal>;
  /** Compacts the files when an erasure wants it; true when there is nothing left to do. */
  finish(): boolean;
  /** The same at each time for the same name; only where the key is. */
  pseudonym(name: string): string;
};

export type ErasureRequest = {
  readonly name: string;
  /** Only say what would be done. */
  readonly isTrial: boolean;
  /** Also where the name stands in texts that people wrote. */
  readonly inText: boolean;
  readonly by: Actor;
};

export type ErasureRefusal = {
  /** `still_user`: they may still sign in. */
  readonly code: "still_user" | "not_written";
  readonly message: string;
};

export type Erasure = {
  /** Null in a trial. */
  readonly pseudonym: string | null;
  readonly isTrial: boolean;
  /** Records that name the person in a field, by where they are. */
  readonly records: Readonly<Partial<Record<Place, number>>>;
  /** Texts that have the name in them, which were replaced or are for a person to decide on. */
  readonly texts: readonly { readonly place: Place; readonly key: string; readonly text: string }[];
  readonly textCount: number;
  readonly areTextsReplaced: boolean;
  /** Notifications and commands on their way, which still have the name; they can be erased when they are done. */
  readonly underway: number;
  /** Files of the configuration that name the person; they are for a person to edit. */
  readonly files: readonly string[];
  /** False: the file is copied without what was taken out as soon as nobody reads it. */
  readonly isCompacted: boolean;
};

export type Trace = {
  readonly name: string;
  readonly user: { readonly role: string; readonly createdAt: number } | null;
  readonly records: readonly {
    readonly place: Place;
    readonly key: string;
    readonly at: number | null;
    readonly record: unknown;
  }[];
  readonly recordCount: number;
  readonly files: readonly string[];
};

export type PrivacyDeps = {
  readonly clock: Clock;
  readonly state: StateStore;
  /** Cryptographically random bytes. */
  readonly random: (bytes: number) => Uint8Array;
  /** Everything that is pending is on disk; false: it can't be just now. */
  readonly commitNow: () => boolean;
  /** Records in memory get the same names as those on disk have now. */
  readonly onRenamed: (renaming: Renaming) => void;
  /** Texts of the configuration that is in use, by file. */
  readonly configTexts: () => ReadonlyMap<string, string>;
};

export function createPrivacy({ clock, state, random, commitNow, onRenamed, configTexts }: PrivacyDeps): Privacy {
  function key(): string {
    const kept = state.document(KEY_DOCUMENT);
    if (kept !== null) return kept;
    const made = Buffer.from(random(KEY_BYTES)).toString("hex");
    state.putDocument(KEY_DOCUMENT, made);
    return made;
  }

  const pseudonym = (name: string): string => `person-${letters(createHmac("sha256", key()).update(name).digest())}`;

  /** Also as retention has called them. */
  const namesOf = (name: string): string[] => [name, pseudonym(name)];

  function filesOf(name: string): string[] {
    const { text: find } = renamingOf([name], "", { inText: false });
    return [...configTexts()].flatMap(([file, text]) => (find(text) === null ? [] : [file]));
  }

  function underway(name: string): number {
    const { text: find } = renamingOf(namesOf(name), "", { inText: false });
    const isNamed = (record: unknown): boolean => find(JSON.stringify(record)) !== null;
    const sent = state.commands(null, COMMANDS_MAX).filter((command) => command.state === "sent" && isNamed(command));
    return sent.length + state.waitingNotifications().filter(isNamed).length;
  }

  return {
    pseudonym,

    trace(name) {
      const renaming = renamingOf(namesOf(name), "", { inText: false });
      const records: Trace["records"][number][] = [];
      let recordCount = 0;
      state.rewritePeople({ names: namesOf(name) }, (row) => {
        const { fields, texts } = renamedRow(row, renaming);
        if (fields === 0 && texts.length === 0) return null;
        recordCount++;
        const record = row.place === "token" ? { name } : row.record;
        const at = row.place === "token" ? "" : keyText(row);
        if (records.length < RECORDS_SHOWN) records.push({ place: row.place, key: at, at: row.at, record });
        return null;
      });
      const user = state.users().find((one) => one.name === name);
      return {
        name,
        user: user === undefined ? null : { role: user.role, createdAt: user.createdAt },
        records,
        recordCount,
        files: filesOf(name),
      };
    },

    erase({ name, isTrial, inText, by }) {
      if (!isTrial && state.users().some((user) => user.name === name)) {
        return err({ code: "still_user", message: `${name} may still sign in: take the user out first.` });
      }
      const made = `erased-${letters(random(PSEUDONYM_CHARS))}`;
      const renaming = renamingOf(namesOf(name), made, { inText });
      const records: Partial<Record<Place, number>> = {};
      const texts: Erasure["texts"][number][] = [];
      let textCount = 0;
      const rewrite: Rewrite = (row) => {
        const found = renamedRow(row, renaming);
        if (found.fields > 0) records[row.place] = (records[row.place] ?? 0) + 1;
        textCount += found.texts.length;
        for (const text of found.texts.slice(0, TEXTS_SHOWN - texts.length))
          texts.push({ place: row.place, key: keyText(row), text: text.slice(0, TEXT_CHARS_SHOWN) });
        return isTrial || found.value === row.record ? null : found.value;
      };
      const report = { isTrial, records, texts, areTextsReplaced: inText && !isTrial };
      const rest = () => ({ textCount, underway: underway(name), files: filesOf(name) });
      if (isTrial) {
        state.rewritePeople({ names: namesOf(name) }, rewrite);
        return ok({ ...report, ...rest(), pseudonym: null, isCompacted: true });
      }
      try {
        if (!commitNow()) return err({ code: "not_written", message: "The state store can't be written just now." });
        state.rewritePeople({ names: namesOf(name) }, rewrite, {
          // The record of an erasure does not say whose.
          audit: { at: clock.now(), actor: by, action: "erased", detail: made },
          note: { name: COMPACT_DOCUMENT, text: WANTED },
        });
      } catch (thrown) {
        return err({ code: "not_written", message: `Nothing was erased: ${errorText(thrown)}` });
      }
      onRenamed(renaming);
      return ok({ ...report, ...rest(), pseudonym: made, isCompacted: finish() });
    },

    finish,
  };

  function finish(): boolean {
    if (state.document(COMPACT_DOCUMENT) !== WANTED) return true;
    if (!state.compact()) return false;
    state.putDocument(COMPACT_DOCUMENT, "done");
    return true;
  }
}

const WANTED = "wanted";
/** As many as the store keeps. */
const COMMANDS_MAX = 1_000;

/** Of a row of the store; what the collector itself writes into the audit names users without saying so. */
export function renamedRow(row: PersonRow, renaming: Renaming) {
  if (row.place === "token") {
    const { value, ...found } = renamed({ to: row.record["name"] }, renaming);
    return { ...found, value: found.fields === 0 ? row.record : { name: value.to } };
  }
  const found = renamed(row.record, renaming);
  const { action, detail } = row.record;
  if (row.place !== "audit" || typeof detail !== "string") return found;
  const quoted = action === "sign_in_refused" ? (QUOTED.exec(detail)?.[0] ?? null) : null;
  const name = quoted === null ? detail : unquoted(quoted);
  const isName = quoted !== null || NAMED_WHOLE.has(String(action));
  const other = isName ? renaming.who(name) : null;
  if (other === null) return found;
  const next = quoted === null ? other : JSON.stringify(other) + detail.slice(quoted.length);
  return {
    value: { ...found.value, detail: next },
    fields: found.fields + 1,
    texts: found.texts.filter((text) => text !== detail),
  };
}

/** What the audit says was done to somebody, whose name is all that it says more (collector/admin.ts). */
const NAMED_WHOLE: ReadonlySet<string> = new Set(["users add", "users remove", "tokens add", "login-link"]);
/** Who was refused, as JSON has it, before from where (collector/api/routes/session.ts). */
const QUOTED = /^"(?:[^"\\]|\\.)*"(?= from )/u;

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text; // Not as we write it: nobody's name.
  }
}

const keyText = ({ key }: PersonRow): string => key.join("/");

/** Letters and digits of which no two are mistaken for each other, of five bits each. */
const letters = (bytes: Uint8Array): string =>
  Array.from(bytes.subarray(0, PSEUDONYM_CHARS), (byte) => ALPHABET[byte % ALPHABET.length]).join("");
