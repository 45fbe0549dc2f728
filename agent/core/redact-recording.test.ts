/** Redaction as a law over made-up devices, and over every recording of a real one beside the repository. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  evaluateProfile,
  isWithin,
  loadBuiltinProfiles,
  matchProfile,
  octetsOf,
  octetsValue,
  probeOids,
  type SnmpReply,
  type SnmpValue,
} from "@aislewatch/devices";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRecording, type Recording, writeRecording } from "./recording.ts";
import { redactRecording, serialOids } from "./redact-recording.ts";

const text = (value: string): SnmpValue => octetsValue(new TextEncoder().encode(value));
const octets = (...value: number[]): SnmpValue => octetsValue(Uint8Array.from(value));
const recordingOf = (varbinds: Readonly<Record<string, SnmpValue>>): Recording => ({
  recording: 1,
  at: 0,
  redacted: false,
  cutShort: null,
  varbinds,
});
const redacted = (varbinds: Readonly<Record<string, SnmpValue>>): Readonly<Record<string, SnmpValue>> =>
  redactRecording(recordingOf(varbinds)).recording.varbinds;

describe("redactRecording", () => {
  it("takes a serial number of digits only, but not a name of digits only", () => {
    expect(
      redacted({
        "1.3.6.1.2.1.1.5.0": text("42"),
        "1.3.6.1.2.1.43.5.1.1.17.1": text("27120560201"),
        "1.3.6.1.4.1.9.1.0": text("unit 42 no 27120560201"),
      }),
    ).toEqual({
      "1.3.6.1.2.1.1.5.0": text("42"),
      "1.3.6.1.2.1.43.5.1.1.17.1": text("X0000000001"),
      "1.3.6.1.4.1.9.1.0": text("unit 42 no X0000000001"),
    });
  });

  it.each([
    {
      descr: "Linux shop42-pc 6.1.0-28-amd64 #1 SMP Debian x86_64",
      want: "Linux name-1 6.1.0-28-amd64 #1 SMP Debian x86_64",
    },
    { descr: "FreeBSD shop42-pc 13.2-RELEASE", want: "FreeBSD name-1 13.2-RELEASE" },
    { descr: "Linux kernel of shop42-pc", want: "Linux kernel of shop42-pc" },
  ])("takes the name of the host out of $descr, though sysName is another", ({ descr, want }) => {
    const out = redacted({ "1.3.6.1.2.1.1.1.0": text(descr), "1.3.6.1.2.1.1.5.0": text("localhost") });
    expect(out["1.3.6.1.2.1.1.1.0"]).toEqual(text(want));
  });

  it("leaves out where a router is", () => {
    expect(redacted({ "1.3.6.1.4.1.48690.3.1.0": text("-12.345678") })).toEqual({});
  });

  it("replaces one hardware address alike in octets, text, longer text and row indexes", () => {
    const mac = [0x00, 0x1b, 0xa9, 0x12, 0x34, 0x56];
    expect(
      redacted({
        "1.3.6.1.2.1.2.2.1.6.1": octets(...mac),
        "1.3.6.1.2.1.2.2.1.2.1": text("eth0 00:1B:A9:12:34:56"),
        "1.3.6.1.2.1.17.4.3.1.2.0.27.169.18.52.86": { type: "integer", value: 7 },
        "1.3.6.1.4.1.99999.1.1.0": text("BRN001BA9123456 001b.a912.3456"),
      }),
    ).toEqual({
      "1.3.6.1.2.1.2.2.1.2.1": text("eth0 02:00:53:00:00:01"),
      "1.3.6.1.2.1.2.2.1.6.1": octets(2, 0, 0x53, 0, 0, 1),
      "1.3.6.1.2.1.17.4.3.1.2.2.0.83.0.0.1": { type: "integer", value: 7 },
      "1.3.6.1.4.1.99999.1.1.0": text("BRN020053000001 0200.5300.0001"),
    });
  });

  it.each<{ name: string; oid: string; value: string; want: string }>([
    { name: "a host's name", oid: "1.3.6.1.2.1.1.5.0", value: "till-7.store42.example.net", want: "name-1" },
    { name: "a place", oid: "1.3.6.1.2.1.1.6.0", value: "Riverside, 1st floor", want: "location-1" },
    { name: "a person", oid: "1.3.6.1.2.1.1.4.0", value: "Jo <jo@shop.example>", want: "contact-1" },
    {
      name: "an address of a person",
      oid: "1.3.6.1.4.1.9.1.0",
      value: "to jo@shop.example",
      want: "to contact-1@example.com",
    },
    { name: "a name that is none", oid: "1.3.6.1.2.1.1.5.0", value: "localhost", want: "localhost" },
    {
      name: "a serial number keeps its length",
      oid: "1.3.6.1.2.1.43.5.1.1.17.1",
      value: "VNB0042K31",
      want: "X000000001",
    },
    {
      name: "a serial number in a longer text",
      oid: "1.3.6.1.4.1.9.1.0",
      value: "Toner S/N:CRUM-160 ok",
      want: "Toner S/N:X0000001 ok",
    },
    {
      name: "a 1284 device id",
      oid: "1.3.6.1.4.1.9.1.0",
      value: "MFG:A;MDL:B;SERN:7711A;",
      want: "MFG:A;MDL:B;SERN:X0001;",
    },
    { name: "a SIM card's subscriber", oid: "1.3.6.1.4.1.99.7.0", value: "001010123456789", want: "X00000000000001" },
    { name: "a SIM card", oid: "1.3.6.1.4.1.99.7.0", value: "8999101200003204510", want: "X000000000000000001" },
    {
      name: "an address of which each letter is spelt",
      oid: "1.3.6.1.2.1.2.2.1.6.1",
      value: "30:30:3a:31:62:3a:61:39:3a:31:32:3a:33:34:3a:35",
      want: `X${"1".padStart(46, "0")}`,
    },
    {
      name: "a vendor's word like a serial number",
      oid: "1.3.6.1.4.1.99.7.0",
      value: "D8J194200471",
      want: "X00000000001",
    },
    { name: "a private address", oid: "1.3.6.1.4.1.9.1.0", value: "log to 10.1.2.3:514", want: "log to 192.0.2.1:514" },
    {
      name: "a version is no address",
      oid: "1.3.6.1.4.1.9.1.0",
      value: "Version 10.4.0.17",
      want: "Version 10.4.0.17",
    },
    { name: "a mask is no address", oid: "1.3.6.1.4.1.9.1.0", value: "255.255.255.0", want: "255.255.255.0" },
    { name: "an IPv6 address", oid: "1.3.6.1.4.1.9.1.0", value: "via fe80::1234:5", want: "via 2001:db8::1" },
    { name: "a time is no address", oid: "1.3.6.1.4.1.9.1.0", value: "12:34:56", want: "12:34:56" },
    { name: "a community", oid: "1.3.6.1.4.1.9.1.0", value: "community=s3cret, x", want: "community=secret-1, x" },
    {
      name: "arguments of a program",
      oid: "1.3.6.1.2.1.25.4.2.1.5.7",
      value: "--user jo -p hunter2",
      want: "arguments-1",
    },
    {
      name: "a person's folder",
      oid: "1.3.6.1.2.1.25.4.2.1.4.7",
      value: "C:\\Users\\jo.doe\\app.exe",
      want: "C:\\Users\\user-1\\app.exe",
    },
    {
      name: "a document",
      oid: "1.3.6.1.2.1.43.16.5.1.2.1.1",
      value: "Printing salaries-2026.xlsx",
      want: "Printing document-1.xlsx",
    },
    {
      name: "a card number",
      oid: "1.3.6.1.4.1.9.1.0",
      value: "read 4111 1111 1111 1111",
      want: "read [PAN:luhn:len16]",
    },
    { name: "a port's label", oid: "1.3.6.1.2.1.31.1.1.1.18.3", value: "Till of Jo", want: "label-1" },
  ])("$name: $value", ({ oid, value, want }) => {
    expect(redacted({ [oid]: text(value) })[oid]).toEqual(text(want));
  });

  it("leaves out tables of people and peers, and rows that spell a name in their index", () => {
    const { recording, leftOut } = redactRecording(
      recordingOf({
        "1.3.6.1.2.1.1.5.0": text("alpha"),
        "1.3.6.1.2.1.4.21.1.1.10.0.0.0": { type: "ip", value: "10.0.0.0" },
        "1.3.6.1.4.1.77.1.2.25.1.1.5.97.108.105.99.101": text("alice"),
        "1.3.6.1.4.1.99999.5.1.5.97.108.112.104.97": { type: "integer", value: 1 },
        "1.3.6.1.4.1.99999.5.1.4.98.101.116.97": { type: "integer", value: 1 },
      }),
    );
    expect(Object.keys(recording.varbinds)).toEqual(["1.3.6.1.2.1.1.5.0", "1.3.6.1.4.1.99999.5.1.4.98.101.116.97"]);
    expect(leftOut).toBe(3);
  });

  it("keeps what recognises the device, even where it is its name, too", () => {
    const { recording } = redactRecording(
      recordingOf({ "1.3.6.1.2.1.1.1.0": text("Acme Box 7"), "1.3.6.1.2.1.1.5.0": text("Acme Box") }),
      { keep: ["Acme Box 7"] },
    );
    expect(recording.varbinds["1.3.6.1.2.1.1.1.0"]).toEqual(text("Acme Box 7"));
  });

  it("takes a version like an address and an order number like a serial number for what they are", () => {
    const varbinds = { "1.3.6.1.4.1.9.1.0": text("10.7.1.0"), "1.3.6.1.4.1.9.2.0": text("RUTX11000200") };
    expect(redacted(varbinds)).not.toEqual(varbinds);
    const { recording } = redactRecording(recordingOf(varbinds), { keep: ["10.7.1.0", "RUTX11"] });
    expect(recording.varbinds).toEqual(varbinds);
  });

  /** Devices full of secrets, each in every form and place that SNMP has for it. */
  const word = fc.stringMatching(/^[a-z]{4,10}[0-9]{2,4}$/);
  const mac = fc
    .tuple(fc.constantFrom(0x00, 0x3c, 0xac), ...Array.from({ length: 5 }, () => fc.integer({ min: 0, max: 255 })))
    .filter((bytes) => bytes.some((byte) => byte > 0));
  const ip = fc.tuple(fc.constantFrom(10, 172, 193), fc.nat(255), fc.nat(255), fc.integer({ min: 33, max: 254 }));
  const secrets = fc.record({ name: word, place: word, person: word, serial: word, mac, ip });
  /** What the rules look for, in every neighbourhood. */
  const bait = fc.constantFrom(
    ...["10.1.2.3", "S/N:", "serial ", "jo@x.example", "password=", "C:\\Users\\", "a.pdf", "AB12CD34", " ", "name-1"],
    ...["X0001", ":", ".", "-", "fe80::1", "00:1b:a9:01:02:03", "001ba9010203", "host.shop.local", "4111111111111111"],
  );
  const noise = fc.dictionary(
    fc.nat(999).map((n) => `1.3.6.1.4.1.4242.1.${n}.0`),
    fc.oneof(
      fc.uint8Array({ maxLength: 24 }).map((bytes) => octetsValue(bytes)),
      fc.string({ maxLength: 24 }).map(text),
      fc.array(bait, { maxLength: 6 }).map((words) => text(words.join(""))),
    ),
    { maxKeys: 8 },
  );
  type Secrets = typeof secrets extends fc.Arbitrary<infer T> ? T : never;

  const hex = (bytes: readonly number[], separator: string): string =>
    bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(separator);
  const device = ({ name, place, person, serial, mac: hardware, ip: address }: Secrets): Record<string, SnmpValue> => ({
    "1.3.6.1.2.1.1.1.0": text(`Linux ${name} 5.10 ${hex(hardware, "-").toUpperCase()}`),
    "1.3.6.1.2.1.1.4.0": text(person),
    "1.3.6.1.2.1.1.5.0": text(name),
    "1.3.6.1.2.1.1.6.0": text(place),
    "1.3.6.1.2.1.2.2.1.6.1": octets(...hardware),
    [`1.3.6.1.2.1.4.20.1.1.${address.join(".")}`]: { type: "ip", value: address.join(".") },
    [`1.3.6.1.2.1.4.22.1.2.1.${address.join(".")}`]: octets(...hardware),
    "1.3.6.1.2.1.43.5.1.1.17.1": text(serial),
    [`1.3.6.1.4.1.4243.1.1.2.${hardware.join(".")}`]: text(`${place}/${person}: ${address.join(".")}`),
    "1.3.6.1.4.1.4243.1.2.0": text(`serial ${serial.toUpperCase()} mac ${hex(hardware, "")}`),
    [`1.3.6.1.4.1.4243.1.3.${[...name].map((char) => char.charCodeAt(0)).join(".")}`]: text("spelt"),
  });
  const everything = (varbinds: Readonly<Record<string, SnmpValue>>): string =>
    Object.entries(varbinds)
      .map(
        ([oid, value]) => `${oid}| ${Buffer.from(octetsOf(value) ?? []).toString("latin1")} ${JSON.stringify(value)}`,
      )
      .join("\n")
      .toLowerCase();

  it("leaves no secret in any form, whatever stands around it", () => {
    fc.assert(
      fc.property(secrets, noise, (hidden, around) => {
        const out = redacted({ ...around, ...device(hidden) });
        const said = everything(out);
        for (const secret of [hidden.name, hidden.place, hidden.person, hidden.serial])
          expect(said).not.toContain(secret);
        const { mac: hardware, ip: address } = hidden;
        for (const separator of [":", "-", ""]) expect(said).not.toContain(hex(hardware, separator));
        expect(said).not.toContain(`.${hardware.join(".")}|`);
        expect(said).not.toContain(`"${address.join(".")}"`);
        expect(said).not.toContain(`.${address.join(".")}|`);
        const spelt = [...hidden.name].map((char) => char.charCodeAt(0)).join(".");
        expect(said).not.toContain(spelt);
      }),
      { numRuns: 300 },
    );
  });

  it("changes nothing the second time", () => {
    fc.assert(
      fc.property(secrets, secrets, noise, (one, two, around) => {
        const first = redactRecording(recordingOf({ ...device(two), ...around, ...device(one) }));
        const second = redactRecording(first.recording);
        expect(second.recording).toEqual(first.recording);
        expect([second.replaced, second.leftOut]).toEqual([{}, 0]);
      }),
      { numRuns: 300 },
    );
  });

  it("says the same of the same value wherever it stands, and other things of others", () => {
    fc.assert(
      fc.property(fc.uniqueArray(word, { minLength: 2, maxLength: 12 }), (names) => {
        const cells = names.flatMap((name, n) => [
          [`1.3.6.1.2.1.47.1.1.1.1.14.${n + 1}`, text(name)],
          [`1.3.6.1.4.1.4244.1.${n + 1}.0`, text(`[${name.toUpperCase()}]`)],
        ]);
        const out = redacted(Object.fromEntries(cells) as Record<string, SnmpValue>);
        const seen = names.map((_, n) => {
          const alone = String(out[`1.3.6.1.2.1.47.1.1.1.1.14.${n + 1}`]?.value);
          expect(out[`1.3.6.1.4.1.4244.1.${n + 1}.0`]).toEqual(text(`[${alone}]`));
          return alone;
        });
        // A name inside of another name can't be told apart from it there.
        const apart = names.filter((name) => !names.some((other) => other !== name && other.includes(name)));
        if (apart.length === names.length) expect(new Set(seen).size).toBe(names.length);
      }),
    );
  });
});

const folder = fileURLToPath(new URL("../../../shared/devices/", import.meta.url));
const files = ["snmprec", "snmpwalk"].flatMap((kind) =>
  existsSync(folder + kind)
    ? readdirSync(folder + kind)
        .filter((name) => name.endsWith(`.${kind}`))
        .map((name) => `${kind}/${name}`)
    : [],
);
const profiles = loadBuiltinProfiles();

function evaluate(reply: SnmpReply) {
  const oids = Object.keys(reply.varbinds);
  const present = new Set(probeOids(profiles).filter((probe) => oids.some((oid) => isWithin(oid, probe))));
  const facts = {
    sysObjectID: String(reply.varbinds["1.3.6.1.2.1.1.2.0"]?.value ?? ""),
    sysDescr: String(reply.varbinds["1.3.6.1.2.1.1.1.0"]?.value ?? ""),
    present,
  };
  const profile = matchProfile(profiles, facts);
  return {
    profile: profile?.name,
    ...(profile === null ? { samples: [], asset: {} } : evaluateProfile(profile, reply)),
  };
}

if (files.length === 0) console.warn("no recordings in ../shared/devices: redaction was not tried on real devices");

describe.skipIf(files.length === 0 && process.env["CI"] === undefined)("recordings of real devices, redacted", () => {
  it("stand in ../shared/devices", () => {
    console.info(`${files.length} recordings of real devices redacted`);
    expect(files.length).toBeGreaterThan(50);
  });

  it.each(files)("%s tells the same of the device, and nothing of its place", (file) => {
    const read = parseRecording(readFileSync(folder + file, "latin1"), 0);
    if (!read.ok) throw new Error(read.error);
    const original = read.value.recording;
    const before = evaluate(original);
    const { vendor, model, firmware, serial } = before.asset as Record<string, string | undefined>;
    const keep = [vendor, model, firmware].filter((known) => known !== undefined);
    const secrets = serial === undefined ? [] : [{ class: "serial" as const, text: serial }];
    const { recording } = redactRecording(original, { keep, secrets, serialOids: serialOids(profiles) });
    const after = evaluate(recording);
    const { serial: hidden, ...known } = after.asset as Record<string, string | undefined>;
    expect(after.profile).toBe(before.profile);
    expect(known).toEqual(
      Object.fromEntries(Object.entries({ vendor, model, firmware }).filter(([, v]) => v !== undefined)),
    );
    if (serial !== undefined && /[a-z0-9]{4}/i.test(serial) && !/^(.)\1*$/.test(serial))
      expect(hidden).not.toBe(serial);
    expect(after.samples.map(({ metrics }) => metrics)).toEqual(before.samples.map(({ metrics }) => metrics));

    const macs = Object.entries(original.varbinds)
      .filter(([oid, value]) => oid.startsWith("1.3.6.1.2.1.2.2.1.6.") && octetsOf(value)?.length === 6)
      .map(([, value]) => Buffer.from(octetsOf(value) ?? []).toString("hex"))
      .filter((mac) => !/^0+$|^.[13579bdf]/.test(mac));
    const said = JSON.stringify(recording.varbinds).toLowerCase();
    for (const mac of macs) {
      expect(said).not.toContain(mac);
      expect(said).not.toContain(mac.replace(/(?!^)(?=(?:..)+$)/g, ":"));
    }
    expect(redactRecording(recording, { keep, serialOids: serialOids(profiles) }).recording).toEqual(recording);
    const again = parseRecording(writeRecording(recording), 1);
    expect(again).toEqual({ ok: true, value: { recording, format: "json", unread: 0 } });
  });
});
