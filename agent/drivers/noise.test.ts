/**
 * Noise as it was captured on real lines (unstable clocks, glitches, another device's text) in place of a reply, before
 * and behind one, for every dialect: it may be no status at all, but it must never be a fault that somebody is sent for,
 * nor change what a good reply says.
 */
import { existsSync, readFileSync } from "node:fs";
import type { Value } from "@aislewatch/contract";
import { findMetric } from "@aislewatch/devices";
import { describe, expect, it } from "vitest";
import { recordedReply } from "../../test/rig/recorded-reply.ts";
import { loadDrivers } from "./index.ts";
import type { Replies } from "./request.ts";

const DRIVERS = await loadDrivers();

const CAPTURE = new URL("../../../shared/devices/captures/serial-noise.json", import.meta.url);
type Capture = { readonly captures: readonly { readonly note: string; readonly bytes: readonly { v: number }[] }[] };

const isHere = existsSync(CAPTURE);
const { captures } = isHere ? (JSON.parse(readFileSync(CAPTURE, "utf8")) as Capture) : { captures: [] };
const noises = captures.map(({ bytes }) => String.fromCharCode(...bytes.map(({ v }) => v)));

const BESIDE: Readonly<Record<string, object>> = { modbus: { map: "conveyor-zone" }, escpos: { ask: "both" } };
// Of Modbus a reply holds frames whose CRC was right, and no text: frames.test.ts has its noise.
const dialects = DRIVERS.filter(({ name, requests }) => requests !== undefined && name !== "modbus");

const UPS = 'BEGIN LIST VAR ups\nVAR ups ups.status "OL"\nEND LIST VAR ups\n';
/** What a device says that is well: a recording, or the reply itself. */
const WELL: Readonly<Record<string, string | Replies>> = {
  datalogic_scanner: "datalogic-scanner/testdata/magellan-framed",
  dpl: "dpl/testdata/e-4205-ready",
  epl: "epl/testdata/lp2824-fine",
  escpos: {
    ...Object.fromEntries(["printer", "offlineCause", "errorCause", "paper", "printerAgain"].map((n) => [n, "\u0012"])),
    queuedPaper: "\0",
    queuedDrawer: "\0",
  },
  honeywell_scanner: "honeywell-scanner/testdata/xenon",
  mt_sics: "mt-sics/testdata/bench-scale-at-rest",
  nci: "nci/testdata/bench-scale-at-zero",
  nut: { variables: UPS },
  sbpl: { status: "\u000201A0000000000000000000000\u0003" },
  sma: "sma/testdata/indicator-at-zero",
  star: "star/testdata/tsp-ready",
  toledo_8217: "toledo-8217/testdata/counter-scale-empty",
  tspl: { status: "\u0002@@@@\u0003\r\n", readiness: "\0", readinessAgain: "\0" },
  weight_lines: "weight-lines/testdata/kern-at-rest",
  zebra_ssi: "zebra-ssi/testdata/cordless",
  zpl: "zpl/testdata/zd421-printing",
};

/** Of a device that speaks this dialect: the metrics of a reply, each by its component and name. */
function listener(name: string) {
  const driver = dialects.find((one) => one.name === name);
  const config = driver?.config.parse({ line: { tcp: "device.invalid:9100" }, ...BESIDE[name] });
  const poller = driver?.open({ id: "d", kind: "host", config, secret: () => "" });
  const requests = driver?.requests?.(config) ?? [];
  const well = WELL[name] ?? {};
  const replies =
    typeof well === "string" ? recordedReply<Replies>(new URL(`${well}/reply.json`, import.meta.url)) : well;
  const hear = (said: Replies): ReadonlyMap<string, Value> => {
    const kept = requests.flatMap(({ name, keep }) => {
      const answer = said[name];
      return answer === undefined ? [] : [[name, answer === null ? null : (keep?.(answer) ?? answer)] as const];
    });
    const parsed = poller?.parse(Object.fromEntries(kept));
    const samples = parsed?.ok === true ? parsed.value.samples : [];
    return new Map(
      samples.flatMap(({ component, metrics }) =>
        Object.entries(metrics).map(([metric, value]) => [`${component ?? ""} ${metric}`, value]),
      ),
    );
  };
  return { questions: requests.map(({ name }) => name), well: replies, hear };
}

const isFault = (key: string, value: Value): boolean =>
  typeof value === "boolean" && findMetric(key.split(" ")[1] ?? "")?.bad === value;

const faults = (heard: ReadonlyMap<string, Value>): string[] =>
  [...heard].flatMap(([key, value]) => (isFault(key, value) ? [key] : []));

describe.skipIf(!isHere && process.env["CI"] === undefined)("captured noise", () => {
  it("is there", () => expect(noises.length).toBeGreaterThanOrEqual(3));

  describe.each(dialects.map(({ name }) => name))("to %s", (name) => {
    const { questions, well, hear } = listener(name);

    it.each(noises)("is no fault: %j", (noise) => {
      expect(faults(hear(Object.fromEntries(questions.map((question) => [question, noise]))))).toEqual([]);
    });

    it.each(noises)("changes nothing of what a good reply says: %j", (noise) => {
      const said = hear(well);
      expect(faults(said)).toEqual([]);
      const changed = Object.entries(well).flatMap(([question, answer]) =>
        [noise, `${noise}${answer ?? ""}`, `${answer ?? ""}${noise}`].flatMap((noisy) =>
          [...hear({ ...well, [question]: noisy })]
            .filter(([key, value]) => (said.has(key) ? said.get(key) !== value : isFault(key, value)))
            .map(([key, value]) => `${question} ${JSON.stringify(noisy)}: ${key} ${String(value)}`),
        ),
      );
      expect(changed).toEqual([]);
    });

    it("is tried on a device that says that it is well", () => expect(Object.keys(well).length).toBeGreaterThan(0));
  });
});
