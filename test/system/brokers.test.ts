/**
 * What the collector promises whatever broker carries its messages: the one inside it, and a real Mosquitto with the files
 * that `aislewatch broker-config` writes. Real agents, a device whose faults are incidents, and in the end of each test a
 * ledger that adds up: nothing owed, nothing missing.
 */
import { ackTopic, agentTopic, LIMITS } from "@aislewatch/contract";
import { afterAll, describe, expect, it } from "vitest";
import { addsUp, goesOn, isOpen, lanes, signIn, startWorld } from "../rig/broker-world.ts";
import { mosquitto, mosquittoMissing } from "../rig/mosquitto.ts";
import { cleanUp, runOnce, waitFor } from "../rig/rig.ts";

const why = mosquittoMissing();
const BROKERS = [
  { name: "the broker inside the collector", start: async () => null, skip: false },
  { name: `Mosquitto${why ?? ""}`, start: () => mosquitto(), skip: why !== null },
];

/** Each case has a world of its own, and mostly waits: those of one broker run at the same time. */
const CONCURRENT = { concurrent: true } as const;

describe.each(BROKERS)("$name", ({ start, skip }) => {
  afterAll(cleanUp);

  it.skipIf(skip)(
    "carries a fault to an incident, and loses nothing when it is killed and comes back",
    CONCURRENT,
    async () => {
      const here = await startWorld(await start());
      here.printer.fault("media-out");
      await waitFor("the incident", () => isOpen(here.collector));
      here.printer.heal();
      await waitFor("its end", async () => !(await isOpen(here.collector)));
      for (let n = 0; n < 3; n++) {
        await here.killBroker();
        if (n === 1) here.printer.fault("media-out");
        await new Promise((done) => setTimeout(done, 500 * n));
        await here.restartBroker();
        await goesOn(here);
      }
      await waitFor("the incident of what happened meanwhile", () => isOpen(here.collector));
      await addsUp(here);
    },
  );

  it.skipIf(skip)("may lose all that it had kept, messages, sessions and retained ones", CONCURRENT, async () => {
    const here = await startWorld(await start());
    await here.killBroker();
    here.broker?.forget();
    here.printer.fault("media-out");
    await here.restartBroker();
    await waitFor("the incident", () => isOpen(here.collector));
    await goesOn(here);
    if (here.broker !== null)
      expect(here.collector.program.output()).toMatch(
        /broker_connected[^\n]*isSessionKept=false[\s\S]*isSessionKept=false/,
      );
    await addsUp(here);
  });

  it.skipIf(skip)("keeps what comes while the collector is restarted, or the agent does", CONCURRENT, async () => {
    const here = await startWorld(await start());
    for (const pauseMs of [0, 1_500, 4_000]) {
      await here.collector.program.kill();
      await new Promise((done) => setTimeout(done, pauseMs));
      await here.collector.restart();
      await goesOn(here);
    }
    await here.agent.program.kill();
    await here.agent.restart();
    await goesOn(here);
    if (here.broker !== null) expect(here.collector.program.output()).toMatch(/isSessionKept=true/);
    await addsUp(here);
  });

  it.skipIf(skip)(
    "has the present first and then the past, when the collector was away for longer",
    CONCURRENT,
    async () => {
      const here = await startWorld(await start());
      await here.collector.program.kill();
      // Its window is full after eight seconds, and nothing was acked for half a minute then.
      if (here.broker !== null)
        await waitFor("the agent to notice", () => here.agent.program.output().includes("ack_stalled"), 90_000);
      await new Promise((done) => setTimeout(done, 15_000));
      here.printer.fault("media-out");
      await here.collector.restart();
      await waitFor("the incident", () => isOpen(here.collector));
      await waitFor("history", async () => (await lanes(here.collector)).some(({ lane }) => lane === "history"));
      await addsUp(here);
    },
  );

  it.skipIf(skip)("bears a collector that stands still for a while", CONCURRENT, async () => {
    const here = await startWorld(await start());
    process.kill(here.collector.program.pid, "SIGSTOP");
    here.printer.fault("media-out");
    await new Promise((done) => setTimeout(done, 6_000));
    process.kill(here.collector.program.pid, "SIGCONT");
    await waitFor("the incident", () => isOpen(here.collector));
    await goesOn(here);
    await addsUp(here);
  });

  it.skipIf(skip)("lets nobody speak or listen as another agent, or as the collector", CONCURRENT, async () => {
    const here = await startWorld(await start());
    await here.collector.addAgent("store-1/till");
    const till = await signIn(here, "store-1/till", "till");
    const heard: string[] = [];
    till.on("message", (topic) => heard.push(topic));
    till.subscribe(["#", "aislewatch/v1/store-1/pc/#", ackTopic("store-1", "pc")], { qos: 1 }, () => {});
    const offline = JSON.stringify({
      v: 1,
      state: "offline",
      version: "x",
      epoch: "x",
      startedAt: 1.7e12,
      sentAt: 1.7e12,
    });
    const forged: [topic: string, text: string][] = [
      [agentTopic("store-1", "pc", "status"), offline],
      [agentTopic("store-1", "pc", "telemetry"), "forged"],
      [agentTopic("store-1", "pc", "inventory/0"), "forged"],
      [agentTopic("store-1", "pc", "reply"), "forged"],
      [agentTopic("store-1", "collector", "telemetry"), "forged"],
      [agentTopic("aislewatch", "collector", "status"), "forged"],
      [
        ackTopic("store-1", "pc"),
        JSON.stringify({ v: 1, epoch: "x", live: 1e6, history: 0, grant: { historyBytesPerSecond: 0 } }),
      ],
      [agentTopic("store-1", "till", "command"), "forged"],
      ["aislewatch/v1/store-1", "forged"],
    ];
    for (const [topic, text] of forged) {
      if (!till.connected) break;
      till.publish(topic, text, { qos: 1, retain: true });
    }
    await goesOn(here);
    expect(heard.filter((topic) => !topic.includes("/till/"))).toEqual([]);
    expect(here.collector.program.output()).not.toMatch(/agent_went_offline|message_set_aside/);
    expect(here.agent.program.output()).not.toMatch(/message_refused|outbox_renewed|uplink_lost/);
    await addsUp(here);
  });

  it.skipIf(skip)("cuts off who sends too much at once, and goes on with the others", CONCURRENT, async () => {
    const here = await startWorld(await start());
    await here.collector.addAgent("store-1/till");
    const till = await signIn(here, "store-1/till", "till");
    till.publish(agentTopic("store-1", "till", "telemetry"), "x".repeat(LIMITS.messageBytesMax + 4_096), { qos: 1 });
    await waitFor("it to be cut off", () => !till.connected);
    await goesOn(here);
    expect(here.agent.program.output()).not.toMatch(/uplink_lost/);
    await addsUp(here);
  });

  it.skipIf(skip)(
    "may let an agent throw another out by its client id, and nothing is lost by that",
    CONCURRENT,
    async () => {
      const here = await startWorld(await start());
      await here.collector.addAgent("store-1/till");
      for (let n = 0; n < 3; n++) {
        await signIn(here, "store-1/till", "aislewatch:store-1:pc");
        await goesOn(here);
      }
      await addsUp(here);
    },
  );

  it.skipIf(skip)(
    "carries a question to an agent and its answer back, and takes nothing of one that was taken out",
    CONCURRENT,
    async () => {
      const here = await startWorld(await start());
      const cli = (...args: string[]) =>
        runOnce("packages/cli/main.ts", args, {
          env: { AISLEWATCH_URL: here.collector.http, AISLEWATCH_TOKEN: here.collector.token },
        });
      // Polled four times a second, the printer has a third of one for its answer: asked again on a machine that stood still.
      const probed = await waitFor("the printer's answer", async () => {
        const asked = await cli("agents", "probe", "store-1/pc", "bakery/printer");
        return asked.code === 0 && asked.stdout;
      });
      expect(probed).toMatch(/answered/);
      const removed = await cli("agents", "remove", "store-1/pc");
      expect(removed.code).toBe(0);
      await waitFor("it to be refused", () =>
        /message_refused[^\n]*store-1\/pc|agent_sign_in_refused/.test(here.collector.program.output()),
      );
      await new Promise((done) => setTimeout(done, 3_000));
      expect((await here.collector.api<unknown[]>("/agents")).length).toBe(0);
      await here.collector.addAgent("store-1/pc");
      await here.agent.program.stop();
      await here.agent.restart();
      await goesOn(here);
      await addsUp(here);
    },
  );
});
