import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  certificateFinding,
  inspectEndpoint,
  inspectFolder,
  inspectProcess,
  inspectSecrets,
  lockFolder,
  lockOwner,
} from "./index.ts";

const GIB = 2 ** 30;
const NFS = 0x6969;
const EXT4 = 0xef53;
const NOW = Date.parse("2026-11-22T00:00:00Z");
const DAY_MS = 86_400_000;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "inspect-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const levels = (found: readonly { level: string }[]): string[] => found.map(({ level }) => level);

describe("a folder", () => {
  it.each([
    { name: "with room", disk: { freeBytes: 9 * GIB, type: EXT4 }, is: ["ok"] },
    { name: "with little room", disk: { freeBytes: GIB / 2, type: EXT4 }, is: ["warn"] },
    { name: "without room", disk: { freeBytes: 1_000, type: EXT4 }, is: ["fail"] },
    { name: "over a network", disk: { freeBytes: 9 * GIB, type: NFS }, is: ["ok", "warn"] },
  ])("$name is $is", ({ disk, is }) => {
    expect(levels(inspectFolder("data", folder, () => disk))).toEqual(is);
  });

  it("that is not there is made at the first start, and not by looking", () => {
    expect(levels(inspectFolder("data", join(folder, "none")))).toEqual(["warn"]);
    expect(levels(inspectFolder("data", join(folder, "none")))).toEqual(["warn"]);
  });

  it("that is a file can't be used", () => {
    writeFileSync(join(folder, "file"), "");
    expect(levels(inspectFolder("data", join(folder, "file")))).toEqual(["fail"]);
  });

  it("has an owner while it is locked", () => {
    expect(lockOwner(folder)).toBe(null);
    const lock = lockFolder(folder);
    expect(lockOwner(folder)).toBe(process.pid);
    if (lock.ok) lock.value.release();
    expect(lockOwner(folder)).toBe(null);
  });
});

describe("secrets", () => {
  it.each([
    { name: "is ok when only its owner reads it", mode: 0o600, is: "ok" },
    { name: "is ok when its group reads it, too", mode: 0o640, is: "ok" },
    { name: "is told when everyone reads it", mode: 0o644, is: "warn" },
  ])("a file $name", ({ mode, is }) => {
    const [config, secret] = [join(folder, "a.yaml"), join(folder, "secret")];
    writeFileSync(config, `password: file:secret\nother: { key: "file:missing", open: env:NAME }\n`);
    writeFileSync(secret, "hunter2");
    chmodSync(secret, mode);
    const found = inspectSecrets("configuration", [config]);
    expect(levels(found)).toEqual([is]);
    expect(JSON.stringify(found)).not.toContain("hunter2");
    if (is === "warn") expect(found[0]?.todo).toBe(`chmod o-rwx ${secret}`);
  });
});

it.each([
  {
    name: "all is well",
    facts: { nodeVersion: "24.3.0", availableBytes: GIB, openFilesMax: 1024 },
    is: ["ok", "ok", "ok"],
  },
  {
    name: "Node is old",
    facts: { nodeVersion: "20.1.0", availableBytes: GIB, openFilesMax: null },
    is: ["fail", "ok"],
  },
  {
    name: "memory is short",
    facts: { nodeVersion: "24.0.0", availableBytes: 9, openFilesMax: 1024 },
    is: ["ok", "warn", "ok"],
  },
  {
    name: "few files are allowed",
    facts: { nodeVersion: "24.0.0", availableBytes: GIB, openFilesMax: 20 },
    is: ["ok", "ok", "warn"],
  },
])("of the process: $name", ({ facts, is }) => {
  expect(levels(inspectProcess({ memoryBytes: 64 * 2 ** 20, openFiles: 200 }, facts))).toEqual(is);
});

it.each([
  { name: "long good", validTo: NOW + 90 * DAY_MS, is: "ok", what: "2027-02-20, 90 days" },
  { name: "soon over", validTo: NOW + 13 * DAY_MS, is: "warn", what: "13 days" },
  { name: "over", validTo: NOW - 1, is: "fail", what: "expired on 2026-11-21" },
])("a certificate that is $name is $is", ({ validTo, is, what }) => {
  const found = certificateFinding("tls", "it", validTo, NOW);
  expect(found.level).toBe(is);
  expect(found.what).toContain(what);
});

describe("a server", () => {
  const to = (port: number, over: object = {}) =>
    inspectEndpoint({ group: "to", host: "127.0.0.1", port, tls: null, timeoutMs: 300, ...over }, NOW);

  it("that nobody runs, a name that nobody knows, and a server without TLS or one that is silent are told apart", async () => {
    const server = createServer((socket) => void socket.on("error", () => {}).resume());
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    expect(levels(await to(port))).toEqual(["ok"]);
    const tls = { ca: null, serverName: null };
    expect((await to(port, { tls })).at(-1)?.what).toContain("no answer in time");
    server.removeAllListeners("connection").on("connection", (socket) => {
      socket.on("error", () => {}).resume();
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    expect((await to(port, { tls })).at(-1)?.todo).toContain("speaks no TLS");
    await new Promise((done) => server.close(done));
    expect((await to(port)).at(-1)).toMatchObject({ level: "fail", what: expect.stringContaining("ECONNREFUSED") });
    expect((await to(port, { host: "nowhere.invalid" })).at(-1)?.what).toContain("no address for nowhere.invalid");
  });
});
