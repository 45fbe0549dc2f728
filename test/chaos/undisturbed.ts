/**
 * What would have happened to the same readings if nothing had gone wrong: each device's readings in their order, one
 * by one, through the rule engine that the collector runs, with no clock, no restart and no wire in between. Pure.
 *
 * Times are those of the readings, Unix ms.
 */
import { encodeTelemetry, type InventoryDevice } from "@aislewatch/contract";
import { compileRules, createEngine, type Engine, type RuleSet, type Transition } from "@aislewatch/rules";

/** From the reading that brought the condition to the one that ended it; null: it stands. */
export type Episode = { readonly rule: string; readonly onset: number; readonly end: number | null };

export type Poll = { readonly at: number; readonly tripped: boolean; readonly guardOpen: boolean };

const SITE = "store";
const AGENT = "agent";

export function rulesOf(text: string): RuleSet {
  const compiled = compileRules([{ file: "story.yaml", text }]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  return compiled.rules;
}

export type Pace = { readonly everyMs: number; readonly restMs: number };

/** Longer than any `for` of the rules. */
const SETTLED_MS = 4_000;

/** `polls` in their order; their times must ascend. Times are Unix ms. */
export function undisturbed(rules: RuleSet, polls: readonly Poll[], { everyMs, restMs }: Pace): Episode[] {
  const [first] = polls;
  if (first === undefined) return [];
  const engine = createEngine();
  engine.setRules(rules, first.at - 1);
  engine.setInventory(SITE, AGENT, [deviceOf(everyMs)], first.at - 1);
  const transitions = polls.flatMap((poll, i) => observe(engine, poll, i + 1));
  // After the last poll the device is asked once an hour, and what it said stands.
  const endAt = polls.at(-1)?.at ?? first.at;
  transitions.push(...engine.setInventory(SITE, AGENT, [deviceOf(restMs)], endAt), ...engine.tick(endAt + SETTLED_MS));
  return episodesOf(transitions);
}

function observe(engine: Engine, { at, tripped, guardOpen }: Poll, seq: number): Transition[] {
  const metrics = { up: true, tripped, guard_open: guardOpen };
  const reading = { device: "zone", at, samples: [{ component: null, metrics }] };
  const message = encodeTelemetry({ epoch: "e", lane: "live", seq, sentAt: at }, [reading]);
  return engine.observe(SITE, AGENT, message, 0);
}

const deviceOf = (intervalMs: number): InventoryDevice => ({
  ...{ id: "zone", kind: "conveyor", driver: "modbus", address: "-", intervalMs },
  ...{ labels: {}, dependsOn: [], asset: {}, components: [] },
  metrics: ["up", "tripped", "guard_open"],
});

function episodesOf(transitions: readonly Transition[]): Episode[] {
  const episodes: { rule: string; onset: number; end: number | null }[] = [];
  const open = new Map<string, { end: number | null }>();
  for (const { rule, from, to, since, at } of transitions) {
    const isFiring = to === "firing" || to === "recovering";
    if (isFiring && !open.has(rule) && from !== to) {
      const episode = { rule, onset: since, end: null };
      open.set(rule, episode);
      episodes.push(episode);
    }
    const standing = open.get(rule);
    if (!isFiring && standing !== undefined) {
      standing.end = at;
      open.delete(rule);
    }
  }
  return episodes;
}
