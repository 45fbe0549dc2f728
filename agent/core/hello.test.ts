import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answeredHello, helloCommunity, helloV3 } from "./hello.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
/** As a device would: the request's own bytes with the tag of a response. */
const responseTo = (request: Uint8Array): Uint8Array =>
  Uint8Array.from(request, (octet) => (octet === 0xa0 ? 0xa2 : octet));

describe("hello", () => {
  it("is the bytes that net-snmp's snmpget sends", () => {
    expect(hex(helloCommunity("2c", "public", 5))).toBe(
      "302602010104067075626c6963a019020105020100020100300e300c06082b060102010102000500",
    );
    expect(hex(helloCommunity("1", "x", 300)).slice(0, 22)).toBe("3022020100040178a01a02");
  });

  it("is known again by its id, however long the community", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 200 }), fc.nat(2 ** 31 - 1), (community, id) => {
        const request = helloCommunity("2c", community, id);
        expect(answeredHello(request)).toBeNull();
        const at = request.indexOf(0xa0, 5 + new TextEncoder().encode(community).length);
        const response = Uint8Array.from(request, (octet, n) => (n === at ? 0xa2 : octet));
        expect(answeredHello(response)).toBe(id);
      }),
    );
    expect(answeredHello(responseTo(helloV3(77)))).toBe(77);
  });

  it("takes nothing else for an answer, and never throws", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void answeredHello(bytes)));
    const whole = responseTo(helloCommunity("2c", "public", 5));
    for (let length = 0; length < whole.length; length++) expect(answeredHello(whole.subarray(0, length))).toBeNull();
    expect(answeredHello(new TextEncoder().encode("HTTP/1.1 400"))).toBeNull();
  });
});
