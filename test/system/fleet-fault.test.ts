/**
 * The same fault at one site after the other, as agents tell it to a real collector that tells a webhook: what a few sites
 * have are matters of their own, what many have is one matter of the fleet, for which people are called once. The
 * collector is killed while it stands.
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { letIn, OutboxAgent } from "../rig/outbox-agent.ts";
import { type CollectorRig, cleanUp, startCollector, tempFolder, waitFor } from "../rig/rig.ts";
import { startWebhookReceiver } from "../rig/webhook-receiver.ts";

const RULE = `group: test
rules:
  - { id: hot, select: 'kind == "conveyor"', title: "{{site}} is hot", when: "temperature_celsius > 60", for: 0s, severity: major, category: hardware }
`;
const SITES = ["aachen", "berlin", "celle", "dresden", "essen", "fulda", "goslar"];
/** So many sites have it before it is one of the fleet. */
const FEW = 4;

type Incident = {
  readonly id: string;
  readonly title: string;
  readonly subject: { readonly site: string };
  readonly state: string;
  readonly priority: string;
  readonly recoveredAt: number | null;
  readonly parent: string | null;
};
type Detail = { readonly children: { readonly total: number; readonly standing: number } };

let collector: CollectorRig;
let agents: OutboxAgent[];
let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;

const incidents = async () => (await collector.api<{ items: Incident[] }>("/incidents?state=all")).items;
const ofFleet = async () => (await incidents()).find(({ subject }) => subject.site === "aislewatch");
const below = async (id: string) => (await collector.api<Detail>(`/incidents/${id}`)).children;
const setHot = (index: number, isHot: boolean): void => agents[index]?.setHot(0, isHot);
const opened = () => receiver.told().filter((text) => text.startsWith("opened"));

describe("the same fault at many sites", () => {
  beforeAll(async () => {
    receiver = await startWebhookReceiver();
    const data = join(tempFolder(), "data");
    collector = await startCollector({
      rules: RULE,
      data,
      lifecycle: `correlation:
  settle: 1s
  fleet:
    - { where: { rule: hot }, same: [kind], sites: 5, within: 10m }
`,
      notifications: `channels:
  - name: noc
    webhook: { url: "http://127.0.0.1:${receiver.port}/noc", secret: "file:webhook-secret", private: true }
routes:
  - { on: [opened, recovered], to: noc }
`,
    });
    const names = SITES.map((site) => ({ site, agent: `pc-${site}` }));
    const password = await letIn(data, names);
    agents = names.map((name) => new OutboxAgent({ ...name, url: collector.mqtt, password, devices: 2, everyMs: 500 }));
    for (const agent of agents) await agent.join();
    await waitFor("acks", () => agents.every(({ figures }) => figures.acked > 2));
  });
  afterAll(cleanUp);

  it("is a matter of each while a few have it", async () => {
    for (let index = 0; index < FEW; index++) setHot(index, true);
    await waitFor("people to be told of each", () => opened().length === FEW);
    expect((await incidents()).map(({ parent }) => parent)).toEqual(SITES.slice(0, FEW).map(() => null));
  });

  it("is one matter of the fleet once many have it, and nobody is called for those that follow", async () => {
    setHot(FEW, true);
    const fleet = await waitFor("the incident of the fleet", ofFleet);
    await waitFor("all to hang below it", async () => (await below(fleet.id)).total === FEW + 1);
    await waitFor("people to be told of it", () => opened().length === FEW + 1);
    expect(opened().at(-1)).toBe(`opened: ${fleet.title}`);
    setHot(FEW + 1, true);
    await waitFor("the next to hang below it", async () => (await below(fleet.id)).total === FEW + 2);
  });

  it("outlives the collector's death, and recovers with the last of them", async () => {
    await collector.program.kill();
    await collector.restart();
    const fleet = await ofFleet();
    if (fleet === undefined) throw new Error("it is gone");
    // One more, now that the collector has only what it wrote down.
    setHot(FEW + 2, true);
    await waitFor("the last to hang below it", async () => (await below(fleet.id)).total === SITES.length);
    for (let index = 1; index < SITES.length; index++) setHot(index, false);
    await waitFor("one to be left", async () => (await below(fleet.id)).standing === 1);
    expect((await ofFleet())?.recoveredAt).toBeNull();
    setHot(0, false);
    await waitFor("it to recover", async () => (await ofFleet())?.recoveredAt);
    await waitFor("people to hear that it is over", () => receiver.told().includes(`recovered: ${fleet.title}`));
    // Who was called for a site hears that it is over there; nobody hears of those for which nobody was called.
    const calledFor = [fleet.title, ...SITES.slice(0, FEW).map((site) => `${site} is hot`)].toSorted();
    const told = (event: string) =>
      receiver
        .told()
        .filter((text) => text.startsWith(event))
        .map((text) => text.slice(`${event}: `.length))
        .toSorted();
    expect(told("opened")).toEqual(calledFor);
    await waitFor("all to hear that it is over", () => told("recovered").length >= calledFor.length);
    expect(told("recovered")).toEqual(calledFor);
  });
});
