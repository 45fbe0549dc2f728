import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BEAT_MS, CollectorPresence, type Presence, readPresence, VACANT_MS } from "./collector-presence.ts";

const self = { instance: "b", startedAt: 2_000, host: "two" };
const said = (given: Partial<Presence> = {}): Presence => ({
  ...{ v: 1, state: "online", instance: "a", startedAt: 1_000, host: "one", beat: 7 },
  ...given,
});
const live = (nowMs: number) => ({ isRetained: false, nowMs });
const retained = (nowMs: number) => ({ isRetained: true, nowMs });

/** Connected, and what it said has come back. */
function settled(nowMs = 0): CollectorPresence {
  const presence = new CollectorPresence(self);
  presence.connected();
  presence.heard(presence.beat(nowMs), live(nowMs));
  return presence;
}

describe("a collector's place at a broker", () => {
  it("is left to another that says it is there, and was started before", () => {
    expect(settled().heard(said(), live(10))).toMatchObject({ instance: "a" });
  });

  it.each([
    { name: "one that was started later", other: said({ startedAt: 3_000 }) },
    {
      name: "one that was started at the same moment and has a later name",
      other: said({ startedAt: 2_000, instance: "c" }),
    },
    { name: "one that stands by", other: said({ state: "standby" }) },
    { name: "one that says goodbye", other: said({ state: "offline" }) },
    { name: "itself", other: said({ instance: "b" }) },
  ])("is kept from $name", ({ other }) => {
    expect(settled().heard(other, live(10))).toBeNull();
  });

  it("is not left for what the broker had kept: a dead one's last word, before our own has come back or retained", () => {
    const presence = new CollectorPresence(self);
    presence.connected();
    expect([presence.heard(said(), live(0)), presence.heard(said(), retained(0))]).toEqual([null, null]);
    presence.connected();
    // The broker itself came back from an old file.
    expect([presence.heard(said(), retained(10)), presence.other(10)]).toEqual([null, null]);
  });

  it.each(["online", "offline"] as const)("is left to one that has gone on while it was thrown out (%s)", (state) => {
    const presence = settled();
    expect(presence.heard(said({ state, beat: 8 }), retained(10))).toBeNull();
    presence.connected();
    expect(presence.heard(said({ state, beat: 9 }), retained(20))).toMatchObject({ instance: "a" });
  });

  it("tells of the other while that is there, and a minute longer", () => {
    const presence = settled();
    presence.heard(said({ state: "standby", startedAt: 3_000 }), live(1_000));
    expect([presence.other(2_000)?.host, presence.other(61_000)]).toEqual(["one", null]);
  });

  it("is free ten minutes after the other was heard last, and not before", () => {
    const presence = settled();
    presence.heard(said(), live(0));
    expect(presence.isVacant(null, live(VACANT_MS - 1))).toBe(false);
    presence.isVacant(said({ beat: 8 }), live(VACANT_MS - 1));
    // Of the broker's memory, of itself, and a goodbye: nobody is there.
    for (const word of [said({ instance: "b" }), said({ state: "offline" })])
      presence.isVacant(word, live(VACANT_MS + 10));
    presence.isVacant(said(), retained(VACANT_MS + 10));
    expect(presence.isVacant(null, live(2 * VACANT_MS - 2))).toBe(false);
    expect(presence.isVacant(null, live(2 * VACANT_MS - 1))).toBe(true);
  });

  it("of any two is left by exactly one", () => {
    const who = fc.record({ instance: fc.string({ minLength: 1, maxLength: 3 }), startedAt: fc.nat(3) });
    fc.assert(
      fc.property(who, who, (one, two) => {
        fc.pre(one.instance !== two.instance);
        const leaves = (own: typeof one, other: typeof one): boolean => {
          const presence = new CollectorPresence({ ...own, host: "" });
          presence.connected();
          presence.heard(presence.beat(0), live(0));
          return presence.heard(said(other), live(1)) !== null;
        };
        expect(leaves(one, two)).toBe(!leaves(two, one));
      }),
    );
  });
});

describe("what it says of itself", () => {
  it("shows that messages come through, and how long they take", () => {
    const presence = new CollectorPresence(self);
    presence.connected();
    const first = presence.beat(0);
    expect([presence.isPrompt(10), presence.delayMs(3_000)]).toEqual([false, 3_000]);
    presence.heard(first, live(3_000));
    expect([presence.isPrompt(3_000), presence.delayMs(3_000), presence.waitsMs(3_000)]).toEqual([true, 3_000, 0]);
    const second = presence.beat(BEAT_MS);
    expect([presence.isPrompt(BEAT_MS + 4_999), presence.isPrompt(BEAT_MS + 5_000)]).toEqual([true, false]);
    presence.heard(second, live(BEAT_MS + 20));
    expect([presence.isPrompt(BEAT_MS + 30_000), presence.delayMs(BEAT_MS + 30_000)]).toEqual([true, 20]);
  });

  it("says nothing of this connection when it was said on the one before, or is the broker's copy", () => {
    const presence = new CollectorPresence(self);
    presence.connected();
    const before = presence.beat(0);
    presence.connected();
    const now = presence.beat(10);
    presence.heard(before, live(20));
    presence.heard(now, retained(20));
    expect(presence.hasComeBack).toBe(false);
    presence.heard(now, live(30));
    expect(presence.hasComeBack).toBe(true);
  });

  it("is read of any bytes without throwing, and only when it has the form", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => void expect(readPresence(bytes)).toBeNull()));
    expect(readPresence(Buffer.from(JSON.stringify(said())))).toEqual(said());
    expect(readPresence(Buffer.from(JSON.stringify(said({ startedAt: Number.MAX_SAFE_INTEGER }))))).toBeNull();
    expect(readPresence(Buffer.from(JSON.stringify({ ...said(), host: "x".repeat(2_000) })))).toBeNull();
  });
});
