/**
 * Devices that answer against every rule, beside one that answers by them, all polled by one agent: each has an error of
 * its own that says what is wrong, within its time; the good one loses no turn, and the agent no memory.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { startSnmpd } from "../rig/devices.ts";
import {
  END_OF_MIB,
  integer,
  type SnmpConduct,
  type SnmpQuestion,
  startHostileSnmp,
  text,
} from "../rig/hostile-snmp.ts";
import { cleanUp, runOnce, startAgent, startCollector, waitFor } from "../rig/rig.ts";

afterAll(cleanUp);

const EVERY_MS = 2_000;
const TIMEOUT_MS = 2_000;
/** What a poll may take longer on a busy machine. */
const BUSY_MS = 1_000;
/** As many polls of each as the slowest has in some ten seconds. */
const POLLS = 4;
/** A poll may hold SNMP_LIMITS.bytesPerPollMax, and there are ten devices; code that the first polls load comes on top. */
const GROWTH_BYTES_MAX = 128 * 1024 * 1024;

const SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0";
const GIANT = Buffer.alloc(60_000, 0x41);
let turn = 0;

const answering = (value: (oid: string) => Buffer, next: (oid: string) => string): SnmpConduct => {
  return (question, send) => {
    const oids = question.isGet ? question.oids : question.oids.map(next);
    send(question.answer(oids.map((oid) => ({ oid, value: value(oid) }))));
  };
};
const sane = (question: SnmpQuestion): Buffer =>
  question.answer(question.oids.map((oid) => ({ oid, value: question.isGet ? text("a device") : END_OF_MIB })));
const lastArc = (oid: string): number => Number(oid.split(".").at(-1));
const raised = (oid: string): string => `${oid.split(".").slice(0, -1).join(".")}.${lastArc(oid) + 1}`;

type Hostile = { readonly name: string; readonly conduct: SnmpConduct; readonly error: RegExp | null };

/** `error` is null for what can be read, as far as it goes: no answer, but no failure either. */
const HOSTILE: readonly Hostile[] = [
  { name: "silent", conduct: () => undefined, error: /no answer in 1 try of 300 ms;/ },
  {
    name: "wrong-types",
    conduct: answering(
      (oid) => (oid === SYS_OBJECT_ID ? integer(-7) : lastArc(oid) % 2 === 0 ? text("seven") : integer(-7)),
      (oid) => `${oid}.1`,
    ),
    error: null,
  },
  {
    name: "endless",
    conduct: answering(
      () => integer(1),
      (oid) => (oid.length > 60 ? raised(oid) : `${oid}.1.1.1`),
    ),
    error: null,
  },
  {
    name: "circle",
    conduct: answering(
      () => integer(1),
      (oid) => `${oid.split(".").slice(0, 11).join(".")}.${++turn % 3}`,
    ),
    error: null,
  },
  {
    name: "giant",
    conduct: (question, send) => {
      const value = text(GIANT.subarray(0, Math.floor(GIANT.length / question.oids.length)));
      const oids = question.isGet ? question.oids : question.oids.map((oid) => `${oid}.1`);
      send(question.answer(oids.map((oid) => ({ oid, value }))));
    },
    error: /more than 4194304 bytes of answers in one poll/,
  },
  {
    name: "other-id",
    conduct: (question, send) => send(question.answer([], 42)),
    error: /no answer in 1 try of 300 ms; what came answers another request than ours/,
  },
  {
    name: "late",
    conduct: (question, send) => void setTimeout(() => send(sane(question)), 700).unref(),
    error: /no answer in 1 try of 300 ms/,
  },
  { name: "half", conduct: (question, send) => send(sane(question).subarray(0, 20)), error: /the answer is no SNMP/ },
  {
    name: "flood",
    conduct: (_, send) => {
      for (let n = 0; n < 200; n++) send(GIANT.subarray(0, 20_000));
    },
    error: /the answer is no SNMP|bytes of answers/,
  },
];

type Status = {
  pid: number;
  devices: {
    id: string;
    health: {
      polls: number;
      failures: number;
      skippedTurns: number;
      costMs: number;
      lastFailure: { kind: string; detail: string } | null;
    };
  }[];
};

const residentBytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0") * 1024;

describe("devices that answer against every rule", () => {
  it("each have a clear error, in bounded time and memory, and starve nobody", async () => {
    const good = await startSnmpd();
    const ports = await Promise.all(HOSTILE.map(async ({ conduct }) => (await startHostileSnmp(conduct)).port));
    const entry = (id: string, port: number): string =>
      `  - { id: ${id}, kind: host, driver: snmp, every: ${EVERY_MS}ms, timeout: ${TIMEOUT_MS}ms, request_timeout: 300ms, retries: 0, address: "127.0.0.1:${port}" }\n`;
    const collector = await startCollector();
    const agent = await startAgent(
      collector,
      "store-1/pc",
      [entry("good", good.port), ...HOSTILE.map(({ name }, n) => entry(name, ports[n] ?? 0))].join(""),
    );
    const read = (): Status => JSON.parse(readFileSync(join(agent.folder, "data/status.json"), "utf8"));
    await waitFor("the first status", () => read().devices.every(({ health }) => health.polls > 0));
    const before = residentBytes(agent.program.pid);
    const status = await waitFor("some polls of each", () => {
      const now = read();
      return now.devices.every(({ health }) => health.polls >= POLLS) ? now : null;
    });
    for (const { name, error } of HOSTILE) {
      const health = status.devices.find(({ id }) => id === name)?.health;
      expect(health?.costMs, `a poll of ${name} ends in time`).toBeLessThan(TIMEOUT_MS + BUSY_MS);
      if (error === null) expect([name, health?.lastFailure]).toEqual([name, null]);
      else expect(`${name}: ${health?.lastFailure?.detail}`).toMatch(error);
    }
    const { health } = status.devices.find(({ id }) => id === "good") ?? {};
    expect(health).toMatchObject({ failures: 0, skippedTurns: 0, lastFailure: null });
    expect(residentBytes(agent.program.pid) - before).toBeLessThan(GROWTH_BYTES_MAX);
    const shown = await runOnce("agent/main.ts", ["status", "--config", agent.config]);
    expect(shown.stdout).toMatch(/^polls +10 devices, [56] down, \d+ turns skipped; slowest \S+, \d+ ms a poll$/m);
    const widest = Math.max(...shown.stdout.split("\n").map((line) => line.length));
    expect(widest, "no device's text makes the table unreadable").toBeLessThan(250);
    expect(await agent.program.stop()).toBe(0);
  });
});
