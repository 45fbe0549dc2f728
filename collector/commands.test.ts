import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import { agentTopic, decodeCommand, type Reply } from "@aislewatch/contract";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { COMMAND_MS_MAX, type Commands, createCommands } from "./commands.ts";
import { createSqliteStore } from "./store/state/sqlite.ts";
import type { CommandRecord, StateStore } from "./store/state/store.ts";

const T0 = 1_700_000_000_000;
const request = { site: "s1", agent: "pc", kind: "probe_now", device: "scale", by: "user:ana" } as const;

let folder: string;
let state: StateStore;
let clock: ManualClock;
let sent: { topic: string; text: string }[];
let answered: CommandRecord[];
let refused: string[];
let online: boolean;
let ids: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "commands-"));
  state = createSqliteStore({ file: join(folder, "state.sqlite") });
  await state.open();
  clock = new ManualClock(T0);
  [sent, answered, refused, online, ids] = [[], [], [], true, 0];
});
afterEach(async () => {
  await state.close();
  rmSync(folder, { recursive: true });
});

function make(): Commands {
  const commands = createCommands({
    clock,
    state,
    publish: (topic, text) => sent.push({ topic, text }),
    isOnline: () => online,
    newId: () => `c-${++ids}`,
    onAnswered: (command) => answered.push(command),
    onRefused: ({ reason }) => refused.push(reason),
  });
  commands.start();
  return commands;
}

function reply(commands: Commands, given: Partial<Reply> | string, agent = "pc"): void {
  const whole =
    typeof given === "string"
      ? given
      : JSON.stringify({ v: 1, id: "c-1", outcome: "done", detail: "14 values", ...given });
  const topic = agentTopic("s1", agent, "reply");
  commands.onReply({ site: "s1", agent, channel: "reply", part: 0, topic, payload: Buffer.from(whole) });
}

describe("a command", () => {
  it("is written down and audited before it is sent", () => {
    const issued = make().issue(request);
    expect(issued).toMatchObject({ ok: true, value: { id: "c-1", state: "sent", deadlineAt: T0 + COMMAND_MS_MAX } });
    expect(state.command("c-1")).toMatchObject({ by: "user:ana", device: "scale" });
    expect(state.auditLog(1)).toMatchObject([
      { actor: "user:ana", action: "command_probe_now", detail: "s1/pc scale" },
    ]);
    expect(sent.map(({ topic }) => topic)).toEqual(["aislewatch/v1/s1/pc/command"]);
    expect(decodeCommand(Buffer.from(sent[0]?.text ?? ""))).toMatchObject({
      ok: true,
      value: { id: "c-1", kind: "probe_now" },
    });
  });

  it("is not kept for an agent that is away", () => {
    online = false;
    expect(make().issue(request)).toMatchObject({ ok: false, error: { code: "offline" } });
    expect([sent, state.commands(null, 9)]).toEqual([[], []]);
  });

  it("is not sent when it can't be written down", async () => {
    const commands = make();
    await state.close();
    expect(commands.issue(request)).toMatchObject({ ok: false, error: { code: "not_written" } });
    expect(sent).toEqual([]);
    await state.open();
  });

  it("is not sent under an id that was given before, whether that one is answered or not", () => {
    const commands = make();
    commands.issue(request);
    ids = 0;
    expect(commands.issue({ ...request, agent: "till" })).toMatchObject({ ok: false, error: { code: "not_written" } });
    reply(commands, {});
    ids = 0;
    expect(commands.issue({ ...request, device: null })).toMatchObject({ ok: false, error: { code: "not_written" } });
    expect(sent).toHaveLength(1);
    expect(state.command("c-1")).toMatchObject({ agent: "pc", device: "scale", state: "done" });
  });

  it("ends with the reply of the agent that was asked, once", () => {
    const commands = make();
    commands.issue(request);
    reply(commands, {}, "till");
    expect(state.command("c-1")?.state).toBe("sent");
    reply(commands, { outcome: "refused", detail: "not allowed" });
    reply(commands, { outcome: "done" });
    expect(state.command("c-1")).toMatchObject({ state: "refused", detail: "not allowed", answeredAt: T0 });
    expect(answered).toHaveLength(1);
    expect(state.auditLog(1)).toMatchObject([{ actor: "agent:s1/pc", action: "command_ended" }]);
  });

  it("is unanswered when its deadline has passed, also over a restart", () => {
    make().issue(request);
    const commands = make();
    clock.advance(COMMAND_MS_MAX);
    commands.tick();
    expect(answered).toEqual([]);
    clock.advance(5_000);
    commands.tick();
    expect(answered).toMatchObject([{ id: "c-1", state: "unanswered" }]);
    reply(commands, {});
    expect(state.command("c-1")?.state).toBe("unanswered");
  });

  it("has seven beside it at most", () => {
    const commands = make();
    const codes = Array.from({ length: 10 }, () => commands.issue(request)).map((one) =>
      one.ok ? "sent" : one.error.code,
    );
    expect(codes).toEqual([...Array(8).fill("sent"), "too_many", "too_many"]);
    expect(commands.issue({ ...request, agent: "till" }).ok).toBe(true);
  });

  it.each(["", "{", "[]", JSON.stringify({ v: 1, id: "../x", outcome: "done", detail: "" })])(
    "survives %j for a reply",
    (text) => {
      const commands = make();
      commands.issue(request);
      reply(commands, text);
      expect(refused).toHaveLength(1);
      expect(state.command("c-1")?.state).toBe("sent");
    },
  );
});
