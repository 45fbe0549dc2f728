/** What the shipped printer profile makes of the Printer-MIB where its witnesses disagree (RFC 3805). */
import { describe, expect, it } from "vitest";
import {
  evaluateProfile,
  hasFinding,
  loadBuiltinProfiles,
  octetsValue,
  type Profile,
  type SnmpValue,
} from "./index.ts";

const MIB = "1.3.6.1.2.1.43";
const integer = (value: number): SnmpValue => ({ type: "integer", value });
const text = (value: string): SnmpValue => octetsValue(Buffer.from(value));

type Alert = { severity?: number; group?: number; code: number; text?: string };
type Printer = {
  /** The first octet of hrPrinterDetectedErrorState. */
  errors?: number;
  alerts?: readonly Alert[];
  trays?: readonly { level: number; name?: string; type?: number }[];
  supplies?: readonly { level: number; type: number }[];
  covers?: readonly number[];
};

/** Rows as varbinds, index 1.n; what a row does not have is not there. */
const cells = (root: string, rows: readonly Readonly<Record<string, SnmpValue | undefined>>[]) =>
  rows.flatMap((row, n) =>
    Object.entries(row).flatMap(([column, value]): [string, SnmpValue][] =>
      value === undefined ? [] : [[`${MIB}.${root}.${column}.1.${n + 1}`, value]],
    ),
  );
const perhaps = <T>(value: T | undefined, make: (value: T) => SnmpValue) =>
  value === undefined ? undefined : make(value);

function varbindsOf({
  errors,
  alerts = [],
  trays = [],
  supplies = [],
  covers = [],
}: Printer): Record<string, SnmpValue> {
  return Object.fromEntries([
    ...(errors === undefined ? [] : [["1.3.6.1.2.1.25.3.5.1.2.1", octetsValue(Buffer.from([errors]))] as const]),
    ...cells(
      "18.1.1",
      alerts.map((row) => ({
        2: perhaps(row.severity, integer),
        4: perhaps(row.group, integer),
        7: integer(row.code),
        8: perhaps(row.text, text),
      })),
    ),
    ...cells(
      "8.2.1",
      trays.map(({ level, name, type }) => ({
        2: perhaps(type, integer),
        9: integer(500),
        10: integer(level),
        13: perhaps(name, text),
      })),
    ),
    ...cells(
      "11.1.1",
      supplies.map(({ level, type }) => ({ 5: integer(type), 8: integer(100), 9: integer(level) })),
    ),
    ...cells(
      "6.1.1",
      covers.map((status) => ({ 2: text("Front"), 3: integer(status) })),
    ),
  ]);
}

function printerProfile(): Profile {
  const found = loadBuiltinProfiles().find(({ name }) => name === "printer");
  if (found === undefined) throw new Error("there is no profile printer");
  return found;
}
const profile = printerProfile();

/** The verdict's witnesses, `no` when it does not stand, `unknown` when nobody was asked. */
function verdict(metric: string, printer: Printer): string {
  const { samples, evidence } = evaluateProfile(profile, { at: 0, varbinds: varbindsOf(printer) });
  const said = samples.find(({ component }) => component === null)?.metrics[metric];
  if (said !== true) return said === false ? "no" : "unknown";
  const { by = [], against = [], quotes } = evidence.find((one) => one.metric === metric) ?? {};
  const names = by.map((name) => (quotes?.[name] === undefined ? name : `${name} ${quotes[name]}`));
  return [names.join(", "), ...(against.length === 0 ? [] : [`not ${against.join(", ")}`])].join("; ");
}

describe("a printer's model", () => {
  const DEVICES = "1.3.6.1.2.1.25.3.2.1";
  const oid = (value: string): SnmpValue => ({ type: "oid", value });
  it.each([
    { name: "the row of its type", type: "5", want: "Acme 9" },
    { name: "a row without a type", type: null, want: "Acme 9" },
    { name: "never a processor", type: "3", want: undefined },
  ])("is $name", ({ type, want }) => {
    const varbinds = {
      [`${DEVICES}.3.1`]: text("Acme 9"),
      [`${DEVICES}.5.1`]: integer(2),
      ...(type !== null && { [`${DEVICES}.2.1`]: oid(`1.3.6.1.2.1.25.3.1.${type}`) }),
    };
    expect(evaluateProfile(profile, { at: 0, varbinds }).asset.model).toBe(want);
  });
});

describe("a printer's state", () => {
  it.each<{ metric: string; name: string; printer: Printer; want: string }>([
    { metric: "media_out", name: "nothing is said", printer: {}, want: "unknown" },
    { metric: "media_out", name: "the error bit alone", printer: { errors: 0x40 }, want: "error bits" },
    {
      metric: "media_out",
      name: "an alert row, and bits that stay zero",
      printer: { errors: 0, alerts: [{ severity: 3, group: 8, code: 808, text: "Load tray 1" }] },
      want: "alert table “Load tray 1”; not error bits",
    },
    {
      metric: "media_out",
      name: "an alert row of a tray that is no reason to stop",
      printer: { errors: 0, alerts: [{ severity: 4, group: 8, code: 808 }] },
      want: "no",
    },
    {
      metric: "media_out",
      name: "an input that is empty, by a general code, and a supply that is",
      printer: {
        alerts: [
          { severity: 3, group: 8, code: 13, text: "Tray 1" },
          { severity: 3, group: 11, code: 13 },
        ],
      },
      want: "alert table “Tray 1”",
    },
    {
      metric: "media_out",
      name: "an empty input that is no reason to stop",
      printer: { errors: 0, alerts: [{ severity: 4, group: 8, code: 13 }] },
      want: "no",
    },
    {
      metric: "media_out",
      name: "every tray is empty, but for the one that is fed by hand",
      printer: { trays: [{ level: 0 }, { level: 0 }, { level: 5, type: 5 }] },
      want: "trays",
    },
    {
      metric: "media_out",
      name: "one tray of two is empty",
      printer: { trays: [{ level: 0 }, { level: -3 }] },
      want: "no",
    },
    {
      metric: "media_low",
      name: "an input almost empty",
      printer: { alerts: [{ group: 8, code: 12 }] },
      want: "alert table",
    },
    { metric: "media_low", name: "a supply almost empty", printer: { alerts: [{ group: 11, code: 12 }] }, want: "no" },
    {
      metric: "supply_low",
      name: "a supply almost empty",
      printer: { errors: 0, alerts: [{ severity: 4, group: 11, code: 12, text: "Cyan" }] },
      want: "alert table “Cyan”; not error bits",
    },
    {
      metric: "supply_out",
      name: "toner at 0, whatever the bits say",
      printer: { errors: 0, supplies: [{ level: 0, type: 3 }] },
      want: "levels supply-1-1; not error bits, missing bit",
    },
    { metric: "supply_out", name: "a roller at 0", printer: { supplies: [{ level: 0, type: 1 }] }, want: "unknown" },
    {
      metric: "supply_out",
      name: "toner that is unknown",
      printer: { supplies: [{ level: -2, type: 3 }] },
      want: "unknown",
    },
    {
      metric: "cover_open",
      name: "a cover",
      printer: { errors: 0, covers: [4, 3] },
      want: "covers cover-front-2; not error bits",
    },
    {
      metric: "cover_open",
      name: "a cover that was opened, by a general code",
      printer: { covers: [1], alerts: [{ severity: 3, group: 6, code: 18 }] },
      want: "alert table; not covers",
    },
    { metric: "cover_open", name: "a tray that was opened", printer: { alerts: [{ group: 8, code: 18 }] }, want: "no" },
    {
      metric: "output_full",
      name: "two outputs",
      printer: {
        alerts: [
          { group: 9, code: 15, text: "Bin 1" },
          { group: 9, code: 903 },
        ],
      },
      want: "alert table “Bin 1” and 1 more",
    },
  ])("$metric, $name: $want", ({ metric, printer, want }) => expect(verdict(metric, printer)).toBe(want));

  it("is looked at again at every poll while a row of the alert table has something to say", () => {
    const found = (alerts: readonly Alert[]) =>
      hasFinding(profile, "alerts", { at: 0, varbinds: varbindsOf({ alerts }) });
    expect(found([{ severity: 3, group: 8, code: 808 }])).toBe(true);
    expect(found([{ code: 1, text: "Main roll path out of paper" }])).toBe(true);
    expect(found([{ severity: 4, group: 5, code: 507, text: "Ready" }])).toBe(false);
  });
});
