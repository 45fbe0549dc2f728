import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { append } from "../incidents/log.ts";
import type { Incident, IncidentEventBody } from "../incidents/types.ts";
import {
  begun,
  GROUP_MEMBERS_MAX,
  type GroupMember,
  type GroupRecord,
  hasRoom,
  joined,
  keyOfValues,
  marked,
  settled,
  told,
  toldGroup,
  valuesOf,
} from "./grouping.ts";
import { opened, T0 } from "./sample-notifications.ts";

const TIMES = { by: { site: "store-1" }, waitMs: 30_000, intervalMs: 300_000 };
const member = (n: number, isOver = false): GroupMember => ({
  ...{ incident: `INC-${n}`, title: "Media out", site: "store-1", priority: "P2" },
  isOver,
});
const start = (...members: readonly GroupMember[]): GroupRecord =>
  members.reduce((group, one, index) => joined(group, one, index === 0, T0), begun("INC-1/1", "tickets", TIMES, T0));
const nothingWaits = () => false;

describe("a group", () => {
  it("waits for others, and no longer because they come", () => {
    const group = start(member(1));
    expect(group).toMatchObject({ id: "group/tickets/INC-1/1", nextAt: T0 + 30_000 });
    expect(joined(group, member(2), false, T0 + 20_000).nextAt).toBe(T0 + 30_000);
  });

  it("is told of news at its interval, and waits again for what comes after a longer rest", () => {
    const group = told(start(member(1)), nothingWaits, T0 + 30_000);
    expect(group.nextAt).toBe(T0 + 330_000);
    expect(joined(group, member(2), true, T0 + 40_000).nextAt).toBe(T0 + 330_000);
    expect(joined(group, member(2), true, T0 + 900_000).nextAt).toBe(T0 + 930_000);
  });

  it("keeps those that are over until that was told, and is closed by the message after which none stands", () => {
    const group = told(start(member(1), member(2)), nothingWaits, T0);
    const half = told(joined(group, member(1, true), true, T0), nothingWaits, T0);
    expect([half.members.map(({ incident }) => incident), half.isClosed]).toEqual([["INC-2"], false]);
    const whole = joined(half, member(2, true), true, T0);
    const after = told(whole, nothingWaits, T0);
    expect(toldGroup(whole, after)).toMatchObject({
      number: 3,
      standing: 0,
      isOver: true,
      incidents: [{ isOver: true }],
    });
    expect(after.isClosed).toBe(true);
  });

  it("goes without a word when nothing is to be told of its end", () => {
    const group = told(start(member(1)), nothingWaits, T0);
    expect(settled(marked(group, "INC-1", true), nothingWaits).isClosed).toBe(true);
    expect(marked(group, "INC-9", true)).toBe(group);
    expect(settled(marked(group, "INC-1", true), () => true).isClosed).toBe(false);
  });

  it("is full at some time", () => {
    const many = Array.from({ length: GROUP_MEMBERS_MAX }, (_, n) => member(n));
    expect([hasRoom(start(...many.slice(1))), hasRoom(start(...many))]).toEqual([true, false]);
  });
});

describe("what incidents of a group have in common", () => {
  const log = (...bodies: IncidentEventBody[]): Incident =>
    append("INC-000001", null, [opened(), ...bodies], { at: T0, actor: "system", recordedAt: T0 }).incident;
  const plain = { incident: log(), before: null, kind: "label_printer", region: null };
  const below = log({ type: "parent_set", incident: "INC-000009", why: "x" });

  it.each([
    { name: "its site and rule", by: ["site", "rule"], subject: plain, is: { site: "store-1", rule: "media-out" } },
    { name: "nothing: all are one", by: [], subject: plain, is: {} },
    { name: "no region", by: ["region"], subject: plain, is: { region: "" } },
    { name: "itself, without a parent", by: ["parent"], subject: plain, is: { parent: "INC-000001" } },
    { name: "its parent", by: ["parent"], subject: { ...plain, incident: below }, is: { parent: "INC-000009" } },
    {
      name: "the parent that it outlived just now",
      by: ["parent"],
      subject: { ...plain, before: below },
      is: { parent: "INC-000009" },
    },
  ] as const)("$name", ({ by, subject, is }) => expect(valuesOf(by, subject)).toEqual(is));

  it("does not hang on the order of the names", () => {
    expect(keyOfValues({ site: "a", rule: "b" })).toBe(keyOfValues({ rule: "b", site: "a" }));
  });
});

type Step = { readonly do: "open" | "over" | "quietly over" | "tell"; readonly n: number };

describe("whatever comes in whatever order", () => {
  it("all news are told once, a group ends once, with its last message, and is about nobody then", () => {
    const step: fc.Arbitrary<Step> = fc.record({
      do: fc.constantFrom("open", "over", "quietly over", "tell"),
      n: fc.nat(4),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let group: GroupRecord | null = null;
        let waiting: string[] = [];
        let now = T0;
        const ends = new Map<string, number>();
        const numbers = new Map<string, number>();
        let said = 0;
        let heard = 0;
        for (const { do: what, n } of steps) {
          now += 10_000;
          const waits = (incident: string): boolean => waiting.includes(incident);
          if (what === "open" || what === "over") {
            said++;
            group ??= begun(`INC-${n}/${said}`, "a", TIMES, now);
            group = joined(group, member(n, what === "over"), waiting.length === 0, now);
            waiting.push(`INC-${n}`);
          } else if (group !== null && what === "quietly over") {
            group = settled(marked(group, `INC-${n}`, true), waits);
            if (group.isClosed) group = null;
          } else if (group !== null && waiting.length > 0 && now >= group.nextAt) {
            heard += waiting.length;
            waiting = [];
            const after: GroupRecord = told(group, () => false, now);
            const words = toldGroup(group, after);
            expect(words.number).toBe((numbers.get(group.id) ?? 0) + 1);
            numbers.set(group.id, words.number);
            expect(ends.has(group.id)).toBe(false);
            expect(words.isOver).toBe(words.standing === 0);
            if (words.isOver) ends.set(group.id, words.number);
            group = after.isClosed ? null : after;
            expect(group?.members.every(({ isOver }) => !isOver) ?? true).toBe(true);
          }
          if (group === null) expect(waiting).toEqual([]);
        }
        expect(heard + waiting.length).toBe(said);
      }),
    );
  });
});
