import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFactsKeeper, type FactsFailure, type FactsKeeper } from "./facts-keeper.ts";
import { createIncidentBook, type IncidentBook } from "./incident-book.ts";
import type { Figures } from "./incidents/figures.ts";
import { MINUTE_MS, min, opened, T0 } from "./incidents/sample-log.ts";
import { DEFAULT_SLA_POLICY, type SlaPolicy } from "./incidents/sla-policy.ts";
import { type IncidentEventBody, incidentKey } from "./incidents/types.ts";
import { type Site, unlistedSite } from "./sites.ts";
import { StoreError } from "./store/error.ts";
import { createSqliteStore } from "./store/state/sqlite.ts";
import type { StateStore } from "./store/state/store.ts";

let folder: string;
let state: StateStore;
let clock: ManualClock;
let book: IncidentBook;
let site: Site;
let policy: SlaPolicy;
let failures: FactsFailure[];
/** Of the next incidents; null: one for each lane. */
let key: string | null;
/** The incident of whose log nothing can be made. */
let broken: string | null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aislewatch-facts-"));
  state = createSqliteStore({ file: join(folder, "state.sqlite") });
  await state.open();
  clock = new ManualClock(T0);
  book = createIncidentBook({ clock, state });
  site = { ...unlistedSite("berlin-01"), timeZone: "Europe/Berlin" };
  policy = DEFAULT_SLA_POLICY;
  failures = [];
  broken = null;
  key = null;
});
afterEach(async () => {
  await state.close();
  await rm(folder, { recursive: true });
});

/** As after a start of the collector. */
function keeper(): FactsKeeper {
  const made = createFactsKeeper({
    clock,
    state,
    contextOf({ id }) {
      if (id === broken) throw new RangeError("Invalid time zone specified: Berlin");
      const device = { kind: "label_printer", vendor: "Zebra", model: null, serial: null };
      return { terms: policy.standard, site, device };
    },
    onFailed: (failure) => failures.push(failure),
  });
  made.use(policy, [site]);
  return made;
}

function commit(facts: FactsKeeper): void {
  const { changes } = book.takePending();
  state.commit({ incidents: changes, facts: facts.of(changes) });
}

function write(n: number, minute: number, ...bodies: IncidentEventBody[]): void {
  const of = key ?? `lane-${n}`;
  clock.advance(Math.max(0, min(minute) - clock.now()));
  const isKnown = book.ofKey(of) !== null;
  book.write(of, book.ofKey(of), isKnown ? bodies : [opened("P2"), ...bodies], {
    at: min(minute),
    actor: "user:kim",
  });
}

const figures = async (): Promise<Figures> =>
  (await state.report({ from: T0, to: T0 + 7 * 86_400_000, groupBy: null })).all;

const runDown = (facts: FactsKeeper): number => {
  let ticks = 0;
  while (facts.remaking !== null && ticks < 100) {
    facts.tick();
    ticks += 1;
  }
  return ticks;
};

describe("facts", () => {
  it("are written with the log, of the whole log", async () => {
    const facts = keeper();
    write(1, 0);
    commit(facts);
    expect(await figures()).toMatchObject({ incidents: { opened: 1, open: 1 }, unacknowledged: { open: 1 } });
    write(1, 5, { type: "acknowledged" });
    write(1, 9, { type: "resolved", code: "cleaned", text: null });
    commit(facts);
    expect(await figures()).toMatchObject({
      incidents: { opened: 1, resolved: 1 },
      acknowledge: { n: 1, medianMs: 5 * MINUTE_MS },
      sla: { response: { met: 1 } },
    });
  });

  it("of logs from before there were any are made in the background, some of them at a time", async () => {
    for (let n = 0; n < 450; n++) write(n, 0);
    state.commit({ incidents: book.takePending().changes });
    const facts = keeper();
    expect((await figures()).incidents.opened).toBe(0);
    facts.tick();
    expect(facts.remaking).toMatchObject({ done: 200 });
    expect((await figures()).incidents.opened).toBe(200);
    runDown(facts);
    expect((await figures()).incidents.opened).toBe(450);
  });

  it("go on where they were after a kill, and are not made again when nothing changed", async () => {
    for (let n = 0; n < 250; n++) write(n, 0);
    state.commit({ incidents: book.takePending().changes });
    keeper().tick();
    const next = keeper();
    expect(next.remaking).toMatchObject({ done: 200 });
    expect(runDown(next)).toBe(2);
    expect(keeper().remaking).toBeNull();
    expect((await figures()).incidents.opened).toBe(250);
  });

  it("of the past follow a corrected calendar", async () => {
    const facts = keeper();
    runDown(facts);
    write(1, 0);
    write(1, 60, { type: "acknowledged" });
    commit(facts);
    expect((await figures()).sla.response).toMatchObject({ met: 0, breached: 1 });
    // The store was closed that day, and nobody had entered it.
    site = { ...site, closedDays: ["2026-11-20"] };
    facts.use(policy, [site]);
    expect(runDown(facts)).toBeGreaterThan(0);
    expect((await figures()).sla.response).toMatchObject({ met: 1, breached: 0 });
    facts.use(policy, [{ ...site, name: "Berlin Mitte" }]);
    expect(facts.remaking).toBeNull();
  });

  it("of the past follow a corrected policy, also over a restart", async () => {
    const facts = keeper();
    runDown(facts);
    write(1, 0);
    write(1, 20, { type: "acknowledged" });
    commit(facts);
    const targets = { ...policy.standard.targets, P2: { ...policy.standard.targets.P1 } };
    targets.P2 = { ...targets.P2, response: { withinMs: 30 * MINUTE_MS, calendar: "always" } };
    policy = { ...policy, standard: { ...policy.standard, targets } };
    expect((await figures()).sla.response).toMatchObject({ breached: 1 });
    runDown(keeper());
    expect((await figures()).sla.response).toMatchObject({ met: 1, breached: 0 });
  });

  it("that can't be made hold up no commit, and are told once", async () => {
    const facts = keeper();
    runDown(facts);
    broken = "INC-000002";
    for (const n of [1, 2, 3]) write(n, 0);
    commit(facts);
    write(2, 5, { type: "acknowledged" });
    commit(facts);
    expect(state.incidentEvents("INC-000002").map(({ type }) => type)).toEqual(["opened", "acknowledged"]);
    expect((await figures()).incidents.opened).toBe(2);
    expect(failures).toEqual([{ incident: "INC-000002", detail: "Invalid time zone specified: Berlin" }]);
  });

  it("that can't be made are left out when all are made again", async () => {
    for (let n = 0; n < 5; n++) write(n, 0);
    state.commit({ incidents: book.takePending().changes });
    broken = "INC-000003";
    const facts = keeper();
    expect(runDown(facts)).toBe(2);
    expect((await figures()).incidents.opened).toBe(4);
    expect(failures).toMatchObject([{ incident: "INC-000003" }]);
    expect(keeper().remaking).toBeNull();
  });

  it("are not told as failed while it is the store that fails", async () => {
    const facts = keeper();
    write(1, 0);
    const { changes } = book.takePending();
    state.commit({ incidents: changes });
    write(1, 5, { type: "acknowledged" });
    await state.close();
    expect(() => facts.of(book.takePending().changes)).toThrow(StoreError);
    expect(failures).toEqual([]);
  });

  describe("say that it was not solved when it came back", () => {
    const DAY_MIN = 24 * 60;
    const solved = { type: "resolved", code: "cleaned", text: null } as const;
    const closed = { type: "closed" } as const;
    const firstLine = async () =>
      (await state.report({ from: T0, to: T0 + 30 * 86_400_000, groupBy: null })).all.firstLine;
    beforeEach(() => {
      key = incidentKey("media-out", { site: "berlin-01", device: "lane-1/printer", component: null });
    });

    it.each<{ name: string; days: number; more?: IncidentEventBody[]; solved: number }>([
      { name: "within a week", days: 7, solved: 0 },
      { name: "later: that is another story", days: 8, solved: 1 },
      {
        name: "by mistake: nothing came back",
        days: 2,
        more: [{ type: "cancelled", code: "test", text: null }],
        solved: 1,
      },
    ])("$name", async ({ days, more = [], solved: n }) => {
      const facts = keeper();
      runDown(facts);
      write(1, 0, solved, closed);
      commit(facts);
      expect(await firstLine()).toMatchObject({ n: 1, of: 1 });
      write(1, days * DAY_MIN);
      commit(facts);
      if (more.length > 0) write(1, days * DAY_MIN + 5, ...more);
      commit(facts);
      expect(await firstLine()).toMatchObject({ n, of: 1 });
      // Made again from the start they say the same.
      policy = { ...policy, standard: { ...policy.standard, targets: { ...policy.standard.targets } } };
      state.putDocument("facts", JSON.stringify({ basis: "another", remaking: null }));
      runDown(keeper());
      expect(await firstLine()).toMatchObject({ n, of: 1 });
    });
  });

  it("made one by one or again from the start are the same", async () => {
    const facts = keeper();
    runDown(facts);
    for (let n = 0; n < 40; n++) {
      write(n, 0);
      commit(facts);
      if (n % 2 === 0) write(n, n, { type: "acknowledged" });
      if (n % 3 === 0) write(n, n + 50, { type: "recovered", values: {} });
      if (n % 5 === 0) write(n, n + 60, { type: "resolved", code: "cleaned", text: null });
      commit(facts);
    }
    const before = await figures();
    clock.advance(min(200) - clock.now());
    site = { ...site, closedDays: ["2030-01-01"] };
    facts.use(policy, [site]);
    runDown(facts);
    const { sla: _, ...after } = await figures();
    const { sla: __, ...others } = before;
    expect(after).toEqual(others);
  });
});
