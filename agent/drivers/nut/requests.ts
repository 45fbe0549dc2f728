/**
 * What is asked of upsd: `LIST VAR <ups>`, and nothing else. NUT's protocol (RFC 9271) is lines of text; the list is
 * framed by BEGIN and END, and what goes wrong is one line that begins with ERR. Reading needs no sign-in.
 */
import type { ByteText, Request } from "../request.ts";

/** Names of UPSs in ups.conf, as upsd takes them: no blank, no quote, no line end. */
export const UPS_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** A large UPS with every outlet has some 200 variables of under 100 bytes; upsd cuts a value at 512. */
const REPLY_BYTES_MAX = 65_536;

export const listVariables = (ups: string): Request => ({
  name: "variables",
  bytes: `LIST VAR ${ups}\n`,
  asks: "every variable of the UPS; RFC 9271, section 4.2.5",
  role: "state",
  isWhole: isWholeList,
  replyBytesMax: REPLY_BYTES_MAX,
});

/** The end is looked for at the end: this is called after each piece of a reply. */
export function isWholeList(reply: ByteText): boolean {
  if (!reply.endsWith("\n")) return false;
  const last = reply.slice(reply.lastIndexOf("\n", reply.length - 2) + 1);
  return /^(?:END LIST VAR |ERR )/.test(last);
}
