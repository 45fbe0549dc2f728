/**
 * What of a device's tables need not be asked for at every poll, by its profile: columns that are `static`, as long as
 * the table has the same rows, and a table behind a `gate`, as long as the counters of its entries stand still.
 *
 * Both are a device's promise, so neither is trusted for long. The driver makes a new one of these when the device
 * restarted or changed its name, and once an hour; a poll that failed forgets everything. A gated table is walked all
 * the same when it said last that something is wrong, and every `GATED_POLLS_MAX` polls; when an entry turns up that
 * was not counted, the counters are not believed any more, for as long as the device says that it is the same one. A
 * device without them has its table walked at every poll.
 */
import { isWithin, type SnmpValue, type TableWalk } from "@aislewatch/devices";
import type { Varbinds, WalkColumn } from "../../transport/snmp.ts";

/** One look in so many polls: some printers do not count their alerts, and a fault may be late by a few polls only. */
export const GATED_POLLS_MAX = 4;

type Static = { readonly rows: string; readonly varbinds: Varbinds };
type Gated = {
  readonly counts: string;
  readonly varbinds: Varbinds;
  readonly polls: number;
  readonly settled: boolean;
};

export class Kept {
  /** Without those that only say who the device is. */
  readonly #walks: readonly TableWalk[];
  readonly #hasFinding: (table: string, varbinds: Varbinds) => boolean;
  readonly #statics = new Map<string, Static>();
  readonly #gated = new Map<string, Gated>();
  /** Gated tables whose counters were seen not to count. */
  readonly #uncounted: Set<string>;

  /**
   * `hasFinding`: does a row of the table say that something is wrong? `before` is what was kept of the same device,
   * all of which is forgotten but for the counters that do not count.
   */
  constructor(
    walks: readonly TableWalk[],
    hasFinding: (table: string, varbinds: Varbinds) => boolean,
    before: Kept | null = null,
  ) {
    this.#walks = walks;
    this.#hasFinding = hasFinding;
    this.#uncounted = new Set(before === null ? [] : before.#uncounted);
  }

  forget(): void {
    this.#statics.clear();
    this.#gated.clear();
  }

  /**
   * What every poll has to ask for. Counters come first: an entry that is made while they are read is then walked now,
   * or changes them by the next poll.
   */
  atOnce(): WalkColumn[] {
    const columns = new Map<string, number>();
    const open = this.#walks.filter((walk) => !this.#isShut(walk));
    for (const { gate } of open) for (const oid of gate ?? []) columns.set(oid, 0);
    for (const walk of open) {
      const known = this.#statics.has(walk.table) ? walk.statics : [];
      add(
        columns,
        walk,
        walk.columns.filter((oid) => !known.includes(oid)),
      );
    }
    return listed(columns);
  }

  /** What has to be asked for on top, now that `atOnce` brought this. */
  onTop(came: Varbinds): WalkColumn[] {
    const columns = new Map<string, number>();
    for (const walk of this.#walks) {
      const { table, gate, statics } = walk;
      const isShut = this.#isShut(walk);
      if (isShut && this.#gated.get(table)?.counts !== valuesOf(gate ?? [], came)) add(columns, walk, walk.columns);
      const known = this.#statics.get(table);
      if (!isShut && known !== undefined && known.rows !== rowsOf(walk, came)) add(columns, walk, statics);
    }
    for (const { oid } of this.atOnce()) columns.delete(oid);
    return listed(columns);
  }

  /** Everything, what was kept and what came; `asked` are the columns that this poll asked for. */
  complete(came: Varbinds, asked: readonly WalkColumn[]): Varbinds {
    const oids = new Set(asked.map(({ oid }) => oid));
    const whole: Varbinds = { ...came };
    for (const walk of this.#walks) {
      if (walk.gate !== null) Object.assign(whole, this.#passGate(walk, walk.gate, { came, oids }));
      if (walk.statics.length > 0) Object.assign(whole, this.#keepStatics(walk, { came, oids }));
    }
    return whole;
  }

  #isShut({ table }: TableWalk): boolean {
    const known = this.#gated.get(table);
    return known?.settled === true && known.polls < GATED_POLLS_MAX;
  }

  #passGate(
    { table, columns }: TableWalk,
    gate: readonly string[],
    { came, oids }: { came: Varbinds; oids: ReadonlySet<string> },
  ): Varbinds {
    const before = this.#gated.get(table);
    if (before !== undefined && !columns.every((oid) => oids.has(oid))) {
      this.#gated.set(table, { ...before, polls: before.polls + 1 });
      return before.varbinds;
    }
    const counts = valuesOf(gate, came);
    const varbinds = below(columns, came);
    if (before !== undefined && before.counts === counts && hasMore(varbinds, before.varbinds)) {
      this.#uncounted.add(table);
    }
    if (counts === "" || this.#uncounted.has(table)) this.#gated.delete(table);
    else this.#gated.set(table, { counts, varbinds, polls: 1, settled: !this.#hasFinding(table, came) });
    return varbinds;
  }

  #keepStatics(walk: TableWalk, { came, oids }: { came: Varbinds; oids: ReadonlySet<string> }): Varbinds {
    const before = this.#statics.get(walk.table);
    if (!walk.statics.every((oid) => oids.has(oid))) return before?.varbinds ?? {};
    const varbinds = below(walk.statics, came);
    this.#statics.set(walk.table, { rows: rowsOf(walk, came), varbinds });
    return varbinds;
  }
}

function add(columns: Map<string, number>, { maxRows }: TableWalk, oids: readonly string[]): void {
  for (const oid of oids) columns.set(oid, Math.max(maxRows, columns.get(oid) ?? 0));
}

const listed = (columns: ReadonlyMap<string, number>): WalkColumn[] =>
  [...columns].map(([oid, rowsMax]) => ({ oid, rowsMax }));

const below = (columns: readonly string[], varbinds: Varbinds): Varbinds =>
  Object.fromEntries(Object.entries(varbinds).filter(([oid]) => columns.some((column) => isWithin(oid, column))));

const valuesOf = (columns: readonly string[], varbinds: Varbinds): string =>
  Object.entries(below(columns, varbinds))
    .map(([oid, { value }]) => `${oid}=${value}`)
    .join(" ");

/** The indices of a table's rows by its columns that are no static ones. */
function rowsOf({ columns, statics }: TableWalk, varbinds: Varbinds): string {
  const live = columns.filter((column) => !statics.includes(column));
  const indices = new Set<string>();
  for (const oid of Object.keys(varbinds)) {
    for (const column of live) if (isWithin(oid, column)) indices.add(oid.slice(column.length));
  }
  return [...indices].sort().join(" ");
}

const hasMore = (now: Varbinds, before: Varbinds): boolean =>
  Object.entries(now).some(([oid, value]) => !isSame(value, before[oid]));

const isSame = (a: SnmpValue, b: SnmpValue | undefined): boolean => a.type === b?.type && a.value === b.value;
