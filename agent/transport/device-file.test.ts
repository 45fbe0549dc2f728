import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import { realClock } from "@aislewatch/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { DeviceFile, DeviceGate, DeviceHang, describeDeviceError } from "./device-file.ts";

/** A call into a driver that comes back when it is told to. */
function call<T>(value: T) {
  let comeBack = (): void => {};
  const pending = new Promise<T>((done) => {
    comeBack = () => done(value);
  });
  const state = { begun: false };
  return {
    run: () => {
      state.begun = true;
      return pending;
    },
    state,
    comeBack: () => comeBack(),
  };
}
const settled = () => new Promise(setImmediate);

describe("the gate of device files", () => {
  it("lets two in, and the next one when one comes back", async () => {
    const gate = new DeviceGate(new ManualClock());
    const [a, b, c] = [call("a"), call("b"), call("c")];
    const [first, , third] = [a, b, c].map(({ run }) => gate.run(run, 1_000));
    await settled();
    expect([a, b, c].map(({ state }) => state.begun)).toEqual([true, true, false]);
    a.comeBack();
    expect(await first).toBe("a");
    await settled();
    expect(c.state.begun).toBe(true);
    c.comeBack();
    expect(await third).toBe("c");
  });

  it("gives up waiting for a driver that hangs, and closes what it opens late", async () => {
    const clock = new ManualClock();
    const gate = new DeviceGate(clock);
    const hung = call("file");
    const closed: string[] = [];
    const opening = gate.run(hung.run, 1_000, (file) => closed.push(file));
    const outcome = expect(opening).rejects.toBeInstanceOf(DeviceHang);
    await settled();
    await clock.advance(1_000);
    await outcome;
    hung.comeBack();
    await settled();
    expect(closed).toEqual(["file"]);
  });

  it("with two drivers that hang, refuses in time, and goes on when they come back", async () => {
    const clock = new ManualClock();
    const gate = new DeviceGate(clock);
    const hung = [call(1), call(2)];
    const lost = hung.map(({ run }) => expect(gate.run(run, 500)).rejects.toBeInstanceOf(DeviceHang));
    const healthy = call("healthy");
    const refused = expect(gate.run(healthy.run, 800)).rejects.toThrow(/other USB devices hang/);
    await settled();
    await clock.advance(800);
    await Promise.all([...lost, refused]);
    expect(healthy.state.begun).toBe(false);
    for (const { comeBack } of hung) comeBack();
    await settled();
    const later = gate.run(healthy.run, 500);
    await settled();
    healthy.comeBack();
    expect(await later).toBe("healthy");
  });
});

describe("a device file", () => {
  const folder = mkdtempSync(join(tmpdir(), "device-file-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const gate = new DeviceGate(realClock);

  it("opened for reading can't be written to", async () => {
    const path = join(folder, "device");
    writeFileSync(path, "said");
    const file = await DeviceFile.open(path, { gate, write: false, timeoutMs: 1_000 });
    expect(Buffer.from((await file.read(64)) ?? []).toString()).toBe("said");
    expect(await file.read(64)).toBeNull();
    await expect(file.write(Buffer.from("x"))).rejects.toThrow();
    await file.close();
    expect(file.isOpen).toBe(false);
    await file.close();
  });

  it.each([
    { code: "EBUSY", kind: "busy" },
    { code: "EACCES", kind: "config" },
    { code: "ENODEV", kind: "unreachable" },
    { code: "ENOENT", kind: "unreachable" },
    { code: "ENOSYS", kind: "config" },
    { code: "EIO", kind: "io" },
  ])("$code is $kind", ({ code, kind }) => {
    expect(describeDeviceError(Object.assign(new Error(), { code }), "/dev/usb/lp0").kind).toBe(kind);
  });

  it("a driver that hangs has misbehaved", () => {
    expect(describeDeviceError(new DeviceHang("late"), "/dev/hidraw0")).toMatchObject({ kind: "io", misbehaved: true });
  });
});
