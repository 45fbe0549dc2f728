/**
 * `node snmp-crowd.ts COUNT`, a process of its own: so many UPSs (RFC 1628) that answer SNMP v2c, each on a port of its
 * own on 127.0.0.1, and that watch their watcher. Says over IPC `{ ports }` when all are up, and answers each CrowdOrder.
 *
 * Who polls, and how punctually, is seen here by the questions that arrive, so it is the same measure for every poller:
 * questions to one device that follow each other within half an interval are one poll.
 */
import { realClock } from "@aislewatch/runtime";
import { bringToLife, SILENT, type SnmpDevice, seededRandom, startSnmpDevice, ups } from "@aislewatch/simulator";

/** `silence` makes the first so many stop answering; `count` begins a count anew; `report` ends in a CrowdReport. */
export type CrowdOrder = { readonly silence: number } | { readonly count: true } | { readonly report: true };
export type CrowdReport = {
  /** When each poll of a device that answers began, Unix ms, in the devices' order. */
  readonly polls: readonly (readonly number[])[];
  readonly requests: number;
};

/** Devices that share one state, which would otherwise cost more than its questions. */
const STATES = 20;
/** Polls of one device lie further apart than this, and its questions within one closer together. */
const QUIET_MS = 3_000;
const count = Number(process.argv[2] ?? "0");
const random = seededRandom(7);
const states = Array.from({ length: STATES }, (_, i) => {
  const identity = { name: `ups-${i}`, manufacturer: "Example", model: "UPS 1500", serial: `U${i}`, location: "back" };
  return bringToLife(ups(identity), realClock, random);
});

type Counted = { readonly device: SnmpDevice; lastMs: number; polls: number[] };
let requests = 0;

async function open(i: number): Promise<Counted> {
  const state = states[i % STATES];
  if (state === undefined) throw new Error("no state");
  const seen = (): void => {
    const nowMs = Date.now();
    if (nowMs - counted.lastMs > QUIET_MS) counted.polls.push(nowMs);
    counted.lastMs = nowMs;
    requests++;
  };
  const started = await startSnmpDevice({
    address: "127.0.0.1",
    port: 0,
    community: "public",
    users: [],
    engineId: Buffer.from((0x8000000001020304n * 0x10000n + BigInt(i)).toString(16), "hex"),
    view: () => {
      seen();
      return state.tree();
    },
    clock: realClock,
    random,
  });
  if (!started.ok) throw new Error(`no port: ${JSON.stringify(started.error)}`);
  const counted: Counted = { device: started.value, lastMs: 0, polls: [] };
  return counted;
}

const crowd: Counted[] = [];
for (let i = 0; i < count; i++) crowd.push(await open(i));

process.on("message", (order: CrowdOrder) => {
  if ("silence" in order) for (const { device } of crowd.slice(0, order.silence)) device.setConduct(SILENT);
  if ("count" in order) {
    requests = 0;
    for (const counted of crowd) counted.polls = [];
  }
  if ("report" in order) process.send?.({ polls: crowd.map(({ polls }) => polls), requests } satisfies CrowdReport);
});
process.on("disconnect", () => process.exit(0));
process.send?.({ ports: crowd.map(({ device }) => device.port) });
