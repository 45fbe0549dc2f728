/**
 * For an auditor: everything that was written down in a time, as lines of JSON that vouch for each other (hash-chain.ts).
 * First a record `export` that says what it is of, then the audit log (sign-ins, configuration, administration), what
 * agents were asked, and the logs of incidents; each in its own order. Last a `manifest` with the number of each.
 *
 * That somebody took it stands in the audit log, with the last hash: whoever holds a file can have it compared.
 */
import { createHashChain } from "@aislewatch/runtime";
import type { StateStore } from "../store/state/store.ts";

export type ExportRange = { readonly from: number; readonly to: number };
/** Unix ms, `version` the collector's. */
export type ExportHead = ExportRange & { readonly madeAt: number; readonly version: string };

/** Rows read at a time; between two of them others have their turn. */
const ROWS_A_TURN = 500;

type Line = { readonly kind: "audit" | "command" | "incident_event"; readonly record: object };

/** `turn` lets the loop go on with what waits. Calls `onDone` with what the last line says. */
export async function* auditExport(
  state: Pick<StateStore, "pages">,
  head: ExportHead,
  turn: () => Promise<void>,
  onDone: (end: { readonly lines: number; readonly hash: string }) => void,
): AsyncGenerator<string> {
  const chain = createHashChain();
  const counts = { audit: 0, command: 0, incident_event: 0 };
  yield chain.line({ kind: "export", ...head });
  for (const pages of [auditLines(state, head), commandLines(state, head), eventLines(state, head)]) {
    for (const lines of pages) {
      let text = "";
      for (const { kind, record } of lines) {
        counts[kind]++;
        text += chain.line({ kind, ...record });
      }
      if (text !== "") yield text;
      await turn();
    }
  }
  const last = chain.line({ kind: "manifest", ...head, counts, lines: chain.count + 1 });
  onDone({ lines: chain.count, hash: chain.hash });
  yield last;
}

const isWithin = (at: number, { from, to }: ExportRange): boolean => at >= from && at < to;

function* auditLines({ pages }: Pick<StateStore, "pages">, range: ExportRange): Generator<Line[]> {
  for (let after = 0; ; ) {
    const some = pages.auditAfter(after, ROWS_A_TURN);
    yield some.filter(({ record }) => isWithin(record.at, range)).map(({ record }) => ({ kind: "audit", record }));
    const last = some.at(-1);
    if (last === undefined) return;
    after = last.place;
  }
}

function* commandLines({ pages }: Pick<StateStore, "pages">, range: ExportRange): Generator<Line[]> {
  for (let before: Parameters<typeof pages.commands>[1] = null; ; ) {
    const some = pages.commands(null, before, ROWS_A_TURN);
    yield some
      .filter(({ record }) => isWithin(record.issuedAt, range))
      .map(({ record }) => ({ kind: "command", record }));
    const last = some.at(-1);
    if (last === undefined) return;
    before = last.place;
  }
}

/** By when it was written down: what was found afterwards belongs to the time in which somebody could know of it. */
function* eventLines({ pages }: Pick<StateStore, "pages">, range: ExportRange): Generator<Line[]> {
  for (let after: readonly [string, number] = ["", 0]; ; ) {
    const some = pages.incidentEvents(after, ROWS_A_TURN);
    yield some
      .filter(({ event }) => isWithin(event.recordedAt, range))
      .map(({ incident, event }) => ({ kind: "incident_event", record: { incident, ...event } }));
    const last = some.at(-1);
    if (last === undefined) return;
    after = [last.incident, last.event.seq];
  }
}
