/**
 * A device's behaviour as a state machine: (state, input, random) → state. Inputs are time and what a demo does to the
 * device. How the state looks over SNMP or ZPL is a second function of the state, so the wire never holds a truth of
 * its own.
 */
import type { Kind } from "@aislewatch/devices";
import type { MibEntry } from "../oid-tree.ts";
import type { Random } from "../random.ts";

export type BaseState<Fault extends string> = {
  readonly uptimeMs: number;
  /** Faults that are on, in the order they came. */
  readonly faults: readonly Fault[];
};

export type Input<Fault extends string> =
  | { readonly kind: "elapsed"; readonly ms: number }
  | { readonly kind: "fault"; readonly fault: Fault }
  | { readonly kind: "heal"; readonly fault: Fault };

export type Model<State extends BaseState<Fault>, Fault extends string> = {
  readonly kind: Kind;
  /** Name of each fault and what it does, in words for `aislewatch demo list`. */
  readonly faults: Readonly<Record<Fault, string>>;
  start(random: Random): State;
  /** A stretch of life of at most SLICE_MS. */
  live(state: State, elapsedMs: number, random: Random): State;
  /** What a fault changes at once, beside being listed in `faults`. */
  strike(state: State, fault: Fault): State;
  /** What its repair changes at once; `faults` is already without it. */
  cure(state: State, fault: Fault): State;
  /** The state over SNMP; `nowMs` is for the device's own clock. */
  mib(state: State, nowMs: number): readonly MibEntry[];
};

/** Models advance in slices, so that a long pause between polls changes nothing but its length. */
export const SLICE_MS = 5_000;
/** A host that slept for a day does not have to relive it: one hour is enough for every value to have settled. */
const RELIVED_MS_MAX = 3_600_000;

/** The device has no power: it says nothing, does nothing, and starts from zero uptime when it is healed. */
export const DEAD = "dead";

export function step<State extends BaseState<Fault>, Fault extends string>(
  model: Model<State, Fault>,
  state: NoInfer<State>,
  input: Input<NoInfer<Fault>>,
  random: Random,
): State {
  switch (input.kind) {
    case "elapsed":
      return elapse(model, state, input.ms, random);
    case "fault": {
      if (state.faults.includes(input.fault)) return state;
      return model.strike({ ...state, faults: [...state.faults, input.fault] }, input.fault);
    }
    case "heal": {
      if (!state.faults.includes(input.fault)) return state;
      const faults = state.faults.filter((fault) => fault !== input.fault);
      const restarted = input.fault === DEAD ? { uptimeMs: 0 } : {};
      return model.cure({ ...state, faults, ...restarted }, input.fault);
    }
  }
}

function elapse<State extends BaseState<Fault>, Fault extends string>(
  model: Model<State, Fault>,
  state: State,
  ms: number,
  random: Random,
): State {
  if (ms <= 0 || (state.faults as readonly string[]).includes(DEAD)) return state;
  let next: State = { ...state, uptimeMs: state.uptimeMs + ms };
  for (let left = Math.min(ms, RELIVED_MS_MAX); left > 0; left -= SLICE_MS) {
    next = model.live(next, Math.min(left, SLICE_MS), random);
  }
  return next;
}

export const DAY_MS = 86_400_000;

/** DateAndTime of RFC 2579 in UTC, 11 octets; hosts report their clock in it. */
export function dateAndTime(nowMs: number): number[] {
  const date = new Date(nowMs);
  const year = date.getUTCFullYear();
  return [
    year >> 8,
    year & 0xff,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    Math.floor(date.getUTCMilliseconds() / 100),
    "+".charCodeAt(0),
    0,
    0,
  ];
}

/** "02 days 06 hours 21 mins 36 secs", as Zebra's print servers write it. */
export function uptimeText(ms: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const seconds = ms / 1000;
  return `${two(seconds / 86_400)} days ${two((seconds / 3600) % 24)} hours ${two((seconds / 60) % 60)} mins ${two(seconds % 60)} secs`;
}
