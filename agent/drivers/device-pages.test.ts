/** docs/devices: what a page says is sent, is; what may be reported is explained; what it tells to write is taken. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadConfig } from "../config.ts";
import { loadDrivers } from "./index.ts";

const DRIVERS = await loadDrivers();

const PAGES = new URL("../../docs/devices/", import.meta.url);
const HEAD = 'site: store-1\nagent: back-office\ncollector: { url: "mqtt://127.0.0.1:1883" }\n';

const folder = mkdtempSync(join(tmpdir(), "device-pages-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pages = readdirSync(PAGES).map((name) => {
  const text = readFileSync(new URL(name, PAGES), "utf8");
  return { name, text, blocks: [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, block = ""]) => block) };
});

function devicesOf(block: string) {
  const path = join(folder, "agent.yaml");
  writeFileSync(path, HEAD + block);
  const { config, diagnostics } = loadConfig(path, DRIVERS, {});
  return { devices: config?.devices ?? [], complaints: diagnostics.map(({ code, message }) => `${code} ${message}`) };
}

describe.each(pages)("docs/devices/$name", ({ text, blocks }) => {
  const examples = blocks.filter((block) => block.startsWith("devices:"));

  it("shows devices that an agent takes as they stand", () => {
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of examples) expect(devicesOf(block).complaints).toEqual([]);
  });

  it("names every question that its drivers ask, and every metric that they report", () => {
    for (const { id, kind, driver, driverConfig } of examples.flatMap((block) => devicesOf(block).devices)) {
      const questions = (driver.requests?.(driverConfig) ?? []).map(({ name }) => name);
      const poller = driver.open({ id, kind, config: driverConfig, secret: () => "" });
      const missing = [...questions, ...poller.metrics()].filter((name) => !text.includes(`\`${name}\``));
      expect(missing, driver.name).toEqual([]);
    }
  });
});
