import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { append, isEnded, type Stamp } from "./log.ts";
import { ABSORBED_MAX, decideMerge, decideSplit, endsWithWinner, reachesWinner } from "./merge.ts";
import type { Incident, IncidentEventBody } from "./types.ts";

const stamp: Stamp = { at: 1_000, recordedAt: 1_001, actor: "user:kim" };
const opened = (site: string): IncidentEventBody =>
  ({
    type: "opened",
    subject: { site, device: "printer", component: null },
    ...{ rule: "media-out", ruleVersion: "1", title: "Media out", severity: "major", category: "consumable" },
    ...{ runbook: null, onset: 1, values: {}, priority: "P2", why: "1 of 2", suppressedBy: null },
  }) as const;
const make = (id: string, { site = "s1", log = [] as IncidentEventBody[] } = {}): Incident =>
  append(id, null, [opened(site), ...log], stamp).incident;
const then = (incident: Incident, ...bodies: IncidentEventBody[]): Incident =>
  bodies.length === 0 ? incident : append(incident.id, incident, bodies, stamp).incident;

const A = "INC-000001";
const B = "INC-000002";
const behind = (by: string): IncidentEventBody => ({ type: "suppressed", by });

describe("merging", () => {
  it("is of two of one site", () => {
    expect(decideMerge(make(A), make(B))).toEqual({
      ok: true,
      value: { loser: [{ type: "merged", into: B }], winner: [{ type: "absorbed", from: A }] },
    });
  });

  it.each([
    { name: "hang behind the same thing", a: [behind("wan")], b: [behind("wan")] },
    { name: "hang below the same incident", a: [parent("INC-000009")], b: [parent("INC-000009")] },
    { name: "hang one below the other", a: [parent(B)], b: [] },
  ])("or of two sites that $name", ({ a, b }) => {
    expect(decideMerge(make(A, { log: a }), make(B, { site: "s2", log: b })).ok).toBe(true);
  });

  it.each([
    { name: "itself", loser: make(A), winner: make(A) },
    { name: "two sites with nothing in common", loser: make(A), winner: make(B, { site: "s2" }) },
    {
      name: "what is resolved",
      loser: make(A, { log: [{ type: "resolved", code: "cleaned", text: null }] }),
      winner: make(B),
    },
    {
      name: "into what is closed",
      loser: make(A),
      winner: make(B, { log: [{ type: "resolved", code: "cleaned", text: null }, { type: "closed" }] }),
    },
    { name: "what is merged", loser: make(A, { log: [{ type: "merged", into: B }] }), winner: make(B) },
    {
      name: "what has others merged into it",
      loser: make(A, { log: [{ type: "absorbed", from: "INC-000003" }] }),
      winner: make(B),
    },
    {
      name: "what others hang below",
      loser: make(A, { log: [{ type: "child_added", incident: "INC-000003" }] }),
      winner: make(B),
    },
    {
      name: "more than belongs to one piece of work",
      loser: make(A),
      winner: make(B, {
        log: Array.from({ length: ABSORBED_MAX }, (_, n) => ({ type: "absorbed" as const, from: `INC-${n}` })),
      }),
    },
  ])("refuses $name", ({ loser, winner }) => {
    expect(decideMerge(loser, winner)).toMatchObject({ ok: false, error: { code: "not_allowed" } });
  });

  it("refuses to split what is not merged", () => {
    expect(decideSplit(make(A), make(B)).ok).toBe(false);
    expect(decideSplit(make(A, { log: [{ type: "merged", into: B }, { type: "closed" }] }), make(B)).ok).toBe(false);
  });

  it.each([
    { name: "in progress", before: [{ type: "acknowledged" }, { type: "started" }], after: "in_progress" },
    { name: "acknowledged", before: [{ type: "acknowledged" }], after: "acknowledged" },
    {
      name: "on hold",
      before: [{ type: "acknowledged" }, { type: "held", reason: "awaiting_part", text: null }],
      after: "in_progress",
    },
  ] as { name: string; before: IncidentEventBody[]; after: string }[])(
    "gives back what was $name",
    ({ before, after }) => {
      const merged = then(make(A, { log: before }), { type: "merged", into: B });
      expect(merged).toMatchObject({ state: "merged", holdReason: null });
      expect(then(merged, { type: "split", from: B })).toMatchObject({
        state: after,
        merged: null,
        acknowledgedBy: "user:kim",
      });
    },
  );
});

describe("the fault of a merged incident that comes back", () => {
  const events = append(
    A,
    make(A, { log: [{ type: "merged", into: B }] }),
    [{ type: "fired_again", onset: 9, severity: "major", title: "x", values: {} }],
    stamp,
  );
  const loser = { ...events, before: null };
  const winner = make(B, { log: [{ type: "resolved", code: "cleaned", text: null }] });
  it("reopens the one that it was merged into", () => {
    expect(reachesWinner(winner, loser)).toMatchObject([{ type: "reopened" }]);
    expect(reachesWinner(make(B), loser)).toEqual([]);
    expect(reachesWinner(winner, { ...loser, events: [] })).toEqual([]);
  });

  it("does not when it came and went while nobody heard of it", () => {
    const late = events.events.map((event) => ({ ...event, late: true as const }));
    expect(reachesWinner(winner, { ...loser, events: late })).toEqual([]);
  });

  it("reopens it when it gets worse, too", () => {
    const worse = { ...events.incident, severity: "critical" as const };
    const why = `The fault of ${A}, which is merged into it, got worse.`;
    expect(reachesWinner(winner, { before: events.incident, incident: worse, events: [] })).toEqual([
      { type: "reopened", why },
    ]);
    expect(reachesWinner(winner, { before: worse, incident: events.incident, events: [] })).toEqual([]);
  });
});

it("whatever is merged, split and ended in whatever order, each is in one place only", () => {
  const ids = [A, B, "INC-000003", "INC-000004"];
  const step = fc.record({ do: fc.constantFrom("merge", "split", "close", "resolve"), a: fc.nat(3), b: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const all = new Map(ids.map((id) => [id, make(id)]));
      const get = (n: number): Incident => all.get(ids[n] ?? A) ?? make(A);
      const put = (incident: Incident, bodies: readonly IncidentEventBody[]): void => {
        const after = then(incident, ...bodies);
        all.set(incident.id, after);
        if (!isEnded(after)) return;
        for (const id of after.absorbed) {
          const loser = all.get(id);
          if (loser !== undefined) all.set(id, then(loser, ...endsWithWinner(loser)));
        }
      };
      for (const { do: what, a, b } of steps) {
        const one = get(a);
        if (what === "resolve" && one.state === "new") put(one, [{ type: "resolved", code: "cleaned", text: null }]);
        if (what === "close" && one.state === "resolved") put(one, [{ type: "closed" }]);
        const winner = what === "split" ? (all.get(one.merged?.into ?? "") ?? one) : get(b);
        const decided =
          what === "merge" ? decideMerge(one, winner) : what === "split" ? decideSplit(one, winner) : null;
        if (decided?.ok) {
          put(winner, decided.value.winner);
          put(one, decided.value.loser);
        }
      }
      for (const incident of all.values()) {
        const owners = [...all.values()].filter(({ absorbed }) => absorbed.includes(incident.id));
        expect(owners.map(({ id }) => id)).toEqual(incident.merged === null ? [] : [incident.merged.into]);
        expect(incident.state === "merged").toBe(incident.merged !== null);
        if (incident.merged !== null)
          expect(isEnded(incident)).toBe(isEnded(all.get(incident.merged.into) ?? incident));
        if (incident.merged !== null) expect(incident.absorbed).toEqual([]);
      }
    }),
  );
});

function parent(incident: string): IncidentEventBody {
  return { type: "parent_set", incident, why: "x" };
}
