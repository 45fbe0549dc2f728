/**
 * The rows of a telemetry message in order of their time, over all its tables. A batch is nearly sorted already, so the
 * order is made from one array of numbers (time and row in one float) that is sorted only when it is not in order.
 */
import type { Telemetry } from "@aislewatch/contract";

/** Rows in one message: what 256 KiB could hold at most is a quarter of it. 33 bits of time and 20 of row fit a float. */
export const ROWS_MAX = 2 ** 20;

export class RowOrder {
  #keys = new Float64Array(1_024);
  #tables = new Uint16Array(1_024);
  #starts: number[] = [];
  #size = 0;

  /** Rows beyond ROWS_MAX are left out; returns how many. */
  load({ tables }: Telemetry): number {
    this.#starts = [];
    let size = 0;
    for (const table of tables) {
      this.#starts.push(size);
      size += table.subject.length;
    }
    const kept = Math.min(size, ROWS_MAX);
    this.#reserve(kept);
    this.#size = kept;
    if (!this.#fill(tables, kept)) this.#keys.subarray(0, kept).sort();
    return size - kept;
  }

  get size(): number {
    return this.#size;
  }

  /** Milliseconds after the message's base of the i-th row in order. */
  delta(i: number): number {
    return Math.floor((this.#keys[i] ?? 0) / ROWS_MAX);
  }

  /** Number of the i-th row in order over all tables; `table` and `row` say where it stands. */
  number(i: number): number {
    return (this.#keys[i] ?? 0) % ROWS_MAX;
  }

  table(number: number): number {
    return this.#tables[number] ?? 0;
  }

  row(number: number, table: number): number {
    return number - (this.#starts[table] ?? 0);
  }

  /** Index into the message's subjects of the i-th row in order. */
  subject(i: number, { tables }: Telemetry): number {
    const number = this.number(i);
    const table = this.table(number);
    return tables[table]?.subject[this.row(number, table)] ?? -1;
  }

  /** Returns whether the rows are in order already. */
  #fill(tables: Telemetry["tables"], kept: number): boolean {
    let isSorted = true;
    let number = 0;
    let before = -1;
    for (let t = 0; t < tables.length; t++) {
      const at = tables[t]?.at ?? [];
      for (let row = 0; row < at.length && number < kept; row++) {
        const key = (at[row] ?? 0) * ROWS_MAX + number;
        if (key < before) isSorted = false;
        before = key;
        this.#keys[number] = key;
        this.#tables[number] = t;
        number++;
      }
    }
    return isSorted;
  }

  #reserve(rows: number): void {
    if (rows <= this.#keys.length) return;
    const size = 2 ** Math.ceil(Math.log2(rows));
    this.#keys = new Float64Array(size);
    this.#tables = new Uint16Array(size);
  }
}
