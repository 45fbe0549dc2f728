import { DEVICE_ID_PATTERN } from "@aislewatch/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Found, kindOf, proposeIds, writeAgentYaml } from "./proposal.ts";
import { plainestAddress } from "./subnet.ts";

const found = (address: string, sysName: string, more: Partial<Found> = {}): Found => ({
  address,
  port: 161,
  sysName,
  sysDescr: "",
  sysObjectID: "",
  kind: "label_printer",
  profile: null,
  asset: {},
  keys: {},
  ...more,
});

describe("proposeIds", () => {
  it.each([
    { name: "the device's name", device: found("10.0.0.9", "Bäckerei_Drucker 1"), want: "backerei-drucker-1" },
    { name: "a full host name's first label", device: found("10.0.0.9", "till-7.shop.example"), want: "till-7" },
    { name: "no name", device: found("10.0.0.9", ""), want: "label-printer-0-9" },
    { name: "a name that says nothing", device: found("10.0.0.9", "Printer"), want: "label-printer-0-9" },
    { name: "an address for a name", device: found("10.0.0.9", "10.0.0.9"), want: "label-printer-0-9" },
    { name: "a hardware address for a name", device: found("10.0.0.9", "BRN008077D9B2A1"), want: "label-printer-0-9" },
    {
      name: "a serial number for a name",
      device: found("10.0.0.9", "D8J1", { asset: { serial: "D8J1" } }),
      want: "label-printer-0-9",
    },
    { name: "an IPv6 address", device: found("fd00::1:7", ""), want: "label-printer-1-7" },
    { name: "a name that is taken", device: found("10.0.0.9", "till-7"), taken: ["till-7"], want: "till-7-0-9" },
  ])("of $name is $want", ({ device, taken = [], want }) => {
    expect(proposeIds([device], new Set(taken)).get(device.address)).toBe(want);
  });

  it("are valid, unique, and the same in whatever order devices answered", () => {
    const device = fc.tuple(
      fc.oneof(fc.ipV4(), fc.ipV6().map(plainestAddress)),
      fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("till", "a.b", "UPS")),
    );
    const devices = fc.uniqueArray(device, { selector: ([address]) => address, maxLength: 20 });
    fc.assert(
      fc.property(devices, (some) => {
        const list = some.map(([address, name]) => found(address, name));
        const ids = proposeIds(list, new Set(["till"]));
        expect(new Set(ids.values()).size).toBe(list.length);
        for (const id of ids.values()) expect(id).toMatch(DEVICE_ID_PATTERN);
      }),
    );
    const near = proposeIds([found("fd00::1:0:7", ""), found("fd00::1:7", "")], new Set());
    expect(new Set(near.values()).size).toBe(2);
    const list = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((address) => found(address, "till"));
    expect(proposeIds([...list].reverse(), new Set())).toEqual(proposeIds(list, new Set()));
  });
});

describe("kindOf", () => {
  it.each([
    { known: "ups" as const, sysDescr: "a printer", services: null, want: "ups" },
    { known: null, sysDescr: "Acme Thermal Label 4", services: 72, want: "label_printer" },
    { known: null, sysDescr: "Acme", services: 2, want: "network_switch" },
    { known: null, sysDescr: "Acme", services: 6, want: "router" },
    { known: null, sysDescr: "Acme", services: 72, want: "host" },
    { known: null, sysDescr: "", services: null, want: "host" },
  ])("$sysDescr with services $services is $want", ({ known, sysDescr, services, want }) => {
    expect(kindOf(known, { sysDescr, services })).toBe(want);
  });
});

it("lets no device's text end a comment or a string", () => {
  const evil = 'x"\n  - id: evil\r\u2028devices: []\u0000';
  const device = { ...found("10.0.0.9", evil, { sysDescr: evil }), id: "a", behind: { on: "sw", port: evil } };
  const top = { site: "s", agent: "a", origin: evil, profiles: null };
  const lines = writeAgentYaml([device], top).split(/[\n\r\u2028]/);
  expect(lines.filter((line) => /^\s*- id:/.test(line))).toEqual(["  - id: a"]);
  expect(lines.filter((line) => line.startsWith("devices"))).toEqual(["devices:"]);
});

it("lets no device's text turn a line around", () => {
  const device = { ...found("10.0.0.9", "till\u202e1", { sysDescr: "Acme \u2066\u202e7" }), id: "a", behind: null };
  const top = { site: "s", agent: "a", origin: "discover", profiles: null };
  expect(writeAgentYaml([device], top)).not.toMatch(/\p{Cf}/u);
});
