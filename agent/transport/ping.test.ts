import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { pingHost, systemPing } from "./ping.ts";
import { readPing } from "./ping-output.ts";

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "ping-"));
  stops.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe("readPing", () => {
  const iputils = "64 bytes from 10.0.0.7: icmp_seq=1 ttl=64 time=0.421 ms\n\n1 packets transmitted, 1 received";
  it.each([
    { name: "iputils", code: 0, out: iputils, ms: 0.421 },
    { name: "BusyBox", code: 0, out: "64 bytes from 10.0.0.7: seq=0 ttl=64 time=1.300 ms", ms: 1.3 },
    { name: "Windows", code: 0, out: "Reply from 10.0.0.7: bytes=32 time=12ms TTL=64", ms: 12 },
    { name: "Windows, at once", code: 0, out: "Reply from 10.0.0.7: bytes=32 time<1ms TTL=128", ms: 1 },
    { name: "Windows in German", code: 0, out: "Antwort von 10.0.0.7: Bytes=32 Zeit=3ms TTL=64", ms: 3 },
    { name: "Windows over IPv6", code: 0, out: "Reply from fe80::1: time=2ms", ms: 2 },
    { name: "one without a time", code: 0, out: "64 bytes from 10.0.0.7: icmp_seq=1 ttl=64", ms: null },
  ])("takes an answer: $name", ({ code, out, ms }) =>
    expect(readPing({ code, out }, "h")).toEqual({ roundTripMs: ms }),
  );

  it.each([
    { name: "silence", code: 1, out: "1 packets transmitted, 0 received, 100% packet loss", kind: "timeout" },
    { name: "no route", code: 1, out: "From 10.0.0.1 icmp_seq=1 Destination Host Unreachable", kind: "unreachable" },
    {
      name: "no route, Windows",
      code: 0,
      out: "Reply from 10.0.0.2: Destination host unreachable.",
      kind: "unreachable",
    },
    { name: "no such name", code: 2, out: "ping: till-9: Name or service not known", kind: "unreachable" },
    { name: "no right to ping", code: 2, out: "ping: socktype: Operation not permitted", kind: "config" },
    { name: "ended by us", code: null, out: "", kind: "timeout" },
  ])("says what is wrong: $name", ({ code, out, kind }) => {
    expect(readPing({ code, out }, "h")).toMatchObject({ failure: { kind } });
  });

  it("never throws, whatever is printed", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 500 }), fc.option(fc.nat(3)), (out, code) => {
        const answer = readPing({ code, out: `ttl=64 time=${out}` }, "h");
        if ("roundTripMs" in answer) expect(answer.roundTripMs === null || answer.roundTripMs >= 0).toBe(true);
      }),
    );
  });
});

describe("pingHost", () => {
  const context = (timeoutMs: number, signal = AbortSignal.timeout(timeoutMs)) => ({ signal, timeoutMs, nowMs: 0 });
  /** A program that stands for ping. */
  function program(script: string) {
    const path = join(folder(), "ping");
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return { program: path, arguments: () => ["x"] };
  }

  it("gives ping its arguments one by one, each system its own", () => {
    expect(systemPing("linux").arguments("till-7", 4_000)).toEqual(["-n", "-c", "1", "-W", "4", "till-7"]);
    expect(systemPing("win32").arguments("till-7", 4_000)).toEqual(["-n", "1", "-w", "4000", "till-7"]);
  });

  it.skipIf(process.platform === "win32")("bounds what ping may take and say", async () => {
    const hanging = await pingHost("h", context(200), program("exec sleep 30"));
    expect(hanging).toMatchObject({ ok: false, error: { kind: "timeout" } });
    const chatty = await pingHost("h", context(2_000), program("while :; do echo xxxxxxxxxxxxxxxx; done"));
    expect(chatty.ok).toBe(false);
  });

  it("says which program is missing", async () => {
    const missing = { program: "no-such-ping", arguments: () => [] };
    expect(await pingHost("h", context(1_000), missing)).toMatchObject({
      ok: false,
      error: { kind: "config", detail: expect.stringContaining("no-such-ping") },
    });
  });
});
