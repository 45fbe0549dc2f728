/**
 * Passwords of agents: 256 random bits that a program made and a program types, so one round of SHA-256 with a salt is
 * as hard to reverse as any slow hash, and a thousand agents that return at once cost microseconds, not minutes of
 * scrypt. What people choose goes through scrypt (api/password.ts).
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

const SCHEME = "sha256";

export const newAgentPassword = (): string => randomBytes(32).toString("base64url");

export function hashAgentPassword(password: string): string {
  const salt = randomBytes(16).toString("base64url");
  return `${SCHEME}$${salt}$${digest(salt, password).toString("base64url")}`;
}

export function verifyAgentPassword(password: Uint8Array, hash: string): boolean {
  const [scheme, salt, wanted] = hash.split("$");
  if (scheme !== SCHEME || salt === undefined || wanted === undefined) return false;
  const expected = Buffer.from(wanted, "base64url");
  const given = digest(salt, password);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

const digest = (salt: string, password: string | Uint8Array): Buffer =>
  createHash("sha256").update(salt).update("\0").update(password).digest();
