import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endedInOrder, sessionCount } from "./login-records.ts";

type Kind = "boot" | "shutdown" | "runlevel" | "user" | "logout";
const TYPES: Readonly<Record<Kind, readonly [type: number, user: string]>> = {
  boot: [2, "reboot"],
  shutdown: [1, "shutdown"],
  runlevel: [1, "runlevel"],
  user: [7, "cashier"],
  logout: [8, ""],
};

function records(kinds: readonly Kind[], bytes: 384 | 400 = 384): Uint8Array {
  const all = Buffer.alloc(kinds.length * bytes);
  for (const [n, kind] of kinds.entries()) {
    const [type, user] = TYPES[kind];
    all.writeInt16LE(type, n * bytes);
    all.write(user, n * bytes + 44);
  }
  return all;
}

describe("endedInOrder", () => {
  it.each<{ name: string; kinds: Kind[]; want: boolean | null }>([
    {
      name: "a restart that was ordered",
      kinds: ["boot", "runlevel", "user", "shutdown", "boot", "runlevel"],
      want: true,
    },
    { name: "a plug that was pulled", kinds: ["boot", "runlevel", "user", "boot", "runlevel", "user"], want: false },
    { name: "the first start that is on record", kinds: ["boot", "runlevel", "user"], want: null },
    { name: "no start on record at all", kinds: ["user", "logout"], want: null },
    { name: "nothing", kinds: [], want: null },
    { name: "an old fall and a new order", kinds: ["boot", "boot", "shutdown", "boot"], want: true },
    { name: "an old order and a new fall", kinds: ["boot", "shutdown", "boot", "user", "boot"], want: false },
    {
      name: "a shutdown that has begun is that of this system, not of the last",
      kinds: ["boot", "boot", "shutdown"],
      want: false,
    },
  ])("$name", ({ kinds, want }) => {
    expect(endedInOrder(records(kinds), 384)).toBe(want);
    expect(endedInOrder(records(kinds, 400), 400)).toBe(want);
    expect(endedInOrder(Buffer.concat([Buffer.alloc(100, 0x55), records(kinds)]), 384)).toBe(want);
  });

  it("never throws", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => void endedInOrder(bytes, 384)));
  });
});

it("counts sessions", () => {
  expect(sessionCount(records(["boot", "user", "logout", "user"]), 384)).toBe(2);
});
