/** Who has a port, and which may never be opened: on a system made of files. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { holdersOf, holderText, isPort, mayOpen, PAYMENT_VENDORS, resolvePort, type System } from "./serial-access.ts";

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** Texts by path; a value that begins with `->` is a link. */
function system(files: Readonly<Record<string, string>>, ownPids: readonly number[] = []): System {
  const root = mkdtempSync(join(tmpdir(), "system-"));
  stops.push(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    if (text.startsWith("->")) symlinkSync(text.slice(2).replace("ROOT", root), path);
    else writeFileSync(path, text);
  }
  return { root, ownPids: new Set(ownPids) };
}

const usb = (vendor: string) =>
  system({
    "sys/devices/usb1/1-2/idVendor": `${vendor}\n`,
    "sys/devices/usb1/1-2/1-2:1.0/ttyUSB0/port_number": "0\n",
    "sys/class/tty/ttyUSB0/device": "->ROOT/sys/devices/usb1/1-2/1-2:1.0/ttyUSB0",
  });

describe("mayOpen", () => {
  it.each(Object.entries(PAYMENT_VENDORS))("refuses hardware of USB vendor %s, %s", async (vendor, maker) => {
    expect(await mayOpen("/dev/ttyUSB0", usb(vendor.toUpperCase()))).toMatchObject({
      ok: false,
      error: { kind: "config", detail: expect.stringContaining(maker), hint: expect.stringContaining("presence") },
    });
  });

  it.each([
    { name: "an adapter of another maker", files: usb("0403") },
    { name: "a port that is on no USB", files: system({}) },
  ])("allows $name", async ({ files }) => {
    expect(await mayOpen("/dev/ttyUSB0", files)).toEqual({ ok: true, value: undefined });
  });
});

describe.runIf(process.platform === "linux")("isPort", () => {
  it.each(["/dev/null", "/dev/zero", "/dev/tty", "/dev/ptmx", tmpdir(), import.meta.filename])(
    "refuses %s, which nobody may write a question to",
    async (path) => {
      expect(await isPort(path)).toMatchObject({ ok: false, error: { kind: "config" } });
    },
  );

  it("leaves it to the opening to say that a port is gone", async () => {
    expect(await isPort("/dev/no-such-port")).toEqual({ ok: true, value: undefined });
  });
});

describe("holdersOf", () => {
  const pos = { "proc/41/comm": "pos-app\n", "proc/41/fd/3": "->/dev/ttyS0", "proc/41/fd/4": "->/dev/ttyS0" };

  it("names each program that has the port open, once, and not ourselves", async () => {
    const files = { ...pos, "proc/7/comm": "agent\n", "proc/7/fd/9": "->/dev/ttyS0", "proc/8/comm": "x\n" };
    const holders = await holdersOf("/dev/ttyS0", system(files, [7]));
    expect(holders).toEqual([{ pid: 41, name: "pos-app" }]);
    expect(holderText(holders)).toBe("pos-app (pid 41)");
  });

  it("believes a lock file of a program that runs, and no stale one", async () => {
    const locked = (pid: number) =>
      system({ "run/lock/LCK..ttyS1": `${String(pid).padStart(10)}\n`, "proc/41/comm": "ser2net\n" });
    expect(await holdersOf("/dev/ttyS1", locked(41))).toEqual([{ pid: 41, name: "ser2net" }]);
    expect(await holdersOf("/dev/ttyS1", locked(42))).toEqual([]);
  });

  it("shows no control characters of a program's name", async () => {
    const files = { "proc/41/comm": "e\u001b[31mvil\n", "proc/41/fd/3": "->/dev/ttyS0" };
    expect((await holdersOf("/dev/ttyS0", system(files)))[0]?.name).toBe("e?[31mvil");
  });
});

describe("resolvePort", () => {
  it("finds the port that a by-id path stands for now", async () => {
    const { root } = system({ "dev/ttyUSB3": "", "dev/serial/by-id/usb-scale": "->../../ttyUSB3" });
    expect(await resolvePort(join(root, "dev/serial/by-id/usb-scale"))).toEqual({
      ok: true,
      value: join(root, "dev/ttyUSB3"),
    });
    expect(await resolvePort(join(root, "dev/serial/by-id/usb-gone"))).toMatchObject({
      ok: false,
      error: { kind: "unreachable" },
    });
  });
});
