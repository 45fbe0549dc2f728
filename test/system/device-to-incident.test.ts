/**
 * The main job with real programs and real sockets: what a device answers becomes a reading, a fault, an incident, and
 * is taken in hand from the command line.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Breakable, startSnmpd, startSnmpsim, V3, zplOverSerial, zplOverTcp } from "../rig/devices.ts";
import {
  type AgentRig,
  type CollectorRig,
  cleanUp,
  FIRST_STORE,
  recordingsMissing,
  runOnce,
  startAgent,
  startCollector,
  tempFolder,
  waitFor,
} from "../rig/rig.ts";

/** Like the shipped rules, with times that a test can wait for. */
const RULES = `group: test
select: kind == "label_printer"
rules:
  - id: media-low
    title: "Media low: {{media_remaining_percent}} %"
    when: "media_low"
    for: 0s
    severity: minor
    category: consumable
  - id: media-out
    title: "Media out"
    when: "media_out"
    for: 1s
    severity: major
    category: consumable
    runbook: label-printer/media-out
`;

type Incident = {
  id: string;
  state: string;
  priority: string;
  title: string;
  rule: string;
  recoveredAt: number | null;
  version: number;
};
type DeviceDetail = {
  device: {
    state: string;
    kind: string;
    asset: Record<string, string>;
    lastFailure: { kind: string; detail: string } | null;
  };
  values: { metric: string; component: string | null; value: number | boolean }[];
};

const list = async (collector: CollectorRig, query = "state=open") =>
  (await collector.api<{ items: Incident[] }>(`/incidents?${query}`)).items;
const device = (collector: CollectorRig, id: string) =>
  collector.api<DeviceDetail>(`/sites/store-1/device?id=${encodeURIComponent(id)}`);
const shownValue = ({ values }: DeviceDetail, metric: string, component: string | null = null) =>
  values.find((value) => value.metric === metric && value.component === component)?.value;

describe("a label printer that runs out of labels", () => {
  let collector: CollectorRig;
  let tcp: Breakable & { port: number };
  let serial: Breakable & { path: string };
  let agent: AgentRig;

  beforeAll(async () => {
    tcp = await zplOverTcp();
    serial = await zplOverSerial();
    collector = await startCollector({ rules: RULES, sites: FIRST_STORE });
    agent = await startAgent(
      collector,
      "store-1/pc",
      `  - { id: bakery/printer, kind: label_printer, driver: zpl, every: 500ms, line: { tcp: "127.0.0.1:${tcp.port}" } }
  - { id: dock/printer, kind: label_printer, driver: zpl, every: 500ms, line: { serial: "${serial.path}" } }
`,
    );
  });
  afterAll(cleanUp);

  it.each([
    { line: "TCP", id: "bakery/printer", printer: () => tcp },
    { line: "a serial line", id: "dock/printer", printer: () => serial },
  ])("opens an incident over $line, which recovers and waits for review", async ({ id, printer }) => {
    await waitFor("the printer", async () => {
      const { device: found } = await device(collector, id);
      return found.state === "up" && found.asset["model"]?.startsWith("ZD421");
    });
    printer().fault("media-out");
    const opened = await waitFor("an incident", async () =>
      (await list(collector, `device=${encodeURIComponent(id)}`)).find(({ rule }) => rule === "media-out"),
    );
    expect(opened).toMatchObject({ state: "new", title: "Media out", recoveredAt: null });
    printer().heal();
    const recovered = await waitFor("its recovery", async () =>
      (await list(collector, `device=${encodeURIComponent(id)}`)).find(
        ({ id: one, recoveredAt }) => one === opened.id && recoveredAt !== null,
      ),
    );
    expect(recovered.state).toBe("new");
  });

  it("is worked on from the command line, with exit codes for scripts", async () => {
    const env = { AISLEWATCH_URL: collector.http, AISLEWATCH_TOKEN: collector.token };
    const cli = (...args: string[]) => runOnce("packages/cli/main.ts", args, { env });
    const [incident] = await list(collector);
    if (incident === undefined) throw new Error("there is no incident");
    const shown = await cli("incidents", "list");
    expect(shown.stdout).toContain(incident.id);
    expect(JSON.parse((await cli("incidents", "list", "--json")).stdout).items.length).toBeGreaterThan(0);
    expect((await cli("incidents", "ack", incident.id)).stdout).toContain("is acknowledged");
    const detail = await cli("incidents", "show", incident.id);
    expect(detail.stdout).toContain("token:test");
    expect(detail.stdout).toContain("Opened as");
    expect((await cli("incidents", "start", incident.id)).stdout).toContain("is in progress");
    const again = await cli("incidents", "ack", incident.id);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("it is in progress");
    const late = await cli("incidents", "note", incident.id, "a new roll", "is on its way", "--version", "1");
    expect([late.code, late.stderr]).toEqual([1, expect.stringContaining("has changed since")]);
    const held = await cli("incidents", "bulk", "hold", incident.id, "999999", "--reason", "awaiting_part");
    expect([held.code, held.stdout]).toEqual([1, expect.stringMatching(/done +on hold[\s\S]*1 done, 1 refused/)]);
    expect((await cli("incidents", "list", "--state", "on_hold")).stdout).toContain("awaiting part");
    expect((await cli("incidents", "hold", incident.id, "--reason", "coffee")).code).toBe(2);
    expect((await cli("incidents", "resolve", incident.id, "--code", "nonsense")).code).toBe(2);
    expect((await cli("incidents", "resolve", incident.id, "--code", "consumable_replaced")).stdout).toContain(
      "is resolved",
    );
    expect((await cli("incidents", "resolve")).code).toBe(2);
    expect((await cli("incidents", "show", "INC-999999")).code).toBe(1);
  });

  it("judges by rules that are edited while it runs, and keeps the last good ones when they are faulty", async () => {
    const file = join(collector.folder, "rules.yaml");
    const version = async () =>
      (await collector.api<{ rules: { version: string; count: number; refused: string[] } }>("/overview")).rules;
    const before = await version();
    writeFileSync(file, RULES.replace("media_out", "media_owt"));
    const refused = await waitFor("the refusal", async () => ((await version()).refused.length > 0 ? version() : null));
    expect(refused.version).toBe(before.version);
    expect(refused.refused.join()).toMatch(/rules\.yaml:\d+:\d+ .*media_owt/);
    expect(collector.program.output()).toContain("media_out");
    writeFileSync(
      file,
      `${RULES}  - { id: paused, title: Paused, when: "paused", for: 0s, severity: info, category: process }\n`,
    );
    const taken = await waitFor("the new set", async () => ((await version()).count === 3 ? version() : null));
    expect(taken.refused).toEqual([]);
    tcp.fault("paused");
    await waitFor("an incident of the new rule", async () =>
      (await list(collector)).find(({ rule }) => rule === "paused"),
    );
    tcp.heal();
  });

  it("keeps incidents, faults and values over a restart of the collector", async () => {
    tcp.fault("media-out");
    const opened = await waitFor("the incident", async () =>
      (await list(collector)).find(({ rule, recoveredAt }) => rule === "media-out" && recoveredAt === null),
    );
    await collector.program.stop();
    await collector.restart();
    const kept = (await list(collector)).find(({ id }) => id === opened.id);
    expect(kept).toMatchObject({ id: opened.id, recoveredAt: null });
    const same = (await list(collector)).filter(
      ({ rule, recoveredAt }) => rule === "media-out" && recoveredAt === null,
    );
    expect(same).toHaveLength(1);
    tcp.heal();
    await waitFor("the recovery after the restart", async () =>
      (await list(collector)).find(({ id, recoveredAt }) => id === opened.id && recoveredAt !== null),
    );
  });

  it("shows the agent's probe and check on the command line", async () => {
    const probe = await runOnce("agent/main.ts", ["probe", "bakery/printer", "--config", agent.config, "--json"]);
    expect(probe.code, probe.stderr).toBe(0);
    expect(probe.stdout).toContain("media_out");
    const check = await runOnce("agent/main.ts", ["check", "--config", agent.config]);
    expect(check.code, check.stderr).toBe(0);
    const broken = join(tempFolder(), "agent.yaml");
    writeFileSync(broken, readFileSync(agent.config, "utf8").replaceAll("driver: zpl", "driver: zpll"));
    const refused = await runOnce("agent/main.ts", ["check", "--config", broken]);
    expect(refused.code).toBe(2);
    expect(refused.stderr + refused.stdout).toContain('did you mean "zpl"?');
  });

  it("stops within its deadline and leaves nothing behind", async () => {
    const msToStop = async (): Promise<number> => {
      const started = Date.now();
      expect(await agent.program.stop()).toBe(0);
      expect(await collector.program.stop()).toBe(0);
      const tookMs = Date.now() - started;
      await collector.restart();
      await agent.restart();
      return tookMs;
    };
    // Once more when the machine stood still.
    await expect.poll(msToStop).toBeLessThan(5_000);
  });
});

describe("SNMP devices", () => {
  afterEach(cleanUp);

  it("are read from Net-SNMP's agent by v2c and by v3 with authentication and privacy", async () => {
    const snmpd = await startSnmpd();
    const collector = await startCollector({ rules: RULES, sites: FIRST_STORE });
    const secrets = tempFolder();
    writeFileSync(join(secrets, "auth"), V3.auth);
    writeFileSync(join(secrets, "priv"), V3.privacy);
    const v3 = (id: string, password: string): string => `  - id: ${id}
    kind: pos_terminal
    driver: snmp
    every: 1s
    address: "127.0.0.1:${snmpd.port}"
    version: "3"
    user:
      name: ${V3.user}
      auth: { protocol: sha, password: "file:${join(secrets, password)}" }
      privacy: { protocol: aes, password: "file:${join(secrets, "priv")}" }
`;
    await startAgent(
      collector,
      "store-1/pc",
      `  - { id: lane-1/pos, kind: pos_terminal, driver: snmp, every: 1s, address: "127.0.0.1:${snmpd.port}" }
${v3("lane-2/pos", "auth")}${v3("lane-3/pos", "priv")}`,
    );
    for (const id of ["lane-1/pos", "lane-2/pos"]) {
      const found = await waitFor(`values of ${id}`, async () => {
        const detail = await device(collector, id);
        return shownValue(detail, "memory_used_percent") !== undefined ? detail : null;
      });
      expect(found.device.state).toBe("up");
      expect(found.values.some(({ metric, component }) => metric === "disk_used_percent" && component !== null)).toBe(
        true,
      );
    }
    const refused = await waitFor("the refusal of a wrong password", async () => {
      const detail = await device(collector, "lane-3/pos");
      return detail.device.lastFailure !== null ? detail : null;
    });
    expect(refused.device).toMatchObject({ state: "down", lastFailure: { kind: "auth" } });
  });

  it.skipIf(recordingsMissing())("are read from recordings of real ones under snmpsimd", async () => {
    const names = ["zebra", "konica_c250i", "cyberpower_pr2200rt2uc", "linksys-ss_lgs318p", "windows_svr_2019_1809"];
    const kinds = ["label_printer", "office_printer", "ups", "network_switch", "pos_terminal"];
    const simulator = await startSnmpsim(names);
    const collector = await startCollector({ rules: RULES, sites: FIRST_STORE });
    const secrets = tempFolder();
    for (const name of names) writeFileSync(join(secrets, name), name);
    await startAgent(
      collector,
      "store-1/pc",
      names
        .map(
          (name, n) =>
            `  - { id: recorded-${n}, kind: ${kinds[n]}, driver: snmp, every: 5s, timeout: 5s, address: "127.0.0.1:${simulator.port}", community: "file:${join(secrets, name)}" }\n`,
        )
        .join(""),
    );
    const wanted = ["head_open", "service_requested", "on_battery", "port_up", "memory_used_percent"];
    for (const [n, metric] of wanted.entries()) {
      await waitFor(`${metric} of ${names[n]}`, async () =>
        (await device(collector, `recorded-${n}`)).values.some((value) => value.metric === metric),
      );
    }
    const told = await waitFor("the witnesses of what the printer asks for", async () => {
      const events = await collector.api<{ code: string; detail: string }[]>("/sites/store-1/events?device=recorded-1");
      return events.find(({ code }) => code === "verdict");
    });
    expect(told).toMatchObject({
      device: "recorded-1",
      component: null,
      meaning: null,
      detail: "service_requested: said by error bits; not by maintenance bit",
    });
    process.stdout.write(`${names.length} recordings ran under snmpsimd\n`);
  });
});
