import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRecording, writeRecording } from "./recording.ts";

const varbinds = (text: string): unknown => {
  const read = parseRecording(text, 7);
  return read.ok ? read.value.recording.varbinds : read.error;
};

describe("parseRecording", () => {
  it.each<{ name: string; line: string; want: unknown }>([
    { name: "text", line: '.1.3.6.1.2.1.1.5.0 = STRING: "till 7"', want: { type: "text", value: "till 7" } },
    { name: "text over lines", line: '.1.3.6.1.2.1.1.5.0 = STRING: "a\nb"', want: { type: "text", value: "a\nb" } },
    {
      name: "text with quotes",
      line: '.1.3.6.1.2.1.1.5.0 = STRING: "a \\"b\\""',
      want: { type: "text", value: 'a "b"' },
    },
    { name: "empty text", line: '.1.3.6.1.2.1.1.5.0 = ""', want: { type: "text", value: "" } },
    {
      name: "octets over lines",
      line: "1.3.6.1.2.1.1.5.0 = Hex-STRING: 00 1B \nA9 \n",
      want: { type: "hex", value: "001ba9" },
    },
    { name: "named bits", line: "1.3.6.1.2.1.1.5.0 = BITS: 80 00 lowPaper(0)", want: { type: "hex", value: "8000" } },
    { name: "an enumeration", line: "1.3.6.1.2.1.1.5.0 = INTEGER: up(1)", want: { type: "integer", value: 1 } },
    {
      name: "a unit behind a number",
      line: "1.3.6.1.2.1.1.5.0 = INTEGER: -75 dBm",
      want: { type: "integer", value: -75 },
    },
    { name: "a number without a type", line: "1.3.6.1.2.1.1.5.0 = 8074", want: { type: "integer", value: 8074 } },
    { name: "ticks", line: "1.3.6.1.2.1.1.5.0 = Timeticks: (8074) 0:01:20.74", want: { type: "ticks", value: 8074 } },
    { name: "a counter", line: "1.3.6.1.2.1.1.5.0 = Counter32: 12", want: { type: "counter", value: 12 } },
    {
      name: "a counter beyond 2^53",
      line: "1.3.6.1.2.1.1.5.0 = Counter64: 18446744073709551615",
      want: { type: "counter64", value: "18446744073709551615" },
    },
    { name: "an address", line: "1.3.6.1.2.1.1.5.0 = IpAddress: 10.1.2.3", want: { type: "ip", value: "10.1.2.3" } },
    {
      name: "an old address",
      line: "1.3.6.1.2.1.1.5.0 = Network Address: 0A:01:02:03",
      want: { type: "ip", value: "10.1.2.3" },
    },
    {
      name: "an OID by name",
      line: "iso.3.6.1.2.1.1.5.0 = OID: SNMPv2-SMI::enterprises.318.1",
      want: { type: "oid", value: "1.3.6.1.4.1.318.1" },
    },
    {
      name: "a wrong type",
      line: "1.3.6.1.2.1.1.5.0 = Wrong Type (should be INTEGER): Gauge32: 5",
      want: { type: "gauge", value: 5 },
    },
    { name: "a scalar by its name", line: "SNMPv2-MIB::sysName.0 = STRING: x", want: { type: "text", value: "x" } },
    { name: "a float", line: "1.3.6.1.2.1.1.5.0 = Opaque: Float: 1.500000", want: { type: "float", value: 1.5 } },
    { name: "snmprec text", line: "1.3.6.1.2.1.1.5.0|4|till|7", want: { type: "text", value: "till|7" } },
    { name: "snmprec hex", line: ".1.3.6.1.2.1.1.5.0|4x|00ff", want: { type: "hex", value: "00ff" } },
    { name: "snmprec address as hex", line: "1.3.6.1.2.1.1.5.0|64x|0a010203", want: { type: "ip", value: "10.1.2.3" } },
    { name: "snmprec OID", line: "1.3.6.1.2.1.1.5.0|6|.1.3.6.1", want: { type: "oid", value: "1.3.6.1" } },
  ])("reads $name", ({ line, want }) => {
    expect(varbinds(line)).toEqual({ "1.3.6.1.2.1.1.5.0": want });
  });

  it("counts what it can't read, and keeps the first of two values", () => {
    const text =
      "# a comment\n1.3.6.1.2.1.1.5.0|4|a\n1.3.6.1.2.1.1.5.0|4|b\n1.3.6.1.xx.1|4|c\n1.3.6.1.2|67:numeric|d\n";
    const read = parseRecording(text, 7);
    if (!read.ok) throw new Error(read.error);
    expect(read.value.recording.varbinds).toEqual({ "1.3.6.1.2.1.1.5.0": { type: "text", value: "a" } });
    expect([read.value.format, read.value.unread, read.value.recording.at]).toEqual(["snmprec", 2, 7]);
  });

  it("leaves out what a device said it does not have", () => {
    expect(varbinds("1.3.6.1.2.1.1.5.0 = No Such Object available\n1.3.6.1.2.1.1.6.0 = STRING: x")).toEqual({
      "1.3.6.1.2.1.1.6.0": { type: "text", value: "x" },
    });
  });

  it.each([
    { name: "no recording", text: "hello\n", want: /expected a recording/ },
    { name: "half a JSON", text: '{"recording":1,', want: /ends early or is no JSON/ },
    { name: "JSON of something else", text: "{}", want: /with the key "varbinds"/ },
    { name: "a later version", text: '{"recording":2,"varbinds":{}}', want: /of version 1; received 2/ },
    { name: "nothing in it", text: '{"recording":1,"varbinds":{"1.3":5}}', want: /holds no value/ },
  ])("refuses $name", ({ text, want }) => {
    expect(varbinds(text)).toMatch(want);
  });

  it("never throws, whatever the file holds", () => {
    const line = fc.oneof(
      fc.string(),
      fc.string().map((tail) => `1.3.6.1.2.1.1.5.0|${tail}`),
      fc.tuple(fc.nat(100), fc.string()).map(([tag, tail]) => `1.3.6.1.2|${tag}|${tail}`),
      fc.string().map((tail) => `.1.3.6.1 = ${tail}`),
      fc.string().map((tail) => `.1.3.6.1 = INTEGER: ${tail}`),
    );
    fc.assert(fc.property(fc.array(line, { maxLength: 20 }), (lines) => void parseRecording(lines.join("\n"), 0)));
    fc.assert(fc.property(fc.json(), (json) => void parseRecording(json, 0)));
  });

  it("reads what it writes", () => {
    const text = "1.3.6.1.2.1.1.5.0|4x|00ff\n1.3.6.1.2.1.1.3.0|67|5\n1.3.6.1.2.1.1.10.0|70|18446744073709551615\n";
    const read = parseRecording(text, 7);
    if (!read.ok) throw new Error(read.error);
    const again = parseRecording(writeRecording(read.value.recording), 9);
    expect(again.ok && again.value.recording).toEqual(read.value.recording);
  });
});
