/**
 * An SNMP device on a UDP socket: v1, v2c and v3 (USM) as net-snmp's agent decodes, checks and encodes them, with the
 * meaning of GET, GETNEXT and GETBULK (RFC 3416 §4.2; RFC 2576 §4.1 for v1) answered here from an OidTree.
 *
 * net-snmp 3.29 keeps a tree of registered providers for that, which does not fit a view that is computed from a state,
 * and which answers v1 with v2 exceptions, counts max-repetitions over all columns together, and never ends a GETBULK
 * past the last object. So the agent's three request methods are replaced, and nothing else of it.
 * Not served: SET (notWritable), informs, contexts, usmStatsWrongDigests (a wrong password meets silence).
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { Clock, Result } from "@aislewatch/base";
import snmp from "net-snmp";
import { type Conduct, NORMAL } from "./conduct.ts";
import { type ListenError, listenNear } from "./free-port.ts";
import type { MibValue, OidTree } from "./oid-tree.ts";
import type { Random } from "./random.ts";

export type SnmpV3User = {
  readonly name: string;
  readonly authProtocol: "sha" | "sha256";
  readonly authPassword: string;
  readonly privProtocol: "aes" | "aes256r";
  readonly privPassword: string;
};

export type SnmpDeviceOptions = {
  readonly address: string;
  /** 0: any; a taken one: the next that is free. */
  readonly port: number;
  /** v1 and v2c; null for a device that speaks v3 only. */
  readonly community: string | null;
  readonly users: readonly SnmpV3User[];
  /** Stable across restarts, as a real device's is, for managers cache keys by it; 5 to 32 octets (RFC 3411). */
  readonly engineId: Buffer;
  readonly view: () => OidTree;
  readonly clock: Clock;
  readonly random: Random;
};

export type SnmpDevice = {
  readonly port: number;
  setConduct(conduct: Conduct): void;
  stop(): Promise<void>;
};

/** A request of more is answered tooBig; managers ask for a few dozen. */
const REQUEST_VARBINDS_MAX = 128;
/** Real agents keep a GETBULK response within an Ethernet frame: rows beyond are left for the next request. */
const RESPONSE_BYTES_SOFT_MAX = 1_300;
/** Tag, length and sequence bytes around one varbind. */
const VARBIND_OVERHEAD_BYTES = 8;
/** An OID shorter than this can't be encoded by net-snmp's BER writer; RFC 3416 lets nobody see the difference. */
const SHORTEST_OID = "1.3.6.1";

export async function startSnmpDevice(options: SnmpDeviceOptions): Promise<Result<SnmpDevice, ListenError>> {
  const bound = await listenNear(options.port, (port) => bindUdp(options.address, port));
  return bound.ok ? { ok: true, value: serve(bound.value, options) } : bound;
}

function bindUdp(address: string, port: number): Promise<Socket> {
  const socket = createSocket("udp4");
  return new Promise((resolve, reject) => {
    socket.once("error", (error) => {
      socket.close();
      reject(error);
    });
    socket.bind(port, address, () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}

function serve(socket: Socket, options: SnmpDeviceOptions): SnmpDevice {
  const wire = wrapSocket(socket, options);
  const agent: NetSnmpAgent = snmp.createAgent(
    { dgramModule: { createSocket: () => wire.socket }, engineID: options.engineId, port: socket.address().port },
    // Requests that net-snmp refuses (a foreign community, a wrong password) end here; a real device stays silent, too.
    () => {},
  );
  if (options.community !== null) agent.getAuthorizer().addCommunity(options.community);
  for (const user of options.users) agent.getAuthorizer().addUser(v3User(user));
  agent.engine.engineBoots = 1;
  const startedMs = options.clock.monotonic();
  wire.beforeRequest = () => {
    agent.engine.engineTime = Math.floor((options.clock.monotonic() - startedMs) / 1000);
  };
  const reply: Reply = (from, message, answer) => {
    const pdu = message.pdu.getResponsePduForRequest();
    pdu.varbinds = answer.varbinds.map(encodable);
    pdu.errorStatus = answer.errorStatus;
    pdu.errorIndex = answer.errorIndex;
    agent.sendResponse(from.socket, from.rinfo, message, pdu);
  };
  agent.getRequest = answerWith(get, options.view, reply);
  agent.getNextRequest = answerWith(getNext, options.view, reply);
  agent.getBulkRequest = answerWith(getBulk, options.view, reply);
  agent.setRequest = answerWith(refuseSet, options.view, reply);
  return {
    port: socket.address().port,
    setConduct: (conduct) => {
      wire.conduct = conduct;
    },
    stop: () => wire.close(),
  };
}

// --- What a request means. Pure.

type Ask = {
  readonly version: number;
  readonly oids: readonly string[];
  readonly nonRepeaters: number;
  readonly maxRepetitions: number;
};
type Exception = "noSuchObject" | "noSuchInstance" | "endOfMibView";
type Varbind = { readonly oid: string; readonly value: MibValue | Exception | null };
type Answer = { readonly errorStatus: number; readonly errorIndex: number; readonly varbinds: readonly Varbind[] };

const NO_ERROR = 0;
const TOO_BIG = 1;
const NO_SUCH_NAME = 2;
const NOT_WRITABLE = 17;
/** The msgVersion fields of SNMPv1 and v2c (RFC 2576 §3). */
const VERSION_1 = 0;

const found = (varbinds: readonly Varbind[]): Answer => ({ errorStatus: NO_ERROR, errorIndex: 0, varbinds });
const refused = (ask: Ask, errorStatus: number, errorIndex: number): Answer => ({
  errorStatus,
  errorIndex,
  varbinds: ask.oids.map((oid) => ({ oid, value: null })),
});

/** v1 has no exceptions: the first name that is not there fails the request as a whole. And it has no Counter64. */
function finish(ask: Ask, varbinds: readonly Varbind[]): Answer {
  if (ask.version !== VERSION_1) return found(varbinds);
  const missing = varbinds.findIndex(({ value }) => typeof value === "string");
  return missing < 0 ? found(varbinds) : refused(ask, NO_SUCH_NAME, missing + 1);
}

function get(tree: OidTree, ask: Ask): Answer {
  const varbinds = ask.oids.map((oid): Varbind => {
    const entry = tree.get(oid);
    if (entry !== null && !(ask.version === VERSION_1 && entry.value.type === "counter64")) return entry;
    const column = oid.slice(0, oid.lastIndexOf("."));
    return { oid, value: tree.hasBelow(column) ? "noSuchInstance" : "noSuchObject" };
  });
  return finish(ask, varbinds);
}

function nextAfter(tree: OidTree, ask: Ask, oid: string): Varbind {
  let entry = tree.next(oid);
  while (ask.version === VERSION_1 && entry?.value.type === "counter64") entry = tree.next(entry.oid);
  return entry ?? { oid, value: "endOfMibView" };
}

function getNext(tree: OidTree, ask: Ask): Answer {
  return finish(
    ask,
    ask.oids.map((oid) => nextAfter(tree, ask, oid)),
  );
}

function getBulk(tree: OidTree, ask: Ask): Answer {
  const varbinds = ask.oids.slice(0, ask.nonRepeaters).map((oid) => nextAfter(tree, ask, oid));
  let columns: readonly string[] = ask.oids.slice(ask.nonRepeaters);
  let bytes = varbinds.reduce((sum, varbind) => sum + sizeOf(varbind), 0);
  for (let repetition = 0; repetition < ask.maxRepetitions && columns.length > 0; repetition++) {
    const line = columns.map((oid) => nextAfter(tree, ask, oid));
    bytes += line.reduce((sum, varbind) => sum + sizeOf(varbind), 0);
    if (bytes > RESPONSE_BYTES_SOFT_MAX && varbinds.length > 0) break;
    varbinds.push(...line);
    if (line.every(({ value }) => value === "endOfMibView")) break;
    columns = line.map(({ oid }) => oid);
  }
  return found(varbinds);
}

const refuseSet = (_tree: OidTree, ask: Ask): Answer =>
  refused(ask, ask.version === VERSION_1 ? NO_SUCH_NAME : NOT_WRITABLE, 1);

/** About what a varbind takes once encoded; an arc takes a byte or two. */
function sizeOf({ oid, value }: Varbind): number {
  const valueBytes = value !== null && typeof value === "object" && value.type === "octets" ? value.value.length : 6;
  return VARBIND_OVERHEAD_BYTES + oid.split(".").length + 4 + valueBytes;
}

// --- The edge to net-snmp, whose type declarations leave its agent as any.

type NetSnmpVarbind = { readonly oid: string; readonly type: number; readonly value: unknown };
type NetSnmpResponse = { varbinds: NetSnmpVarbind[]; errorStatus: number; errorIndex: number };
type NetSnmpMessage = {
  readonly version: number;
  readonly pdu: {
    readonly varbinds: readonly { readonly oid: string }[];
    readonly nonRepeaters?: number;
    readonly maxRepetitions?: number;
    getResponsePduForRequest(): NetSnmpResponse;
  };
};
type NetSnmpHandler = (socket: unknown, message: NetSnmpMessage, rinfo: RemoteInfo) => void;
type NetSnmpAgent = {
  readonly engine: { engineBoots: number; engineTime: number };
  getAuthorizer(): { addCommunity(community: string): void; addUser(user: object): void };
  getRequest: NetSnmpHandler;
  getNextRequest: NetSnmpHandler;
  getBulkRequest: NetSnmpHandler;
  setRequest: NetSnmpHandler;
  sendResponse(socket: unknown, rinfo: RemoteInfo, message: NetSnmpMessage, pdu: NetSnmpResponse): void;
};

type Reply = (
  from: { readonly socket: unknown; readonly rinfo: RemoteInfo },
  message: NetSnmpMessage,
  answer: Answer,
) => void;

function answerWith(meaning: (tree: OidTree, ask: Ask) => Answer, view: () => OidTree, reply: Reply): NetSnmpHandler {
  return (socket, message, rinfo) => {
    const ask: Ask = {
      version: message.version,
      oids: message.pdu.varbinds.map(({ oid }) => oid),
      nonRepeaters: Math.max(0, message.pdu.nonRepeaters ?? 0),
      maxRepetitions: Math.max(0, message.pdu.maxRepetitions ?? 0),
    };
    const answer =
      ask.oids.length > REQUEST_VARBINDS_MAX
        ? { errorStatus: TOO_BIG, errorIndex: 0, varbinds: [] }
        : meaning(view(), ask);
    reply({ socket, rinfo }, message, answer);
  };
}

const TYPES = {
  integer: snmp.ObjectType.Integer,
  counter32: snmp.ObjectType.Counter,
  gauge32: snmp.ObjectType.Gauge,
  timeticks: snmp.ObjectType.TimeTicks,
  counter64: snmp.ObjectType.Counter64,
  octets: snmp.ObjectType.OctetString,
  oid: snmp.ObjectType.OID,
} as const;
const EXCEPTIONS = {
  noSuchObject: snmp.ObjectType.NoSuchObject,
  noSuchInstance: snmp.ObjectType.NoSuchInstance,
  endOfMibView: snmp.ObjectType.EndOfMibView,
} as const;

function encodable({ oid, value }: Varbind): NetSnmpVarbind {
  const name = oid.split(".").length < 4 ? SHORTEST_OID : oid;
  if (value === null) return { oid: name, type: snmp.ObjectType.Null, value: null };
  if (typeof value === "string") return { oid: name, type: EXCEPTIONS[value], value: null };
  const type = TYPES[value.type];
  if (value.type === "counter64") return { oid: name, type, value: bigEndian(value.value) };
  if (value.type === "octets") {
    // net-snmp writes an empty buffer wrongly, but an empty string well.
    return { oid: name, type, value: value.value.length === 0 ? "" : Buffer.from(value.value) };
  }
  return { oid: name, type, value: value.value };
}

/** A non-negative BER integer in as few octets as hold it. */
function bigEndian(value: bigint): Buffer {
  const hex = value.toString(16);
  const padded = hex.length % 2 === 0 ? hex : `0${hex}`;
  return Buffer.from(Number.parseInt(padded.slice(0, 2), 16) >= 0x80 ? `00${padded}` : padded, "hex");
}

function v3User(user: SnmpV3User): object {
  return {
    name: user.name,
    level: snmp.SecurityLevel.authPriv,
    authProtocol: snmp.AuthProtocols[user.authProtocol],
    authKey: user.authPassword,
    privProtocol: snmp.PrivProtocols[user.privProtocol],
    privKey: user.privPassword,
  };
}

// --- The wire: a bound socket whose traffic the conduct decides on.

/** Replies held back by a slow device; more are dropped, as its own buffers would. */
const HELD_MAX = 64;
const GARBAGE_BYTES = 48;

type Wire = {
  conduct: Conduct;
  beforeRequest: () => void;
  /** What net-snmp takes for a dgram socket. */
  readonly socket: {
    on(event: string, listener: (...values: never[]) => void): void;
    bind(): void;
    address(): ReturnType<Socket["address"]>;
    send(buffer: Buffer, offset: number, length: number, port: number, address: string): void;
    close(): void;
  };
  close(): Promise<void>;
};

function wrapSocket(socket: Socket, { clock, random }: SnmpDeviceOptions): Wire {
  const held = new Set<() => void>();
  let closed = false;
  const transmit = (bytes: Uint8Array, port: number, address: string): void => {
    // A manager that closed its socket meanwhile is no concern of a device.
    if (!closed) socket.send(bytes, port, address, () => {});
  };
  const hold = (delayMs: number, run: () => void): void => {
    if (held.size >= HELD_MAX) return;
    const cancel = clock.after(delayMs, () => {
      held.delete(cancel);
      run();
    });
    held.add(cancel);
  };
  const wire: Wire = {
    conduct: NORMAL,
    beforeRequest: () => {},
    socket: {
      on: (event, listener) => {
        if (event !== "message") return;
        const handle = listener as unknown as (bytes: Buffer, rinfo: RemoteInfo) => void;
        socket.on("message", (bytes, rinfo) => {
          if (wire.conduct.kind === "silent") return;
          wire.beforeRequest();
          try {
            handle(bytes, rinfo);
          } catch {
            // Bytes off the wire that net-snmp decodes but can't answer: a device drops them.
          }
        });
      },
      // Bound already, so that the port is known and a taken one is an answer instead of an event.
      bind: () => {},
      address: () => socket.address(),
      send: (buffer, offset, length, port, address) => {
        const bytes = buffer.subarray(offset, offset + length);
        switch (wire.conduct.kind) {
          case "silent":
            return;
          case "normal":
            return transmit(bytes, port, address);
          case "slow":
            return hold(wire.conduct.delayMs, () => transmit(bytes, port, address));
          case "garbage":
            return transmit(
              Uint8Array.from({ length: GARBAGE_BYTES }, () => Math.floor(random() * 256)),
              port,
              address,
            );
        }
      },
      close: () => {},
    },
    close: () => {
      if (closed) return Promise.resolve();
      closed = true;
      for (const cancel of held) cancel();
      held.clear();
      return new Promise((resolve) => socket.close(() => resolve()));
    },
  };
  // An ICMP port-unreachable for an earlier reply surfaces here; the device goes on.
  socket.on("error", () => {});
  return wire;
}
