import { err, errorText, ok, type Result } from "@aislewatch/base";
import { z } from "zod";
import { COMPONENT_PATTERN, DEVICE_ID_PATTERN, ID_PATTERN } from "./ids.ts";
import { LIMITS } from "./limits.ts";

/**
 * The messages beside telemetry: `status`, `inventory` and `ack`. Unknown fields are ignored, an unknown version is
 * refused, and every list and text has a bound (limits.ts). Times are Unix milliseconds.
 */
export const WIRE_VERSION = 1;

export const text = z.string().max(LIMITS.textCharsMax);
export const timeMs = z.int().min(LIMITS.timeMsMin).max(LIMITS.timeMsMax);
const id = z.string().regex(ID_PATTERN);
const deviceId = z.string().regex(DEVICE_ID_PATTERN);
export const seq = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

const laneSeqs = z.object({ first: seq.min(1), last: seq });
const laneSpans = z.object({ live: laneSeqs, history: laneSeqs });

/**
 * Outbox files of this agent that were damaged and set aside, with `lanes` as a status would have them at their end.
 * Without `lanes` nothing could be read of what the file held, and its epoch is a name made for it. `renumbered`: the file
 * was none that was set aside but an old copy, and what waited in it goes on in the epoch of this status.
 */
export const formerOutboxesSchema = z
  .array(z.object({ epoch: id, lanes: laneSpans.optional(), renumbered: z.literal(true).exactOptional() }))
  .max(LIMITS.formerOutboxesMax);
export type FormerOutbox = z.infer<typeof formerOutboxesSchema>[number];

/** Retained on `…/status`, sent on every connect and every 30 s; the agent's will is the same with `state: offline`. */
export const statusSchema = z.object({
  v: z.literal(WIRE_VERSION),
  state: z.enum(["online", "offline"]),
  version: text,
  epoch: id,
  startedAt: timeMs,
  sentAt: timeMs,
  host: text.optional(),
  outbox: z
    .object({
      batches: z.int().min(0),
      bytes: z.int().min(0),
      oldestAt: timeMs.nullable(),
      /** What it may hold. */
      bytesMax: z.int().min(1).optional(),
      /** The oldest seq of each lane that still waits (`last` + 1 when none does) and the newest ever given. */
      lanes: laneSpans.optional(),
      /** What was set aside, until a batch that came after this was acked; left out when nothing was. */
      former: formerOutboxesSchema.optional(),
      /** Since when readings are kept in memory, for the file can't be written, and why. */
      inMemory: z.object({ since: timeMs, detail: text }).optional(),
    })
    .optional(),
  /** What the agent takes of its host: resident memory, and processor time since the last status, of one core. */
  cost: z.object({ memoryBytes: z.number().min(0), cpuPercent: z.number().min(0) }).optional(),
  /** The file system that the outbox lies on; free is what this user may have. */
  disk: z.object({ totalBytes: z.number().min(1), freeBytes: z.number().min(0) }).optional(),
  /** Of the inventory that holds now: a collector that has another one asks for it (`again`). */
  inventoryRevision: z.int().min(0).optional(),
});
export type AgentStatus = z.infer<typeof statusSchema>;

const assetSchema = z.object({
  vendor: text.optional(),
  model: text.optional(),
  serial: text.optional(),
  firmware: text.optional(),
});
export type Asset = z.infer<typeof assetSchema>;

const inventoryDeviceSchema = z.object({
  id: deviceId,
  kind: id.or(z.string().regex(/^[a-z_]{1,64}$/)),
  name: text.optional(),
  driver: text,
  profile: text.optional(),
  address: text.optional(),
  labels: z.record(z.string().max(64), text).default({}),
  dependsOn: z.array(deviceId).max(16).default([]),
  intervalMs: z.int().min(100).max(86_400_000),
  asset: assetSchema.default({}),
  components: z.array(z.string().regex(COMPONENT_PATTERN)).max(LIMITS.subjectsMax).default([]),
  /**
   * True: the device has not answered since its agent started. What only its answers tell (asset, profile, components,
   * metrics) is what an earlier message said.
   */
  unheard: z.boolean().optional(),
  /** Which of `metricSets` this device reports. */
  metricSet: z.int().min(0),
});

/** One numbered part of what an agent watches; retained on `…/inventory/{part}`. A new revision replaces the old whole. */
export const inventorySchema = z.object({
  v: z.literal(WIRE_VERSION),
  revision: z.int().min(0),
  part: z.int().min(0),
  parts: z.int().min(1).max(LIMITS.inventoryPartsMax),
  metricSets: z.array(z.array(z.string().max(128)).max(LIMITS.metricsMax)).max(LIMITS.tablesMax),
  devices: z.array(inventoryDeviceSchema).max(LIMITS.inventoryDevicesMax),
});
type InventoryPart = z.infer<typeof inventorySchema>;

/** A device as both programs know it: the part's indirection resolved. */
export type InventoryDevice = Omit<z.infer<typeof inventoryDeviceSchema>, "metricSet"> & {
  readonly metrics: readonly string[];
};
export type Inventory = {
  readonly revision: number;
  readonly part: number;
  readonly parts: number;
  readonly devices: readonly InventoryDevice[];
};

/** On `…/ack`: everything up to these seqs is committed in every store and may leave the outbox. */
export const ackSchema = z.object({
  v: z.literal(WIRE_VERSION),
  epoch: id,
  live: seq,
  history: seq,
  grant: z.object({ historyBytesPerSecond: z.int().min(0) }),
  /**
   * Up to this seq of the live lane everything was judged, while the time-series store can't take it: it stays in the
   * outbox, but what comes after it may be sent, so that the present is known although nothing is acked.
   */
  heard: seq.optional(),
  /** The collector's time when it sent this: from it an agent without a clock of its own knows the time. */
  at: timeMs.optional(),
  /**
   * True: connect anew, say all again and send again what is not acked. For a broker that is not the collector's own, where it
   * can't cut the connection.
   */
  again: z.boolean().optional(),
});
export type Ack = z.infer<typeof ackSchema>;

export type DecodeError = { readonly kind: "too_large" | "not_json" | "version" | "shape"; readonly detail: string };

export const decodeStatus = (bytes: Uint8Array): Result<AgentStatus, DecodeError> => decode(bytes, statusSchema);
export const decodeAck = (bytes: Uint8Array): Result<Ack, DecodeError> => decode(bytes, ackSchema);

export function decodeInventory(bytes: Uint8Array): Result<Inventory, DecodeError> {
  const decoded = decode(bytes, inventorySchema);
  if (!decoded.ok) return decoded;
  const { metricSets, devices, revision, part, parts } = decoded.value;
  const bad = devices.find((device) => metricSets[device.metricSet] === undefined);
  if (bad !== undefined)
    return err({ kind: "shape", detail: `devices: ${bad.id} names a metric set that is not there` });
  return ok({
    revision,
    part,
    parts,
    devices: devices.map(({ metricSet, ...device }) => ({ ...device, metrics: metricSets[metricSet] ?? [] })),
  });
}

/** Cuts an inventory into parts of at most 64 devices, each well under the message limit. */
export function splitInventory(devices: readonly InventoryDevice[], revision: number): InventoryPart[] {
  const perPart = Math.max(64, Math.ceil(devices.length / LIMITS.inventoryPartsMax));
  const parts = Math.max(1, Math.ceil(devices.length / perPart));
  return Array.from({ length: parts }, (_, part) => {
    const metricSets: string[][] = [];
    const indexOf = new Map<string, number>();
    const rows = devices.slice(part * perPart, (part + 1) * perPart).map(({ metrics, ...device }) => {
      const key = metrics.join(" ");
      let metricSet = indexOf.get(key);
      if (metricSet === undefined) {
        metricSet = metricSets.push([...metrics]) - 1;
        indexOf.set(key, metricSet);
      }
      return { ...device, metricSet };
    });
    return { v: WIRE_VERSION, revision, part, parts, metricSets, devices: rows };
  });
}

/** A version that we do not know, as a complaint names it. */
const IN_WORDS_CHARS_MAX = 64;

/** Bytes to JSON of a known version, with the first complaint in words; never throws. */
export function parseVersioned(bytes: Uint8Array): Result<Record<string, unknown>, DecodeError> {
  if (bytes.byteLength > LIMITS.messageBytesMax) {
    return err({ kind: "too_large", detail: `${bytes.byteLength} bytes, at most ${LIMITS.messageBytesMax}` });
  }
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch (thrown) {
    return err({ kind: "not_json", detail: errorText(thrown) });
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return err({ kind: "shape", detail: "expected an object" });
  }
  const message = json as Record<string, unknown>;
  if (message["v"] !== WIRE_VERSION) {
    return err({ kind: "version", detail: `expected v: ${WIRE_VERSION}, received v: ${inWords(message["v"])}` });
  }
  return ok(message);
}

/** Short, whatever it is: JSON.stringify would copy a quarter of a megabyte, and throws on what is nested too deep. */
function inWords(value: unknown): string {
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "an object";
  return (JSON.stringify(value) ?? "nothing").slice(0, IN_WORDS_CHARS_MAX);
}

export function decode<T>(bytes: Uint8Array, schema: z.ZodType<T>): Result<T, DecodeError> {
  const json = parseVersioned(bytes);
  if (!json.ok) return json;
  const parsed = schema.safeParse(json.value);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  const detail = issue ? `${issue.path.join(".")}: ${issue.message}` : "wrong shape";
  // The path may name a key of theirs.
  return err({ kind: "shape", detail: detail.slice(0, LIMITS.textCharsMax) });
}
