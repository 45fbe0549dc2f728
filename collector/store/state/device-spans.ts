/**
 * Which devices were in which slots, and since when: reports measure failures by it. Kept up by inventories. What an agent
 * can't say of a device that was known before (its model, its serial number) has not changed; what it could not say
 * until now was so all the while.
 */
import type { InventoryDevice } from "@aislewatch/contract";
import type { Tables } from "./schema.ts";

export type SpanRow = Omit<Tables["device_spans"], "id"> & { readonly id: number };
type Named = Pick<SpanRow, "kind" | "vendor" | "model" | "serial">;
type NewSpan = Omit<SpanRow, "id">;

export type SpanChanges = {
  /** Of these ids; they end now. */
  readonly ended: readonly number[];
  readonly begun: readonly NewSpan[];
  readonly named: readonly (Named & { readonly id: number })[];
};

/** `open`: those of the agent's devices that have not ended. `at` in Unix ms. */
export function spanChanges(
  open: readonly SpanRow[],
  site: string,
  now: readonly InventoryDevice[],
  at: number,
): SpanChanges {
  const known = new Map(open.map((span) => [span.device, span]));
  const ended: number[] = [];
  const begun: NewSpan[] = [];
  const named: (Named & { id: number })[] = [];
  for (const { id: device, kind, asset } of now) {
    const span = known.get(device);
    known.delete(device);
    const said = { kind, vendor: asset.vendor ?? null, model: asset.model ?? null, serial: asset.serial ?? null };
    if (span === undefined) begun.push({ site, device, since: at, until: null, ...said });
    else if (isOther(span, said)) {
      ended.push(span.id);
      begun.push({ site, device, since: at, until: null, ...said });
    } else if (NAMES.some((name) => span[name] === null && said[name] !== null))
      named.push({ id: span.id, kind, ...filled(span, said) });
  }
  return { ended: [...ended, ...[...known.values()].map(({ id }) => id)], begun, named };
}

const NAMES = ["vendor", "model", "serial"] as const;

const isOther = (span: Named, said: Named): boolean =>
  span.kind !== said.kind ||
  NAMES.some((name) => span[name] !== null && said[name] !== null && span[name] !== said[name]);

const filled = (span: Named, said: Named): Omit<Named, "kind"> => ({
  vendor: span.vendor ?? said.vendor,
  model: span.model ?? said.model,
  serial: span.serial ?? said.serial,
});
