/**
 * Passwords of agents: 256 random bits that a program made and a program types, so a salted hash of few rounds is as
 * hard to reverse as any slow one, and a thousand agents that return at once cost a tenth of a second, not minutes of
 * scrypt. What people choose goes through scrypt (api/password.ts).
 *
 * The form is that of Mosquitto's password files, `$7$ROUNDS$SALT$HASH` (PBKDF2 of SHA-512; salt and hash in base64), so
 * that agents can be let in at an external broker by what is stored here (broker/mosquitto.ts). Hashes of the form
 * before it, one round of SHA-256, still let their agents in here; no broker knows that form.
 */
import { createHash, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";

const FORMER_SCHEME = "sha256";
const SCHEME = "7";
/** What mosquitto_passwd takes, in all versions that know the form. */
const ROUNDS = 101;
const SALT_BYTES = 12;
const HASH_BYTES = 64;

export const newAgentPassword = (): string => randomBytes(32).toString("base64url");

export function hashAgentPassword(password: string): string {
  const salt = randomBytes(SALT_BYTES);
  const hash = pbkdf2Sync(password, salt, ROUNDS, HASH_BYTES, "sha512");
  return `$${SCHEME}$${ROUNDS}$${salt.toString("base64")}$${hash.toString("base64")}`;
}

/** Does a broker that reads Mosquitto's password files know this form? */
export const isBrokersForm = (hash: string): boolean => hash.startsWith(`$${SCHEME}$${ROUNDS}$`);

export function verifyAgentPassword(password: Uint8Array, hash: string): boolean {
  const [scheme, first, second, third, fourth] = hash.split("$");
  if (scheme === FORMER_SCHEME && first !== undefined && second !== undefined)
    return isSame(formerDigest(first, password), Buffer.from(second, "base64url"));
  if (scheme !== "" || first !== SCHEME || second !== String(ROUNDS) || third === undefined || fourth === undefined)
    return false;
  const given = pbkdf2Sync(password, Buffer.from(third, "base64"), ROUNDS, HASH_BYTES, "sha512");
  return isSame(given, Buffer.from(fourth, "base64"));
}

const isSame = (given: Buffer, expected: Buffer): boolean =>
  given.length === expected.length && timingSafeEqual(given, expected);

const formerDigest = (salt: string, password: Uint8Array): Buffer =>
  createHash("sha256").update(salt).update("\0").update(password).digest();
