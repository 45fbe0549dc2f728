/** Does what a plan says. Each act ends by itself and leaves its target as it was before; what it may cost is noted. */
import { closeSync, copyFileSync, existsSync, fstatSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { assertNever } from "@aislewatch/base";
import { WELL } from "../rig/broken-wire.ts";
import { tempFolder } from "../rig/rig.ts";
import type { Act } from "./plan.ts";
import { type AgentOf, noteInFile, type World } from "./world.ts";

/** Resolves after this time, or at once when the run is to end. */
export type Pause = (forMs: number) => Promise<void>;

/** A start that finds a full or read-only disk may fail; it is tried so often, for a minute in all. */
const START_TRIES_MAX = 60;
const START_PAUSE_MS = 1_000;
/** So long an ack is waited for; none comes while all wires are cut. */
const ACK_MS_MAX = 2_000;
/** A few batches. */
const UNACKED_MS = 2_000;
const OUTBOX = "outbox.db";
/** What is written over a page: as much as a disk's sector. */
const DAMAGE_BYTES = 512;

/** Two acts on the same of these would undo each other; one waits for the other. */
export function targetsOf(act: Act): readonly string[] {
  switch (act.kind) {
    case "kill-collector":
    case "stop-collector":
      return ["collector"];
    case "fill-collector-disk":
      return ["collector disk"];
    case "kill-agent":
    case "stop-agent":
      return [`agent ${act.agent}`];
    case "corrupt":
    case "rollback":
      return [`agent ${act.agent}`, `wire ${act.agent}`];
    case "fill-agent-disk":
      return [`disk ${act.agent}`];
    case "read-only":
      return [`agent ${act.agent}`, `disk ${act.agent}`];
    case "clock":
      return [`clock ${act.agent}`];
    default:
      return [`wire ${act.agent}`];
  }
}

export async function perform(world: World, act: Act, means: Means): Promise<void> {
  const from = Date.now();
  await carryOut(world, act, means);
  world.disturbances.push({ agent: "agent" in act ? act.agent : null, from, to: Date.now() });
}

type Means = { readonly pause: Pause; readonly random: () => number };

async function carryOut(world: World, act: Act, { pause, random }: Means): Promise<void> {
  if (!("agent" in act)) return performAtCollector(world, act, pause);
  const agent = world.agents[act.agent];
  if (agent === undefined) return;
  const { wire } = agent;
  const during = async (change: Parameters<typeof wire.set>[0], forMs: number): Promise<void> => {
    wire.set(change);
    await pause(forMs);
    wire.set(WELL);
  };
  switch (act.kind) {
    case "kill-agent":
      await world.killAgent(agent);
      await pause(act.forMs);
      return startAgain(() => world.startAgent(agent));
    case "stop-agent":
      await world.stopAgent(agent);
      await pause(act.forMs);
      return startAgain(() => world.startAgent(agent));
    case "cut":
      return during({ down: true }, act.forMs);
    case "reset":
      return wire.reset();
    case "freeze":
      return during({ frozen: { out: true, back: true } }, act.forMs);
    case "freeze-acks":
      return during({ frozen: { out: false, back: true } }, act.forMs);
    case "slow":
      return during({ delayMs: act.delayMs, bytesPerSecond: act.bytesPerSecond }, act.forMs);
    case "duplicate":
    case "reorder":
    case "lose":
      return during({ [act.kind]: act.share }, act.forMs);
    case "replay":
      wire.replay(act.batches);
      return;
    case "fill-agent-disk":
      return fillDisk(world, agent, { forMs: act.forMs, pause });
    case "read-only":
      return makeReadOnly(world, agent, { forMs: act.forMs, pause });
    case "corrupt":
      return corrupt(world, agent, { ...act, pause, random });
    case "rollback":
      return rollBack(world, agent, { forMs: act.forMs, pause });
    case "clock": {
      const from = Date.now();
      agent.clock?.set(act.byMs);
      await pause(act.forMs);
      agent.clock?.set(0);
      world.clockSets.push({ agent: agent.number, from, to: Date.now(), byMs: act.byMs });
      return;
    }
    default:
      assertNever(act);
  }
}

async function performAtCollector(world: World, act: Exclude<Act, { agent: number }>, pause: Pause): Promise<void> {
  switch (act.kind) {
    case "kill-collector":
      // Half of them at the worst moment: it has just said that something is safe.
      if (act.forMs % 2 === 1) {
        await Promise.race([pause(ACK_MS_MAX), ...world.agents.map(({ wire }) => wire.nextAck())]);
      }
      await world.killCollector();
      await pause(act.forMs);
      return startAgain(() => world.startCollector());
    case "stop-collector":
      await world.stopCollector();
      await pause(act.forMs);
      return startAgain(() => world.startCollector());
    case "fill-collector-disk":
      world.collectorDisk?.fill();
      await pause(act.forMs);
      world.collectorDisk?.free();
      return;
    default:
      assertNever(act);
  }
}

/** On a full or read-only disk a program may refuse to start, and says so; its supervisor tries again. */
async function startAgain(start: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await start();
    } catch (thrown) {
      if (tries >= START_TRIES_MAX) throw thrown;
      await new Promise((done) => setTimeout(done, START_PAUSE_MS));
    }
  }
}

type Lasting = { readonly forMs: number; readonly pause: Pause };

async function fillDisk(world: World, agent: AgentOf, { forMs, pause }: Lasting): Promise<void> {
  const from = Date.now();
  agent.disk?.fill();
  await pause(forMs);
  agent.disk?.free();
  // What found no room waits in memory, and a kill meanwhile takes it along.
  world.fullDisks.push({ agent: agent.number, from, to: Date.now() });
}

async function makeReadOnly(world: World, agent: AgentOf, { forMs, pause }: Lasting): Promise<void> {
  await world.killAgent(agent);
  agent.disk?.setReadOnly(true);
  const from = Date.now();
  const started = startAgain(() => world.startAgent(agent));
  await pause(forMs);
  agent.disk?.setReadOnly(false);
  world.fullDisks.push({ agent: agent.number, from, to: Date.now() });
  await started;
}

async function corrupt(
  world: World,
  agent: AgentOf,
  { places, forMs, pause, random }: Lasting & { places: readonly number[]; random: () => number },
): Promise<void> {
  await killWithUnacked(world, agent, pause);
  damage(join(agent.dataFolder, OUTBOX), places, random);
  await pause(forMs);
  agent.wire.set(WELL);
  return startAgain(() => world.startAgent(agent));
}

async function rollBack(world: World, agent: AgentOf, { forMs, pause }: Lasting): Promise<void> {
  await world.killAgent(agent);
  const backup = tempFolder();
  copyOutbox(agent.dataFolder, backup);
  await startAgain(() => world.startAgent(agent));
  await pause(forMs);
  await killWithUnacked(world, agent, pause);
  copyOutbox(backup, agent.dataFolder);
  for (const [key, batch] of agent.sent) agent.sent.set(key, { ...batch, sum: null });
  for (const one of [...world.damaged.values(), ...world.damagedFailures])
    one.isRenumbered ||= one.agent === agent.number;
  agent.wire.set(WELL);
  return startAgain(() => world.startAgent(agent));
}

function copyOutbox(from: string, to: string): void {
  for (const suffix of ["", "-wal", "-shm"]) {
    rmSync(join(to, OUTBOX + suffix), { force: true });
    // The index of the log is made anew.
    if (suffix !== "-shm" && existsSync(join(from, OUTBOX + suffix)))
      copyFileSync(join(from, OUTBOX + suffix), join(to, OUTBOX + suffix));
  }
}

/** Cut off first, so that something waits in the outbox that may be lost with it; what, is written down. */
async function killWithUnacked(world: World, agent: AgentOf, pause: Pause): Promise<void> {
  agent.wire.set({ down: true });
  await pause(UNACKED_MS);
  await world.killAgent(agent);
  noteInFile(world, agent, world.outboxOf(agent));
}

function damage(file: string, places: readonly number[], random: () => number): void {
  const opened = openSync(file, "r+");
  try {
    const { size } = fstatSync(opened);
    for (const place of places) {
      const bytes = Buffer.from(Array.from({ length: DAMAGE_BYTES }, () => Math.floor(random() * 256)));
      const at = Math.floor((place * size) / DAMAGE_BYTES) * DAMAGE_BYTES;
      writeSync(opened, bytes, 0, Math.min(DAMAGE_BYTES, size - at), at);
    }
  } finally {
    closeSync(opened);
  }
}
