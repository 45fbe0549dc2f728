/**
 * What goes wrong in a run, and when: a pure function of a seed, so that a run that found something is run again.
 *
 * An act is due after so many polls of all devices together, not at a time of day: a machine that is twice as slow lets
 * the same thing happen to the same readings, or nearly. How long it lasts is in milliseconds, for the waits of the
 * programs that it is to meet (lanes, back-off, stalls) are, too.
 */
import { type Random, seededRandom } from "@aislewatch/simulator";
import { z } from "zod";

const [agent, forMs, share] = [z.int().min(0), z.number().min(0), z.number().min(0).max(1)];
const act = <const Kind extends string, Shape extends z.core.$ZodShape>(kind: Kind, shape: Shape) =>
  z.strictObject({ kind: z.literal(kind), ...shape });

/** Agents are numbered from 0. Times are milliseconds. */
const actSchema = z.discriminatedUnion("kind", [
  /** SIGKILL, and started again after `forMs`; `stop` is SIGTERM. */
  act("kill-agent", { agent, forMs }),
  act("stop-agent", { agent, forMs }),
  act("kill-collector", { forMs }),
  act("stop-collector", { forMs }),
  /** Connections end and none is taken. */
  act("cut", { agent, forMs }),
  /** The connection ends, the next one is taken at once. */
  act("reset", { agent }),
  /** Half-open: connections are taken, and nothing passes; `freeze-acks`: nothing comes back. */
  act("freeze", { agent, forMs }),
  act("freeze-acks", { agent, forMs }),
  act("slow", { agent, forMs, delayMs: z.number().min(0), bytesPerSecond: z.number().min(1) }),
  /** A share of the batches is delivered twice, is overtaken by the next ones, or gets lost on the way. */
  act("duplicate", { agent, forMs, share }),
  act("reorder", { agent, forMs, share }),
  act("lose", { agent, forMs, share }),
  /** Batches of long ago are delivered once more. */
  act("replay", { agent, batches: z.int().min(1) }),
  act("fill-agent-disk", { agent, forMs }),
  act("fill-collector-disk", { forMs }),
  /** Killed, and its disk is read-only when it comes back, for `forMs`. */
  act("read-only", { agent, forMs }),
  /** Killed, and bytes of its outbox file are others when it comes back; `places` are shares of the file's length. */
  act("corrupt", { agent, forMs, places: z.array(share) }),
  /** Killed, and when it comes back its outbox file is the one of `forMs` before, as after a restored disk image. */
  act("rollback", { agent, forMs }),
  /** Somebody sets the clock of its host, and after `forMs` back to the right time. */
  act("clock", { agent, forMs, byMs: z.number() }),
]);

export type Act = z.infer<typeof actSchema>;
export type ActKind = Act["kind"];
export const ACT_KINDS: readonly ActKind[] = actSchema.options.map(({ shape }) => shape.kind.value);

const scheduled = z.strictObject({ afterPolls: z.int().min(0), act: actSchema });
export type Scheduled = z.infer<typeof scheduled>;

/** A run as it is kept in a file, to be had again. */
export const savedRun = z.strictObject({
  seed: z.int().min(0),
  agents: z.int().min(1).max(32),
  /** Of all devices together, from the first to the last. */
  polls: z.int().min(1),
  plan: z.array(scheduled),
});
export type SavedRun = z.infer<typeof savedRun>;

export type PlanOptions = {
  readonly seed: number;
  readonly agents: number;
  /** Polls of all devices together, from the first act to the last. */
  readonly polls: number;
  /** Acts between which about this many polls lie. */
  readonly pollsBetween: number;
  /** No act lasts longer; short runs have no time for a long outage. */
  readonly forMsMax: number;
  readonly kinds: readonly ActKind[];
};

/** How often each kind is drawn, beside the others. What costs a whole outbox is rare, as on a real disk. */
const WEIGHTS: Readonly<Record<ActKind, number>> = {
  "kill-agent": 4,
  "stop-agent": 1,
  "kill-collector": 3,
  "stop-collector": 1,
  cut: 4,
  reset: 3,
  freeze: 2,
  "freeze-acks": 2,
  slow: 2,
  duplicate: 2,
  reorder: 2,
  lose: 2,
  replay: 1,
  "fill-agent-disk": 2,
  "fill-collector-disk": 1,
  "read-only": 1,
  corrupt: 1,
  rollback: 1,
  clock: 1,
};

/** An agent counts an outage as one (history lane) after ten seconds: three of ten are longer than that. */
const SHORT_MS = [300, 4_000] as const;
const LONG_MS = [11_000, 25_000] as const;
const LONG_SHARE = 0.3;
/** The first polls are let through, so that everybody knows everybody. */
const POLLS_AT_FIRST = 20;

export function plan(options: PlanOptions): Scheduled[] {
  const { seed, polls, pollsBetween, kinds } = options;
  const random = seededRandom(seed);
  const drawn: Scheduled[] = [];
  for (let after = POLLS_AT_FIRST; kinds.length > 0; ) {
    after += Math.ceil(pollsBetween * (0.3 + 1.4 * random()));
    if (after >= polls) return drawn;
    drawn.push({ afterPolls: after, act: draw(pick(kinds, random), options, random) });
  }
  return drawn;
}

function pick(kinds: readonly ActKind[], random: Random): ActKind {
  let left = random() * kinds.reduce((total, kind) => total + WEIGHTS[kind], 0);
  for (const kind of kinds) {
    left -= WEIGHTS[kind];
    if (left < 0) return kind;
  }
  return kinds[0] ?? "cut";
}

function draw(kind: ActKind, { agents, forMsMax }: PlanOptions, random: Random): Act {
  const between = ([least, most]: readonly [number, number]): number => Math.round(least + random() * (most - least));
  const agent = Math.floor(random() * agents);
  const forMs = Math.min(forMsMax, between(random() < LONG_SHARE ? LONG_MS : SHORT_MS));
  switch (kind) {
    case "kill-collector":
    case "stop-collector":
    case "fill-collector-disk":
      return { kind, forMs };
    case "reset":
      return { kind, agent };
    case "slow":
      return { kind, agent, forMs, delayMs: between([20, 1_500]), bytesPerSecond: between([2_000, 50_000]) };
    case "duplicate":
    case "reorder":
    case "lose":
      return { kind, agent, forMs, share: between([5, 50]) / 100 };
    case "replay":
      return { kind, agent, batches: between([1, 20]) };
    case "corrupt":
      return { kind, agent, forMs: Math.min(forMs, 1_000), places: Array.from({ length: between([1, 64]) }, random) };
    case "clock":
      return {
        ...{ kind, agent: withSetClock(agent, agents), forMs },
        byMs: (random() < 0.5 ? -1 : 1) * between([2_000, 3_600_000]),
      };
    default:
      return { kind, agent, forMs };
  }
}

/**
 * Of an agent whose clock was set no times can be compared, so it is always the same ones, the last: half of them, and the
 * others' incidents are held to those of an undisturbed run.
 */
function withSetClock(agent: number, agents: number): number {
  const set = Math.max(1, Math.floor(agents / 2));
  return agents - 1 - (agent % set);
}

/** One line for a person: `cut agent 2 for 3.1 s`. */
export function describeAct(act: Act): string {
  const whom = "agent" in act ? ` agent ${act.agent}` : "";
  const long = "forMs" in act ? ` for ${(act.forMs / 1_000).toFixed(1)} s` : "";
  const how =
    act.kind === "slow"
      ? `, ${act.delayMs} ms late and ${act.bytesPerSecond} B/s`
      : "share" in act
        ? `, ${Math.round(act.share * 100)} % of its batches`
        : act.kind === "replay"
          ? `, ${act.batches} batches`
          : act.kind === "corrupt"
            ? `, ${act.places.length} places`
            : act.kind === "clock"
              ? `, by ${(act.byMs / 1_000).toFixed(0)} s`
              : "";
  return `${act.kind.replaceAll("-", " ")}${whom}${long}${how}`;
}
