/**
 * Signatures of webhooks as standardwebhooks.com specifies them, so that receivers verify with a library they have: the
 * HMAC-SHA256, in base64, of `<id>.<timestamp>.<body>` in `webhook-signature: v1,<base64>`. The time is that of the
 * attempt, in Unix seconds: a receiver that refuses what is older than five minutes can't be sent a recorded one again,
 * and the id, the same in every attempt, says what it has had.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

/** `whsec_` and base64, as the specification has it, or any text of at least this many bytes. */
export const SECRET_BYTES_MIN = 16;
const PREFIX = "whsec_";

/** Null: too short to be a secret, or no base64 after `whsec_`. */
export function signingKey(secret: string): Buffer | null {
  const isEncoded = secret.startsWith(PREFIX);
  const key = isEncoded ? Buffer.from(secret.slice(PREFIX.length), "base64") : Buffer.from(secret, "utf8");
  return key.length < SECRET_BYTES_MIN ? null : key;
}

export type Signed = { readonly id: string; readonly timestamp: number; readonly body: string };

export function sign({ id, timestamp, body }: Signed, key: Buffer): string {
  return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
}

/** For receivers in tests: any of the signatures in the header may be the right one. */
export function verify(signed: Signed, header: string, key: Buffer): boolean {
  const wanted = Buffer.from(sign(signed, key));
  return header.split(" ").some((given) => {
    const bytes = Buffer.from(given);
    return bytes.length === wanted.length && timingSafeEqual(bytes, wanted);
  });
}
