import { createSocket, type Socket } from "node:dgram";
import { EventEmitter } from "node:events";
import { errorText } from "@aislewatch/base";

/** What net-snmp needs of a UDP socket, on one that is connected to the device and survives what comes in. */
export class DeviceSocket extends EventEmitter {
  readonly #socket: Socket;
  readonly #peer: { readonly port: number; readonly address: string };
  #connecting: Promise<void> | null = null;
  #closed = false;
  readonly #bytesMax: number;
  #bytes = 0;
  /** Did anything come in this poll? */
  heard = false;
  /** Why the last datagram could not be read; null when none was refused in this poll. */
  refused: string | null = null;
  overflowed = false;
  onFailure: (error: Error) => void = () => undefined;

  constructor(type: "udp4" | "udp6", peer: { port: number; address: string }, bytesMax: number) {
    super();
    this.#peer = peer;
    this.#bytesMax = bytesMax;
    this.#socket = createSocket(type);
    this.#socket.on("message", (message) => this.#receive(message));
    this.#socket.on("error", (error) => this.onFailure(error));
    this.#socket.on("close", () => this.emit("close"));
  }

  reset(): void {
    this.#bytes = 0;
    this.heard = false;
    this.refused = null;
    this.overflowed = false;
  }

  refuse(error: unknown): void {
    this.refused = errorText(error);
  }

  #receive(message: Buffer): void {
    this.heard = true;
    this.#bytes += message.byteLength;
    if (this.#bytes > this.#bytesMax) {
      this.overflowed = true;
      this.onFailure(new Error("too many bytes"));
      return;
    }
    try {
      this.emit("message", message);
    } catch (thrown) {
      // net-snmp's own handling of a datagram that parses but makes no sense.
      this.refuse(thrown);
    }
  }

  /** The address that net-snmp gives is the one we are connected to. */
  send(
    buffer: Buffer,
    offset: number,
    length: number,
    _port: number,
    _address: string,
    done: (error: Error | null) => void,
  ): void {
    this.#connecting ??= new Promise((resolve) => {
      this.#socket.connect(this.#peer.port, this.#peer.address, () => resolve());
    });
    this.#connecting.then(() => {
      if (this.#closed) done(new Error("closed"));
      else this.#socket.send(buffer, offset, length, (error) => done(error));
    }, done);
  }

  ref(): void {
    if (!this.#closed) this.#socket.ref();
  }

  unref(): void {
    if (!this.#closed) this.#socket.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }
}
