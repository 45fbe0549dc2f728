/**
 * The main job done by what is installed, and by nothing of the checkout: both packages on a second machine, with Debian's
 * own Mosquitto (by the files of `aislewatch broker-config`, with TLS), InfluxDB and snmpd, each started as its unit starts
 * it. From a UPS that loses the mains, asked over SNMP, to a signed webhook; broker and store are killed in between, and
 * nothing is lost.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cert, key } from "../../collector/api/test-certificate.ts";
import { buildDebs } from "../rig/debs.ts";
import { influxMissing } from "../rig/influxdb.ts";
import { mosquittoMissing } from "../rig/mosquitto.ts";
import { cleanUp, tempFolder, WEBHOOK_SECRET, waitFor } from "../rig/rig.ts";
import { mayHaveSecondMachine, SecondMachine, type Service } from "../rig/second-machine.ts";
import { startWebhookReceiver } from "../rig/webhook-receiver.ts";

const missing = mosquittoMissing() ?? influxMissing();
const CONFIG = "--config /etc/aislewatch/collector.yaml";
/** upsOutputSource (RFC 1628): normal(3), battery(5). */
const OUTPUT_SOURCE = ".1.3.6.1.2.1.33.1.4.1.0";
const POLL_MS = 500;
/** So long broker and store are gone: four polls, which the agent keeps. */
const DOWN_MS = 2_000;

const FILES: Readonly<Record<string, string>> = {
  "collector.yaml": `listen: { http: 127.0.0.1:8080 }
broker: external
mqtt:
  url: mqtts://localhost:8883
  username: collector
  password: file:/etc/aislewatch/broker-password
  ca: /etc/aislewatch/ca.pem
data: /var/lib/aislewatch
sites: ./sites.yaml
rules: [./mains.yaml]
notifications: ./notifications.yaml
timeseries: influxdb
influxdb: { url: "http://127.0.0.1:8086", database: shops }
`,
  // As the shipped rule, for those who can't wait.
  "mains.yaml": `group: mains
select: kind == "ups"
rules:
  - id: mains-lost
    title: "Mains lost: {{device}} on battery"
    when: on_battery
    for: 1s
    severity: major
    category: power
`,
  "ca.pem": cert,
  "agent.yaml": `site: my-store
agent: this-pc
collector:
  url: mqtts://localhost:8883
  password: file:/etc/aislewatch/agent-password
  ca: /etc/aislewatch/ca.pem
data: /var/lib/aislewatch-agent
devices:
  - { id: office/ups, kind: ups, driver: snmp, address: 127.0.0.1, every: ${POLL_MS}ms }
`,
};

const SNMPD = `agentaddress udp:127.0.0.1:161
rwcommunity public 127.0.0.1
sysObjectID .1.3.6.1.2.1.33
override .1.3.6.1.2.1.33.1.1.2.0 octet_str "Smart 1500"
override .1.3.6.1.2.1.33.1.2.1.0 integer 2
override .1.3.6.1.2.1.33.1.2.4.0 integer 97
override -rw ${OUTPUT_SOURCE} integer 3
`;

type Lane = { batches: number; samples: number; owed: number; missing: number; isBalanced: boolean };
type Audit = { unexplained: number; lanes: Lane[] };
type Incident = { id: string; rule: string; state: string };
type Told = { event: string; incident: { id: string; title: string } };
type Answer = { results: { series?: { values: (number | null)[][] }[] }[] };

describe.skipIf(!mayHaveSecondMachine || missing !== null)(`installed packages${missing ?? ""}`, () => {
  const services = new Map<string, Service>();
  let machine: SecondMachine;
  let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
  let environment = {};

  const start = async (unit: string): Promise<void> => void services.set(unit, await machine.startService(unit));
  const said = (): string => [...services].map(([unit, { output }]) => `${unit}\n${output().slice(-3_000)}`).join("\n");
  const ours = (words: string): Promise<string> =>
    machine.done(`cd /var/lib/aislewatch && runuser --user aislewatch -- aislewatch ${words} ${CONFIG}`);
  const cli = async <T>(words: string): Promise<T> =>
    JSON.parse(await machine.done(`aislewatch ${words} --json`, environment)) as T;
  const lanes = async (): Promise<Lane[]> => (await cli<Audit>("audit delivery")).lanes;
  const batches = async (): Promise<number> => (await lanes()).reduce((sum, lane) => sum + lane.batches, 0);
  const told = (): Told[] => receiver.at("/hook").map(({ body }) => JSON.parse(body) as Told);
  const toldOf = (event: string): Promise<Told> =>
    waitFor(`a signed call that says ${event}`, () => told().find((one) => one.event === event));
  const supply = (source: 3 | 5): Promise<string> =>
    machine.done(`snmpset -v2c -c public 127.0.0.1 ${OUTPUT_SOURCE} i ${source}`);
  /** The first row of InfluxDB's answer; its first column is a time. */
  const ask = async (question: string): Promise<readonly (number | null)[]> => {
    const line = 'curl -sf http://127.0.0.1:8086/query --data-urlencode "q=$QUESTION" --data db=shops --data epoch=ms';
    const { results } = JSON.parse(await machine.done(line, { QUESTION: question })) as Answer;
    return results[0]?.series?.[0]?.values[0] ?? [];
  };
  const goesOn = async (): Promise<void> => {
    const before = await batches();
    await waitFor("more batches", async () => (await batches()) >= before + DOWN_MS / POLL_MS + 2);
  };
  const isListening = (port: number): Promise<string> =>
    waitFor(`port ${port}`, () => machine.done(`ss -Hltn 'sport = :${port}'`));

  beforeAll(async () => {
    const debs = tempFolder();
    await buildDebs(debs, "0.1.0");
    machine = await SecondMachine.start(debs);
    receiver = await startWebhookReceiver();
    await machine.bring(receiver.port);
    await machine.done("dpkg --install /mnt/*.deb </dev/null");
  });
  afterAll(cleanUp);

  it("are set up by the commands that the documents name", async () => {
    for (const [name, text] of Object.entries(FILES)) await machine.write(`/etc/aislewatch/${name}`, text);
    const forCollector = { owner: "root:aislewatch", mode: "0640" };
    await machine.write("/etc/aislewatch/broker-password", "of-our-own-choice\n", forCollector);
    await machine.write("/etc/aislewatch/webhook-secret", `${WEBHOOK_SECRET}\n`, forCollector);
    await machine.write(
      "/etc/aislewatch/notifications.yaml",
      `channels:
  - name: tickets
    webhook: { url: "http://127.0.0.1:${receiver.port}/hook", secret: "file:webhook-secret", private: true }
routes:
  - { on: [opened, recovered, resolved], to: tickets }
`,
    );
    await machine.done("install -d -o aislewatch -g aislewatch -m 0750 /var/lib/aislewatch");
    await ours("agents add my-store/this-pc --out agent-password");
    await ours("tokens add cli --role admin --out cli-token");
    await machine.done(
      "install -m 0640 -g aislewatch-agent /var/lib/aislewatch/agent-password /etc/aislewatch/agent-password",
    );
    expect(await ours("collector --check")).toMatch(/^1 rules, 1 sites: no mistakes found\n$/);
    expect((await machine.run("aislewatch-agent check --config /etc/aislewatch/agent.yaml")).code).toBe(0);
    const token = (await machine.done("cat /var/lib/aislewatch/cli-token")).trim();
    environment = { AISLEWATCH_URL: "http://127.0.0.1:8080", AISLEWATCH_TOKEN: token };

    await machine.write("/etc/mosquitto/certs/broker.pem", cert);
    await machine.write("/etc/mosquitto/certs/broker.key", key, { owner: "mosquitto:mosquitto", mode: "0600" });
    const certificate = "--certificate /etc/mosquitto/certs/broker.pem --key /etc/mosquitto/certs/broker.key";
    await machine.done(`aislewatch broker-config mosquitto ${CONFIG} --out /etc/mosquitto/aislewatch ${certificate}`);
    await machine.done("chown -R mosquitto: /etc/mosquitto/aislewatch");
    // By root on the collector's data: its files are still those of its user.
    expect(await machine.done("find /var/lib/aislewatch '!' -user aislewatch")).toBe("");
    await machine.write(
      "/etc/systemd/system/mosquitto.service.d/override.conf",
      "[Service]\nExecStart=\nExecStart=/usr/sbin/mosquitto -c /etc/mosquitto/aislewatch/mosquitto.conf\n",
    );
    await machine.write("/etc/snmp/snmpd.conf", SNMPD);
  });

  it("run as services of their users, and store what the UPS says", async () => {
    for (const unit of ["snmpd", "mosquitto", "influxdb"]) await start(`${unit}.service`);
    await isListening(8_883);
    await isListening(8_086);
    await start("aislewatch.service");
    await start("aislewatch-agent.service");
    await waitFor("readings in InfluxDB", async () => {
      return (await ask(`SELECT count("on_battery?") FROM readings`)).length > 0;
    }).catch((thrown) => {
      throw new Error(`${String(thrown)}\n${said()}`);
    });
    const users = await machine.done("ps -eo user:20,args | grep -E 'lib/aislewatch|[m]osquitto -c|[i]nfluxd'");
    for (const user of ["aislewatch", "aislewatch-agent", "mosquitto", "influxdb"])
      expect(users).toMatch(new RegExp(`^${user} `, "m"));
  });

  it("open an incident for a UPS on battery, and tell of it by a signed call", async () => {
    await supply(5);
    const { incident } = await toldOf("opened");
    expect(incident.title).toBe("Mains lost: office/ups on battery");
    const { items } = await cli<{ items: Incident[] }>("incidents list");
    expect(items.map(({ id, rule, state }) => ({ id, rule, state }))).toEqual([
      { id: incident.id, rule: "mains-lost", state: "new" },
    ]);
  });

  it("go on after broker and store were killed", async () => {
    for (const [unit, port] of [
      ["mosquitto.service", 8_883],
      ["influxdb.service", 8_086],
    ] as const) {
      await services.get(unit)?.kill();
      await new Promise((done) => setTimeout(done, DOWN_MS));
      await start(unit);
      await isListening(port);
      await goesOn();
    }
  });

  it("tell that the mains is back, and that a person resolved the incident", async () => {
    await supply(3);
    const { incident } = await toldOf("recovered");
    await machine.done(`aislewatch incidents resolve ${incident.id} --code power`, environment);
    await toldOf("resolved");
    expect(new Set(told().map(({ incident }) => incident.id)).size).toBe(1);
    const { items } = await cli<{ items: Incident[] }>("incidents list --state all");
    expect(items.map(({ state }) => state)).toEqual(["resolved"]);
  });

  it("have every reading, once: by the account of deliveries and by what stands in InfluxDB", async () => {
    expect(await services.get("aislewatch-agent.service")?.stop()).toBe(0);
    const audit = await waitFor("an account that adds up", async () => {
      const found = await cli<Audit>("audit delivery");
      const isEven = found.lanes.every(({ owed, missing, isBalanced }) => owed === 0 && missing === 0 && isBalanced);
      return isEven ? found : null;
    }).catch((thrown) => {
      throw new Error(`${String(thrown)}\n${said()}`);
    });
    expect(audit.unexplained).toBe(0);
    const ups = `FROM readings WHERE "device" = 'office/ups'`;
    const stored = (await ask(`SELECT count(*) ${ups}`)).slice(1).reduce<number>((sum, n) => sum + (n ?? 0), 0);
    expect(stored).toBe(audit.lanes.reduce((sum, { samples }) => sum + samples, 0));
    expect(await ask(`SELECT max("on_battery?"), last("on_battery?") ${ups}`)).toEqual([expect.any(Number), 1, 0]);
    expect(await services.get("aislewatch.service")?.stop()).toBe(0);
  });
});
