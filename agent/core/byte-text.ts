/**
 * Bytes of a line (latin1, one character a byte) for people and files: what a device says must not reach a terminal as
 * it is, for control characters move the cursor, rename the window, or type an answer (ECMA-48, C0 and C1).
 */
const NAMED: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const hexByte = (char: string): string => (char.charCodeAt(0) & 0xff).toString(16).padStart(2, "0");

/** Printed ASCII as it is, a backslash doubled, all else as `\n`, `\r`, `\t` or `\x02`. */
export const escaped = (bytes: string): string =>
  bytes.replace(/[^\x20-\x5b\x5d-\x7e]/g, (char) => NAMED[char] ?? `\\x${hexByte(char)}`);

/** Text of a device for one line of a terminal; letters of every language stay. */
export const harmless = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code < 0x100 ? (NAMED[char] ?? `\\x${hexByte(char)}`) : `\\u{${code.toString(16)}}`;
  });

/** Two digits a byte, without blanks. */
export const hexOf = (bytes: string): string => Array.from(bytes, hexByte).join("");

/** Null when it is no hex. */
export function bytesOfHex(hex: string): string | null {
  if (!/^(?:[0-9a-f]{2})*$/i.test(hex)) return null;
  return hex.replace(/../g, (byte) => String.fromCharCode(Number.parseInt(byte, 16)));
}

const DUMP_COLUMNS = 16;

/** Lines of `offset  hex  text`, as a hex editor has them. */
export function hexDump(bytes: string): readonly string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += DUMP_COLUMNS) {
    const part = bytes.slice(at, at + DUMP_COLUMNS);
    const hex = Array.from(part, hexByte).join(" ");
    const text = part.replace(/[^\x20-\x7e]/g, ".");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hex.padEnd(3 * DUMP_COLUMNS - 1)}  ${text}`);
  }
  return lines;
}
