/**
 * From a trap to the collector's API, with real programs: Net-SNMP's `snmptrap` speaks for a device that the agent
 * polls only once an hour, so that nothing but the trap can have brought its events.
 */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSnmpd } from "../rig/devices.ts";
import {
  type CollectorRig,
  cleanUp,
  freeUdpPort,
  ROOT,
  startAgent,
  startCollector,
  tempFolder,
  waitFor,
} from "../rig/rig.ts";

const COLD_START = "1.3.6.1.6.3.1.1.5.1";
const LINK_DOWN = "1.3.6.1.6.3.1.1.5.3";
const IF_INDEX = "1.3.6.1.2.1.2.2.1.1.7";
const IF_NAME = "1.3.6.1.2.1.31.1.1.1.1.7";
const UPS_ON_BATTERY = "1.3.6.1.2.1.33.2.1";
const UPS_MINUTES_LEFT = "1.3.6.1.2.1.33.1.2.3.0";
const DOOR_OPENED = "1.3.6.1.4.1.99999.0.7";
const DOOR = "1.3.6.1.4.1.99999.1";

/** What users are told to write, and what they are told that comes of it. */
const fromDocs = (part: RegExp): string => part.exec(readFileSync(join(ROOT, "docs/traps.md"), "utf8"))?.[1] ?? "";

type Event = {
  at: number;
  device: string;
  component: string | null;
  code: string;
  meaning: string | null;
  detail: string;
};

describe("a device that sends traps", () => {
  let collector: CollectorRig;
  let port: number;

  beforeAll(async () => {
    const snmpd = await startSnmpd();
    port = await freeUdpPort();
    const secret = join(tempFolder(), "trap-community");
    writeFileSync(secret, "trap-secret");
    const profiles = tempFolder();
    writeFileSync(join(profiles, "acme-door.yaml"), fromDocs(/```yaml\n(profile: acme-door[\s\S]*?)```/));
    collector = await startCollector();
    await startAgent(
      collector,
      "store-1/pc",
      `  - { id: back-office/ups, kind: ups, driver: snmp, every: 1h, address: "127.0.0.1:${snmpd.port}" }
profiles: "${profiles}"
traps:
  listen: "127.0.0.1:${port}"
  community: "file:${secret}"
`,
    );
    await waitFor("the first reading", async () => (await device()).device.lastReadingAt);
  });
  afterAll(cleanUp);

  const device = () =>
    collector.api<{ device: { lastReadingAt: number | null }; events: Event[] }>(
      "/sites/store-1/device?id=back-office/ups",
    );
  const events = () => collector.api<Event[]>("/sites/store-1/events?device=back-office/ups");
  const send = (community: string, ...trap: string[]) =>
    promisify(execFile)("snmptrap", ["-v2c", "-c", community, `127.0.0.1:${port}`, "", ...trap]);
  const seen = (code: string) =>
    waitFor(`an event ${code}`, async () => (await events()).find((event) => event.code === code));

  it("has them as events within seconds, in words, and is read again at once", async () => {
    const before = Date.now();
    const { lastReadingAt } = (await device()).device;
    await send("trap-secret", UPS_ON_BATTERY, UPS_MINUTES_LEFT, "i", "12");
    const lost = await seen("on_battery");
    expect(lost).toMatchObject({ device: "back-office/ups", component: null, meaning: "Mains lost" });
    expect(lost.detail).toMatch(/upsTrapOnBattery/);
    expect(lost.at).toBeGreaterThanOrEqual(before);
    expect((await device()).device.lastReadingAt).toBeGreaterThan(lastReadingAt ?? 0);

    await send("trap-secret", LINK_DOWN, IF_INDEX, "i", "7", IF_NAME, "s", "Gi1/0/7");
    const down = await seen("port_down");
    expect(down).toMatchObject({ meaning: "Link of a port lost", detail: expect.stringContaining("Gi1/0/7") });
    expect((await device()).events.slice(0, 2)).toEqual([down, lost]);
  });

  it("has one that only a profile of the operator's own knows, as docs/traps.md says", async () => {
    const [shown] = JSON.parse(fromDocs(/```json\n(\[\{ "at"[\s\S]*?)```/)) as [Event];
    await send("trap-secret", DOOR_OPENED, `${DOOR}.3.0`, "s", "Dock 4", `${DOOR}.4.0`, "i", "1");
    const { at: _, device: __, ...want } = shown;
    expect(await seen("cover_open")).toMatchObject(want);
    await send("trap-secret", DOOR_OPENED, `${DOOR}.3.0`, "s", "Dock 4", `${DOOR}.4.0`, "i", "2");
    expect(await seen("cover_open_cleared")).toMatchObject({ component: "door-dock-4" });
  });

  it("has them still after the collector started again", async () => {
    const before = await events();
    expect(before.length).toBeGreaterThanOrEqual(2);
    await collector.program.kill();
    await collector.restart();
    expect(await events()).toEqual(before);
  });

  it("has none that somebody sent with another community", async () => {
    await send("public", UPS_ON_BATTERY, UPS_MINUTES_LEFT, "i", "3");
    await send("trap-secret", COLD_START);
    await seen("rebooted");
    const codes = (await events()).map(({ code }) => code);
    expect(codes).toEqual(["rebooted", "cover_open_cleared", "cover_open", "port_down", "on_battery"]);
  });
});
