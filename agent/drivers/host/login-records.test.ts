import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endedInOrder, journalEndedInOrder, sessionCount } from "./login-records.ts";

type Kind = "boot" | "shutdown" | "runlevel" | "user" | "logout";
const TYPES: Readonly<Record<Kind, readonly [type: number, user: string]>> = {
  boot: [2, "reboot"],
  shutdown: [1, "shutdown"],
  runlevel: [1, "runlevel"],
  user: [7, "cashier"],
  logout: [8, ""],
};

/** Unix seconds, in every record. */
const WRITTEN = 1_760_000_000;

function records(kinds: readonly Kind[], bytes: 384 | 400 = 384): Uint8Array {
  const all = Buffer.alloc(kinds.length * bytes);
  for (const [n, kind] of kinds.entries()) {
    const [type, user] = TYPES[kind];
    all.writeInt16LE(type, n * bytes);
    all.write(user, n * bytes + 44);
    all.writeUInt32LE(WRITTEN, n * bytes + (bytes === 384 ? 340 : 344));
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
    const of = { recordBytes: 384, bootSeconds: null } as const;
    expect(endedInOrder(records(kinds), of)).toBe(want);
    expect(endedInOrder(records(kinds, 400), { ...of, recordBytes: 400 })).toBe(want);
    expect(endedInOrder(Buffer.concat([Buffer.alloc(100, 0x55), records(kinds)]), of)).toBe(want);
  });

  it.each([
    { name: "its newest start is this one", bootSeconds: WRITTEN - 20, want: false },
    { name: "it is of a time server's while later", bootSeconds: WRITTEN + 600, want: false },
    {
      name: "it was written before the system was upgraded to one without wtmp",
      bootSeconds: WRITTEN + 7e6,
      want: null,
    },
  ])("wtmp counts by whether $name", ({ bootSeconds, want }) => {
    expect(endedInOrder(records(["boot", "boot"]), { recordBytes: 384, bootSeconds })).toBe(want);
    expect(endedInOrder(records(["boot", "boot"], 400), { recordBytes: 400, bootSeconds })).toBe(want);
  });

  it("never throws", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 2_000 }),
        (bytes) => void endedInOrder(bytes, { recordBytes: 384, bootSeconds: 1 }),
      ),
    );
  });
});

describe("the journal of the system before", () => {
  const ID = {
    started: "39f53479d3a045ac8e11786248231fbf",
    journalStopped: "d93fb3c9c24d451a97cea615ce59c00b",
    journalStarted: "f77379a8490b408bbe5f6940505a777b",
  };
  const LINES = {
    cron: { MESSAGE_ID: ID.started, UNIT: "cron.service" },
    target: { MESSAGE_ID: ID.started, UNIT: "poweroff.target" },
    reaper: { SYSLOG_IDENTIFIER: "systemd-shutdown" },
    journalStopped: { MESSAGE_ID: ID.journalStopped },
    journalStarted: { MESSAGE_ID: ID.journalStarted },
    noise: { MESSAGE_ID: [1, 2, 3] },
  };
  it.each<{ name: string; newestFirst: (keyof typeof LINES)[]; want: boolean | null }>([
    { name: "ends with the journal's stop", newestFirst: ["journalStopped", "cron"], want: true },
    { name: "ends on a disk of its own, before the journal", newestFirst: ["cron", "noise", "target"], want: true },
    { name: "ends with the last program of all", newestFirst: ["reaper", "cron"], want: true },
    { name: "just ends", newestFirst: ["cron", "cron", "journalStarted"], want: false },
    {
      name: "just ends after its journal was started again",
      newestFirst: ["cron", "journalStarted", "journalStopped", "journalStarted"],
      want: false,
    },
    {
      name: "just ends after the start, in which a first journal hands over to a second",
      newestFirst: ["journalStarted", "journalStopped", "journalStarted"],
      want: false,
    },
    { name: "is not there", newestFirst: [], want: null },
  ])("$name", ({ newestFirst, want }) => {
    expect(journalEndedInOrder(newestFirst.map((line) => `${JSON.stringify(LINES[line])}\n`).join(""))).toBe(want);
  });

  it("is nothing when it is none", () => {
    expect(journalEndedInOrder("-- No entries --\n{broken\n[]\n")).toBeNull();
    fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => void journalEndedInOrder(`{${text}`)));
  });
});

it("counts sessions", () => {
  expect(sessionCount(records(["boot", "user", "logout", "user"]), 384)).toBe(2);
});
