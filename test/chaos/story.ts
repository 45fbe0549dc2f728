/**
 * What a device says at its n-th poll: a pure function of the seed, the device and n, and a list of what was really
 * said. The count n is itself a metric (`items_total`), so that every stored sample names the poll that it came from,
 * whatever a clock did meanwhile; `fault_number` repeats it in disguise, so that a damaged value is seen.
 */

import { realClock } from "@aislewatch/runtime";
import { modbusDialogue, type Random, seededRandom, startTcpDevice } from "@aislewatch/simulator";
import { onCleanUp } from "../rig/rig.ts";

export type Said = { readonly serial: number; readonly tripped: boolean; readonly guardOpen: boolean };

export type StoryDevice = {
  readonly id: string;
  readonly agent: number;
  readonly port: number;
  /** When each poll was answered, Unix ms; of serial n at index n − 1. */
  readonly servedAt: readonly number[];
  said(serial: number): Said;
};

/** Register map of the agents under test: one read, so that a reply is one poll and one reading. */
export const STORY_MAP = `map: story
title: A device whose every value is known
kind: conveyor
verified: false
source: none; see test/chaos/story.ts
addresses: pdu
registers:
  serial: { table: input, at: 0, type: u32, word_order: high_first }
  state: { table: input, at: 2 }
  check: { table: input, at: 3 }
metrics:
  items_total: { register: serial }
  tripped: { register: state, bit: 0 }
  guard_open: { register: state, bit: 1 }
  fault_number: { register: check }
`;

/** For \`for: 0s\`, and for a wait of several polls that outages fall into. */
export const STORY_RULES = `group: story
select: kind == "conveyor"
rules:
  - { id: tripped, title: "Tripped", when: "tripped", severity: major, category: hardware }
  - { id: guard-open, title: "Guard open", when: "guard_open", for: 1s, severity: minor, category: hardware }
`;

/** Of polls: how long a fault is absent, and how long it stands. */
const PAUSE = [8, 40] as const;
const STAND = [2, 16] as const;
const CHECK_MASK = 0x5a5a;

export const checkOf = (serial: number): number => (serial & 0xffff) ^ CHECK_MASK;

/** Is this fault there at poll n? Asked in any order; the story is written as far as it was asked for. */
function fault(random: Random): (serial: number) => boolean {
  const turns: number[] = [];
  const between = ([least, most]: readonly [number, number]): number =>
    Math.floor(least + random() * (most - least + 1));
  return (serial) => {
    while ((turns.at(-1) ?? 0) <= serial) {
      turns.push((turns.at(-1) ?? 0) + between(turns.length % 2 === 0 ? PAUSE : STAND));
    }
    // Even turns begin a fault, odd ones end it.
    return turns.findIndex((turn) => turn > serial) % 2 === 1;
  };
}

export async function startStory(
  seed: number,
  { id, agent, number, onPoll }: { id: string; agent: number; number: number; onPoll: () => void },
): Promise<StoryDevice> {
  const isTripped = fault(seededRandom(seed * 7_919 + number * 2));
  const isGuardOpen = fault(seededRandom(seed * 7_919 + number * 2 + 1));
  const servedAt: number[] = [];
  const said = (serial: number): Said => ({ serial, tripped: isTripped(serial), guardOpen: isGuardOpen(serial) });
  const registers = () => {
    const serial = servedAt.push(Date.now());
    const { tripped, guardOpen } = said(serial);
    const words = [serial >>> 16, serial & 0xffff, (tripped ? 1 : 0) | (guardOpen ? 2 : 0), checkOf(serial)];
    onPoll();
    return (table: string, address: number) => (table === "input" ? words[address] : undefined);
  };
  const started = await startTcpDevice({
    address: "127.0.0.1",
    port: 0,
    // A killed agent's connection may still be there when the next one asks.
    connectionsMax: 4,
    dialogue: modbusDialogue({
      units: new Map([[1, { registers, mood: () => "well", identity: null }]]),
      framing: "tcp",
      random: Math.random,
    }),
    clock: realClock,
    random: Math.random,
    paceMs: 0,
  });
  if (!started.ok) throw new Error(`no port for a device: ${JSON.stringify(started.error)}`);
  onCleanUp(() => started.value.stop());
  return { id, agent, port: Number(started.value.line), servedAt, said };
}
