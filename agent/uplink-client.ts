/**
 * One connection to the broker, by MQTT.js' client over a socket of Node's. Its own `connect` knows seven ways to a
 * broker and loads them all when it is called (WebSockets over HTTP, SOCKS): 8 MB that no agent uses.
 */
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { type IClientOptions, MqttClient } from "mqtt";

export type BrokerOptions = Omit<IClientOptions, "host" | "port" | "protocol" | "ca"> & {
  /** PEM text; those that Node knows when there is none. */
  readonly ca?: string;
};

const PORT = 1_883;
const PORT_TLS = 8_883;

/**
 * To `mqtt://host[:port]` or `mqtts://host[:port]`, once: after its `close` it is of no more use, unless the options say
 * that it reconnects. A certificate that is not trusted, or of another host, is an `error`.
 */
export function connectBroker(url: string, { ca, ...options }: BrokerOptions): MqttClient {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const open = (mqtt: MqttClient): Socket =>
    protocol === "mqtts:"
      ? openTls(mqtt, { host, port: Number(port || PORT_TLS), ca })
      : connectTcp({ host, port: Number(port || PORT) });
  return new MqttClient(open, {
    ...options,
    // Else each 16-bit number is kept as a Buffer of its own from the first packet on: 65,536 of them, 10 MB.
    writeCache: false,
  });
}

type TlsTarget = { readonly host: string; readonly port: number; readonly ca: string | undefined };

function openTls(mqtt: MqttClient, { host, port, ca }: TlsTarget): Socket {
  // Loaded when it is needed: 3 MB.
  const socket = process
    .getBuiltinModule("node:tls")
    .connect({ host, port, ...(ca !== undefined && { ca }), ...(isIP(host) === 0 && { servername: host }) });
  // The client takes errors of the network for granted, and says nothing of those of a handshake.
  const onFailure = (error: Error): void => void mqtt.emit("error", error);
  socket.once("error", onFailure);
  socket.once("secureConnect", () => socket.off("error", onFailure));
  return socket;
}
