import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import presence from "./index.ts";
import { HOST_METRICS, PORT_METRICS, parse } from "./parse.ts";
import { lookAtPort } from "./poll.ts";

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "presence-"));
  stops.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe("lookAtPort", () => {
  it("knows a port that is not plugged in", async () => {
    const system = { root: folder(), ownPids: new Set<number>() };
    expect(await lookAtPort("/dev/serial/by-id/usb-no-such", system)).toEqual({
      ok: true,
      value: { kind: "port", attached: false, holders: null, counters: null },
    });
  });

  it.skipIf(process.platform === "win32")("says that nobody has a port only when it can see everybody", async () => {
    const root = folder();
    const system = { root, ownPids: new Set<number>() };
    const looked = async () => {
      const port = await lookAtPort("/dev/null", system);
      return port.ok && port.value.kind === "port" ? port.value.holders : undefined;
    };
    expect(await looked()).toBeNull();
    mkdirSync(join(root, "proc/1/fd"), { recursive: true });
    expect(await looked()).toEqual([]);
  });
});

describe("parse", () => {
  const counters = { sentBytes: 1, receivedBytes: 2, framingErrors: 3, parityErrors: 4, breaks: 5, overruns: 6 };
  it("tells what each driver says that it tells", () => {
    const port = parse({ kind: "port", attached: true, holders: [{ pid: 1, name: "pos" }], counters });
    const metrics = port.ok ? (port.value.samples[0]?.metrics ?? {}) : {};
    expect(metrics).toMatchObject({ attached: true, in_use: true, line_overruns_total: 6, line_breaks_total: 5 });
    expect(Object.keys(metrics).sort()).toEqual([...PORT_METRICS].sort());
    const host = parse({ kind: "host", roundTripMs: 0.42 });
    expect(host.ok && host.value.samples[0]?.metrics).toEqual({ [HOST_METRICS[0] ?? ""]: 0.00042 });
  });
});

describe("a device of presence", () => {
  it.each([
    { name: "neither host nor port", device: {} },
    { name: "both", device: { host: "a", port: "/dev/ttyS0" } },
    { name: "an option for ping", device: { host: "-f" } },
    { name: "a file beyond /dev", device: { port: "/etc/passwd" } },
  ])("is refused with $name", ({ device }) => expect(presence.config.safeParse(device).success).toBe(false));
});
