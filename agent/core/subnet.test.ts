import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressesOf, compareAddresses, isInSubnets, parseSubnet, type Subnet } from "./subnet.ts";

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
    expect(isInSubnets("store.example", [subnet("10.0.0.0/24")])).toBe(false);
  });
});
