import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../bundle.ts";
import { AGENT_PACKAGES } from "../bundle-agent.ts";
import { COLLECTOR_PACKAGES } from "../bundle-collector.ts";
import { packageOfFile, packagesFor, readLock } from "./packages.ts";
import { TARGETS } from "./target.ts";

const lock = readLock();
const BINARIES = /^(@duckdb\/node-bindings-|@koromix\/koffi-)/;

describe("packagesFor", () => {
  it.each(TARGETS)("takes binaries for $name and for nothing else", (target) => {
    const names = packagesFor(lock, [...AGENT_PACKAGES, ...COLLECTOR_PACKAGES], target).map(({ name }) => name);
    const machine = `${target.os}-${target.cpu}`;
    expect(names.filter((name) => BINARIES.test(name))).toEqual([
      `@duckdb/node-bindings-${machine}`,
      `@koromix/koffi-${machine}`,
    ]);
    expect(names).toContain("@serialport/bindings-cpp");
    expect(names).not.toContain("typescript");
  });

  it("says which package the lock file has not", () => {
    const [target] = TARGETS;
    if (target === undefined) throw new Error("no target");
    expect(() => packagesFor(lock, ["no-such-package"], target)).toThrow(/no-such-package.*not in the lock file/);
  });
});

describe("packageOfFile", () => {
  it.each([
    { file: "node_modules/zod/v4/core/api.js", name: "zod" },
    { file: "node_modules/@fastify/static/index.js?commonjs", name: "@fastify/static" },
    { file: "agent/main.ts", name: null },
  ])("knows whose $file is", ({ file, name }) => {
    expect(packageOfFile(lock, join(ROOT, file))?.name ?? null).toBe(name);
  });
});
