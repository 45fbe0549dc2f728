/**
 * A cut line, and what the agent kept meanwhile: real programs, with a proxy between them that ends the connection. A
 * fault that came and went is found afterwards, with its true times, and one that stands is one incident.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { startBrokenWire } from "../rig/broken-wire.ts";
import { zplOverTcp } from "../rig/devices.ts";
import { cleanUp, startAgent, startCollector, waitFor } from "../rig/rig.ts";

const RULES = `group: test
select: kind == "label_printer"
rules:
  - { id: media-out, title: "Media out", when: "media_out", for: 1s, severity: major, category: consumable }
`;

type Incident = {
  id: string;
  state: string;
  subject: { device: string };
  onset: number;
  openedAt: number;
  recoveredAt: number | null;
  retroactive: boolean;
};
type Detail = { events: { type: string; late: boolean; at: number }[] };

describe("a fault while the agent can't reach the collector", () => {
  afterAll(cleanUp);

  it("that came and went is one retroactive incident; one that stands is one incident that began earlier", async () => {
    const [bakery, dock] = [await zplOverTcp(), await zplOverTcp()];
    const collector = await startCollector({ rules: RULES });
    const { hostname, port } = new URL(collector.mqtt);
    const wire = await startBrokenWire({ host: hostname, port: Number(port) }, () => 0.5);
    const deviceOf = (id: string, tcp: number): string =>
      `  - { id: ${id}/printer, kind: label_printer, driver: zpl, every: 500ms, line: { tcp: "127.0.0.1:${tcp}" } }\n`;
    const agent = await startAgent(
      { ...collector, mqtt: `mqtt://127.0.0.1:${wire.port}` },
      "store-1/pc",
      deviceOf("bakery", bakery.port) + deviceOf("dock", dock.port),
    );
    const incidents = async () => (await collector.api<{ items: Incident[] }>("/incidents?state=all")).items;
    const stateOf = async (id: string) =>
      (await collector.api<{ device: { state: string } }>(`/sites/store-1/device?id=${encodeURIComponent(id)}`)).device
        .state;
    await waitFor("both printers", async () => {
      const states = [await stateOf("bakery/printer"), await stateOf("dock/printer")];
      return states.every((state) => state === "up");
    });
    const cutAt = Date.now();
    wire.set({ down: true });
    // What is read in the first seconds of a break is still the present.
    const kept = (): number => {
      const db = new DatabaseSync(join(agent.folder, "data", "outbox.db"), { readOnly: true });
      const row = db.prepare("SELECT count(*) AS n FROM batch WHERE lane = 1").get();
      db.close();
      return Number(row?.["n"]);
    };
    await waitFor("history", () => kept() >= 2);
    const brokeAt = Date.now();
    bakery.fault("media-out");
    dock.fault("media-out");
    // Longer than the `for` of the rule, in the times of the readings.
    await waitFor("more of it", () => kept() >= 6 && Date.now() - brokeAt > 4_000);
    bakery.heal();
    const healedAt = Date.now();
    await waitFor("its end", () => kept() >= 10 && Date.now() - healedAt > 2_000);
    const backAt = Date.now();
    wire.set({ down: false });

    const found = await waitFor("what was found afterwards", async () => {
      const all = await incidents();
      const standing = all.find(({ subject }) => subject.device === "dock/printer");
      const over = all.find(({ subject }) => subject.device === "bakery/printer");
      return standing !== undefined && standing.onset < healedAt && over !== undefined ? { standing, over } : null;
    });
    expect(found.over).toMatchObject({ state: "resolved", retroactive: true });
    expect(found.over.onset).toBeGreaterThan(cutAt);
    expect(found.over.onset).toBeLessThan(healedAt);
    expect(found.over.openedAt).toBeGreaterThanOrEqual(found.over.onset + 1_000);
    expect(found.over.recoveredAt).toBeGreaterThanOrEqual(healedAt - 500);
    expect(found.over.recoveredAt).toBeLessThan(backAt);
    expect(found.standing).toMatchObject({ state: "new", retroactive: false, recoveredAt: null });
    expect(found.standing.onset).toBeGreaterThanOrEqual(brokeAt - 500);
    expect(found.standing.openedAt).toBeGreaterThanOrEqual(backAt - 1_000);
    const { events } = await collector.api<Detail>(`/incidents/${found.standing.id}`);
    // The present came first and was corrected, or came behind what was kept and was told with its true onset at once.
    const corrections = events.filter(({ late }) => late).map(({ type }) => type);
    expect([[], ["began_earlier"]]).toContainEqual(corrections);
    expect(events.filter(({ type }) => type === "opened")).toHaveLength(1);
    const everything = await incidents();
    expect(everything).toHaveLength(2);
  });
});
