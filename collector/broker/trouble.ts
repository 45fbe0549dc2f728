/**
 * Why an external broker can't be used, in words for who runs the collector: a code that does not change (docs/brokers.md
 * lists them), what happened, and what to do. Pure; the text of an error never has a secret in it.
 */
import { errorText } from "@aislewatch/base";
import type { BrokerTrouble } from "./broker.ts";

export const BROKER_CODES = [
  "BROKER_CONNECTING",
  "BROKER_UNREACHABLE",
  "BROKER_NAME_UNKNOWN",
  "BROKER_NO_MQTT",
  "BROKER_NO_TLS",
  "BROKER_CA_UNKNOWN",
  "BROKER_CERTIFICATE_NAME",
  "BROKER_CERTIFICATE_EXPIRED",
  "BROKER_CERTIFICATE_WANTED",
  "BROKER_SIGN_IN_REFUSED",
  "BROKER_CLIENT_ID_REFUSED",
  "BROKER_BUSY",
  "BROKER_READ_REFUSED",
  "BROKER_NOT_DELIVERING",
  "BROKER_TAKEN_OVER",
  "BROKER_LOST",
] as const;
export type BrokerCode = (typeof BROKER_CODES)[number];

export type BrokerAddress = { readonly url: string; readonly username: string | null; readonly clientId: string };

type Advice = readonly [code: BrokerCode, hint: (to: BrokerAddress) => string];

const hostOf = ({ url }: BrokerAddress): string => new URL(url).host;

const CA: Advice = [
  "BROKER_CA_UNKNOWN",
  () => "name the authority that issued the broker's certificate: mqtt.ca in collector.yaml, a PEM file",
];
const WANTED: Advice = [
  "BROKER_CERTIFICATE_WANTED",
  () => "the broker wants a certificate of ours that it trusts: mqtt.certificate and mqtt.key in collector.yaml",
];
const NO_TLS: Advice = [
  "BROKER_NO_TLS",
  (to) => `what listens at ${hostOf(to)} speaks no TLS: another port (8883 is usual), or mqtt:// on this machine only`,
];
const NO_MQTT: Advice = [
  "BROKER_NO_MQTT",
  (to) =>
    `what listens at ${hostOf(to)} did not answer as an MQTT broker: look at the port, and whether it wants mqtts://`,
];
const UNREACHABLE: Advice = [
  "BROKER_UNREACHABLE",
  (to) => `look whether the broker runs, and whether a firewall lets this host reach ${hostOf(to)}`,
];
const NAME: Advice = ["BROKER_NAME_UNKNOWN", (to) => `no address is known for ${hostOf(to)}: look at mqtt.url`];
const SIGN_IN: Advice = [
  "BROKER_SIGN_IN_REFUSED",
  ({ username }) =>
    username === null
      ? "the broker wants a name and a password: mqtt.username and mqtt.password in collector.yaml"
      : `look at mqtt.username ("${username}") and mqtt.password, and whether the broker has been told to read its password file again`,
];
const LOST: Advice = ["BROKER_LOST", () => "it is tried again; the broker's own log says why it ended the connection"];

/** Of Node, OpenSSL and the system; https://nodejs.org/api/tls.html#x509-certificate-error-codes lists those of certificates. */
const BY_CODE: Readonly<Record<string, Advice>> = {
  ECONNREFUSED: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  ENOTFOUND: NAME,
  EAI_AGAIN: NAME,
  SELF_SIGNED_CERT_IN_CHAIN: CA,
  DEPTH_ZERO_SELF_SIGNED_CERT: CA,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: CA,
  UNABLE_TO_GET_ISSUER_CERT: CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: CA,
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "BROKER_CERTIFICATE_NAME",
    () => "the certificate is for another name: write that into mqtt.url, or into mqtt.server_name",
  ],
  CERT_HAS_EXPIRED: ["BROKER_CERTIFICATE_EXPIRED", () => "renew the broker's certificate"],
  CERT_NOT_YET_VALID: ["BROKER_CERTIFICATE_EXPIRED", () => "look at this host's clock, and at the certificate's dates"],
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: WANTED,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: WANTED,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: WANTED,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: WANTED,
};

/** CONNACK codes of MQTT 3.1.1, 3.2.2.3. */
const BY_CONNACK: Readonly<Record<number, Advice>> = {
  1: ["BROKER_NO_MQTT", () => "the broker does not speak MQTT 3.1.1"],
  2: ["BROKER_CLIENT_ID_REFUSED", ({ clientId }) => `the broker refuses the name "${clientId}": mqtt.client_id`],
  3: ["BROKER_BUSY", () => "the broker says that it can't serve now; it is tried again"],
  4: SIGN_IN,
  5: SIGN_IN,
};

/** What ended a connection, or kept it from being made; `wasOpen`: the broker had taken us. */
export function explainFailure(failure: { thrown: unknown; wasOpen: boolean }, to: BrokerAddress): BrokerTrouble {
  const { thrown, wasOpen } = failure;
  const [code, hint] = adviceFor(thrown, wasOpen);
  return { code, detail: detailOf(thrown), hint: hint(to) };
}

function adviceFor(thrown: unknown, wasOpen: boolean): Advice {
  const known: unknown = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  if (typeof known === "number") return BY_CONNACK[known] ?? LOST;
  if (typeof known === "string" && BY_CODE[known] !== undefined) return BY_CODE[known];
  if (wasOpen) return LOST;
  // Whoever ends the line, or says something else, before it has said CONNACK.
  return NO_MQTT;
}

function detailOf(thrown: unknown): string {
  if (thrown === null || thrown === undefined) return "the connection was closed";
  return errorText(thrown) || (thrown instanceof Error && "code" in thrown ? String(thrown.code) : "no connection");
}

export const connecting = (): BrokerTrouble => ({
  code: "BROKER_CONNECTING",
  detail: "there is no connection yet",
  hint: "it is being made",
});

export const readRefused = (topics: readonly string[], { username }: BrokerAddress): BrokerTrouble => ({
  code: "BROKER_READ_REFUSED",
  detail: `the broker does not let ${nameOf(username)} subscribe to ${topics.join(", ")}`,
  hint: "give it leave to read these topics; `aislewatch broker-config mosquitto --print` shows an access list that does",
});

/** Mosquitto takes what its access list forbids, and drops it: only what does not come back shows it. */
export const notDelivering = (topics: readonly string[], { username }: BrokerAddress): BrokerTrouble => ({
  code: "BROKER_NOT_DELIVERING",
  detail: `what ${nameOf(username)} publishes on ${topics.join(", ")} does not come back to it`,
  hint: "its access list must let the collector read what agents write, and read and write below aislewatch/v1/aislewatch/collector/",
});

export const takenOver = (other: { host: string; startedAt: number }, { clientId }: BrokerAddress): BrokerTrouble => ({
  code: "BROKER_TAKEN_OVER",
  detail: `another collector (on ${other.host || "an unnamed host"}, started ${new Date(other.startedAt).toISOString()}) works at this broker; this one, "${clientId}", was started later and stays away`,
  hint: "stop one of the two; this one goes on ten minutes after the other was heard last, or at once after a restart",
});

const nameOf = (username: string | null): string => (username === null ? "a client without a name" : `"${username}"`);
