import { describe, expect, it } from "vitest";
import { addressRefusal } from "./address-policy.ts";

describe("the addresses that a webhook may lead to", () => {
  it.each([
    { address: "93.184.215.14", anywhere: true, inside: true },
    { address: "2606:2800:21f:cb07:6820:80da:af6b:8b2c", anywhere: true, inside: true },
    { address: "127.0.0.1", anywhere: false, inside: true },
    { address: "::1", anywhere: false, inside: true },
    { address: "::ffff:127.0.0.1", anywhere: false, inside: true },
    { address: "10.1.2.3", anywhere: false, inside: true },
    { address: "172.31.255.255", anywhere: false, inside: true },
    { address: "172.32.0.1", anywhere: true, inside: true },
    { address: "192.168.1.1", anywhere: false, inside: true },
    { address: "100.64.0.1", anywhere: false, inside: true },
    { address: "fd12::1", anywhere: false, inside: true },
    { address: "64:ff9b::7f00:1", anywhere: false, inside: true },
    { address: "169.254.169.254", anywhere: false, inside: false },
    { address: "::ffff:169.254.169.254", anywhere: false, inside: false },
    { address: "fd00:ec2::254", anywhere: false, inside: false },
    { address: "fe80::1", anywhere: false, inside: false },
    { address: "0.0.0.0", anywhere: false, inside: false },
    { address: "255.255.255.255", anywhere: false, inside: false },
    { address: "printer", anywhere: false, inside: false },
  ])("$address: $anywhere without private, $inside with it", ({ address, anywhere, inside }) => {
    expect(addressRefusal(address, false) === null).toBe(anywhere);
    expect(addressRefusal(address, true) === null).toBe(inside);
  });
});
