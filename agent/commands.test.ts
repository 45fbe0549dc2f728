import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import type { Command, Reply } from "@aislewatch/contract";
import { silentLog } from "@aislewatch/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Commands, type CommandsOptions } from "./commands.ts";

const T0 = 1_700_000_000_000;
let folder: string;
let clock: ManualClock;
let replies: Reply[];
let ran: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "commands-"));
  clock = new ManualClock(T0);
  [replies, ran] = [[], []];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const command = (id: string, given: Partial<Command> = {}): Command => ({
  ...{ v: 1, id, kind: "probe_now", by: "user:ana", issuedAt: clock.now(), deadlineAt: clock.now() + 60_000 },
  ...given,
});

function make(probe: CommandsOptions["actions"]["probe_now"] = () => ({ outcome: "done", detail: "ok" })): Commands {
  const commands = new Commands({
    folder,
    clock,
    log: silentLog,
    allowed: () => ["probe_now", "send_diagnostics"],
    actions: {
      probe_now(one, signal) {
        ran.push(one.id);
        return probe(one, signal);
      },
      reload: () => ({ outcome: "done", detail: "" }),
      send_diagnostics(one) {
        ran.push(one.id);
        return { outcome: "done", detail: "{}" };
      },
    },
    reply: (reply) => replies.push(reply),
  });
  commands.start();
  return commands;
}
const settle = () => new Promise((done) => setImmediate(done));

describe("commands", () => {
  it("run once and are answered, a copy of them by the same reply, over a restart too", async () => {
    const commands = make();
    const one = command("c1");
    commands.take(one);
    commands.take(one);
    await settle();
    make().take(one);
    expect(ran).toEqual(["c1"]);
    expect(replies).toEqual([
      { v: 1, id: "c1", outcome: "done", detail: "ok" },
      { v: 1, id: "c1", outcome: "done", detail: "ok" },
    ]);
  });

  it("that were cut short by the agent's end have failed, and do not run again", () => {
    const one = command("c1");
    make(() => new Promise(() => {})).take(one);
    make().take(one);
    expect(ran).toEqual(["c1"]);
    expect(replies).toMatchObject([{ id: "c1", outcome: "failed" }]);
  });

  it("end at their deadline, and tell what they started", async () => {
    let isEnded = false;
    make((_one, signal) => {
      signal.addEventListener("abort", () => {
        isEnded = true;
      });
      return new Promise(() => {});
    }).take(command("c1"));
    clock.advance(60_000);
    await settle();
    expect(isEnded).toBe(true);
    expect(replies).toMatchObject([{ outcome: "expired" }]);
  });

  it("have their deadline by the collector's clock, whatever this host's says", async () => {
    const commands = make();
    commands.collectorTime(T0 + 3_600_000);
    commands.take(command("c1"));
    commands.take(command("c2", { deadlineAt: T0 + 3_660_000 }));
    await settle();
    expect(replies.map(({ id, outcome }) => [id, outcome])).toEqual([
      ["c1", "expired"],
      ["c2", "done"],
    ]);
  });

  it("do not run when they can't be remembered", () => {
    const commands = make();
    mkdirSync(join(folder, "commands.json.new"));
    commands.take(command("c1"));
    expect(ran).toEqual([]);
    expect(replies).toMatchObject([{ outcome: "failed" }]);
  });

  it("say how the agent is also when they can't be remembered, once in a run", async () => {
    const commands = make();
    mkdirSync(join(folder, "commands.json.new"));
    for (let copies = 0; copies < 2; copies++) {
      commands.take(command("c1", { kind: "send_diagnostics" }));
      await settle();
    }
    expect(ran).toEqual(["c1"]);
    expect(replies).toMatchObject([{ outcome: "done" }, { outcome: "done" }]);
  });

  it("that throw have failed", async () => {
    make(() => Promise.reject(new Error("a bug"))).take(command("c1"));
    await settle();
    expect(replies).toMatchObject([{ outcome: "failed", detail: "a bug" }]);
  });

  it.each(["", "{}", "[1]", '[{"id":1}]'])("begin anew with %j for a memory", async (text) => {
    writeFileSync(join(folder, "commands.json"), text);
    make().take(command("c1"));
    await settle();
    expect(replies).toMatchObject([{ outcome: "done" }]);
  });
});
