/** Ingest behind a broker that stands by itself: messages that waited there, and messages that it dropped. */
import { type AgentStatus, agentTopic } from "@aislewatch/contract";
import { afterEach, describe, expect, it } from "vitest";
import type { AgentMessage } from "./broker/broker.ts";
import { aBatch, startedSite } from "./sample-ingest.ts";
import { printer, type SampleSite, sampleSite, statusOf, T0 } from "./sample-site.ts";

const HOUR_MS = 3_600_000;

let site: SampleSite;
afterEach(() => site.end());

function say(status: AgentStatus, waited?: AgentMessage["waited"]): void {
  site.ingest.onMessage({
    ...{ site: "s1", agent: "pc", channel: "status", part: 0, topic: agentTopic("s1", "pc", "status") },
    payload: Buffer.from(JSON.stringify(status)),
    ...(waited !== undefined && { waited }),
  });
}
const agents = () => site.judge.roster().map(({ record: { agent, online } }) => [agent, online]);

describe("a status that waited at the broker", () => {
  it("says nothing of its agent's clock, however long it waited", async () => {
    site = await sampleSite();
    await site.pass(HOUR_MS);
    say({ ...statusOf(), sentAt: T0 }, "queued");
    expect(site.ingest.skewMs("s1", "pc")).toBe(0);
    say({ ...statusOf(), sentAt: T0 });
    expect(site.ingest.skewMs("s1", "pc")).toBe(HOUR_MS);
  });

  it("is no word of an agent when it was retained: that is answered, and is there when it speaks itself", async () => {
    site = await sampleSite();
    say(statusOf(), "retained");
    await site.pass(250);
    expect([agents(), site.acks.length]).toEqual([[], 1]);
    say(statusOf());
    expect(agents()).toEqual([["pc", true]]);
  });

  it("is believed when it was retained and says that its agent is gone", async () => {
    site = await startedSite();
    say({ ...statusOf(), state: "offline" }, "retained");
    expect(agents()).toEqual([["pc", false]]);
  });
});

describe("an inventory that was dropped", () => {
  const named = (revision: number) => say({ ...statusOf(), inventoryRevision: revision });

  it("is asked for when its agent has named it for twenty seconds, twice at most", async () => {
    site = await startedSite();
    named(1);
    await site.pass(30_000);
    named(1);
    expect(site.disconnects).toEqual([]);
    named(2);
    await site.pass(19_000);
    named(2);
    expect(site.disconnects).toEqual([]);
    for (let n = 0; n < 5; n++) {
      await site.pass(30_000);
      named(2);
    }
    expect(site.disconnects).toEqual(["s1/pc", "s1/pc"]);
  });

  it("is not asked for any more when it has come", async () => {
    site = await startedSite();
    named(2);
    await site.pass(10_000);
    site.send("inventory/0", { v: 1, revision: 2, part: 0, parts: 1, metricSets: [], devices: [] });
    await site.pass(30_000);
    named(2);
    expect(site.disconnects).toEqual([]);
    expect(site.judge.live.devices("s1")).toEqual([]);
  });
});

it("an agent is asked for all again once, until it has said how it is", async () => {
  site = await startedSite();
  site.send("telemetry", aBatch(1));
  for (const seq of [3, 4, 5]) site.send("telemetry", aBatch(seq));
  expect(site.disconnects).toEqual(["s1/pc"]);
  say(statusOf());
  site.send("telemetry", aBatch(1));
  site.send("telemetry", aBatch(2));
  site.inventory([printer("printer")]);
  await site.pass(250);
  expect(site.acks.at(-1)).toMatchObject({ live: 2 });
});

it("what a judge is told to doubt is offline in its time, unless it is heard", async () => {
  site = await startedSite();
  site.judge.doubt("s1", "pc", 1_000);
  site.judge.doubt("s1", "nobody", 0);
  await site.pass(900);
  site.judge.tick();
  expect([agents(), site.judge.roster()[0]?.isHeard]).toEqual([[["pc", true]], false]);
  site.send("telemetry", aBatch(1));
  await site.pass(1_000);
  site.judge.tick();
  expect([agents(), site.judge.roster()[0]?.isHeard]).toEqual([[["pc", true]], true]);
  site.judge.doubt("s1", "pc", 1_000);
  await site.pass(1_000);
  site.judge.tick();
  expect(agents()).toEqual([["pc", false]]);
});
