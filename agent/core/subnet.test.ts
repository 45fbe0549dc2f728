import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressesOf, compareAddresses, isInSubnets, parseSubnet, plainestAddress, type Subnet } from "./subnet.ts";

const subnet = (written: string): Subnet => {
  const parsed = parseSubnet(written);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
};

describe("subnets", () => {
  it.each([
    { written: "10.42.0.0/30", want: ["10.42.0.1", "10.42.0.2"] },
    { written: "10.42.0.7/30", want: ["10.42.0.5", "10.42.0.6"] },
    { written: "10.42.0.6/31", want: ["10.42.0.6", "10.42.0.7"] },
    { written: "10.42.0.7", want: ["10.42.0.7"] },
    { written: "10.42.0.7/32", want: ["10.42.0.7"] },
    { written: "FD00::7", want: ["fd00::7"] },
    { written: "fd00::7/128", want: ["fd00::7"] },
    { written: "fd00::7/127", want: ["fd00::6", "fd00::7"] },
    { written: "fd00:0:0:42::fffe/126", want: ["fc", "fd", "fe", "ff"].map((end) => `fd00:0:0:42::ff${end}`) },
  ])("$written is $want", ({ written, want }) => {
    expect(addressesOf([subnet(written)])).toEqual(want);
  });

  it.each([
    "",
    "shop",
    "10.42.0.0/33",
    "10.42.0/24",
    "10.42.0.256",
    "10.0.0.0/15",
    "0.0.0.0/0",
    "fd00::/64",
    "fd00::/111",
    "fd00::7/129",
    "fd00::1::7",
    "fd00:0:0:0:0:0:0:0:7",
    "10.0.0.7::",
    "fe80::7%eth0",
    "10.1.1.1/",
  ])("refuses %j", (written) => expect(parseSubnet(written).ok).toBe(false));

  it("has 65,534 addresses at most, each once, all inside, in their order", () => {
    expect(addressesOf([subnet("10.42.0.0/16"), subnet("10.42.7.0/24")])).toHaveLength(65_534);
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 22, max: 32 }), (address, prefix) => {
        const one = subnet(`${address}/${prefix}`);
        const addresses = addressesOf([one, one]);
        expect(new Set(addresses).size).toBe(addresses.length);
        expect(addresses.every((each) => isInSubnets(each, [one]))).toBe(true);
        expect([...addresses].sort(compareAddresses)).toEqual(addresses);
      }),
    );
    expect(["fd00::7", "10.0.0.10", "fd00::1", "10.0.0.9"].sort(compareAddresses)).toEqual([
      "10.0.0.9",
      "10.0.0.10",
      "fd00::1",
      "fd00::7",
    ]);
    expect(addressesOf([subnet("fd00:42::/112")])).toHaveLength(65_536);
    expect(isInSubnets("FD00:42:0::7", [subnet("fd00:42::/112")])).toBe(true);
    expect(isInSubnets("::a2a:7", [subnet("10.42.0.0/24")])).toBe(false);
    expect(isInSubnets("store.example", [subnet("10.0.0.0/24")])).toBe(false);
  });
});

describe("plainestAddress", () => {
  it.each([
    { written: "FD00:0:0:0:0:0:0:7", want: "fd00::7" },
    { written: "fd00:0:1:0:0:1:0:0", want: "fd00:0:1::1:0:0" },
    { written: "0:0:0:0:0:0:0:0", want: "::" },
    { written: "1:2:3:4:5:0:7:8", want: "1:2:3:4:5:0:7:8" },
    { written: "::ffff:10.0.0.7", want: "::ffff:a00:7" },
    { written: "10.0.0.7", want: "10.0.0.7" },
    { written: "printer-7", want: "printer-7" },
  ])("of $written is $want", ({ written, want }) => expect(plainestAddress(written)).toBe(want));

  it("is the same however an address is written, and stays", () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const plain = plainestAddress(address);
        expect(plain).toBe(new URL(`http://[${address}]/`).hostname.slice(1, -1));
        expect(plainestAddress(plain)).toBe(plain);
      }),
    );
  });
});
