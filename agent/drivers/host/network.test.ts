import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { HostNetwork } from "./network.ts";
import { Evidence } from "./system-files.ts";
import { removeTestSystems, type TestSystem, testSystem } from "./test-system.ts";

afterEach(removeTestSystems);

function network(system: TestSystem): { network: HostNetwork; evidence: Evidence } {
  const evidence = new Evidence();
  return { network: new HostNetwork(system, evidence), evidence };
}

const RADIO = { "sys/class/net/wlan0/phy80211/index": "0\n", "sys/class/net/eth0/ifindex": "2\n" };

describe("the radio links of a host", () => {
  it("are in the kernel's own table", async () => {
    const system = testSystem({ ...RADIO, "proc/net/wireless": " wlan0: 0000   58.  -52.  -256  0 0 0 0 15 0\n" });
    const { network: of, evidence } = network(system);
    expect(await of.radios()).toEqual([{ name: "wlan0", signalDbm: -52 }]);
    expect(evidence.all).toEqual([{ name: "radio link", state: "used", detail: "/proc/net/wireless" }]);
    expect(system.ran).toEqual([]);
  });

  it("are asked of iw where there is no such table, and named when there is no iw", async () => {
    const system = testSystem(RADIO, { "iw dev wlan0 link": { out: "\tsignal: -67 dBm\n" } });
    const { network: of, evidence } = network(system);
    expect(await of.radios()).toEqual([{ name: "wlan0", signalDbm: -67 }]);
    delete system.says["iw dev wlan0 link"];
    expect(await of.radios()).toBeNull();
    expect(evidence.all).toMatchObject([{ name: "radio link", state: "absent", grant: "apt-get install iw" }]);
  });

  it("are not missed where there is none", async () => {
    const { network: of, evidence } = network(testSystem({ "sys/class/net/eth0/ifindex": "2\n" }));
    expect(await of.radios()).toBeNull();
    expect(evidence.all).toEqual([]);
  });

  it("are asked of netsh on Windows", async () => {
    const says = { "netsh wlan": { out: "\r\n    Name : Wi-Fi\r\n    Signal : 50%\r\n" } };
    expect(await network(testSystem({}, says, "win32")).network.radios()).toEqual([{ name: "Wi-Fi", signalDbm: -75 }]);
    expect(await network(testSystem({}, { netsh: { code: 1 } }, "win32")).network.radios()).toBeNull();
  });
});

describe("the addresses that are lent to a host", () => {
  const port = (left: number | null) => ({
    out: JSON.stringify([
      {
        ifname: "eth0",
        operstate: "UP",
        addr_info: left === null ? [] : [{ scope: "global", dynamic: true, valid_life_time: left }],
      },
    ]),
  });
  const networkd = { ...RADIO, "run/systemd/netif/leases/2": "LIFETIME=43200\n" };

  it("are lost when the port has none any more", async () => {
    const system = testSystem(networkd, { ip: port(20_000) });
    const { network: of, evidence } = network(system);
    expect(await of.leases()).toEqual([{ name: "eth0", leftSeconds: 20_000, lifetimeSeconds: 43_200 }]);
    // The client's file goes with the address.
    rmSync(join(system.root, "run"), { recursive: true });
    system.says["ip"] = port(null);
    expect(await of.leases()).toEqual([{ name: "eth0", leftSeconds: 0, lifetimeSeconds: 43_200 }]);
    expect(evidence.all).toMatchObject([{ name: "DHCP lease", state: "used" }]);
  });

  it("are known for how long of dhclient's file, too", async () => {
    const lease = 'lease {\n  interface "eth0";\n  option dhcp-lease-time 600;\n}\n';
    const system = testSystem({ ...RADIO, "var/lib/dhcp/dhclient.eth0.leases": lease }, { ip: port(200) });
    expect(await network(system).network.leases()).toEqual([{ name: "eth0", leftSeconds: 200, lifetimeSeconds: 600 }]);
  });

  it("are not known without ip, which is said", async () => {
    const { network: of, evidence } = network(testSystem({}));
    expect(await of.leases()).toBeNull();
    expect(evidence.all).toMatchObject([{ name: "DHCP lease", state: "absent", grant: "apt-get install iproute2" }]);
  });

  it("are asked of Get-NetIPAddress on Windows", async () => {
    const says = { "powershell.exe": { out: '{"name":"Ethernet","left":86000.2}' } };
    expect(await network(testSystem({}, says, "win32")).network.leases()).toEqual([
      { name: "Ethernet", leftSeconds: 86_000, lifetimeSeconds: null },
    ]);
  });
});
