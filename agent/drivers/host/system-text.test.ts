import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  chronyOffset,
  eventTime,
  failedUnits,
  parseCpuTicks,
  parseMounts,
  parsePorts,
  parsePressure,
  parseUnits,
  timesyncOffset,
  usedPercent,
  vmCounter,
  w32tmOffset,
  wholeNumber,
} from "./system-text.ts";

const W32TM = `Leap Indicator: 0(no warning)
Stratum: 4 (secondary reference - syncd by (S)NTP)
Precision: -23 (119.209ns per tick)
Root Delay: 0.0320459s
Root Dispersion: 0.0871312s
ReferenceId: 0x0A2A0001 (source IP:  10.42.0.1)
Last Successful Sync Time: 3/14/2025 9:26:53 AM
Source: time.store.example
Poll Interval: 10 (1024s)

Phase Offset: -0.0021093s
ClockRate: 0.0156250s
State Machine: 2 (Sync)
Time Source Flags: 0 (None)
Server Role: 0 (None)
Last Sync Error: 0 (The command completed successfully.)
Time since Last Good Sync Time: 514.5910427s
`;
const W32TM_GERMAN = W32TM.replace("Root Delay", "Stammverzögerung")
  .replace("Root Dispersion", "Stammabweichung")
  .replace("Phase Offset: -0.0021093s", "Phasenoffset: -0,0021093s");

describe("time offset", () => {
  const chrony = (correction: string, leap = "Normal", stratum = "3") =>
    `0A2A0001,10.42.0.1,${stratum},1741944413.123456789,${correction},0.000012345,0.000034567,-12.345,0.001,0.012,0.001234,0.000456,1024.1,${leap}\n`;

  it.each([
    { name: "chrony: a clock that is fast", found: chronyOffset(chrony("-0.250000000")), want: 0.25 },
    { name: "chrony: a clock that is slow", found: chronyOffset(chrony("12.500000000")), want: -12.5 },
    {
      name: "chrony without a server",
      found: chronyOffset(chrony("0.000000000", "Not synchronised", "0")),
      want: null,
    },
    { name: "chrony says something else", found: chronyOffset("506 Cannot talk to daemon\n"), want: null },
    {
      name: "timesyncd",
      found: timesyncOffset("      Leap: normal\n       Offset: +1.234ms\n        Delay: 20ms\n"),
      want: -0.001234,
    },
    {
      name: "timesyncd, a clock that is minutes fast",
      found: timesyncOffset("       Offset: -3min 12.5s\n"),
      want: 192.5,
    },
    { name: "timesyncd, right on time", found: timesyncOffset("       Offset: 0\n"), want: 0 },
    { name: "timesyncd without a server", found: timesyncOffset("       Server: n/a\n"), want: null },
    { name: "Windows", found: w32tmOffset(W32TM), want: -0.0021093 },
    { name: "Windows in German", found: w32tmOffset(W32TM_GERMAN), want: -0.0021093 },
    { name: "Windows without verbose", found: w32tmOffset(W32TM.split("Phase")[0] ?? ""), want: null },
  ])("$name", ({ found, want }) => {
    if (want === null) expect(found).toBeNull();
    else expect(found).toBeCloseTo(want, 7);
  });
});

describe("files of the kernel", () => {
  it("mounts, with blanks in their names", () => {
    const text =
      "/dev/sda2 / ext4 rw,relatime,errors=remount-ro 0 0\n/dev/sdb1 /media/usb\\040stick vfat ro,noatime 0 0\n# x y z\n\n";
    expect(parseMounts(text)).toEqual([
      { device: "/dev/sda2", mount: "/", readOnly: false },
      { device: "/dev/sdb1", mount: "/media/usb stick", readOnly: true },
    ]);
  });

  it("memory pressure", () => {
    const text = "some avg10=0.12 avg60=3.45 avg300=1.00 total=123\nfull avg10=0.00 avg60=1.20 avg300=0.10 total=45\n";
    expect(parsePressure(text)).toEqual({ somePercent: 3.45, fullPercent: 1.2 });
    expect(parsePressure("some avg10=0.00\n")).toBeNull();
  });

  it("counters by their whole name", () => {
    expect(vmCounter("oom_kill_other 9\noom_kill 3\n", "oom_kill")).toBe(3);
    expect(vmCounter("pgfault 3\n", "oom_kill")).toBeNull();
  });
});

describe("systemd", () => {
  const text =
    "LoadState=loaded\nActiveState=active\nNRestarts=2\n\nLoadState=not-found\nActiveState=inactive\n\nLoadState=loaded\nActiveState=activating\nNRestarts=17\n";
  it("says of each unit whether it is up, in the order of the question", () => {
    expect(parseUnits(text, ["pos.service", "gone.service", "pay.service"])).toEqual([
      { name: "pos.service", isKnown: true, isActive: true, restarts: 2 },
      { name: "gone.service", isKnown: false, isActive: false, restarts: null },
      { name: "pay.service", isKnown: true, isActive: false, restarts: 17 },
    ]);
  });

  it("is not guessed at when blocks are missing", () => {
    expect(parseUnits(text, ["pos.service"])).toEqual([]);
  });

  it("counts what failed", () => {
    expect(failedUnits("NFailedUnits=2\n")).toBe(2);
    expect(failedUnits("Failed to connect to bus\n")).toBeNull();
  });
});

describe("the processor", () => {
  const stat = (figures: string) => `cpu  ${figures}\ncpu0 1 1 1 1 1 1 1 0 0 0\n`;

  it("is used while it is neither idle nor waits for a disk; guests are counted once", () => {
    expect(parseCpuTicks(stat("10 1 4 70 10 2 2 1 9 0"))).toEqual({ used: 20, all: 100 });
    expect(parseCpuTicks("intr 1 2 3\n")).toBeNull();
  });

  it.each([
    { name: "since it was asked last", before: { used: 20, all: 100 }, now: { used: 50, all: 200 }, want: 30 },
    { name: "since the start, at first", before: null, now: { used: 20, all: 100 }, want: 20 },
    { name: "of no time", before: { used: 20, all: 100 }, now: { used: 20, all: 100 }, want: null },
    { name: "by counters that went back", before: { used: 50, all: 100 }, now: { used: 20, all: 200 }, want: null },
  ])("$name", ({ before, now, want }) => expect(usedPercent(before, now)).toBe(want));
});

it("the time of a Windows event is read without its words", () => {
  const xml =
    "<Event><System><EventID>6008</EventID><TimeCreated SystemTime='2025-03-14T08:15:02.1234567Z'/></System></Event>";
  expect(eventTime(xml)).toBe(Date.UTC(2025, 2, 14, 8, 15, 2));
  expect(eventTime("")).toBeNull();
});

it("never throws, and knows finite numbers only", () => {
  const noise = fc.oneof(
    fc.string({ maxLength: 300 }),
    fc
      .array(fc.constantFrom("Offset: ", "+", "-", "9999999999", "min ", "s", "\n", ",", "0.0000000s"), {
        maxLength: 40,
      })
      .map((a) => a.join("")),
  );
  fc.assert(
    fc.property(noise, (text) => {
      parseMounts(text);
      parseUnits(text, ["a", "b"]);
      parsePorts(text);
      parseCpuTicks(text);
      const values = [
        chronyOffset(text),
        timesyncOffset(text),
        w32tmOffset(text),
        wholeNumber(text),
        vmCounter(text, "x"),
        eventTime(text),
      ];
      expect(values.every((value) => value === null || Number.isFinite(value))).toBe(true);
    }),
  );
});

/** Of as much as is read of a file or a tool: looked through once it takes milliseconds, once for each line a minute. */
it.each(["\n", "\r", "\r\n", " ", " \n", "0", "A=\n", "Offset: "])(
  "reads a quarter of a megabyte of %j in no time",
  (text) => {
    const long = text.repeat(Math.floor(262_144 / text.length));
    parseMounts(long);
    parseUnits(long, ["a", "b"]);
    parsePorts(long);
    parseCpuTicks(long);
    parsePressure(long);
    chronyOffset(long);
    timesyncOffset(long);
    w32tmOffset(long);
    wholeNumber(long);
    vmCounter(long, "x");
    eventTime(long);
    failedUnits(long);
  },
  1_000,
);
