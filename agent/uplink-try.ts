/** One sign-in at the collector's broker, for `doctor`: signs in, asks for leave to read what an agent reads, and leaves. */
import { errorText } from "@aislewatch/base";
import { ackTopic, commandTopic } from "@aislewatch/contract";
import type { AgentConfig } from "./config.ts";
import { connectBroker } from "./uplink-client.ts";

export type SignIn =
  | { readonly kind: "taken" }
  | { readonly kind: "sign-in refused" | "no MQTT" | "no leave to read"; readonly detail: string };

/** CONNACK codes of MQTT 3.1.1 (3.2.2.3): bad user name or password, not authorized. */
const REFUSED_CODES: readonly unknown[] = [4, 5];
const SUBACK_REFUSED = 128;

/**
 * The broker inside a collector takes a second sign-in of an agent for the agent itself and ends the first: only while
 * none runs. Nothing is published, and there is no will. Resolves within `timeoutMs`.
 */
export function trySignIn({ site, agent, collector }: AgentConfig, timeoutMs: number): Promise<SignIn> {
  const { url, username, password, ca } = collector;
  const topics = [ackTopic(site, agent), commandTopic(site, agent)];
  const client = connectBroker(url, {
    ...{ protocolVersion: 4, clean: true, clientId: `doctor-${process.pid}`, username },
    ...(password !== undefined && { password }),
    ...(ca !== undefined && { ca }),
    ...{ connectTimeout: timeoutMs, reconnectPeriod: 0, resubscribe: false, queueQoSZero: false },
  });
  return new Promise((done) => {
    let last: unknown = null;
    const timer = setTimeout(() => end({ kind: "no MQTT", detail: "no answer in time" }), timeoutMs);
    const end = (outcome: SignIn): void => {
      clearTimeout(timer);
      client.end(true);
      done(outcome);
    };
    client.on("error", (error) => {
      last = error;
    });
    client.on("close", () => {
      const refused = last instanceof Error && "code" in last && REFUSED_CODES.includes(last.code);
      const detail = last === null ? "the connection was closed" : errorText(last);
      end({ kind: refused ? "sign-in refused" : "no MQTT", detail });
    });
    client.on("connect", () => {
      client.subscribe(topics, { qos: 1 }, (error, granted) => {
        const refused = (granted ?? []).filter(({ qos }) => qos === SUBACK_REFUSED);
        // MQTT.js tells SUBACK 0x80 as an error, older versions among what was granted.
        if (error === null && refused.length === 0) end({ kind: "taken" });
        else end({ kind: "no leave to read", detail: topics.join(", ") });
      });
    });
  });
}
