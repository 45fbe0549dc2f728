import type { Result } from "@aislewatch/base";
import { evaluateProfile, type Kind, type Profile } from "@aislewatch/devices";
import type { Parsed, PollError } from "../drivers/driver.ts";
import { parse } from "../drivers/snmp/parse.ts";
import type { SnmpPoll } from "../drivers/snmp/poll.ts";
import type { SnmpDeviceReply } from "../drivers/snmp/types.ts";

export type Replayed = { readonly reply: SnmpDeviceReply; readonly parsed: Parsed };

/** A poll of a recording. Without a kind, and when the profile has none either, nothing is left out for being foreign to it. */
export async function replay(
  poll: SnmpPoll,
  { profiles, kind, nowMs }: { profiles: readonly Profile[]; kind: Kind | null; nowMs: number },
): Promise<Result<Replayed, PollError>> {
  const polled = await poll.poll({ signal: new AbortController().signal, timeoutMs: 1_000, nowMs });
  if (!polled.ok) return polled;
  const reply = polled.value;
  const of = kind ?? poll.profile?.kind ?? null;
  const parsed = of === null ? null : parse(reply, { profiles, kind: of });
  if (parsed?.ok) return { ok: true, value: { reply, parsed: parsed.value } };
  return {
    ok: true,
    value: { reply, parsed: poll.profile === null ? { samples: [] } : evaluateProfile(poll.profile, reply) },
  };
}
