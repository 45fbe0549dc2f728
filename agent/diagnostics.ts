/** What `send_diagnostics` answers: how the agent and its host are, as JSON text, without secrets or card data. */
import { freemem, loadavg, totalmem, uptime } from "node:os";
import { LIMITS } from "@aislewatch/contract";
import { redact } from "./core/card-data.ts";
import { diskOf } from "./own-cost.ts";
import type { StatusFile } from "./status-file.ts";

/** Within LIMITS.replyCharsMax: of the devices those that fail come first, and as many as there is room for. */
export function diagnosticsText(status: ReturnType<StatusFile["status"]>, folder: string): string {
  const { heapUsed, rss } = process.memoryUsage();
  const host = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    uptimeSeconds: Math.round(uptime()),
    loadAverage: loadavg(),
    memoryBytes: { total: totalmem(), free: freemem() },
    disk: diskOf(folder),
  };
  const agent = { uptimeSeconds: Math.round(process.uptime()), heapUsedBytes: heapUsed, residentBytes: rss };
  let devices = status.devices.toSorted((a, b) => Number(a.health.state === "up") - Number(b.health.state === "up"));
  for (;;) {
    const left = status.devices.length - devices.length;
    // Text by text: in the JSON as a whole the digits of a fraction may pass for a card's.
    const whole = { ...status, process: agent, host, devices, ...(left > 0 && { devicesLeftOut: left }) };
    const text = JSON.stringify(whole, (_key, value: unknown) => (typeof value === "string" ? redact(value) : value));
    if (text.length <= LIMITS.replyCharsMax || devices.length === 0) return text;
    devices = devices.slice(0, Math.floor(devices.length / 2));
  }
}
