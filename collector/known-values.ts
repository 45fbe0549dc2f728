import type { Table, Telemetry, Value } from "@aislewatch/contract";
import { findMetric } from "@aislewatch/devices";

/**
 * A message with the values that the catalogue knows: one of an unknown metric, or of a wrong type (a boolean where the
 * catalogue says number), becomes null and is counted. Such values come from a newer or a broken agent; judged, they
 * would mean something else, and stored, any agent could fill the store with series of its own invention. The message
 * itself is returned when there is nothing to leave out, which is the rule.
 */
export function knownValues(message: Telemetry): { readonly message: Telemetry; readonly ignored: number } {
  let ignored = 0;
  let tables: Table[] | null = null;
  for (let t = 0; t < message.tables.length; t++) {
    const table = message.tables[t];
    if (table === undefined) continue;
    let values: (readonly (Value | null)[])[] | null = null;
    for (let m = 0; m < table.metrics.length; m++) {
      const column = table.values[m] ?? [];
      const wanted = findMetric(table.metrics[m] ?? "")?.type;
      const strange = countStrange(column, wanted);
      if (strange === 0) continue;
      ignored += strange;
      values ??= [...table.values];
      values[m] = column.map((value) => (typeof value === wanted ? value : null));
    }
    if (values === null) continue;
    tables ??= [...message.tables];
    tables[t] = { ...table, values };
  }
  return { message: tables === null ? message : { ...message, tables }, ignored };
}

function countStrange(column: readonly (Value | null)[], wanted: "number" | "boolean" | undefined): number {
  let strange = 0;
  for (let row = 0; row < column.length; row++) if (column[row] !== null && typeof column[row] !== wanted) strange++;
  return strange;
}
