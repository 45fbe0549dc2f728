import { errorText } from "@aislewatch/base";
import { suggest } from "@aislewatch/config";
import type { SampleSet, Value } from "@aislewatch/contract";
import { findMetric } from "@aislewatch/devices";
import { EXIT, realClock } from "@aislewatch/runtime";
import type { AgentConfig, Device } from "../config.ts";
import { cleanAsset, makeReading } from "../core/reading.ts";
import type { DevicePoller, Parsed } from "../drivers/driver.ts";
import { openDevice } from "../poller.ts";
import { readConfig } from "./read-config.ts";
import { alignedTable } from "./table.ts";
import type { Flags, Terminal } from "./terminal.ts";

/** Polls one device once, past schedule, outbox and collector, and shows what it says. */
export async function probe(flags: Flags, terminal: Terminal): Promise<number> {
  const config = readConfig(flags, terminal);
  if (config === null) return EXIT.config;
  const device = findDevice(config, flags.device ?? "", terminal);
  if (device === null) return EXIT.config;
  const poller = openDevice(device);
  const startMs = realClock.monotonic();
  const nowMs = realClock.now();
  try {
    const polled = await poller.poll({
      signal: AbortSignal.timeout(device.timeoutMs),
      timeoutMs: device.timeoutMs,
      nowMs,
    });
    const tookMs = realClock.monotonic() - startMs;
    if (!polled.ok) return showFailure(device, polled.error, { flags, terminal });
    if (flags.raw) {
      terminal.out(`${JSON.stringify(polled.value, null, 2)}\n`);
      return EXIT.asked;
    }
    const parsed = poller.parse(polled.value);
    if (!parsed.ok) return showFailure(device, { kind: "protocol", detail: parsed.error.detail }, { flags, terminal });
    show({ device, poller, parsed: parsed.value, tookMs, nowMs }, flags, terminal);
    return EXIT.asked;
  } catch (thrown) {
    return showFailure(device, { kind: "protocol", detail: errorText(thrown) }, { flags, terminal });
  } finally {
    await poller.close();
  }
}

function findDevice(config: AgentConfig, id: string, terminal: Terminal): Device | null {
  const device = config.devices.find((candidate) => candidate.id === id);
  if (device !== undefined) return device;
  const ids = config.devices.map((candidate) => candidate.id);
  const near = suggest(id, ids);
  const hint = near === null ? `; expected one of: ${ids.slice(0, 20).join(", ")}` : `; did you mean "${near}"?`;
  terminal.error(`there is no device "${id}"${hint}\n`);
  return null;
}

type Failure = { readonly kind: string; readonly detail: string; readonly hint?: string };

function showFailure(
  device: Device,
  failure: Failure,
  { flags, terminal }: { flags: Flags; terminal: Terminal },
): number {
  if (flags.json) terminal.out(`${JSON.stringify({ device: device.id, failure }, null, 2)}\n`);
  const hint = failure.hint === undefined ? "" : `\n  ${failure.hint}`;
  const address = device.driver.address(device.driverConfig);
  terminal.error(`${device.id} (${device.driver.name}, ${address}): ${failure.kind}: ${failure.detail}${hint}\n`);
  return EXIT.crashed;
}

type Seen = {
  readonly device: Device;
  readonly poller: DevicePoller<unknown>;
  readonly parsed: Parsed;
  readonly tookMs: number;
  readonly nowMs: number;
};

function show({ device, poller, parsed, tookMs, nowMs }: Seen, flags: Flags, terminal: Terminal): void {
  const { reading } = makeReading(
    { device: device.id, atMs: nowMs, tookMs },
    { ok: true, samples: parsed.samples, events: parsed.events ?? [] },
  );
  const asset = cleanAsset(parsed.asset ?? {});
  if (flags.json) {
    terminal.out(`${JSON.stringify({ ...reading, profile: poller.profile(), asset }, null, 2)}\n`);
    return;
  }
  const address = device.driver.address(device.driverConfig);
  const facts = [
    ["device", device.id],
    ["driver", [device.driver.name, poller.profile() ?? "", address].filter((word) => word !== "").join(", ")],
    ["asset", Object.values(asset).join(", ")],
  ].filter(([, value]) => value !== "");
  const rows = reading.samples.flatMap(sampleRows);
  terminal.out(
    `${alignedTable(facts)}\n${alignedTable([["COMPONENT", "METRIC", "VALUE", "UNIT", "MEANING"], ...rows], [2])}`,
  );
  for (const event of reading.events ?? []) terminal.out(`event: ${event.code} ${event.detail}\n`);
}

function sampleRows({ component, metrics }: SampleSet): string[][] {
  return Object.entries(metrics).map(([name, value]) => {
    const metric = findMetric(name);
    return [component ?? "", name, valueText(value), metric?.unit ?? "", metric?.meaning ?? ""];
  });
}

const valueText = (value: Value): string => (typeof value === "boolean" ? (value ? "yes" : "no") : String(value));
