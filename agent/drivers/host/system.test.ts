import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { HostHealth } from "./system.ts";
import type { CommandEnd } from "./system-files.ts";
import { removeTestSystems, testSystem as system } from "./test-system.ts";

afterEach(removeTestSystems);

const lackOf = (health: HostHealth) => health.sources().filter(({ state }) => state !== "used");

function wtmp(...types: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(types.length * 384);
  for (const [n, type] of types.entries()) bytes.writeInt16LE(type, n * 384);
  return bytes;
}

describe("a Linux till", () => {
  const files = {
    "proc/self/mounts": "/dev/sda2 / ext4 ro,relatime 0 0\nproc /proc proc rw 0 0\n",
    "etc/fstab": "/dev/sda2 / ext4 errors=remount-ro 0 1\n",
    "etc/debian_version": "12.5\n",
    "sys/fs/ext4/sda2/errors_count": "3\n",
    "proc/pressure/memory":
      "some avg10=0.00 avg60=12.50 avg300=0.00 total=0\nfull avg10=0.00 avg60=4.00 avg300=0.00 total=0\n",
    "proc/vmstat": "nr_free_pages 1\noom_kill 2\n",
    "var/log/wtmp": wtmp(2, 7, 2, 7),
    "run/utmp": wtmp(2, 7),
    "run/reboot-required": "",
    "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "4\n",
    "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": "1\n",
    "sys/class/net/enp3s0/speed": "100\n",
    "sys/class/net/enp3s0/duplex": "half\n",
    "sys/class/net/wg0/speed": "-1\n",
  };

  it("says all that it has", async () => {
    const one = system(files, {
      chronyc: { out: "A,10.0.0.1,3,1.0,-2.500000000,0,0,0,0,0,0,0,0,Normal" },
      "systemctl show --property=NFailedUnits": { out: "NFailedUnits=1\n" },
      "systemctl show --property=LoadState": { out: "LoadState=loaded\nActiveState=active\nNRestarts=7\n" },
    });
    const health = new HostHealth(one, ["pos.service"]);
    expect(await health.look()).toEqual({
      mounts: [{ mount: "/", readOnly: true, meantReadOnly: false, wasWritable: false, errors: 3 }],
      memoryPressure: { somePercent: 12.5, fullPercent: 4 },
      outOfMemoryKills: 2,
      timeOffsetSeconds: 2.5,
      shutdownWasOrderly: false,
      userCount: 1,
      rebootRequired: true,
      throttledCount: 5,
      links: [
        { name: "enp3s0", megabitsPerSecond: 100, duplex: "half" },
        { name: "wg0", megabitsPerSecond: null, duplex: null },
      ],
      radios: null,
      unitsFailed: 1,
      units: [{ name: "pos.service", isActive: true, restarts: 7 }],
    });
    expect(lackOf(health)).toEqual([]);
    expect(one.ran).toHaveLength(3);
    expect(health.sources()).toEqual([
      { name: "orderly shutdown", state: "used", detail: "/var/log/wtmp" },
      { name: "services", state: "used", detail: "systemd" },
      { name: "time offset", state: "used", detail: "chrony" },
      { name: "units", state: "used", detail: "systemd" },
    ]);
  });

  it("remembers what was writable", async () => {
    const one = system({ "proc/self/mounts": "/dev/sdb1 /data ext4 rw 0 0\n" });
    const health = new HostHealth(one, []);
    await health.look();
    writeFileSync(join(one.root, "proc/self/mounts"), "/dev/sdb1 /data ext4 ro 0 0\n");
    expect((await health.look()).mounts).toEqual([
      { mount: "/data", readOnly: true, meantReadOnly: null, wasWritable: true, errors: null },
    ]);
  });

  it("says nothing of what it has not, and why", async () => {
    const health = new HostHealth(system({}), ["pos.service"]);
    const { links, ...rest } = await health.look();
    expect(links).toEqual([]);
    expect(Object.values(rest).every((value) => value === null)).toBe(true);
    expect(
      lackOf(health)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(["orderly shutdown", "services", "time offset", "units"]);
  });

  it("names a unit that systemd does not know", async () => {
    const says = {
      "systemctl show --property=NFailedUnits": { out: "NFailedUnits=0\n" },
      "systemctl show --property=LoadState": { out: "LoadState=not-found\nActiveState=inactive\n" },
    };
    const health = new HostHealth(system({}, says), ["poss.service"]);
    await health.look();
    expect(lackOf(health)).toContainEqual({ name: "units", state: "absent", detail: "systemd knows no poss.service" });
  });
});

describe("units", () => {
  it.each([
    { name: "refuses the question", end: { code: 1, out: "LoadState=loaded\nActiveState=active\nNRestarts=0\n" } },
    { name: "does not answer for each", end: { out: "LoadState=loaded\nActiveState=active\nNRestarts=0\n" } },
  ])("are said to be unknown where systemctl $name", async ({ end }) => {
    const says = { "systemctl show --property=LoadState": end };
    const health = new HostHealth(system({}, says), ["pos.service", "sync.service"]);
    expect((await health.look()).units).toBeNull();
    expect(lackOf(health)).toContainEqual({
      name: "units",
      state: "absent",
      detail: "systemd tells nothing of pos.service, sync.service",
    });
  });
});

describe("what is asked at each poll", () => {
  const HEAD =
    "Inter-|   Receive |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes\n";
  const files = {
    "proc/net/dev": `${HEAD}    lo: 10 1 0 0 0 0 0 0 10 1 0 0 0 0 0 0\nenp3s0:2000 9 3 4 0 0 0 0 1000 8 5 6 0 0 0 0\n`,
    "sys/class/net/enp3s0/operstate": "up\n",
    "sys/class/net/enp3s0/carrier_down_count": "7\n",
    "proc/1/stat": "",
    "proc/4242/stat": "",
    "proc/meminfo": "",
  };

  it("starts no process", async () => {
    const one = system(files);
    const health = new HostHealth(one, []);
    expect(await health.processCount()).toBe(2);
    expect(await health.ports()).toMatchObject([
      { name: "lo", state: "unknown", receivedBytes: 10, sentBytes: 10, linkLosses: null },
      {
        name: "enp3s0",
        state: "up",
        receivedBytes: 2_000,
        receiveErrors: 3,
        receiveDiscards: 4,
        sentBytes: 1_000,
        sendErrors: 5,
        sendDiscards: 6,
        linkLosses: 7,
      },
    ]);
    expect(one.ran).toEqual([]);
  });
});

describe("disks", () => {
  const scan = { out: JSON.stringify({ devices: [{ name: "/dev/sda", type: "sat" }] }) };
  const told = (message: string) => ({ out: JSON.stringify({ smartctl: { messages: [{ string: message }] } }) });

  it("are asked one by one, and eMMC by its files", async () => {
    const files = {
      "sys/block/mmcblk0/device/life_time": "0x05 0x03\n",
      "sys/block/mmcblk0/device/pre_eol_info": "0x01\n",
    };
    const says = {
      "smartctl --scan": scan,
      "smartctl --json": { out: JSON.stringify({ smart_status: { passed: false } }) },
    };
    const drives = await new HostHealth(system(files, says), []).askDrives();
    expect(drives).toMatchObject([
      { name: "sda", isFailing: true },
      { name: "mmcblk0", wearPercent: 50 },
    ]);
  });

  it("that may not be asked are named with the command that grants it, until they may be", async () => {
    const says: Record<string, Partial<CommandEnd>> = {
      "smartctl --scan": scan,
      "smartctl --json": told("Smartctl open device: /dev/sda failed: Permission denied"),
    };
    const health = new HostHealth(system({}, says), []);
    expect(await health.askDrives()).toEqual([]);
    expect(lackOf(health)).toEqual([
      {
        name: "disk health",
        state: "denied",
        detail: "this user may not ask /dev/sda",
        grant: expect.stringMatching(/^setcap /),
      },
    ]);
    says["smartctl --json"] = { out: JSON.stringify({ smart_status: { passed: true } }) };
    expect(await health.askDrives()).toHaveLength(1);
    expect(lackOf(health)).toEqual([]);
  });

  it("that sleep are not woken, and say what they said last", async () => {
    const says: Record<string, Partial<CommandEnd>> = {
      "smartctl --scan": scan,
      "smartctl --json": { out: JSON.stringify({ smart_status: { passed: true }, power_on_time: { hours: 7 } }) },
    };
    const one = system({}, says);
    const health = new HostHealth(one, []);
    await health.askDrives();
    says["smartctl --json"] = told("Device is in STANDBY mode, exit(2)");
    expect(await health.askDrives()).toMatchObject([{ poweredHours: 7 }]);
    expect(one.ran.at(-1)).toBe("smartctl --json -i -H -A -n standby -d sat /dev/sda");
  });

  it("are not known without the tool", async () => {
    const health = new HostHealth(system({}), []);
    expect(await health.askDrives()).toEqual([]);
    expect(lackOf(health)).toMatchObject([
      { name: "disk health", state: "absent", grant: "apt-get install smartmontools" },
    ]);
  });
});

describe("a Windows till", () => {
  const event = (at: string) => ({ out: `<Event><System><TimeCreated SystemTime='${at}.000Z'/></System></Event>` });

  it.each([
    {
      name: "a plug that was pulled",
      unexpected: event("2025-03-14T08:00:10"),
      started: event("2025-03-14T08:00:05"),
      want: false,
    },
    {
      name: "an orderly start after an old fall",
      unexpected: event("2025-03-01T08:00:10"),
      started: event("2025-03-14T08:00:05"),
      want: true,
    },
    { name: "never a fall", unexpected: { out: "" }, started: event("2025-03-14T08:00:05"), want: true },
  ])("$name", async ({ unexpected, started, want }) => {
    const query = (id: number) => `wevtutil qe System /q:*[System[Provider[@Name='EventLog'] and (EventID=${id})]]`;
    const says = {
      [query(6008)]: unexpected,
      [query(6005)]: started,
      w32tm: { out: "A: 0.0000001s\nB: 0.0000001s\nC: 61.5000000s\n" },
      reg: { code: 1 },
    };
    const health = new HostHealth(system({}, says, "win32"), []);
    expect(await health.look()).toMatchObject({
      shutdownWasOrderly: want,
      timeOffsetSeconds: 61.5,
      rebootRequired: false,
      mounts: null,
      userCount: null,
      unitsFailed: null,
    });
    expect(lackOf(health)).toEqual([]);
  });

  it("says which right it lacks", async () => {
    const health = new HostHealth(system({}, { wevtutil: { code: 5 }, w32tm: { code: 1 } }, "win32"), []);
    await health.look();
    expect(
      lackOf(health)
        .map(({ name, grant }) => `${name}: ${grant}`)
        .sort(),
    ).toEqual(['orderly shutdown: net localgroup "Event Log Readers" till /add', "time offset: sc start w32time"]);
  });
});
