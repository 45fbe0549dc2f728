import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ChainFault, checkHashChain, createHashChain } from "./hash-chain.ts";

function exported(records: readonly object[]): string[] {
  const chain = createHashChain();
  return [...records, { kind: "manifest", lines: records.length }].map((record) => chain.line(record).trimEnd());
}

function check(lines: readonly string[]): ChainFault | null {
  const chain = checkHashChain();
  for (const line of lines) {
    const fault = chain.take(line);
    if (fault !== null) return fault;
  }
  return chain.end();
}

const some = exported([
  { kind: "audit", actor: "user:ana" },
  { kind: "event", text: 'a "quoted" \u2028 line' },
  { kind: "x" },
]);

describe("a chain of hashes", () => {
  it("holds as it was written", () => {
    expect(check(some)).toBeNull();
  });

  it.each([
    ["changed", some.with(1, some[1]?.replace("quoted", "Quoted") ?? ""), 2],
    ["left out", some.toSpliced(1, 1), 2],
    ["doubled", some.toSpliced(1, 0, some[0] ?? ""), 2],
    ["moved", [some[1], some[0], ...some.slice(2)].map(String), 1],
    ["cut off", some.slice(0, -1), 4],
    ["added after the end", [...some, some[3] ?? ""], 5],
    ["half there", [...some.slice(0, -1), some[3]?.slice(0, 30) ?? ""], 4],
    ["nothing", [], 1],
  ])("says where it is broken: %s", (_, lines, line) => {
    expect(check(lines)).toMatchObject({ line });
  });

  it("is broken by any change of any byte, at that line at the latest", () => {
    fc.assert(
      fc.property(fc.nat(some.length - 1), fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), (at, place, letter) => {
        const line = some[at] ?? "";
        const cut = place % line.length;
        fc.pre(line[cut] !== letter);
        const changed = some.with(at, line.slice(0, cut) + letter + line.slice(cut + 1));
        expect(check(changed)?.line).toBe(at + 1);
      }),
    );
  });

  it("never throws, whatever the lines", () => {
    fc.assert(fc.property(fc.array(fc.string()), (lines) => void check(lines)));
  });
});
