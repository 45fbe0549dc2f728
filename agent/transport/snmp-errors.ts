/** What net-snmp and the socket below it say when a request fails, as poll errors that a person can act on. */
import { errorText } from "@aislewatch/base";
import type { PollError } from "../drivers/driver.ts";

/** net-snmp's error classes are told apart by name: it subclasses Error by hand. */
export type LibraryError = { name?: string; message?: string; status?: number; code?: number | string };
export type Failure = PollError & { readonly status?: number };

/** Error states of a response (RFC 3416 §3) that mean something to us. */
export const TOO_BIG = 1;
export const NO_SUCH_NAME = 2;
export const AUTHORIZATION_ERROR = 16;

/** A device that answers and is never done needs another limit; one that is silent needs a look. */
export const deadline = (answered: boolean): Failure => ({
  kind: "timeout",
  detail: "the poll's time was up",
  ...(answered && { hint: "it answers, but slowly: give it a longer timeout, and as long an interval (every)" }),
});

export function explainSocket(error: LibraryError): Failure | null {
  switch (error.code) {
    case "ECONNREFUSED":
      return {
        kind: "refused",
        detail: "the host is there, but nothing listens at the port",
        hint: "is SNMP switched on?",
      };
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EHOSTDOWN":
    case "ENETDOWN":
      return { kind: "unreachable", detail: `no way to the host: ${String(error.code)}` };
    case "ERR_OSSL_EVP_UNSUPPORTED":
      return {
        kind: "config",
        detail: "this program's cryptography has no DES",
        hint: "use aes at the device and here",
      };
    default:
      return typeof error.code === "string" ? { kind: "io", detail: errorText(error) } : null;
  }
}

export const WRONG_PRIVACY = {
  detail: "the privacy password or protocol is wrong",
  hint: "check user.privacy.password and user.privacy.protocol",
};
export const WRONG_PRIVACY_OR_CONTEXT = {
  detail: "the privacy password or protocol is wrong, or the device has no such context",
  hint: "check user.privacy.password, user.privacy.protocol and context",
};
export const NOT_ALLOWED = {
  detail: "the device refuses this user at this security level",
  hint: "give the user auth and privacy as the device has them",
};

/** Which part of the credential is wrong: USM's reports (RFC 3414 §3.2) by the words net-snmp has for them. */
const SECURITY: readonly { readonly says: RegExp; readonly detail: string; readonly hint?: string }[] = [
  { says: /Unknown User Name/i, detail: "the device does not know the user name", hint: "check user.name" },
  {
    says: /Wrong Digest|digest .* does not match/i,
    detail: "the authentication password or protocol is wrong",
    hint: "check user.auth.password and user.auth.protocol",
  },
  { says: /Decryption Error|decrypt/i, ...WRONG_PRIVACY },
  { says: /Unsupported Security Level/i, ...NOT_ALLOWED },
  {
    says: /Not In Time Window|time window/i,
    detail: "the device's SNMP engine time does not fit",
    hint: "it may have just restarted",
  },
  { says: /Unknown Engine ID/i, detail: "the device has another SNMP engine than before" },
  { says: /^Community /, detail: "the answer carries another community than the request" },
];

export function explainSecurity(error: LibraryError): Failure | null {
  const known = SECURITY.find(({ says }) => says.test(error.message ?? ""));
  if (known === undefined) return null;
  return { kind: "auth", detail: known.detail, ...(known.hint !== undefined && { hint: known.hint }) };
}

/** net-snmp puts the OID that an error is about at the end of its message. */
export const culprit = (error: PollError, oids: readonly string[]): string | null =>
  oids.find((oid) => error.detail.endsWith(` ${oid}`)) ?? null;
