/** One sign-in at an external broker, for `doctor`: under another client id, so that a collector stays connected. */
import { connect } from "mqtt";
import type { BrokerTrouble } from "./broker.ts";
import { addressOf, type ExternalBrokerOptions, READ_TOPICS } from "./external.ts";
import { explainFailure, readRefused } from "./trouble.ts";

const SUBACK_REFUSED = 128;

type Given = Pick<
  ExternalBrokerOptions,
  "url" | "clientId" | "username" | "password" | "ca" | "certificate" | "serverName"
>;

/** Null when it took us and lets us read; nothing is published. Resolves within `timeoutMs`. */
export function tryBroker(given: Given, timeoutMs: number): Promise<BrokerTrouble | null> {
  const { url, username, password, ca, certificate, serverName } = given;
  const address = { url, username, clientId: given.clientId };
  const client = connect({
    ...addressOf(url),
    ...{ protocolVersion: 4, clean: true, clientId: `${given.clientId}:doctor-${process.pid}`, writeCache: false },
    ...{ connectTimeout: timeoutMs, reconnectPeriod: 0, resubscribe: false, queueQoSZero: false },
    ...(username !== null && { username }),
    ...(password !== null && { password }),
    ...(ca !== null && { ca }),
    ...certificate,
    ...(serverName !== null && { servername: serverName }),
  });
  return new Promise((done) => {
    let thrown: unknown = null;
    const timer = setTimeout(() => end(explainFailure({ thrown, wasOpen: false }, address)), timeoutMs);
    const end = (outcome: BrokerTrouble | null): void => {
      clearTimeout(timer);
      client.end(true);
      done(outcome);
    };
    client.on("error", (error) => {
      thrown = error;
    });
    client.on("close", () => end(explainFailure({ thrown, wasOpen: client.connected }, address)));
    client.on("connect", () => {
      client.subscribe([...READ_TOPICS], { qos: 1 }, (_error, _granted, packet) => {
        const codes = packet?.granted ?? [];
        const refused = READ_TOPICS.filter((_topic, at) => Number(codes[at]) >= SUBACK_REFUSED);
        end(refused.length > 0 ? readRefused(refused, address) : null);
      });
    });
  });
}
