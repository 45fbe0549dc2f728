/**
 * Every byte that a dialect can send, written out. A new line here is a new command on somebody's device: it must be
 * one that its manual allows in any state and that changes nothing (PROTOCOLS: read-only by construction).
 */
import { describe, expect, it } from "vitest";
import { loadDrivers } from "./index.ts";

const DRIVERS = await loadDrivers();

/** By driver: name of the question -> bytes as an escaped string. */
const ALLOWED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  dpl: { extendedStatus: "\\u0001a", status: "\\u0001A", labelsRemaining: "\\u0001E" },
  epl: { errors: "^ee\\r\\n" },
  escpos: {
    printer: "\\u0010\\u0004\\u0001",
    offlineCause: "\\u0010\\u0004\\u0002",
    errorCause: "\\u0010\\u0004\\u0003",
    paper: "\\u0010\\u0004\\u0004",
    printerAgain: "\\u0010\\u0004\\u0001",
    queuedPaper: "\\u001dr\\u0001",
    queuedDrawer: "\\u001dr\\u0002",
  },
  // Function codes 1 to 4 and no others: the eighth byte of each. frames.test.ts holds this for every map there can be.
  modbus: {
    "coil:0+1": "\\u0000\\u0001\\u0000\\u0000\\u0000\\u0006\\u0001\\u0001\\u0000\\u0000\\u0000\\u0001",
    "discrete:0+5": "\\u0000\\u0001\\u0000\\u0000\\u0000\\u0006\\u0001\\u0002\\u0000\\u0000\\u0000\\u0005",
    "input:0+5": "\\u0000\\u0001\\u0000\\u0000\\u0000\\u0006\\u0001\\u0004\\u0000\\u0000\\u0000\\u0005",
    "input:9+2": "\\u0000\\u0001\\u0000\\u0000\\u0000\\u0006\\u0001\\u0004\\u0000\\t\\u0000\\u0002",
  },
  mt_sics: { weight: "SI\\r\\n", I2: "I2\\r\\n", I3: "I3\\r\\n", I4: "I4\\r\\n" },
  nci: { weight: "W\\r", status: "S\\r" },
  nut: { variables: "LIST VAR ups\\n" },
  sma: {
    weight: "\\nW\\r",
    about: "\\nA\\r",
    aboutMaker: "\\nB\\r",
    aboutModel: "\\nB\\r",
    aboutRevision: "\\nB\\r",
  },
  toledo_8217: { weight: "W" },
  weight_lines: { lines: "" },
  star: { status: "\\u001b\\u0006\\u0001" },
  sbpl: { status: "\\u0005" },
  tspl: { status: "\\u001b!S", readiness: "\\u001b!?", readinessAgain: "\\u001b!?" },
  datalogic_scanner: { health: "h", identity: "i" },
  // A query (`?` for the value), and REVINF, which has none.
  honeywell_scanner: { setting: "\\u0016M\\rCBRENA?!", revision: "\\u0016M\\rREVINF." },
  // Opcodes A3 and 80 (attribute get, 02): no ACK, which would take a scan from its application, and no attribute set.
  zebra_ssi: {
    revision: "\\u0004\u00a3\\u0004\\u0000\u00ffU",
    model: "\\n\u0080\\u0004\\u0000\\u0000\\u0006\\u0002\\u0000\\u0002\\u0015\u00ffS",
    serial: "\\n\u0080\\u0004\\u0000\\u0000\\u0006\\u0002\\u0000\\u0002\\u0016\u00ffR",
    firmware: "\\n\u0080\\u0004\\u0000\\u0000\\u0006\\u0002\\u0000N$\u00fe\u00f8",
    charge: "\\n\u0080\\u0004\\u0000\\u0000\\u0006\\u0002\\u0000uB\u00fe\u00b3",
  },
  zpl: {
    hostStatus: "~HS",
    errorStatus: "~HQES",
    hostIdentification: "~HI",
    serialNumber: "~HQSN",
    odometer: "~HQOD",
    headLife: "~HQPH",
    maintenance: "~HQMA",
    headTest: "~HQJT",
    diagnostics: "~HD",
    uniqueId: '! U1 getvar \\"device.unique_id\\"\\r\\n',
    labelCount: '! U1 getvar \\"odometer.total_label_count\\"\\r\\n',
    uptime: '! U1 getvar \\"device.uptime\\"\\r\\n',
    batteryPercent: '! U1 getvar \\"power.percent_full\\"\\r\\n',
    totalLength: '! U1 getvar \\"odometer.total_print_length\\"\\r\\n',
    headNew: '! U1 getvar \\"odometer.headnew\\"\\r\\n',
    headClean: '! U1 getvar \\"odometer.headclean\\"\\r\\n',
  },
};

const LINE = { tcp: "device.invalid:9100" };
/** What a driver must be told beside its line, and what makes it send most. */
const BESIDE: Readonly<Record<string, object>> = { modbus: { map: "conveyor-zone" }, escpos: { ask: "both" } };
const escaped = (bytes: string): string => JSON.stringify(bytes).slice(1, -1);

describe("what a dialect can send", () => {
  const dialects = DRIVERS.filter(({ requests }) => requests !== undefined);

  it.each(dialects.map(({ name }) => name))("%s sends these bytes and no others", (name) => {
    const driver = dialects.find((one) => one.name === name);
    const config = driver?.config.parse({ line: LINE, ...BESIDE[name] });
    const sent = Object.fromEntries(
      (driver?.requests?.(config) ?? []).map(({ name, bytes }) => [name, escaped(bytes)]),
    );
    expect(sent).toEqual(ALLOWED[name]);
  });

  it("is written out for each dialect", () => {
    expect(Object.keys(ALLOWED).sort()).toEqual(dialects.map(({ name }) => name).sort());
  });
});
