import type { SnmpValue, TableWalk } from "@aislewatch/devices";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Varbinds, WalkColumn } from "../../transport/snmp.ts";
import { GATED_POLLS_MAX, Kept } from "./kept.ts";

/** Columns of a printer: what counts alerts, its alerts, and trays with their names. */
const COUNT = "1.1";
const ALERT = "1.2";
const LEVEL = "1.3";
const NAME = "1.4";
const TYPE = "1.5";

const walk = (table: string, columns: readonly string[], over: Partial<TableWalk> = {}): TableWalk => ({
  table,
  columns,
  maxRows: 8,
  identityOnly: false,
  statics: [],
  gate: null,
  ...over,
});
const WALKS = [
  walk("alerts", [ALERT], { gate: [COUNT] }),
  walk("trays", [LEVEL, NAME, TYPE], { statics: [NAME, TYPE] }),
  walk("counts", [COUNT]),
];

type Device = Record<string, Record<string, number>>;
const integer = (value: number): SnmpValue => ({ type: "integer", value });

/** What the device says to these columns. */
const answer = (device: Device, columns: readonly WalkColumn[]): Varbinds =>
  Object.fromEntries(
    columns.flatMap(({ oid }) =>
      Object.entries(device[oid] ?? {}).map(([index, value]) => [`${oid}.${index}`, integer(value)]),
    ),
  );

/** A row above 100 says that something is wrong. */
const newKept = (before: Kept | null = null): Kept =>
  new Kept(
    WALKS,
    (_, varbinds) =>
      Object.entries(varbinds).some(([oid, { value }]) => oid.startsWith(`${ALERT}.`) && Number(value) > 100),
    before,
  );

/** One poll: the columns of its first walk and of its second, and all that is known then. */
function pollOf(kept: Kept, device: Device): { first: string; second: string; whole: Varbinds } {
  const atOnce = kept.atOnce();
  const came = answer(device, atOnce);
  const onTop = kept.onTop(came);
  const whole = kept.complete({ ...came, ...answer(device, onTop) }, [...atOnce, ...onTop]);
  const named = (columns: readonly WalkColumn[]): string => columns.map(({ oid }) => oid).join(" ");
  return { first: named(atOnce), second: named(onTop), whole };
}

const printer = (over: Device = {}): Device => ({
  [COUNT]: { "1.1": 7 },
  [ALERT]: { "1.1": 23 },
  [LEVEL]: { "1.1": 500, "1.2": 250 },
  [NAME]: { "1.1": 1, "1.2": 2 },
  [TYPE]: { "1.1": 3, "1.2": 3 },
  ...over,
});

describe("Kept", () => {
  it("asks for all of it in one go, the counters first, and then for what moves", () => {
    const kept = newKept();
    const device = printer();
    expect(pollOf(kept, device)).toMatchObject({ first: "1.1 1.2 1.3 1.4 1.5", second: "" });
    const second = pollOf(kept, device);
    expect(second).toMatchObject({ first: "1.3 1.1", second: "" });
    expect(second.whole).toEqual(
      answer(
        device,
        [COUNT, ALERT, LEVEL, NAME, TYPE].map((oid) => ({ oid, rowsMax: 8 })),
      ),
    );
  });

  it.each([
    { name: "a counter of the gate moved", over: { [COUNT]: { "1.1": 8 } }, second: "1.2" },
    { name: "a counter appeared", over: { [COUNT]: { "1.1": 7, "2.1": 0 } }, second: "1.2" },
    { name: "a row came", over: { [LEVEL]: { "1.1": 500, "1.2": 250, "1.3": 0 } }, second: "1.4 1.5" },
    { name: "a row went", over: { [LEVEL]: { "1.1": 500 } }, second: "1.4 1.5" },
    { name: "a level moved", over: { [LEVEL]: { "1.1": 499, "1.2": 250 } }, second: "" },
  ])("asks on top for $second when $name", ({ over, second }) => {
    const kept = newKept();
    pollOf(kept, printer());
    pollOf(kept, printer());
    expect(pollOf(kept, printer(over)).second).toBe(second);
    expect(pollOf(kept, printer(over)).second).toBe("");
  });

  it("looks behind the gate every so many polls, whatever is counted", () => {
    const kept = newKept();
    const looks = Array.from({ length: 2 * GATED_POLLS_MAX + 1 }, () => pollOf(kept, printer()).first.includes(ALERT));
    expect(looks.flatMap((looked, n) => (looked ? [n] : []))).toEqual([0, GATED_POLLS_MAX, 2 * GATED_POLLS_MAX]);
  });

  it("looks at every poll while a row says that something is wrong: its end may not be counted", () => {
    const kept = newKept();
    const jammed = printer({ [ALERT]: { "1.1": 23, "1.2": 800 } });
    for (let n = 0; n < 3; n++) expect(pollOf(kept, jammed).first).toContain(ALERT);
    expect(pollOf(kept, printer()).whole).not.toHaveProperty("1.2.1.2");
    expect(pollOf(kept, printer()).first).not.toContain(ALERT);
  });

  it("does not believe counters any more that missed an entry", () => {
    const kept = newKept();
    for (let n = 0; n < GATED_POLLS_MAX; n++) pollOf(kept, printer());
    const uncounted = printer({ [ALERT]: { "1.1": 23, "1.2": 24 } });
    for (let n = 0; n < 2 * GATED_POLLS_MAX; n++) expect(pollOf(kept, uncounted).first).toContain(ALERT);
    const anHourLater = newKept(kept);
    for (let n = 0; n < 3; n++) expect(pollOf(anHourLater, uncounted).first).toContain(ALERT);
  });

  it("has a table without its counters walked at every poll", () => {
    const kept = newKept();
    for (let n = 0; n < 5; n++) expect(pollOf(kept, printer({ [COUNT]: {} })).first).toContain(ALERT);
  });

  it("asks for all of it again once it was told to forget", () => {
    const kept = newKept();
    const { first } = pollOf(kept, printer());
    kept.forget();
    expect(pollOf(kept, printer()).first).toBe(first);
  });

  it("knows what the device says, whatever happens to a device that counts and keeps its rows", () => {
    const rows = fc.dictionary(fc.constantFrom("1.1", "1.2", "1.3"), fc.integer({ min: 0, max: 200 }));
    const steps = fc.array(fc.record({ alerts: fc.option(rows, { nil: undefined }), levels: rows }), { maxLength: 30 });
    fc.assert(
      fc.property(steps, (polls) => {
        const kept = newKept();
        const device = printer();
        let counted = 0;
        return polls.every(({ alerts, levels }) => {
          if (alerts !== undefined) device[ALERT] = alerts;
          if (alerts !== undefined) device[COUNT] = { "1.1": ++counted };
          const names = Object.keys(levels).map((index) => [index, index.length + Object.keys(levels).length] as const);
          Object.assign(device, { [LEVEL]: levels, [NAME]: Object.fromEntries(names), [TYPE]: {} });
          const { whole } = pollOf(kept, device);
          const said = answer(
            device,
            Object.keys(device).map((oid) => ({ oid, rowsMax: 8 })),
          );
          // A name may be late by what the same rows are called; which rows have one is not.
          return (
            JSON.stringify(Object.keys(whole).sort()) === JSON.stringify(Object.keys(said).sort()) &&
            Object.entries(said).every(([oid, { value }]) => oid.startsWith(NAME) || whole[oid]?.value === value)
          );
        });
      }),
    );
  });
});
