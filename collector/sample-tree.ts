/**
 * For tests of correlation: a store whose devices go down and come back, with faults as the engine would tell of them, the
 * real book and state store, and one channel that is told of all. `crash` is what a kill leaves: what was committed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import type { FaultFlags, Rule, Transition } from "@aislewatch/rules";
import { type Correlator, createCorrelator } from "./correlator.ts";
import { createIncidentBook, type IncidentBook } from "./incident-book.ts";
import { DEFAULT_LIFECYCLE, type LifecyclePolicy } from "./incidents/lifecycle.ts";
import { isEnded } from "./incidents/log.ts";
import { fromTransition } from "./incidents/transition.ts";
import { type Incident, incidentKey } from "./incidents/types.ts";
import { audienceOf, callsOf, type Told } from "./notify/routing.ts";
import { configOf } from "./sample-site.ts";
import { createSqliteStore } from "./store/state/sqlite.ts";
import type { StateStore } from "./store/state/store.ts";

export const T0 = Date.UTC(2026, 10, 20, 9);
export const SETTLE_MS = 120_000;
export const SITE = "store";
const RULE = "no-answer";

/** What is above each device, nearest first. */
export type Topology = Readonly<Record<string, readonly string[]>>;

type Device = { isDown: boolean; by: string | null; onset: number };

export type Page = { readonly incident: string; readonly key: string; readonly event: string; readonly at: number };

export type SampleTree = {
  readonly clock: ManualClock;
  readonly policy: { lifecycle: LifecyclePolicy };
  readonly state: StateStore;
  book: IncidentBook;
  correlator: Correlator;
  /** All that people were told, in order. */
  readonly pages: Page[];
  down(device: string, site?: string): void;
  up(device: string, site?: string): void;
  /** A reading of it came: what waited for one is not hidden any more. */
  read(device: string): void;
  agent(isOnline: boolean): void;
  tick(ms: number): void;
  act(incident: Incident, ...bodies: Parameters<IncidentBook["write"]>[2]): Incident;
  commit(): void;
  crash(): Promise<void>;
  close(): Promise<void>;
  /** The one of a device that is not ended. */
  of(device: string, site?: string): Incident | null;
};

const rule: Rule = { ...firstRule(), id: RULE };

function firstRule(): Rule {
  const [, second] = configOf().rules.rules;
  if (second === undefined) throw new Error("no rule");
  return second;
}

export async function sampleTree(topology: Topology, correlation = DEFAULT_LIFECYCLE.correlation): Promise<SampleTree> {
  const folder = mkdtempSync(join(tmpdir(), "aislewatch-"));
  const clock = new ManualClock(T0);
  const policy = { lifecycle: { ...DEFAULT_LIFECYCLE, correlation: { ...correlation, settleMs: SETTLE_MS } } };
  const devices = new Map<string, Device>();
  let isOnline = true;
  const pages: Page[] = [];
  let untold: Page[] = [];
  /** Devices as they were at the last commit: what came later comes again. */
  const toldOf = (incident: string): Told[] =>
    [...pages, ...untold].flatMap((page) => (page.incident === incident ? [{ channel: "a", event: page.event }] : []));

  async function open() {
    const state = createSqliteStore({ file: join(folder, "state.sqlite") });
    await state.open();
    const book = createIncidentBook({ clock, state });
    const correlator = createCorrelator({
      ...{ clock, book, lifecycle: () => policy.lifecycle, downRules: () => [RULE], ruleOf: () => rule },
      traitsOf: ({ device }) => ({
        kind: device === null ? null : "label_printer",
        vendor: "Z",
        model: "M",
        firmware: "1",
      }),
      ...{ siteCount: () => 0, runbookTitle: () => null, fleetSite: "aislewatch" },
    });
    book.onWritten(({ key, before, incident, events }) => {
      for (const { event, audience, at } of callsOf(before, incident, events)) {
        if (audienceOf(["a"], before === null ? [] : toldOf(incident.id), audience).length === 0) continue;
        if (incident.parent !== null && event === "opened")
          throw new Error(`${incident.id} was called for below ${incident.parent}`);
        untold.push({ incident: incident.id, key, event, at });
      }
    });
    book.restore();
    correlator.restore();
    return { state, book, correlator };
  }

  const name = (site: string, id: string) => `${site}/${id}`;
  const deviceOf = (site: string, id: string): Device => {
    const known = devices.get(name(site, id)) ?? { isDown: false, by: null, onset: 0 };
    devices.set(name(site, id), known);
    return known;
  };

  /** As the engine: the silent agent, else the topmost that is down, else what it was hidden by until a reading comes. */
  function suppressorOf(site: string, id: string): string | null {
    if (id.startsWith("agent/")) return null;
    if (!isOnline) return `agent:${SITE}/g`;
    const top = (topology[id] ?? []).findLast((above) => deviceOf(site, above).isDown);
    return top === undefined ? null : `${site}/${top}`;
  }

  function tell(site: string, id: string): void {
    const { isDown, by, onset } = deviceOf(site, id);
    const subject = { site, device: id, component: null };
    const key = incidentKey(RULE, subject);
    const flags: FaultFlags = { stale: false, suppressedBy: by };
    const transition: Transition = {
      ...{
        rule: RULE,
        ruleVersion: "1",
        subject,
        at: clock.now(),
        from: "inactive",
        to: isDown ? "firing" : "inactive",
      },
      ...{
        severity: isDown ? "major" : null,
        flags,
        title: `No answer from ${id}`,
        since: onset,
        values: {},
        reason: "condition",
      },
    };
    const incident = tree.book.ofKey(key);
    const outcome = fromTransition(incident, transition, rule, {
      priority: { priority: "P3", why: "" },
      lifecycle: policy.lifecycle,
    });
    const how = { at: clock.now(), actor: "system" };
    if (incident !== null && outcome.events.length > 0) tree.book.write(key, incident, outcome.events, how);
    if (outcome.open !== null)
      tree.book.write(key, null, [outcome.open, ...tree.correlator.joining(outcome.open)], how);
  }

  /** Everybody's flags, as the tree of devices is now. `fresh` has just been read. */
  function reflag(fresh: string | null): void {
    for (const [key, device] of devices) {
      const [site = "", ...rest] = key.split("/");
      const id = rest.join("/");
      const by = suppressorOf(site, id);
      if (by === null && device.by !== null && key !== fresh) continue;
      if (by === device.by) continue;
      device.by = by;
      if (device.isDown) tell(site, id);
    }
  }

  function move(site: string, id: string, isDown: boolean): void {
    const device = deviceOf(site, id);
    if (device.isDown === isDown) return;
    device.isDown = isDown;
    device.onset = clock.now();
    if (isDown) device.by = suppressorOf(site, id) ?? device.by;
    else device.by = suppressorOf(site, id);
    tell(site, id);
    reflag(null);
    tree.correlator.settle();
  }

  const tree: SampleTree = {
    ...{ clock, policy, pages },
    ...(await open()),
    down: (id, site = SITE) => move(site, id, true),
    up: (id, site = SITE) => move(site, id, false),
    read(id) {
      reflag(name(SITE, id));
      tree.correlator.settle();
    },
    agent(now) {
      isOnline = now;
      move(SITE, "agent/g", !now);
      reflag(null);
      tree.correlator.settle();
    },
    tick(ms) {
      clock.advance(ms);
      tree.correlator.settle();
    },
    act(incident, ...bodies) {
      const key = tree.book.keyOf(incident.id);
      if (key === null) throw new Error(`${incident.id} has ended`);
      const one = tree.book.ofKey(key) ?? incident;
      const written = tree.book.write(key, one, bodies, { at: clock.now(), actor: "user:kim" });
      tree.correlator.settle();
      return tree.book.incident(written.id) ?? written;
    },
    commit() {
      tree.state.commit({ incidents: tree.book.takePending().changes });
      pages.push(...untold);
      untold = [];
    },
    async crash() {
      untold = [];
      await tree.state.close();
      Object.assign(tree, await open());
      // What the collector had not acknowledged comes again, and says how things are now.
      for (const key of devices.keys()) {
        const [site = "", ...rest] = key.split("/");
        tell(site, rest.join("/"));
      }
      tree.correlator.settle();
    },
    async close() {
      await tree.state.close();
      rmSync(folder, { recursive: true, force: true });
    },
    of: (id, site = SITE) => tree.book.ofKey(incidentKey(RULE, { site, device: id, component: null })),
  };
  return tree;
}

/** Every incident that there ever was, as the store has it. */
export function allOf(state: StateStore): Incident[] {
  return state.incidentIds("", 10_000).flatMap((id) => state.incident(id) ?? []);
}

/** What must hold of a tree that was committed, at any time. */
export function brokenLaws(tree: SampleTree): string[] {
  const all = allOf(tree.state);
  const byId = new Map(all.map((one) => [one.id, one]));
  const broken: string[] = [];
  for (const one of all) {
    const seen = new Set<string>();
    for (let at: Incident | undefined = one; at?.parent != null; at = byId.get(at.parent)) {
      if (seen.has(at.id)) {
        broken.push(`${one.id} hangs below itself`);
        break;
      }
      seen.add(at.id);
    }
    if (one.parent !== null && !byId.has(one.parent)) broken.push(`${one.id} hangs below nothing`);
    const children = all.filter(({ parent }) => parent === one.id).map(({ id }) => id);
    const listed = new Set<string>();
    for (const event of tree.state.incidentEvents(one.id)) {
      if (event.type === "child_added") listed.add(event.incident);
      if (event.type === "child_removed") listed.delete(event.incident);
    }
    const isSame = listed.size === children.length && children.every((id) => listed.has(id));
    if (!isEnded(one) && !isSame) broken.push(`${one.id} lists ${[...listed]} and has ${children}`);
    if (!isEnded(one) && one.children !== children.length) broken.push(`${one.id} counts ${one.children}`);
  }
  // Told that it began, and then again without an end between.
  const last = new Map<string, string>();
  for (const { incident, event } of tree.pages) {
    if (event === "opened" && last.get(incident) === "opened") broken.push(`${incident} was called for twice`);
    last.set(incident, event);
  }
  return broken;
}
