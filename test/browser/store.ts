/** The small store that browser tests look at: label printers that a test breaks, and a host over SNMP. */
import { type Breakable, startSnmpd, zebraOverSnmp, zplOverTcp } from "../rig/devices.ts";
import { type AgentRig, type CollectorRig, startAgent, startCollector, waitFor } from "../rig/rig.ts";

/** Like the shipped rules, with times that a test can wait for. */
const RULES = `group: test
select: kind == "label_printer"
rules:
  - id: media-low
    title: "Label media low at {{device}}"
    when: "media_remaining_percent < 15"
    for: 0s
    severity: minor
    category: consumable
    runbook: label-printer/media-low
  - id: media-out
    title: "Labels used up at {{device}}"
    when: "media_out"
    for: 0s
    severity: major
    category: consumable
    runbook: label-printer/media-out
  - id: head-open
    title: "Print head open at {{device}}"
    when: "head_open"
    for: 0s
    severity: major
    category: hardware
    runbook: label-printer/head-open
  - id: head-warm
    title: "Print head at {{head_temperature_celsius}} °C"
    when: "head_temperature_celsius > 60"
    severity: info
    category: hardware
`;

const SITES = `sites:
  - id: store-1
    name: First Store
    time_zone: Europe/Berlin
    trading_hours: { daily: "00:00-24:00" }
  - id: store-2
    name: Second Store
    time_zone: Europe/Berlin
    trading_hours: { daily: "00:00-24:00" }
`;

export type Store = {
  readonly collector: CollectorRig;
  readonly agent: AgentRig;
  readonly bakery: Breakable;
  readonly dock: Breakable;
};

export async function startStore(): Promise<Store> {
  const [bakery, dock, snmpd] = await Promise.all([zebraOverSnmp(), zplOverTcp(), startSnmpd()]);
  const collector = await startCollector({ rules: RULES, sites: SITES });
  const agent = await startAgent(
    collector,
    "store-1/pc",
    `  - { id: bakery/printer, name: Bakery printer, kind: label_printer, driver: snmp, every: 500ms, address: "127.0.0.1:${bakery.port}", labels: { zone: bakery } }
  - { id: dock/printer, name: Dock printer, kind: label_printer, driver: zpl, every: 500ms, line: { tcp: "127.0.0.1:${dock.port}" }, labels: { zone: dock }, depends_on: [lane-1/pos] }
  - { id: lane-1/pos, name: First lane, kind: pos_terminal, driver: snmp, every: 1s, address: "127.0.0.1:${snmpd.port}", labels: { lane: "1" } }
`,
  );
  await waitFor("three devices that answer", async () => {
    const devices = await collector.api<{ state: string }[]>("/sites/store-1/devices");
    return devices.filter(({ state }) => state === "up").length >= 3;
  });
  return { collector, agent, bakery, dock };
}

export type Incident = { id: string; rule: string; state: string; assignee: string | null; recoveredAt: number | null };

export const openIncident = (collector: CollectorRig, rule: string): Promise<Incident> =>
  waitFor(`an incident of ${rule}`, async () =>
    (await collector.api<{ items: Incident[] }>("/incidents?state=open")).items.find((one) => one.rule === rule),
  );
