/**
 * What the system's `ping` says, of one echo. Pure. iputils and BusyBox: `time=0.42 ms`, exit code 0 when an answer
 * came. Windows: `time=12ms` or `time<1ms` in the language of the system, exit code 0 also for "destination host
 * unreachable", so that only a line with a TTL is an answer.
 */
import type { PollError } from "../drivers/driver.ts";

export type PingEnd = {
  /** Null: it was ended by us. */
  readonly code: number | null;
  readonly out: string;
};

export type PingAnswer = { readonly roundTripMs: number | null } | { readonly failure: PollError };

/** Much more than ping says of one echo. */
const TEXT_MAX = 8_192;

export function readPing({ code, out }: PingEnd, host: string): PingAnswer {
  const text = out.slice(0, TEXT_MAX);
  if (code === 0 && /\bttl\s?=\s?\d/i.test(text)) return { roundTripMs: roundTrip(text) };
  // An IPv6 answer of Windows has no TTL; its address is followed by the time alone.
  if (code === 0 && /: [^\s=<]{1,24}[=<]\d{1,6}\s?ms/i.test(text)) return { roundTripMs: roundTrip(text) };
  return { failure: failureOf(text, host) };
}

function roundTrip(text: string): number | null {
  const match = /[=<]\s?(\d{1,6}(?:[.,]\d{1,6})?)\s?ms/i.exec(text);
  return match?.[1] === undefined ? null : Number(match[1].replace(",", "."));
}

function failureOf(text: string, host: string): PollError {
  if (/not permitted|permission denied|lacking privilege/i.test(text)) {
    return {
      kind: "config",
      detail: "ping may not send echo requests",
      hint: "allow it: setcap cap_net_raw+ep on ping, or the sysctl net.ipv4.ping_group_range",
    };
  }
  if (/name or service|unknown host|bad address|could not find host|name resolution/i.test(text)) {
    return { kind: "unreachable", detail: `${host}: no such name` };
  }
  if (/unreachable/i.test(text)) return { kind: "unreachable", detail: `${host}: no way there` };
  return { kind: "timeout", detail: `${host} did not answer an echo request` };
}
