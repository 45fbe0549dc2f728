/**
 * Pollers of others on the simulated UPSs, from Debian's packages: collectd's snmp plugin, which writes CSV files, and
 * prometheus-snmp-exporter, scraped by the benchmark in place of a Prometheus whose cost would come on top. Both read
 * the values that the agent reads. A package that is missing is installed when the benchmark runs as root.
 */
import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort, startPeer, tempFolder } from "../rig/rig.ts";
import { progress } from "./figure.ts";

export type PeerPoller = { readonly pid: number; stop(): Promise<void> };
export type Peer = {
  readonly name: string;
  start(ports: readonly number[], intervalMs: number): Promise<PeerPoller>;
};

const UPS = "1.3.6.1.2.1.33.1";
/** What the profile `ups` makes metrics of: battery, source, counters, alarms, and the lines' columns. */
const SCALARS = ["2.1.0", "2.2.0", "2.3.0", "2.4.0", "2.5.0", "2.7.0", "3.1.0", "4.1.0", "6.1.0", "7.3.0"];
const COLUMNS = ["3.3.1.3", "4.4.1.2", "4.4.1.4", "4.4.1.5"];
const INSTALL_MS_MAX = 60_000;
const COLLECTD = "/usr/sbin/collectd";
const EXPORTER = "/usr/bin/prometheus-snmp-exporter";

/** Those that are installed, or can be. */
export async function findPeers(): Promise<Peer[]> {
  const peers: Peer[] = [];
  if (await isThere(COLLECTD, ["collectd-core", "libsnmp40"])) peers.push({ name: "collectd", start: startCollectd });
  if (await isThere(EXPORTER, ["prometheus-snmp-exporter"]))
    peers.push({ name: "snmp_exporter", start: startExporter });
  return peers;
}

async function isThere(binary: string, packages: readonly string[]): Promise<boolean> {
  if (!existsSync(binary) && process.getuid?.() === 0) {
    progress(`agent: installing ${packages.join(", ")}`);
    const args = ["install", "-y", "--no-install-recommends", ...packages];
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await promisify(execFile)("apt-get", args, { env, timeout: INSTALL_MS_MAX }).catch(() => {});
  }
  const there = existsSync(binary);
  if (!there) progress(`agent: no ${binary} here (Debian packages ${packages.join(", ")}), so nothing to compare with`);
  return there;
}

async function startCollectd(ports: readonly number[], intervalMs: number): Promise<PeerPoller> {
  const folder = tempFolder();
  const oids = [...SCALARS, ...COLUMNS.map((column) => `${column}.1`)];
  const sources = oids.map((_, i) => `v${i}:GAUGE:U:U`).join(", ");
  writeFileSync(join(folder, "types.db"), `ups ${sources}\n`);
  const hosts = ports.map(
    (port, i) =>
      `<Host "ups-${i}">\nAddress "udp:127.0.0.1:${port}"\nVersion 2\nCommunity "public"\nCollect "ups"\n</Host>`,
  );
  const config = join(folder, "collectd.conf");
  writeFileSync(
    config,
    `BaseDir "${folder}"
PIDFile "${folder}/pid"
TypesDB "${folder}/types.db"
Interval ${intervalMs / 1_000}
LoadPlugin csv
LoadPlugin snmp
<Plugin csv>
DataDir "${folder}/csv"
</Plugin>
<Plugin snmp>
<Data "ups">
Table false
Type "ups"
Values ${oids.map((oid) => `"${UPS}.${oid}"`).join(" ")}
</Data>
${hosts.join("\n")}
</Plugin>
`,
  );
  return startPeer(COLLECTD, ["-f", "-C", config]);
}

async function startExporter(ports: readonly number[], intervalMs: number): Promise<PeerPoller> {
  const config = join(tempFolder(), "snmp.yml");
  const metric = (oid: string, more: string): string =>
    `    - { name: v_${oid.replaceAll(".", "_")}, oid: ${UPS}.${oid}, type: gauge${more} }`;
  const lines = [
    "ups:",
    `  walk: [${COLUMNS.map((oid) => `${UPS}.${oid}`).join(", ")}]`,
    `  get: [${SCALARS.map((oid) => `${UPS}.${oid}`).join(", ")}]`,
    "  version: 2",
    "  auth: { community: public }",
    "  metrics:",
    ...SCALARS.map((oid) => metric(oid, "")),
    ...COLUMNS.map((oid) => metric(oid, ", indexes: [{ labelname: line, type: gauge }]")),
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  const port = await freePort();
  const peer = await startPeer(EXPORTER, [
    `--config.file=${config}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--log.level=error",
  ]);
  const agent = new Agent({ keepAlive: true });
  // A device's turn every intervalMs, evenly spread, as Prometheus does it.
  let next = 0;
  const timer = setInterval(() => {
    const target = `127.0.0.1:${ports[next++ % ports.length]}`;
    const asked = request({ agent, host: "127.0.0.1", port, path: `/snmp?module=ups&target=${target}` }, (answer) => {
      answer.resume();
    });
    // Not up yet, or stopped: the crowd counts what was polled.
    asked.on("error", () => {});
    asked.end();
  }, intervalMs / ports.length);
  return {
    pid: peer.pid,
    async stop() {
      clearInterval(timer);
      await peer.stop();
      agent.destroy();
    },
  };
}
