import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { itReadsEachOf } from "../../../test/rig/recorded-cases.ts";
import { attributesOf, packetsOf } from "./packets.ts";
import { about, isWholeAttribute, isWholeRevision, keepAttribute, keepRevision, METRICS, parse } from "./parse.ts";
import { requests } from "./requests.ts";

const CASES = new URL("testdata/", import.meta.url);
const CAPTURE = new URL("../../../../shared/devices/captures/scanners/zebra-ssi-packets.json", import.meta.url);
const json = <T>(url: URL): T => JSON.parse(readFileSync(url, "utf8")) as T;

function packet(opcode: number, data: string, source = 0): string {
  const body = `${String.fromCharCode(4 + data.length, opcode, source, 0)}${data}`;
  const sum = Array.from(body).reduce((total, one) => total + one.charCodeAt(0), 0);
  return `${body}${String.fromCharCode((-sum >> 8) & 0xff, -sum & 0xff)}`;
}
const REVISION = packet(0xa4, "NBRXQAAS 4 SE950 0");
const NAK = packet(0xd1, "\u0002");
const SCAN = packet(0xf3, "\u000b4006381333931");

describe("parse", () => {
  itReadsEachOf(CASES, parse, METRICS);

  it.runIf(existsSync(CAPTURE))("reads what a ring scanner said", () => {
    const { packets } = json<{ readonly packets: readonly { readonly hex: string }[] }>(CAPTURE);
    const said = packets.map(({ hex }) => Buffer.from(hex, "hex").toString("latin1"));
    expect(said.map((text) => packetsOf(text).flatMap(attributesOf))).toEqual([
      [
        { id: 533, value: "RS51B0-TBSNWR" },
        { id: 534, value: "S20140523020144" },
      ],
      [],
    ]);
    expect(said.map((text) => isWholeAttribute(text))).toEqual([true, true]);
    const parsed = parse({ revision: REVISION, model: said[0] ?? "", serial: said[0] ?? "" });
    expect(parsed).toMatchObject({
      value: { asset: { vendor: "Zebra", model: "RS51B0-TBSNWR", serial: "S20140523020144", firmware: "NBRXQAAS" } },
    });
  });

  it("takes a charge above 100 for none", () => {
    const attribute = (value: string): string =>
      packet(0x80, `\0\u000b\u0002\0\u0075\u0042B\u0001${value}\u00ff\u00ff`);
    const charge = (value: string): unknown => {
      const parsed = parse({ revision: REVISION, charge: attribute(value) });
      return parsed.ok ? parsed.value.samples[0]?.metrics["battery_charge_percent"] : "nothing";
    };
    expect([charge("\u0006"), charge("d"), charge("\u00ff")]).toEqual([6, 100, undefined]);
  });

  it("takes a NAK for a sign of life", () => {
    expect(isWholeRevision(NAK)).toBe(true);
    expect(parse({ revision: NAK })).toEqual({ ok: true, value: { samples: [{ component: null, metrics: {} }] } });
  });

  it("takes nothing from a packet of the host, of a wrong checksum, or of what was scanned", () => {
    const damaged = `${REVISION.slice(0, -1)}\u0000`;
    for (const said of ["", packet(0xa4, "x", 4), damaged, SCAN]) {
      expect(isWholeRevision(said)).toBe(false);
      expect(parse({ revision: said }).ok).toBe(false);
    }
  });

  it("says its revision to a person", () =>
    expect(about({ revision: REVISION })).toEqual([["revision", "NBRXQAAS 4 SE950 0"]]));
});

describe("keep", () => {
  it("drops what is scanned, and an answer that lies within it", () => {
    expect(keepRevision(`${SCAN}${REVISION}${SCAN}noise`)).toBe(REVISION);
    expect(keepRevision(packet(0xf3, `\u000b${REVISION}`))).toBe("");
    expect(keepAttribute(533)(`${SCAN}${NAK}${SCAN}`)).toBe(NAK);
  });

  it("finds the next good packet one byte after a bad one, wherever the bytes are cut", () => {
    // Lengths below four begin no packet, so that noise can't hold the answer within a longer one.
    const noise = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 40 });
    fc.assert(
      fc.property(noise, fc.nat(REVISION.length - 1), (before, cut) => {
        const damaged = `${REVISION.slice(0, cut)}`;
        const said = `${String.fromCharCode(...before)}${damaged}${REVISION}`;
        expect(keepRevision(`${said}`)).toBe(REVISION);
        expect(isWholeRevision(said.slice(0, before.length + cut))).toBe(false);
      }),
    );
  });

  it("never throws, whatever bytes come", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 600 }), (said) => {
        void parse({ revision: said, model: said, charge: said });
        void packetsOf(packet(0x80, said.slice(0, 200))).flatMap(attributesOf);
        keepAttribute(533)(said);
      }),
    );
  });
});

describe("requests", () => {
  it("acknowledge nothing and set nothing", () => {
    const opcodes = requests.map(({ bytes }) => [bytes.charCodeAt(1), bytes.charCodeAt(6)]);
    for (const [opcode, command] of opcodes) {
      expect(opcode === 0xa3 || (opcode === 0x80 && command === 2)).toBe(true);
    }
  });
});
