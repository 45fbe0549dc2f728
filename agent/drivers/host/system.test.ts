import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type CommandEnd, HostHealth, type HostSystem } from "./system.ts";

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

/** A system of these files, whose programs say this; those that are not named are not installed. */
function system(
  files: Readonly<Record<string, string | Uint8Array>>,
  says: Readonly<Record<string, Partial<CommandEnd>>> = {},
  platform: NodeJS.Platform = "linux",
): HostSystem & { ran: string[]; root: string } {
  const root = mkdtempSync(join(tmpdir(), "host-"));
  roots.push(root);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  const ran: string[] = [];
  return {
    root,
    platform,
    recordBytes: 384,
    ran,
    async run(program, args) {
      const line = [program, ...args].join(" ");
      ran.push(line);
      const found = Object.entries(says).find(([begin]) => line.startsWith(begin))?.[1];
      return { code: found === undefined ? null : 0, out: "", isMissing: found === undefined, ...found };
    },
  };
}

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
      unitsFailed: 1,
      units: [{ name: "pos.service", isActive: true, restarts: 7 }],
    });
    expect(health.lacks()).toEqual([]);
    expect(one.ran).toHaveLength(3);
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
      health
        .lacks()
        .map(([evidence]) => evidence)
        .sort(),
    ).toEqual(["orderly shutdown", "services", "time offset"]);
  });

  it("names a unit that systemd does not know", async () => {
    const says = {
      "systemctl show --property=NFailedUnits": { out: "NFailedUnits=0\n" },
      "systemctl show --property=LoadState": { out: "LoadState=not-found\nActiveState=inactive\n" },
    };
    const health = new HostHealth(system({}, says), ["poss.service"]);
    await health.look();
    expect(health.lacks()).toContainEqual(["units", "systemd knows no poss.service"]);
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
    expect(health.lacks()).toEqual([["disk health", expect.stringMatching(/\/dev\/sda; as root: setcap /)]]);
    says["smartctl --json"] = { out: JSON.stringify({ smart_status: { passed: true } }) };
    expect(await health.askDrives()).toHaveLength(1);
    expect(health.lacks()).toEqual([]);
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
    expect(health.lacks()).toEqual([["disk health", expect.stringContaining("smartmontools")]]);
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
    expect(health.lacks()).toEqual([]);
  });

  it("says which right it lacks", async () => {
    const health = new HostHealth(system({}, { wevtutil: { code: 5 }, w32tm: { code: 1 } }, "win32"), []);
    await health.look();
    expect(
      health
        .lacks()
        .map(([evidence]) => evidence)
        .sort(),
    ).toEqual(["orderly shutdown", "time offset"]);
  });
});
