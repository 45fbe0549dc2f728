import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BLOCK_BYTES, readTarHeader, tarHeader } from "./tar.ts";

describe("a tar header", () => {
  it("says the same when it is read, beyond 8 GiB as well", () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9/._-]{0,99}$/);
    const bytes = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0o77777777777, 0o77777777777 + 1));
    fc.assert(
      fc.property(name, bytes, (name, bytes) => {
        const block = tarHeader({ name, bytes }, 1_700_000_000_000);
        expect(block.length).toBe(BLOCK_BYTES);
        expect(readTarHeader(block)).toEqual({ ok: true, value: { name, bytes } });
      }),
    );
  });

  it("of any other bytes never throws, and is refused when one byte differs", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: BLOCK_BYTES, maxLength: BLOCK_BYTES }), (bytes) => {
        expect(readTarHeader(Buffer.from(bytes)).ok).toBe(bytes.every((byte) => byte === 0));
      }),
    );
    const plain = tarHeader({ name: "data/state.sqlite", bytes: 12 }, 0);
    fc.assert(
      fc.property(fc.nat(BLOCK_BYTES - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const block = Buffer.from(plain);
        block[at] = ((block[at] ?? 0) + by) % 256;
        const read = readTarHeader(block);
        // The check sum's own field has bytes that say nothing.
        expect(!read.ok || (at >= 148 && at < 156)).toBe(true);
      }),
    );
  });

  it("takes no name that would be cut", () => {
    expect(() => tarHeader({ name: "x".repeat(101), bytes: 1 }, 0)).toThrow("too long");
  });
});
