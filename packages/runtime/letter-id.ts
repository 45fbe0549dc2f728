import { randomBytes } from "node:crypto";

const BYTES = 16;

/**
 * 128 random bits as 32 letters a to p. Without a digit, so that no log's search for card numbers finds one in it, as it
 * does in every tenth UUID or so.
 */
export function letterId(): string {
  return Array.from(randomBytes(BYTES), (byte) => letter(byte >> 4) + letter(byte & 15)).join("");
}

const letter = (nibble: number): string => String.fromCharCode(97 + nibble);
