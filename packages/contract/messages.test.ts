import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  agentTopic,
  decodeAck,
  decodeInventory,
  decodeStatus,
  decodeTelemetry,
  type InventoryDevice,
  isDeviceId,
  joinSubject,
  LIMITS,
  parseTopic,
  splitInventory,
  splitSubject,
} from "./index.ts";

const bytes = (message: unknown) => Buffer.from(JSON.stringify(message));
const device = (n: number): InventoryDevice => ({
  id: `lane-${n}/pos`,
  kind: "pos_terminal",
  driver: "snmp",
  labels: { lane: String(n) },
  dependsOn: ["network/switch-1"],
  intervalMs: 10_000,
  asset: { vendor: "Acme" },
  components: [],
  metrics: ["up", "cpu_used_percent"],
});

describe("inventory", () => {
  it("comes back whole from its parts, each within the message limit", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 700 }), (count) => {
        const devices = Array.from({ length: count }, (_, n) => device(n));
        const parts = splitInventory(devices, 3).map(bytes);
        for (const part of parts) expect(part.byteLength).toBeLessThan(LIMITS.messageBytesMax);
        const back = parts.flatMap((part) => {
          const decoded = decodeInventory(part);
          if (!decoded.ok) throw new Error(decoded.error.detail);
          expect(decoded.value.parts).toBe(parts.length);
          return decoded.value.devices;
        });
        expect(back).toEqual(devices);
      }),
      { numRuns: 20 },
    );
  });

  it("refuses a device that names a metric set which is not there", () => {
    const [part] = splitInventory([device(1)], 1);
    expect(decodeInventory(bytes({ ...part, metricSets: [] })).ok).toBe(false);
  });
});

describe("status and ack", () => {
  it("never throw on any JSON", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        decodeStatus(Buffer.from(text));
        decodeAck(Buffer.from(text));
        decodeInventory(Buffer.from(text));
      }),
    );
  });

  it("of an agent name the damaged outboxes that it has set aside, as many as it may", () => {
    const lanes = { live: { first: 5, last: 70 }, history: { first: 1, last: 0 } };
    const status = (former: unknown) =>
      decodeStatus(
        bytes({
          ...{ v: 1, state: "online", version: "1", epoch: "e2", startedAt: 1.7e12, sentAt: 1.7e12 },
          outbox: { batches: 0, bytes: 0, oldestAt: null, former },
        }),
      );
    const all = [{ epoch: "unreadable-x" }, { epoch: "e1", lanes }, { epoch: "e0", lanes, renumbered: true }];
    const said = status(all);
    expect(said.ok && said.value.outbox?.former).toEqual(all);
    const many = (count: number) => Array.from({ length: count }, (_, n) => ({ epoch: `e${n}`, lanes }));
    expect(status(many(LIMITS.formerOutboxesMax)).ok).toBe(true);
    expect(status(many(LIMITS.formerOutboxesMax + 1)).ok).toBe(false);
    expect(status([{ epoch: "E 1", lanes }]).ok).toBe(false);
  });

  it("say which field is wrong", () => {
    const decoded = decodeAck(bytes({ v: 1, epoch: "a", live: -1, history: 0, grant: { historyBytesPerSecond: 1 } }));
    expect(decoded.ok ? "" : decoded.error.detail).toMatch(/^live: /);
  });
});

describe("topics and ids", () => {
  it.each([
    ["aislewatch/v1/store-1/pc/telemetry", { site: "store-1", agent: "pc", channel: "telemetry", part: 0 }],
    ["aislewatch/v1/store-1/pc/inventory/12", { site: "store-1", agent: "pc", channel: "inventory", part: 12 }],
    ["aislewatch/v1/store-1/pc/inventory", null],
    ["aislewatch/v1/store-1/pc/telemetry/1", null],
    ["aislewatch/v2/store-1/pc/telemetry", null],
    ["aislewatch/v1/Store/pc/telemetry", null],
    ["aislewatch/v1/store-1//telemetry", null],
    ["aislewatch/v1/a/b/inventory/1/2", null],
  ])("%s", (topic, want) => expect(parseTopic(topic)).toEqual(want));

  it("parse what agentTopic writes", () => {
    expect(parseTopic(agentTopic("s", "a", "inventory/3"))).toEqual({
      site: "s",
      agent: "a",
      channel: "inventory",
      part: 3,
    });
  });

  it.each([
    ["lane-3/receipt-printer", true],
    ["lane", true],
    ["a/b/c", false],
    ["Lane", false],
    ["-a", false],
    ["a/", false],
    ["a#b", false],
  ])("device id %s is %s", (id, want) => expect(isDeviceId(id)).toBe(want));

  it("split subjects as they were joined", () => {
    expect(splitSubject(joinSubject("lane-1/pos", "disk-var"))).toEqual({
      device: "lane-1/pos",
      component: "disk-var",
    });
    expect(splitSubject("lane-1/pos")).toEqual({ device: "lane-1/pos", component: null });
  });
});

describe("docs/wire.md", () => {
  const page = readFileSync(new URL("../../docs/wire.md", import.meta.url), "utf8");
  const examples = [...page.matchAll(/```json\n(.+)\n```/g)].map(([, json]) => Buffer.from(json ?? ""));
  const decoders = { telemetry: decodeTelemetry, ack: decodeAck, status: decodeStatus, inventory: decodeInventory };

  it.each(Object.entries(decoders))("shows a %s that is one", (_name, decoder) => {
    expect(examples.filter((example) => decoder(example).ok).length).toBe(1);
  });

  it("shows the golden telemetry", () => {
    const golden = readFileSync(new URL("./testdata/telemetry-v1.json", import.meta.url), "utf8");
    expect(JSON.parse(String(examples[0]))).toEqual(JSON.parse(golden));
  });
});
