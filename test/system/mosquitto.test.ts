/** Mosquitto as the collector's broker: what only a broker that stands by itself can do to it. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { agentTopic } from "@aislewatch/contract";
import { afterAll, describe, expect, it } from "vitest";
import { cert, key } from "../../collector/api/test-certificate.ts";
import { addsUp, goesOn, isOpen, lanes, RULES, signIn, startWorld } from "../rig/broker-world.ts";
import { hurriedPacks } from "../rig/hurried-packs.ts";
import { mosquitto, mosquittoMissing } from "../rig/mosquitto.ts";
import { cleanUp, startCollector, tempFolder, waitFor } from "../rig/rig.ts";

const why = mosquittoMissing();
/** Beyond the minute after which agents that are not heard count as gone, by two of the looks that rules take of them. */
const DOWN_MS = 85_000;

afterAll(cleanUp);

describe.skipIf(why !== null)(`Mosquitto as the broker${why ?? ""}`, () => {
  it.concurrent("may drop what it can't hold: the agents have it", async () => {
    const here = await startWorld(await mosquitto({ more: ["max_queued_messages 3"] }));
    await here.collector.program.kill();
    await new Promise((done) => setTimeout(done, 6_000));
    await here.collector.restart();
    await goesOn(here);
    await addsUp(here);
  });

  it.concurrent("may lose retained messages while everybody stays connected", async () => {
    const here = await startWorld(await mosquitto());
    const cleaner = await signIn(here, "store-1/pc", "cleaner");
    for (const channel of ["status", "inventory/0"] as const)
      await cleaner.publishAsync(agentTopic("store-1", "pc", channel), "", { qos: 1, retain: true });
    await here.collector.program.kill();
    await here.collector.restart();
    here.printer.fault("media-out");
    await waitFor("the incident", () => isOpen(here.collector));
    await goesOn(here);
    await here.agent.program.stop();
    await waitFor("an account that adds up", async () =>
      (await lanes(here.collector)).every(({ owed, missing, isBalanced }) => owed === 0 && missing === 0 && isBalanced),
    );
  });

  it.concurrent("has one collector of two: the later one leaves, stands by and says so", async () => {
    const here = await startWorld(await mosquitto());
    if (here.broker === null) throw new Error("no broker");
    const copy = await startCollector({
      rules: RULES,
      broker: { ...here.broker, start: async () => {}, letIn: async () => {} },
    });
    await waitFor("the copy to leave", () => copy.program.output().includes("BROKER_TAKEN_OVER"));
    await goesOn(here);
    const connects = async (): Promise<number> =>
      Number(/broker_connects_total (\d+)/.exec(await (await fetch(`${here.collector.http}/metrics`)).text())?.[1]);
    const before = await connects();
    expect(before).toBeLessThan(6);
    const health = await fetch(`${copy.http}/healthz`);
    expect([health.status, await health.text()]).toEqual([503, expect.stringMatching(/another collector/)]);
    await new Promise((done) => setTimeout(done, 12_000));
    expect(await connects()).toBe(before);
    await goesOn(here);
    await addsUp(here);
  });

  it.concurrent("speaks TLS with the files that were written for it, to agents that know its authority", async () => {
    const folder = tempFolder();
    const files = { cert: join(folder, "broker.pem"), key: join(folder, "broker.key"), ca: join(folder, "broker.pem") };
    writeFileSync(files.cert, cert);
    writeFileSync(files.key, key);
    // Started by root, Mosquitto becomes a user of its own, who has to read them.
    chmodSync(folder, 0o755);
    const here = await startWorld(await mosquitto({ tls: files }));
    here.printer.fault("media-out");
    await waitFor("the incident", () => isOpen(here.collector));
    await addsUp(here);
  });

  it.concurrent("that is gone is one incident of the collector, and none of its agents", async () => {
    // What would be said of a silent agent is said at once; all other rules are the shipped ones.
    const { "agent.yaml": ofAgents = "", "collector.yaml": own = "" } = hurriedPacks(["agent-silent"]);
    const here = await startWorld(await mosquitto(), { "agent.yaml": ofAgents, "collector.yaml": own });
    const incidents = async (): Promise<Incident[]> =>
      (await here.collector.api<{ items: Incident[] }>("/incidents?state=all")).items;
    const open = async (): Promise<string[]> =>
      (await incidents()).filter(({ recoveredAt }) => recoveredAt === null).map(({ rule }) => rule);
    // A start that takes half a minute, on a machine that stands still, is such an incident, too.
    await waitFor("a quiet beginning", async () => (await open()).length === 0);
    const downMs = new Promise((done) => setTimeout(done, DOWN_MS));
    await here.killBroker();
    await waitFor("the incident", async () => (await open()).includes("broker-lost"), 90_000);
    const health = await fetch(`${here.collector.http}/healthz`);
    expect([health.status, await health.text()]).toEqual([503, expect.stringMatching(/MQTT broker: .*ECONNREFUSED/)]);
    await downMs;
    expect(await open()).toEqual(["broker-lost"]);
    await here.restartBroker();
    await waitFor("it to be well", async () => (await fetch(`${here.collector.http}/healthz`)).status === 200);
    await goesOn(here);
    expect((await incidents()).filter(({ rule }) => rule !== "broker-lost")).toEqual([]);
    await addsUp(here);
  });
});

type Incident = { readonly rule: string; readonly recoveredAt: number | null };
