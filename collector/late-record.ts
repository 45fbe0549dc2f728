/**
 * What the late evaluator keeps of an agent over a restart, as JSON in the state store: its `state`, and a record for each
 * batch that it keeps back. What is read back was ours once, and is checked all the same; a record that does not pass is
 * left alone, and its agent's history is kept unjudged.
 *
 * Values go in as their bytes (base64 of 64-bit floats, as they lie in memory on every machine that we run on): forty
 * devices with a dozen metrics are some ten KiB, written with each batch that a fork has read. Windows are not kept.
 */
import { decodeTelemetry } from "@aislewatch/contract";
import { SEVERITIES } from "@aislewatch/devices";
import type { AgentSnapshot } from "@aislewatch/rules";
import { z } from "zod";
import type { LateRecord } from "./store/state/store.ts";
import type { TelemetryBatch } from "./store/timeseries/store.ts";

const severity = z.enum(SEVERITIES).nullable();
const faultState = z.enum(["inactive", "pending", "firing", "recovering"]);
const subject = z.object({ site: z.string(), device: z.string().nullable(), component: z.string().nullable() });

const fault = z.object({
  v: z.literal(1),
  rule: z.string(),
  ruleVersion: z.string(),
  subject,
  state: faultState,
  severity,
  detail: z.record(z.string(), z.unknown()),
});

const transition = z.object({
  rule: z.string(),
  ruleVersion: z.string(),
  subject,
  at: z.number(),
  from: faultState,
  to: faultState,
  severity,
  flags: z.object({
    stale: z.boolean(),
    suppressedBy: z.string().nullable(),
    flapping: z.literal(true).exactOptional(),
    inactiveHours: z.literal(true).exactOptional(),
    maintenance: z.string().exactOptional(),
  }),
  title: z.string(),
  since: z.number(),
  values: z.record(z.string(), z.union([z.number(), z.boolean()])),
  reason: z.enum(["condition", "clear", "level", "flags", "missing", "rule_changed", "rule_removed", "device_removed"]),
});

const spell = z.object({
  opened: transition.nullable(),
  levels: z.array(transition).readonly(),
  over: transition.nullable(),
});

const seq = z.int().min(0);
const stream = z.object({
  lanes: z
    .array(z.object({ epoch: z.string(), lane: z.enum(["live", "history"]), had: seq, to: seq, reachedAt: z.number() }))
    .readonly(),
});

const device = z.object({
  id: z.string(),
  kind: z.string(),
  answeredAt: z.number(),
  isUnheard: z.boolean(),
  subjects: z.array(z.object({ component: z.string().nullable(), last: z.base64(), times: z.base64() })),
});

const stretch = z.object({
  id: z.int(),
  stream,
  untilAt: z.number(),
  isAway: z.boolean(),
  isTorn: z.boolean(),
  hasHistory: z.boolean(),
  isRead: z.boolean(),
  isClosed: z.boolean(),
  isNeeded: z.boolean(),
  isParked: z.boolean(),
  toldAt: z.number(),
  faults: z.array(fault),
  devices: z.array(device),
  truth: z.array(z.tuple([z.string(), z.array(spell)])),
  open: z.array(z.tuple([z.string(), spell])),
  told: z.array(z.tuple([z.string(), z.array(z.object({ onset: z.number(), over: z.number().nullable() }))])),
  unheard: z.array(z.string()),
});

const agent = z.object({
  v: z.literal(2),
  nextId: z.int(),
  epoch: z.string().nullable(),
  memory: z.string().nullable(),
  stretches: z.array(stretch),
});

const batch = z.object({ skewMs: z.number(), text: z.string() });

type DeviceSnapshot = NonNullable<AgentSnapshot["devices"]>[number];
type WrittenStretch = z.infer<typeof stretch>;
/** With the values as engines take them. */
export type KeptStretch = Omit<WrittenStretch, "faults" | "devices"> & {
  readonly snapshot: { readonly faults: AgentSnapshot["faults"]; readonly devices: readonly DeviceSnapshot[] };
};
export type KeptAgent = Omit<z.infer<typeof agent>, "stretches"> & { readonly stretches: readonly KeptStretch[] };
export type KeptBatch = { readonly id: number; readonly batch: TelemetryBatch };

export function agentBody({ stretches, ...head }: KeptAgent): string {
  return JSON.stringify({
    ...head,
    stretches: stretches.map(({ snapshot: { faults, devices }, ...rest }) => ({
      ...rest,
      faults,
      devices: devices.map(({ subjects, ...facts }) => ({
        ...facts,
        subjects: subjects.map(({ component, last, times }) => ({
          component,
          last: textOf(last),
          times: textOf(times),
        })),
      })),
    })),
  });
}

export function readAgent(body: string): KeptAgent | null {
  const read = readAs(body, agent);
  if (read === null) return null;
  const { stretches, ...head } = read;
  return {
    ...head,
    stretches: stretches.map(({ faults, devices, ...rest }) => ({
      ...rest,
      snapshot: { faults, devices: devices.map(deviceOf) },
    })),
  };
}

function deviceOf({ subjects, ...facts }: WrittenStretch["devices"][number]): DeviceSnapshot {
  return {
    ...facts,
    subjects: subjects.flatMap((kept) => {
      const [last, times] = [numbersOf(kept.last), numbersOf(kept.times)];
      const { component } = kept;
      return last.length === times.length ? [{ component, last, times, windows: [], spells: [] }] : [];
    }),
  };
}

export const batchBody = ({ skewMs, message }: TelemetryBatch): string =>
  JSON.stringify({ skewMs, text: JSON.stringify(message) } satisfies z.infer<typeof batch>);

/** Null for what is no batch of a stretch. The part begins with the stretch's id. */
export function readBatch({ site, agent: name, part, body }: LateRecord): KeptBatch | null {
  const kept = readAs(body, batch);
  const message = kept === null ? null : decodeTelemetry(Buffer.from(kept.text));
  if (kept === null || message?.ok !== true) return null;
  const { epoch, lane, seq: number } = message.value;
  const { skewMs } = kept;
  return {
    id: Number(part.split("/")[0]),
    batch: { site, agent: name, epoch, lane, seq: number, message: message.value, skewMs },
  };
}

const textOf = (numbers: Float64Array): string =>
  Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString("base64");

function numbersOf(text: string): Float64Array {
  const bytes = Buffer.from(text, "base64");
  const numbers = new Float64Array(Math.floor(bytes.length / Float64Array.BYTES_PER_ELEMENT));
  new Uint8Array(numbers.buffer).set(bytes.subarray(0, numbers.byteLength));
  return numbers;
}

function readAs<T>(body: string, schema: z.ZodType<T>): T | null {
  try {
    const parsed = schema.safeParse(JSON.parse(body));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
