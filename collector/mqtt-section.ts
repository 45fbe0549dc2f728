/**
 * `broker: external` and the `mqtt` section of collector.yaml: which broker, and who we are there.
 *
 *     broker: external
 *     mqtt:
 *       url: mqtts://broker.example:8883
 *       username: collector
 *       password: file:broker-password
 */
import { createSecureContext } from "node:tls";
import { errorText } from "@aislewatch/base";
import { type Diagnostic, secretRef } from "@aislewatch/config";
import { z } from "zod";
import { type Complain, isLoopback, type SectionWorld, serverSection } from "./server-section.ts";

export type ExternalBrokerConfig = {
  readonly url: string;
  readonly clientId: string;
  readonly username: string | null;
  readonly password: string | null;
  /** PEM texts. */
  readonly ca: string | null;
  readonly certificate: { readonly cert: string; readonly key: string } | null;
  readonly serverName: string | null;
};

export const CLIENT_ID_DEFAULT = "aislewatch-collector";

const word = z.string().min(1).max(256);
const path = z.string().min(1).max(1_024);

export const brokerKeys = {
  broker: z.enum(["embedded", "external"]).default("embedded"),
  mqtt: z
    .strictObject({
      url: z.string().max(1_024),
      /** Of letters that every broker takes; long enough for a name and short enough for a suffix. */
      client_id: z
        .string()
        .regex(/^[A-Za-z0-9._-]{1,64}$/, "expected letters, digits and . _ -, at most 64")
        .default(CLIENT_ID_DEFAULT),
      username: word.regex(/^[^\s:+#]+$/, "expected a name without blanks and : + #").optional(),
      password: secretRef.optional(),
      ca: path.optional(),
      certificate: path.optional(),
      key: secretRef.optional(),
      server_name: word.optional(),
    })
    .optional(),
};
type Written = z.infer<z.ZodObject<typeof brokerKeys>> & { readonly listen: { readonly mqtt?: unknown } };

/** Null: the broker inside the collector. Opens no connection. */
export function loadBroker(
  { broker, mqtt, listen }: Written,
  world: SectionWorld,
): { readonly value: ExternalBrokerConfig | null; readonly diagnostics: readonly Diagnostic[] } {
  const { diagnostics, complain, file, secret, authority } = serverSection("mqtt", world);
  if (broker === "embedded") {
    if (mqtt !== undefined) {
      const message = "expected broker: external beside mqtt; without it this section is not used";
      complain(["mqtt"], { code: "CFG_BROKER", message, key: true });
    }
    return { value: null, diagnostics };
  }
  if (mqtt === undefined) {
    const message = "expected a section mqtt with the broker's url beside broker: external";
    complain(["broker"], { code: "CFG_BROKER", message, hint: "mqtt: { url: mqtts://broker.example:8883 }" });
    return { value: null, diagnostics };
  }
  if (listen.mqtt !== undefined) {
    const message = "expected no listen.mqtt beside broker: external: agents connect to that broker";
    complain(["listen", "mqtt"], { code: "CFG_BROKER", message, key: true });
  }
  checkUrl(mqtt.url, complain);
  if ((mqtt.username === undefined) !== (mqtt.password === undefined)) {
    const [has, lacks] = mqtt.username === undefined ? ["password", "username"] : ["username", "password"];
    complain(["mqtt", has], { code: "CFG_BROKER", message: `expected ${lacks} beside ${has}`, key: true });
  }
  if ((mqtt.certificate === undefined) !== (mqtt.key === undefined)) {
    const [has, lacks] = mqtt.certificate === undefined ? ["key", "certificate"] : ["certificate", "key"];
    complain(["mqtt", has], { code: "CFG_BROKER", message: `expected ${lacks} beside ${has}`, key: true });
  }
  for (const key of ["ca", "certificate", "server_name"] as const) {
    if (mqtt[key] === undefined || !mqtt.url.startsWith("mqtt:")) continue;
    complain(["mqtt", key], { code: "CFG_BROKER", message: `expected mqtts:// in url beside ${key}`, key: true });
  }
  const ca = authority("ca", mqtt.ca);
  const [cert, key] = [file("certificate", mqtt.certificate), secret("key", mqtt.key)];
  if (cert !== null && key !== null) checkPair(cert, key, complain);
  const value: ExternalBrokerConfig = {
    url: mqtt.url,
    clientId: mqtt.client_id,
    username: mqtt.username ?? null,
    password: secret("password", mqtt.password),
    ca,
    certificate: cert === null || key === null ? null : { cert, key },
    serverName: mqtt.server_name ?? null,
  };
  return { value, diagnostics };
}

function checkUrl(written: string, complain: Complain): void {
  const at = ["mqtt", "url"];
  const url = URL.canParse(written) ? new URL(written) : null;
  if (url === null || !["mqtt:", "mqtts:"].includes(url.protocol) || url.hostname === "") {
    complain(at, { code: "CFG_BROKER", message: "expected mqtts://host[:port], or mqtt:// on this machine" });
  } else if (url.username !== "" || url.password !== "") {
    // With this code what was written is not shown.
    const message = "expected no name and no password in the address";
    complain(at, { code: "CFG_SECRET", message, hint: "they are mqtt.username and mqtt.password" });
  } else if (!/^\/?$/.test(url.pathname) || url.search !== "" || url.hash !== "") {
    complain(at, { code: "CFG_BROKER", message: "expected nothing behind the host and its port" });
  } else if (url.protocol === "mqtt:" && !isLoopback(url.hostname)) {
    const message = `expected mqtts:// beyond this machine; received ${url.protocol}//${url.host}`;
    complain(at, {
      code: "CFG_PLAINTEXT",
      message,
      hint: "give the broker a certificate, and name its authority in ca",
    });
  }
}

function checkPair(cert: string, key: string, complain: Complain): void {
  try {
    createSecureContext({ cert, key });
  } catch (thrown) {
    const message = `expected a certificate and its key, both PEM: ${errorText(thrown)}`;
    complain(["mqtt", "certificate"], { code: "CFG_TLS", message });
  }
}
