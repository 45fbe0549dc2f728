/** A model brought to life on a clock: time passes when somebody looks, so an idle device costs nothing. */
import type { Clock } from "@aislewatch/base";
import type { Kind } from "@aislewatch/devices";
import { type BaseState, type Input, type Model, step } from "./models/model.ts";
import { OidTree } from "./oid-tree.ts";
import type { Random } from "./random.ts";

export type LiveDevice<State = unknown> = {
  readonly kind: Kind;
  /** Every fault that this device knows, with its meaning. */
  readonly faults: Readonly<Record<string, string>>;
  activeFaults(): readonly string[];
  /** False when the device knows no such fault. */
  fault(name: string): boolean;
  heal(name: string): boolean;
  state(): State;
  /** Something that only this kind of device can be told, such as a print job. */
  update(change: (state: State) => State): void;
  /** What SNMP sees; the same object until the state moves on. */
  tree(): OidTree;
};

/** A device's values move this often at most: a walk of many requests sees one snapshot, and builds one tree. */
const MOMENT_MS = 250;

export function bringToLife<State extends BaseState<Fault>, Fault extends string>(
  model: Model<State, Fault>,
  clock: Clock,
  random: Random,
): LiveDevice<State> {
  let state = model.start(random);
  let seenMs = clock.monotonic();
  let tree: OidTree | null = null;
  const isFault = (name: string): name is Fault => Object.hasOwn(model.faults, name);
  const take = (input: Input<Fault>): void => {
    state = step(model, state, input, random);
    tree = null;
  };
  const catchUp = (leastMs: number): void => {
    const ms = clock.monotonic() - seenMs;
    if (ms < leastMs) return;
    seenMs += ms;
    take({ kind: "elapsed", ms });
  };
  const event = (kind: "fault" | "heal", name: string): boolean => {
    if (!isFault(name)) return false;
    // What was before the fault happened without it.
    catchUp(1);
    take({ kind, fault: name });
    return true;
  };
  return {
    kind: model.kind,
    faults: model.faults,
    activeFaults: () => state.faults,
    fault: (name) => event("fault", name),
    heal: (name) => event("heal", name),
    state: () => {
      catchUp(MOMENT_MS);
      return state;
    },
    update: (change) => {
      catchUp(1);
      state = change(state);
      tree = null;
    },
    tree: () => {
      catchUp(MOMENT_MS);
      tree ??= new OidTree(model.mib(state, clock.now()));
      return tree;
    },
  };
}
