import fc from "fast-check";
import { generate } from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { createLengthGuard } from "./length-guard.ts";

const publish = (bytes: number) =>
  generate({ cmd: "publish", topic: "t", payload: Buffer.alloc(bytes), qos: 0, dup: false, retain: false });

/** Cuts the bytes where the numbers say. */
function chunks(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

describe("length guard", () => {
  it("lets packets within the limit pass, however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(900), { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 20 }), (sizes, cuts) => {
        const guard = createLengthGuard(1_000);
        const stream = Buffer.concat(sizes.map(publish));
        expect(
          chunks(stream, cuts)
            .map((chunk) => [guard.check(chunk), chunk.length] as const)
            .every(([{ complaint, take }, length]) => complaint === null && take === length),
        ).toBe(true);
      }),
    );
  });

  it("stops a longer packet at its header, before its body has come", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_001, max: 400_000 }), fc.nat(900), (size, before) => {
        const guard = createLengthGuard(1_000);
        expect(guard.check(publish(before)).complaint).toBeNull();
        expect(guard.check(publish(size).subarray(0, 5)).complaint).toMatch(/more than 1000 bytes/);
      }),
    );
  });

  it("refuses a length of five bytes", () => {
    expect(createLengthGuard(2 ** 31).check(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0xff, 0x01)).complaint).toMatch(
      /four bytes/,
    );
  });

  it("allows longer messages after sign-in, and nothing else that is longer", () => {
    const guard = createLengthGuard(10);
    guard.allow(1_000);
    expect(guard.check(publish(900)).complaint).toBeNull();
    const subscriptions = [{ topic: "x".repeat(20), qos: 0 as const }];
    expect(guard.check(generate({ cmd: "subscribe", messageId: 1, subscriptions })).complaint).toMatch(/more than 10/);
  });

  it("takes so many packets at a time, and goes on behind them, however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(40), { minLength: 1, maxLength: 60 }),
        fc.array(fc.nat(), { maxLength: 10 }),
        fc.integer({ min: 1, max: 7 }),
        (sizes, cuts, packetsMax) => {
          const guard = createLengthGuard(1_000, packetsMax);
          const stream = Buffer.concat(sizes.map(publish));
          const ends = new Set(sizes.map((_, n) => Buffer.concat(sizes.slice(0, n + 1).map(publish)).length));
          let at = 0;
          for (let rest of chunks(stream, cuts)) {
            while (rest.length > 0) {
              const { complaint, take } = guard.check(rest);
              expect(complaint).toBeNull();
              at += take;
              rest = rest.subarray(take);
              if (rest.length > 0) expect(ends.has(at)).toBe(true);
            }
          }
          expect(at).toBe(stream.length);
        },
      ),
    );
  });
});
