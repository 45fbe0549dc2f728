import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDiagnostics } from "@aislewatch/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_LIFECYCLE } from "./incidents/lifecycle.ts";
import { loadLifecycle } from "./lifecycle-file.ts";

const HOUR_MS = 3_600_000;
let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "aislewatch-lifecycle-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

function load(text: string) {
  const path = join(dir, "lifecycle.yaml");
  writeFileSync(path, text);
  return loadLifecycle(path);
}

describe("the usual mistakes in lifecycle.yaml", () => {
  it.each([
    { name: "a wrong key", text: "acknowledgment: {}\n" },
    { name: "a number without its unit", text: "acknowledgement:\n  expires: { P1: 15 }\n" },
    { name: "an unknown priority", text: "reopen:\n  resolved: { P0: 1h }\n" },
    { name: "what ends an acknowledgement", text: "acknowledgement:\n  ends_on: [worse]\n" },
    { name: "a review of one time", text: "review: { times: 1, within: 7d }\n" },
    { name: "closing before it may reopen", text: "reopen:\n  resolved: { P1: 4d }\n" },
    { name: "closing too soon", text: "close_after: 1h\n" },
    { name: "a settle time of a day", text: "correlation: { settle: 1d }\n" },
    {
      name: "a rule of the fleet with mistakes",
      text: "correlation:\n  fleet:\n    - { where: { category: networks }, same: [version], sites: 1, share: 5, within: 2d }\n",
    },
    { name: "a rule of the fleet that says too little", text: "correlation: { fleet: [{ share: 200% }] }\n" },
  ])("$name", ({ text }) => {
    const loaded = load(text);
    const shown = loaded.ok ? "no mistakes" : formatDiagnostics(loaded.diagnostics, loaded.texts);
    expect(`${text}---\n${shown.replaceAll(`${dir}/`, "")}\n`).toMatchSnapshot();
  });
});

describe("loadLifecycle", () => {
  it("reads the example as what is shipped", () => {
    expect(loadLifecycle(join(import.meta.dirname, "../deploy/examples/lifecycle.yaml"))).toEqual({
      ok: true,
      value: DEFAULT_LIFECYCLE,
    });
  });

  it("takes one value for all priorities, or some of them over what is shipped", () => {
    const loaded = load("acknowledgement: { expires: { P1: never } }\nreopen: { recovered: 1h }\nreview: never\n");
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
    const { acknowledgement, reopen, review } = loaded.value;
    expect(acknowledgement.expiresMs).toEqual({ ...DEFAULT_LIFECYCLE.acknowledgement.expiresMs, P1: null });
    expect(Object.values(reopen.recoveredMs)).toEqual(Array(5).fill(HOUR_MS));
    expect(reopen.resolvedMs).toEqual(DEFAULT_LIFECYCLE.reopen.resolvedMs);
    expect(review).toBeNull();
  });

  it("takes one rule for the fleet, or none", () => {
    const loaded = load("correlation: { settle: 30s, fleet: [{ where: { kind: ups }, sites: 3, within: 1h }] }\n");
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
    expect(loaded.value.correlation).toEqual({
      settleMs: 30_000,
      fleet: [{ where: { kind: ["ups"] }, same: [], sites: 3, sharePercent: 0, withinMs: HOUR_MS }],
    });
    expect(load("correlation: { fleet: [] }\n")).toMatchObject({ ok: true, value: { correlation: { fleet: [] } } });
  });
});
