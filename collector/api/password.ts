/**
 * Password hashes: scrypt (RFC 7914), parameters kept beside each hash so that they can be raised later:
 * `scrypt$<log2 N>$<r>$<p>$<salt>$<key>`, salt and key in base64url.
 *
 * N = 2^15, r = 8, p = 1 takes 32 MiB and about 0.1 s, which is what OWASP's password storage sheet asks at least for
 * that memory. A flood of sign-ins may not take the collector's memory: at most two are computed at a time and a few
 * wait; more are refused.
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";

const COST_LOG2 = 15;
const BLOCK = 8;
const PARALLEL = 1;
const SALT_BYTES = 16;
const KEY_BYTES = 32;
/** What a stored hash may ask for, so that a tampered row cannot take the memory of the machine (2^17 × 8 × 128 = 128 MiB). */
const COST_LOG2_MAX = 17;
const MEMORY_BYTES_MAX = 160 * 1024 * 1024;

const RUNNING_MAX = 2;
const WAITING_MAX = 16;

/** Too many passwords are being checked already; try again in a second. */
export class PasswordsBusy extends Error {}

let running = 0;
const waiting: (() => void)[] = [];

/** Throws PasswordsBusy when too many wait already. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt, KEY_BYTES, { N: 2 ** COST_LOG2, r: BLOCK, p: PARALLEL });
  return `scrypt$${COST_LOG2}$${BLOCK}$${PARALLEL}$${salt.toString("base64url")}$${key.toString("base64url")}`;
}

/**
 * Takes as long for a user that is not there (`hash` null) as for a wrong password, so that names cannot be found by
 * timing. A hash that does not parse fits no password. Throws PasswordsBusy when too many wait already.
 */
export async function verifyPassword(password: string, hash: string | null): Promise<boolean> {
  const stored = hash === null ? null : parse(hash);
  const { salt, key, cost } = stored ?? NOBODY;
  const derived = await derive(password, salt, key.byteLength, cost);
  return timingSafeEqual(derived, key) && stored !== null;
}

type Stored = { readonly salt: Buffer; readonly key: Buffer; readonly cost: ScryptOptions };

const NOBODY: Stored = {
  salt: Buffer.alloc(SALT_BYTES),
  key: Buffer.alloc(KEY_BYTES),
  cost: { N: 2 ** COST_LOG2, r: BLOCK, p: PARALLEL },
};

function parse(hash: string): Stored | null {
  const found = /^scrypt\$(\d{1,2})\$(\d{1,2})\$(\d)\$([\w-]{16,64})\$([\w-]{22,128})$/.exec(hash);
  if (found === null) return null;
  const [, log2, r, p, salt = "", key = ""] = found;
  if (Number(log2) < 10 || Number(log2) > COST_LOG2_MAX || Number(r) > BLOCK || Number(p) < 1) return null;
  return {
    salt: Buffer.from(salt, "base64url"),
    key: Buffer.from(key, "base64url"),
    cost: { N: 2 ** Number(log2), r: Number(r), p: Number(p) },
  };
}

async function derive(password: string, salt: Buffer, bytes: number, cost: ScryptOptions): Promise<Buffer> {
  if (running >= RUNNING_MAX) {
    if (waiting.length >= WAITING_MAX) throw new PasswordsBusy("too many passwords are being checked");
    await new Promise<void>((go) => waiting.push(go));
  } else running++;
  try {
    return await new Promise((resolve, reject) => {
      scrypt(password.normalize("NFKC"), salt, bytes, { ...cost, maxmem: MEMORY_BYTES_MAX }, (error, key) =>
        error === null ? resolve(key) : reject(error),
      );
    });
  } finally {
    // The slot passes straight to the next in line, so that nobody slips in between.
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}
