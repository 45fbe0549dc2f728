/**
 * What is old loses its names, its addresses, or goes: once an hour through all there is, a batch at a time, each batch
 * in one transaction. A pass that is cut short begins again at the next start; what is done is not done twice.
 */
import type { Clock } from "@aislewatch/base";
import type { Incident } from "../incidents/types.ts";
import type { Place, Rewrite } from "../store/state/people.ts";
import type { StateStore } from "../store/state/store.ts";
import { cutAddresses, type Renaming, renamingAll } from "./person.ts";
import type { PrivacyPolicy } from "./policy.ts";
import { renamedRow } from "./privacy.ts";

const PASS_MS = 3_600_000;
/** After a start people and agents come first. */
const FIRST_MS = 60_000;
/** Between two batches the collector does what it is there for. */
const STEP_MS = 100;
const INCIDENTS_A_STEP = 100;
const ROWS_A_STEP = 500;
const NAMED: readonly Place[] = ["audit", "command", "gap_note"];
const ADDRESSED: readonly Place[] = ["attempt", "notification"];

export type Retention = {
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly counts: { readonly incidentsRenamed: number; readonly incidentsGone: number; readonly rowsRenamed: number };
};

export type RetentionDeps = {
  readonly clock: Clock;
  readonly state: StateStore;
  readonly policy: PrivacyPolicy;
  readonly pseudonym: (name: string) => string;
  /** What an erasure left to be done. */
  readonly finish: () => boolean;
  readonly onProblem: (thrown: unknown) => void;
};

/** One batch; returns the next one, or null at the end. */
type Step = () => Step | null;
type After = { readonly openedAt: number; readonly id: string } | null;

export function createRetention({ clock, state, policy, pseudonym, finish, onProblem }: RetentionDeps): Retention {
  let cancel: (() => void) | null = null;
  const counts = { incidentsRenamed: 0, incidentsGone: 0, rowsRenamed: 0 };
  const { namesMs, addressesMs, incidentsMs } = policy;
  const renaming = renamingAll(pseudonym);
  const cutting: Renaming = {
    who: () => null,
    text: (text) => (cutAddresses(text) === text ? null : cutAddresses(text)),
  };
  const rewriteWith =
    (how: Renaming): Rewrite =>
    (row) => {
      const { value } = renamedRow(row, how);
      return value === row.record ? null : value;
    };

  /** Through incidents that ended longer ago than `ageMs`, with names or without. */
  function ended(
    areNamesOut: boolean,
    ageMs: number,
    act: (ids: readonly string[]) => void,
    after: After = null,
  ): Step {
    return () => {
      const until = clock.now() - ageMs;
      const some = state.endedIncidents({ areNamesOut, after, limit: INCIDENTS_A_STEP });
      const old = some.filter((incident) => endOf(incident) < until);
      if (old.length > 0) act(old.map(({ id }) => id));
      const last = some.at(-1);
      // What was opened later than that has not ended before it.
      const isDone = last === undefined || some.length < INCIDENTS_A_STEP || last.openedAt >= until;
      return isDone ? null : ended(areNamesOut, ageMs, act, last);
    };
  }

  function rows(place: Place, ageMs: number, how: Renaming, after = 0): Step {
    return () => {
      const selection = { place, until: clock.now() - ageMs, after, limit: ROWS_A_STEP };
      const { seen, changed, last } = state.rewritePeople(selection, rewriteWith(how));
      counts.rowsRenamed += changed;
      return last === null || seen < ROWS_A_STEP ? null : rows(place, ageMs, how, last);
    };
  }

  function forget(ids: readonly string[]): void {
    state.forgetIncidents(ids);
    counts.incidentsGone += ids.length;
  }
  function rename(ids: readonly string[]): void {
    state.takeNamesOut(ids, rewriteWith(renaming));
    counts.incidentsRenamed += ids.length;
  }

  /** What goes goes first: its names need not be replaced. */
  const walks = (): Step[] => [
    ...(incidentsMs === null ? [] : [ended(false, incidentsMs, forget), ended(true, incidentsMs, forget)]),
    ...(namesMs === null
      ? []
      : [ended(false, namesMs, rename), ...NAMED.map((place) => rows(place, namesMs, renaming))]),
    ...(addressesMs === null ? [] : ADDRESSED.map((place) => rows(place, addressesMs, cutting))),
    () => {
      finish();
      return null;
    },
  ];

  function run(todo: readonly Step[], before: string): void {
    const [step, ...rest] = todo;
    if (step === undefined) {
      const now = JSON.stringify(counts);
      // One record a pass that did something, which names nobody.
      if (now !== before) state.audit({ at: clock.now(), actor: "system", action: "names_retired", detail: now });
      cancel = clock.after(PASS_MS, begin);
      return;
    }
    try {
      const next = step();
      cancel = clock.after(STEP_MS, () => run(next === null ? rest : [next, ...rest], before));
    } catch (thrown) {
      onProblem(thrown);
      cancel = clock.after(PASS_MS, begin);
    }
  }
  const begin = (): void => run(walks(), JSON.stringify(counts));

  return {
    async start() {
      cancel = clock.after(FIRST_MS, begin);
    },
    async stop() {
      cancel?.();
      cancel = null;
    },
    counts,
  };
}

const endOf = ({ closedAt, updatedAt }: Incident): number => closedAt ?? updatedAt;
