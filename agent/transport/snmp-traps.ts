/**
 * Listens for traps and informs of SNMP v1, v2c and v3, and answers informs. net-snmp decodes, decrypts and checks
 * passwords; what it leaves open is done here: the sender is asked about before a byte is decoded, sizes are bounded, a
 * user without a name is nobody, messages of v3 must be of this time (RFC 3414 §3.2), an inform's answer is the inform
 * itself with another type, and whatever comes in, nothing is thrown.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { EventEmitter } from "node:events";
import { isIPv6 } from "node:net";
import { type Clock, err, errorText, ok, type Result } from "@aislewatch/base";
import type { TrapVarbind } from "@aislewatch/devices";
import type * as NetSnmp from "net-snmp";
import { Buckets, EngineTimes, TIME_WINDOW_SECONDS, TRAP_LIMITS } from "../core/trap-gate.ts";
import { loadNetSnmp, makeUser, type SnmpUser } from "./snmp.ts";
import { type DatagramHead, headOf, PDU } from "./snmp-datagram.ts";
import { isException, type RawVarbind, valueOfVarbind, varbindsOf } from "./snmp-values.ts";

export type Trap = {
  readonly version: "1" | "2c" | "3";
  /** The sender waited for an answer, and has it. */
  readonly inform: boolean;
  /** Of the datagram. */
  readonly from: string;
  /** Who it is about by its own word (v1 agent-addr, snmpTrapAddress.0): a relay's traps tell. Null when it does not. */
  readonly about: string | null;
  /** snmpTrapOID; that of a v1 trap as RFC 3584 §3.1 translates it. */
  readonly oid: string;
  readonly uptimeTicks: number | null;
  /** Without those that every trap has. */
  readonly varbinds: readonly TrapVarbind[];
};

/** Why a datagram was no trap for us. */
export const TRAP_REFUSALS = ["too_big", "not_snmp", "community", "user", "stale", "too_many_engines"] as const;
export type TrapRefusal = (typeof TRAP_REFUSALS)[number];

export type TrapListenerOptions = {
  readonly address: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly community: string;
  readonly users: readonly SnmpUser[];
  /** This receiver's own, for informs (RFC 3411: 5 to 32 octets); the same after a restart, for senders remember it. */
  readonly engineId: Buffer;
  readonly clock: Clock;
  /** Is a datagram of this address worth decoding? */
  readonly admit: (address: string) => boolean;
  readonly onTrap: (trap: Trap) => void;
  readonly onRefused: (reason: TrapRefusal, address: string) => void;
};

export type TrapListener = { readonly port: number; close(): void };

/** Traps carry a dozen values; RFC 3417 asks for 484 octets at least, Ethernet carries 1,472 in one piece. */
const DATAGRAM_BYTES_MAX = 8 * 1024;
const VARBINDS_MAX = 64;
/** What the kernel may hold for us while we are busy; it may grant less. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024;

const SYS_UPTIME = "1.3.6.1.2.1.1.3.0";
const SNMP_TRAP_OID = "1.3.6.1.6.3.1.1.4.1.0";
const SNMP_TRAP_ADDRESS = "1.3.6.1.6.3.18.1.3.0";
const GENERIC_TRAPS = "1.3.6.1.6.3.1.1.5";
const ENTERPRISE_SPECIFIC = 6;
const NOT_IN_TIME_WINDOW = "2";
const UNKNOWN_ENGINE_ID = "4";

export async function openTrapListener(
  options: TrapListenerOptions,
): Promise<Result<TrapListener, { readonly detail: string }>> {
  const library = await loadNetSnmp();
  const socket = createSocket({
    type: isIPv6(options.address) ? "udp6" : "udp4",
    recvBufferSize: RECEIVE_BUFFER_BYTES,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(options.port, options.address, resolve);
    });
  } catch (thrown) {
    socket.close();
    return err({ detail: bindError(thrown) });
  }
  socket.removeAllListeners("error");
  // After bind, an error is that of one answer that could not be sent: the sender will ask again.
  socket.on("error", () => undefined);
  const receiver = new Receiver(library, socket, options);
  return ok({ port: socket.address().port, close: () => receiver.close() });
}

/** Why a port can't be had, and what helps. */
const BIND_HINTS: Readonly<Record<string, string>> = {
  EACCES: "a port below 1024 needs CAP_NET_BIND_SERVICE; or listen above, and have devices send there",
  EADDRINUSE: "another program has this port, snmptrapd perhaps",
  EADDRNOTAVAIL: "this host has no such address",
};

function bindError(thrown: unknown): string {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  const hint = BIND_HINTS[code];
  return hint === undefined ? errorText(thrown) : `${errorText(thrown)}: ${hint}`;
}

type Library = typeof NetSnmp;

/** What net-snmp's Message is to us; it is not in its types. */
type LibraryMessage = {
  readonly version: number;
  readonly pdu: {
    type: number;
    readonly varbinds: unknown;
    readonly enterprise?: string;
    readonly agentAddr?: string;
    readonly generic?: number;
    readonly specific?: number;
    readonly upTime?: number;
  };
  readonly user?: { readonly name: string };
  readonly msgSecurityParameters?: {
    readonly msgAuthoritativeEngineID: Buffer;
    readonly msgAuthoritativeEngineBoots: number;
    readonly msgAuthoritativeEngineTime: number;
  };
  hasAuthentication(): unknown;
  toBuffer(): Buffer;
  createReportResponseMessage(engine: LibraryEngine, context: string, error: string): LibraryReport;
};
type LibraryReport = { user: unknown; setAuthentication(flag: boolean): void; toBuffer(): Buffer };
type LibraryEngine = { engineID: Buffer; engineBoots: number; engineTime: number };
type LibraryReceiver = {
  readonly engine: LibraryEngine;
  readonly listener: { send(message: LibraryMessage, from: RemoteInfo): void };
  formatCallbackData(message: LibraryMessage): unknown;
  getAuthorizer(): { addCommunity(name: string): void; addUser(user: NetSnmp.User): void };
  close(): void;
};

/** One datagram on its way through net-snmp, which does all of it in one turn. */
type Handled = {
  readonly datagram: Buffer;
  readonly head: DatagramHead;
  message: LibraryMessage | null;
  ended: boolean;
};

class Receiver {
  readonly #options: TrapListenerOptions;
  readonly #socket: Socket;
  readonly #wire = new EventEmitter();
  readonly #library: LibraryReceiver;
  readonly #times = new EngineTimes();
  readonly #engines = new Set<string>();
  readonly #newEngines = new Buckets(
    { burst: TRAP_LIMITS.enginesBurst, perSecond: TRAP_LIMITS.enginesPerHour / 3_600 },
    TRAP_LIMITS.sourcesMax,
  );
  readonly #boots: number;
  readonly #startMs: number;
  #handled: Handled | null = null;
  #closed = false;

  constructor(library: Library, socket: Socket, options: TrapListenerOptions) {
    this.#options = options;
    this.#socket = socket;
    const { clock } = options;
    this.#startMs = clock.monotonic();
    this.#boots = bootsAt(clock.now());
    const made = library.createReceiver(
      {
        transport: "udp4",
        port: socket.address().port,
        engineID: options.engineId,
        // Ours is bound already; net-snmp only listens to it.
        dgramModule: {
          createSocket: () => Object.assign(this.#wire, { bind: () => undefined, close: () => undefined }),
        },
      } as unknown as Parameters<Library["createReceiver"]>[0],
      (error: Error | null) => {
        if (error !== null && this.#handled !== null) this.#refuse(reasonOf(error));
      },
    );
    // The members that are used here are checked by the tests against real senders: net-snmp's types leave them out.
    this.#library = made as unknown as LibraryReceiver;
    this.#library.engine.engineBoots = this.#boots;
    this.#library.getAuthorizer().addCommunity(options.community);
    for (const user of options.users) this.#library.getAuthorizer().addUser(makeUser(library, user));
    this.#library.listener.send = (message, from) => this.#send(message, from);
    this.#library.formatCallbackData = (message) => {
      if (this.#handled !== null) this.#handled.message = message;
      return null;
    };
    socket.on("message", (datagram, from) => this.#receive(datagram, from));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  #receive(datagram: Buffer, remote: RemoteInfo): void {
    const { admit, onRefused, onTrap, clock } = this.#options;
    const from = plainAddress(remote.address);
    if (this.#closed || !admit(from)) return;
    const head = datagram.length > DATAGRAM_BYTES_MAX ? null : headOf(datagram);
    if (head === null) {
      onRefused(datagram.length > DATAGRAM_BYTES_MAX ? "too_big" : "not_snmp", from);
      return;
    }
    if (head.version === 3 && !this.#knowsEngine(head.engineId, from)) {
      onRefused("too_many_engines", from);
      return;
    }
    const handled: Handled = { datagram, head, message: null, ended: false };
    this.#handled = handled;
    this.#refusedFrom = from;
    this.#library.engine.engineTime = this.#seconds(clock.monotonic());
    try {
      this.#wire.emit("message", datagram, remote);
      if (handled.message !== null && !handled.ended && this.#isTimely(handled.message)) {
        const trap = trapOf(handled.message, from);
        if (trap === null) this.#refuse("not_snmp");
        else onTrap(trap);
      }
    } catch {
      // What parses and makes no sense: an answer that can't be written, a length that lies.
      this.#refuse("not_snmp");
    } finally {
      this.#handled = null;
    }
  }

  #refusedFrom = "";
  #refuse(reason: TrapRefusal): void {
    if (this.#handled === null || this.#handled.ended) return;
    this.#handled.ended = true;
    this.#options.onRefused(reason, this.#refusedFrom);
  }

  /** Hashing a password for an engine is dear, and net-snmp keeps the result for ever: new engines are rationed. */
  #knowsEngine(engineId: string, from: string): boolean {
    if (engineId === "" || this.#engines.has(engineId)) return true;
    if (!this.#newEngines.take(from, this.#options.clock.monotonic())) return false;
    if (this.#engines.size >= TRAP_LIMITS.enginesMax) return false;
    this.#engines.add(engineId);
    return true;
  }

  #seconds(monotonicMs: number): number {
    return Math.floor((monotonicMs - this.#startMs) / 1_000);
  }

  /** Of a v3 trap its sender is authoritative for the time; of an inform we are, and #send has seen to it. */
  #isTimely(message: LibraryMessage): boolean {
    const security = message.msgSecurityParameters;
    if (security === undefined) return true;
    // net-snmp lets a user without a name in, without any password.
    if (!this.#options.users.some(({ name }) => name === message.user?.name)) {
      this.#refuse("user");
      return false;
    }
    if (message.pdu.type === PDU.inform || !message.hasAuthentication()) return true;
    const timely = this.#times.isTimely(
      security.msgAuthoritativeEngineID.toString("hex"),
      { boots: security.msgAuthoritativeEngineBoots, seconds: security.msgAuthoritativeEngineTime },
      this.#options.clock.monotonic(),
    );
    if (!timely) this.#refuse("stale");
    return timely;
  }

  /** Reports (engine discovery), and what net-snmp takes for the answer to an inform. */
  #send(message: LibraryMessage, from: RemoteInfo): void {
    const { datagram = null, head = null } = this.#handled ?? {};
    if (head === null || datagram === null) return;
    if (message.pdu.type !== PDU.response) {
      this.#answer(message.toBuffer(), from);
      return;
    }
    if (head.version !== 3) {
      // As it came, so that the sender finds in it what it wrote; net-snmp can't write all that it can read.
      const answer = Buffer.from(datagram);
      answer[head.pduAt] = PDU.response;
      this.#answer(answer, from);
      return;
    }
    const problem = message.hasAuthentication() ? this.#timeProblem(message) : null;
    if (problem === null) {
      if (this.#options.users.some(({ name }) => name === message.user?.name)) this.#answer(message.toBuffer(), from);
      return;
    }
    const report = message.createReportResponseMessage(this.#library.engine, "", problem);
    // Only an authentic report may set a sender's notion of our time (RFC 3414 §3.2 step 7a).
    report.user = message.user;
    report.setAuthentication(true);
    this.#answer(report.toBuffer(), from);
    this.#refuse("stale");
  }

  #timeProblem({ msgSecurityParameters: security }: LibraryMessage): string | null {
    const { engineID } = this.#library.engine;
    if (security === undefined || !engineID.equals(security.msgAuthoritativeEngineID)) return UNKNOWN_ENGINE_ID;
    const apart = Math.abs(security.msgAuthoritativeEngineTime - this.#library.engine.engineTime);
    return security.msgAuthoritativeEngineBoots !== this.#boots || apart > TIME_WINDOW_SECONDS
      ? NOT_IN_TIME_WINDOW
      : null;
  }

  #answer(bytes: Buffer, { port, address }: RemoteInfo): void {
    if (!this.#closed) this.#socket.send(bytes, port, address, () => undefined);
  }
}

const EPOCH_MS = Date.UTC(2020, 0);

/** snmpEngineBoots without a file to count in: it grows with each start, for a minute has one start at most. */
const bootsAt = (nowMs: number): number => Math.max(1, Math.floor((nowMs - EPOCH_MS) / 60_000));

/** By the words that net-snmp has for it. The words themselves stay here: they may hold a digest that would be right. */
function reasonOf(error: Error): TrapRefusal {
  if (/community/i.test(error.message)) return "community";
  return /user|digest|decrypt|authentic|privacy/i.test(error.message) ? "user" : "not_snmp";
}

/** IPv4 within IPv6, on a socket for both, is IPv4. */
export const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");

function trapOf(message: LibraryMessage, from: string): Trap | null {
  const { pdu } = message;
  const raw = varbindsOf(pdu.varbinds).slice(0, VARBINDS_MAX);
  const inform = pdu.type === PDU.inform;
  if (pdu.type === PDU.trapV1) {
    const { enterprise, generic, specific, upTime, agentAddr } = pdu;
    if (enterprise === undefined || enterprise === null || generic === undefined || generic === null) return null;
    const oid = generic < ENTERPRISE_SPECIFIC ? `${GENERIC_TRAPS}.${generic + 1}` : `${enterprise}.0.${specific ?? 0}`;
    const about = addressAt(raw) ?? agentAddr ?? null;
    return { version: "1", inform, from, about, oid, uptimeTicks: upTime ?? null, varbinds: varbindsIn(raw) };
  }
  const oid = raw.find((varbind) => varbind.oid === SNMP_TRAP_OID)?.value;
  if (typeof oid !== "string") return null;
  const ticks = raw.find((varbind) => varbind.oid === SYS_UPTIME)?.value;
  return {
    version: message.version === 3 ? "3" : "2c",
    inform,
    from,
    about: addressAt(raw),
    oid,
    uptimeTicks: typeof ticks === "number" ? ticks : null,
    varbinds: varbindsIn(raw),
  };
}

function addressAt(raw: readonly RawVarbind[]): string | null {
  const value = raw.find(({ oid }) => oid === SNMP_TRAP_ADDRESS)?.value;
  return typeof value === "string" ? value : null;
}

function varbindsIn(raw: readonly RawVarbind[]): TrapVarbind[] {
  return raw.flatMap((varbind) => {
    if ([SYS_UPTIME, SNMP_TRAP_OID].includes(varbind.oid) || isException(varbind)) return [];
    const value = valueOfVarbind(varbind);
    return value === null ? [] : [{ oid: varbind.oid, value }];
  });
}
