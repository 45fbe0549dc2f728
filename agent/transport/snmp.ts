/**
 * SNMP v1, v2c and v3 over UDP: GET and walks, bounded in rows, varbinds, bytes and time. The only file that knows
 * net-snmp, which is loaded when the first SNMP device is opened, so that an agent without one never carries it.
 *
 * What net-snmp leaves open is closed here: its socket is connected, so that datagrams of other hosts never reach it
 * and a closed port is known at once; a datagram that its parser chokes on is counted instead of thrown; walks check
 * that OIDs grow. A request whose answer comes late is forgotten by its id.
 */
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { EventEmitter } from "node:events";
import { isIP } from "node:net";
import { err, errorText, ok, type Result } from "@aislewatch/base";
import { compareOids, isWithin, octetsValue, type SnmpValue } from "@aislewatch/devices";
import type * as NetSnmp from "net-snmp";
import type { PollError } from "../drivers/driver.ts";

export const SNMP_LIMITS = {
  /** OIDs in one GET: fits 1,472 octets of UDP payload in both directions with room for the values. */
  oidsPerGetMax: 24,
  /** Columns asked for in one GETBULK, and values that its answer may hold: about 2 KiB. */
  columnsPerBulkMax: 16,
  valuesPerBulkMax: 64,
  /** Values of one poll; a 48-port stack of four has about 3,000. */
  valuesPerPollMax: 16_384,
  /** Octets of one poll's answers. */
  bytesPerPollMax: 4 * 1024 * 1024,
  /** Requests of one poll, for devices that answer one value at a time. */
  requestsPerPollMax: 4_096,
} as const;

export type SnmpUser = {
  readonly name: string;
  readonly auth?: { readonly protocol: keyof typeof AUTH; readonly password: string };
  readonly privacy?: { readonly protocol: keyof typeof PRIVACY; readonly password: string };
};
export type SnmpTarget = {
  readonly host: string;
  readonly port: number;
  readonly credential:
    | { readonly version: "1" | "2c"; readonly community: string }
    | { readonly version: "3"; readonly user: SnmpUser; readonly context: string };
  readonly timeoutMs: number;
  readonly retries: number;
  readonly maxRepetitions: number;
};

export type Varbinds = Record<string, SnmpValue>;
export type WalkColumn = { readonly oid: string; readonly rowsMax: number };

/** Numbers of SnmpAuthProtocol and of SnmpPrivProtocol in net-snmp, which is not loaded while configuration is read. */
export const AUTH = { md5: 2, sha: 3, sha224: 4, sha256: 5, sha384: 6, sha512: 7 } as const;
export const PRIVACY = { des: 2, aes: 4, aes256b: 6, aes256r: 8 } as const;

/** A session to one device. One request is in flight at a time; after a failure it is closed and opened anew. */
export type SnmpSession = {
  /** Begins a poll: resets what it may cost, and ends its requests when `signal` does. */
  begin(signal: AbortSignal, timeoutMs: number): void;
  get(oids: readonly string[]): Promise<Result<Varbinds, PollError>>;
  /** Those of the OIDs at or below which the device has something. */
  present(oids: readonly string[]): Promise<Result<ReadonlySet<string>, PollError>>;
  walk(columns: readonly WalkColumn[]): Promise<Result<Varbinds, PollError>>;
  close(): void;
};

/** Resolves the name and makes the session; nothing is sent yet. */
export async function openSnmp(target: SnmpTarget): Promise<Result<SnmpSession, PollError>> {
  let address: { address: string; family: number };
  try {
    address = isIP(target.host) === 0 ? await lookup(target.host) : { address: target.host, family: isIP(target.host) };
  } catch (thrown) {
    const detail = `the name ${target.host} can't be resolved: ${errorText(thrown)}`;
    return err({ kind: "unreachable", detail, hint: "check the address and this host's DNS" });
  }
  netSnmp ??= await loadNetSnmp();
  try {
    return ok(new Session(netSnmp, target, address));
  } catch (thrown) {
    return err({ kind: "config", detail: errorText(thrown) });
  }
}

type Library = typeof NetSnmp;
let netSnmp: Library | undefined;

async function loadNetSnmp(): Promise<Library> {
  const loaded = await import("net-snmp");
  // CommonJS: the module object is `default`; its types say otherwise.
  return (loaded as unknown as { default: Library }).default;
}

/** net-snmp's error classes are told apart by name: it subclasses Error by hand. */
type LibraryError = { name?: string; message?: string; status?: number; code?: number | string };
type RawVarbind = { readonly oid: string; readonly type: number; readonly value: unknown };
type Answer = Result<unknown, Failure>;
type Failure = PollError & { readonly status?: number };

/** Error states of a response (RFC 3416 §3) that mean something to us. */
const TOO_BIG = 1;
const NO_SUCH_NAME = 2;
const AUTHORIZATION_ERROR = 16;

class Session implements SnmpSession {
  readonly #target: SnmpTarget;
  readonly #session: NetSnmp.Session;
  readonly #socket: DeviceSocket;
  #repetitions: number;
  #bulk: boolean;
  #signal = AbortSignal.abort();
  /** Has a request been answered, so that the credential is known to be right? */
  #trusted = false;
  #requests = 0;
  #values = 0;

  constructor(library: Library, target: SnmpTarget, address: { address: string; family: number }) {
    this.#target = target;
    this.#repetitions = target.maxRepetitions;
    this.#bulk = target.credential.version !== "1";
    let socket: DeviceSocket | undefined;
    const options = {
      port: target.port,
      transport: address.family === 6 ? ("udp6" as const) : ("udp4" as const),
      retries: target.retries,
      timeout: target.timeoutMs,
      dgramModule: {
        createSocket: (type: "udp4" | "udp6"): DeviceSocket => {
          socket = new DeviceSocket(type, target.port, address.address);
          return socket;
        },
      },
    };
    this.#session = makeSession(library, target, address.address, options);
    if (socket === undefined) throw new Error("net-snmp took no socket");
    this.#socket = socket;
    // A datagram that is no SNMP; the request it may have answered runs into its timeout.
    (this.#session as unknown as EventEmitter).on("error", (error: unknown) => this.#socket.refuse(error));
    this.#socket.onFailure = (error) => this.#session.cancelRequests(error);
  }

  begin(signal: AbortSignal, timeoutMs: number): void {
    this.#signal = signal;
    this.#requests = 0;
    this.#values = 0;
    this.#socket.reset();
    (this.#session as unknown as { timeout: number }).timeout = Math.max(
      1,
      Math.min(this.#target.timeoutMs, timeoutMs),
    );
  }

  async get(oids: readonly string[]): Promise<Result<Varbinds, PollError>> {
    const varbinds: Varbinds = {};
    for (let from = 0; from < oids.length; from += SNMP_LIMITS.oidsPerGetMax) {
      const got = await this.#getSome(oids.slice(from, from + SNMP_LIMITS.oidsPerGetMax), varbinds);
      if (!got.ok) return got;
    }
    return ok(varbinds);
  }

  /** SNMPv1 refuses a whole GET for one name that it lacks: it is left out and the rest asked for again. */
  async #getSome(oids: readonly string[], into: Varbinds): Promise<Result<null, PollError>> {
    let wanted = [...oids];
    while (wanted.length > 0) {
      const answer = await this.#ask((done) => this.#session.get(wanted, done));
      if (answer.ok) {
        for (const varbind of varbindsOf(answer.value)) if (wanted.includes(varbind.oid)) this.#keep(varbind, into);
        return ok(null);
      }
      const { status } = answer.error;
      if (status === TOO_BIG && wanted.length > 1) {
        const half = Math.ceil(wanted.length / 2);
        const first = await this.#getSome(wanted.slice(0, half), into);
        return first.ok ? this.#getSome(wanted.slice(half), into) : first;
      }
      if (status !== NO_SUCH_NAME) return answer;
      const missing = culprit(answer.error, wanted);
      wanted = missing === null ? [] : wanted.filter((oid) => oid !== missing);
    }
    return ok(null);
  }

  async present(oids: readonly string[]): Promise<Result<ReadonlySet<string>, PollError>> {
    const present = new Set<string>();
    const walked = await this.#next(oids, (oid, varbind) => {
      if (isWithin(varbind.oid, oid)) present.add(oid);
    });
    return walked.ok ? ok(present) : walked;
  }

  /** One GETNEXT for each OID, as few requests as the version allows; those that end the MIB are left out. */
  async #next(
    oids: readonly string[],
    take: (oid: string, varbind: RawVarbind) => void,
  ): Promise<Result<null, PollError>> {
    let wanted = [...oids];
    while (wanted.length > 0) {
      const asked = wanted.slice(0, SNMP_LIMITS.oidsPerGetMax);
      const answer = await this.#ask((done) => this.#session.getNext(asked, done));
      if (answer.ok) {
        const varbinds = varbindsOf(answer.value);
        asked.forEach((oid, i) => {
          const varbind = varbinds[i];
          if (varbind !== undefined) take(oid, varbind);
        });
        wanted = wanted.slice(asked.length);
        continue;
      }
      if (answer.error.status !== NO_SUCH_NAME) return answer;
      const ended = culprit(answer.error, asked) ?? asked[0];
      wanted = wanted.filter((oid) => oid !== ended);
    }
    return ok(null);
  }

  async walk(columns: readonly WalkColumn[]): Promise<Result<Varbinds, PollError>> {
    const varbinds: Varbinds = {};
    let open = columns.map(({ oid, rowsMax }) => ({ root: oid, cursor: oid, rowsLeft: rowsMax }));
    while (open.length > 0) {
      const asked = open.slice(0, SNMP_LIMITS.columnsPerBulkMax);
      const rows = await this.#rows(asked.map(({ cursor }) => cursor));
      if (!rows.ok) return rows;
      // An answer that was cut short has nothing for the last columns: they are asked for again. One that has
      // nothing at all ends them.
      const nothing = rows.value.every((came) => came.length === 0);
      const ended = asked.filter((column, i) => {
        const came = rows.value[i] ?? [];
        return came.length === 0 ? nothing : !this.#advance(column, came, varbinds);
      });
      open = open.filter((column) => !ended.includes(column));
    }
    return ok(varbinds);
  }

  /** Takes what came for a column; false when it ended, or when the device does not move on. */
  #advance(
    column: { root: string; cursor: string; rowsLeft: number },
    came: readonly RawVarbind[],
    into: Varbinds,
  ): boolean {
    for (const varbind of came) {
      const grows = compareOids(varbind.oid, column.cursor) > 0;
      if (!grows || !isWithin(varbind.oid, column.root) || column.rowsLeft === 0 || isException(varbind)) return false;
      if (!this.#keep(varbind, into)) return false;
      column.cursor = varbind.oid;
      column.rowsLeft--;
    }
    return true;
  }

  /** What follows each OID: by GETBULK with as many rows as the device can send, or by GETNEXT. */
  async #rows(oids: readonly string[]): Promise<Result<readonly (readonly RawVarbind[])[], PollError>> {
    while (this.#bulk) {
      const repetitions = Math.max(
        1,
        Math.min(this.#repetitions, Math.floor(SNMP_LIMITS.valuesPerBulkMax / oids.length)),
      );
      const answer = await this.#ask((done) => this.#session.getBulk([...oids], 0, repetitions, done));
      if (answer.ok) {
        const columns = Array.isArray(answer.value) ? answer.value : [];
        return ok(oids.map((_, i) => varbindsOf(columns[i])));
      }
      if (!this.#reduce(answer.error, repetitions)) return answer;
    }
    const rows = new Map<string, RawVarbind[]>();
    const next = await this.#next(oids, (oid, varbind) => void rows.set(oid, [varbind]));
    return next.ok ? ok(oids.map((oid) => rows.get(oid) ?? [END])) : next;
  }

  /**
   * Devices that can't send what was asked for say tooBig, an error of their own, or nothing. Fewer rows are tried,
   * then GETNEXT; what works is kept for the next polls. Silence counts only once something was heard in this poll.
   */
  #reduce(failure: Failure, repetitions: number): boolean {
    const silent = failure.kind === "timeout" && this.#socket.heard && !this.#signal.aborted;
    if (failure.status === undefined && !silent) return false;
    if (repetitions === 1) this.#bulk = false;
    else this.#repetitions = Math.floor(repetitions / 2);
    return true;
  }

  #keep(varbind: RawVarbind, into: Varbinds): boolean {
    if (this.#values >= SNMP_LIMITS.valuesPerPollMax) return false;
    const value = valueOfVarbind(varbind);
    if (value === null) return true;
    this.#values++;
    into[varbind.oid] = value;
    return true;
  }

  /** One request to its end: an answer, net-snmp's error as a value, or the end of the poll. */
  #ask(request: (done: (error: LibraryError | null, varbinds?: unknown) => void) => void): Promise<Answer> {
    if (this.#signal.aborted) return Promise.resolve({ ok: false, error: deadline() });
    if (++this.#requests > SNMP_LIMITS.requestsPerPollMax) {
      const detail = `more than ${SNMP_LIMITS.requestsPerPollMax} requests in one poll`;
      return Promise.resolve({ ok: false, error: { kind: "protocol", detail } });
    }
    return new Promise((resolve) => {
      const end = (): void => this.#session.cancelRequests(new Error("deadline"));
      const finish = (answer: Answer): void => {
        this.#signal.removeEventListener("abort", end);
        resolve(answer);
      };
      this.#signal.addEventListener("abort", end, { once: true });
      request((error, varbinds) => {
        if (error !== null) finish({ ok: false, error: this.#explain(error) });
        else {
          this.#trusted = true;
          finish(ok(varbinds));
        }
      });
    });
  }

  #explain(error: LibraryError): Failure {
    if (this.#signal.aborted) return deadline();
    if (this.#socket.overflowed) {
      return { kind: "protocol", detail: `more than ${SNMP_LIMITS.bytesPerPollMax} bytes of answers in one poll` };
    }
    if (error.name === "RequestTimedOutError") return this.#silence();
    if (error.name === "RequestFailedError" && error.status !== AUTHORIZATION_ERROR) {
      const detail = `the device answers with an error: ${error.message ?? ""}`;
      return { kind: "protocol", detail, ...(error.status !== undefined && { status: error.status }) };
    }
    if (error.status === AUTHORIZATION_ERROR) return { kind: "auth", ...NOT_ALLOWED };
    return explainSocket(error) ?? explainSecurity(error) ?? { kind: "protocol", detail: errorText(error) };
  }

  #silence(): Failure {
    const { credential } = this.#target;
    if (this.#socket.refused !== null) {
      return { kind: "protocol", detail: `the answer is no SNMP: ${this.#socket.refused}` };
    }
    // What snmpd can't decrypt it drops without a word, after it told a stranger its engine id.
    if (credential.version === "3" && credential.user.privacy !== undefined && this.#socket.heard && !this.#trusted) {
      return { kind: "auth", ...WRONG_PRIVACY };
    }
    const hint =
      credential.version === "3"
        ? "is SNMP switched on, and may this host ask?"
        : "is SNMP switched on, may this host ask, and is the community right? A wrong one is not answered";
    return { kind: "timeout", detail: `no answer in ${this.#target.retries + 1} tries`, hint };
  }

  close(): void {
    this.#session.close();
  }
}

function makeSession(
  library: Library,
  { credential }: SnmpTarget,
  address: string,
  options: NetSnmp.SessionOptions,
): NetSnmp.Session {
  if (credential.version !== "3") {
    const version = credential.version === "1" ? library.Version1 : library.Version2c;
    return library.createSession(address, credential.community, { ...options, version });
  }
  const { name, auth, privacy } = credential.user;
  const level = privacy ? "authPriv" : auth ? "authNoPriv" : "noAuthNoPriv";
  const user: NetSnmp.User = {
    name,
    level: library.SecurityLevel[level],
    ...(auth && { authProtocol: AUTH[auth.protocol] as NetSnmp.AuthProtocols, authKey: auth.password }),
    ...(privacy && { privProtocol: PRIVACY[privacy.protocol] as NetSnmp.PrivProtocols, privKey: privacy.password }),
  };
  const { version: _, ...rest } = options;
  return library.createV3Session(address, user, { ...rest, context: credential.context });
}

const deadline = (): Failure => ({ kind: "timeout", detail: "the poll's time was up" });

function explainSocket(error: LibraryError): Failure | null {
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
    default:
      return typeof error.code === "string" ? { kind: "io", detail: errorText(error) } : null;
  }
}

const WRONG_PRIVACY = {
  detail: "the privacy password or protocol is wrong",
  hint: "check user.privacy.password and user.privacy.protocol",
};
const NOT_ALLOWED = {
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

function explainSecurity(error: LibraryError): Failure | null {
  const known = SECURITY.find(({ says }) => says.test(error.message ?? ""));
  if (known === undefined) return null;
  return { kind: "auth", detail: known.detail, ...(known.hint !== undefined && { hint: known.hint }) };
}

/** net-snmp puts the OID that an error is about at the end of its message. */
const culprit = (error: PollError, oids: readonly string[]): string | null =>
  oids.find((oid) => error.detail.endsWith(` ${oid}`)) ?? null;

const END_OF_MIB_VIEW = 130;
/** Stands for the end of a MIB that SNMPv1 tells by an error. */
const END: RawVarbind = { oid: "0.0", type: END_OF_MIB_VIEW, value: null };

const varbindsOf = (value: unknown): RawVarbind[] => (Array.isArray(value) ? value.filter(isRawVarbind) : []);

function isRawVarbind(value: unknown): value is RawVarbind {
  return (
    typeof value === "object" && value !== null && "oid" in value && typeof value.oid === "string" && "type" in value
  );
}

/** noSuchObject, noSuchInstance, endOfMibView: not data. */
const isException = ({ type }: RawVarbind): boolean => type >= 128 && type <= END_OF_MIB_VIEW;

function valueOfVarbind(varbind: RawVarbind): SnmpValue | null {
  const { type, value } = varbind;
  if (value instanceof Uint8Array)
    return type === 70 ? counter64(value) : type === 68 ? opaque(value) : octetsValue(value);
  if (typeof value === "string") {
    if (type === 6) return { type: "oid", value };
    return type === 64 ? { type: "ip", value } : { type: "text", value };
  }
  if (typeof value !== "number" || !Number.isFinite(value)) return null;
  switch (type) {
    case 2:
      return { type: "integer", value };
    case 65:
      return { type: "counter", value };
    case 66:
      return { type: "gauge", value };
    case 67:
      return { type: "ticks", value };
    default:
      return null;
  }
}

function counter64(octets: Uint8Array): SnmpValue {
  let value = 0n;
  for (const octet of octets.subarray(-8)) value = value * 256n + BigInt(octet);
  return { type: "counter64", value: value <= Number.MAX_SAFE_INTEGER ? Number(value) : value.toString() };
}

/** net-snmp (the C one) wraps floats: 9f 78 04 and four octets. */
function opaque(octets: Uint8Array): SnmpValue {
  if (octets.length !== 7 || octets[0] !== 0x9f || octets[1] !== 0x78 || octets[2] !== 4) return octetsValue(octets);
  const value = new DataView(octets.buffer, octets.byteOffset + 3, 4).getFloat32(0);
  return Number.isFinite(value) ? { type: "float", value } : octetsValue(octets);
}

/** What net-snmp needs of a UDP socket, on one that is connected to the device and survives what comes in. */
class DeviceSocket extends EventEmitter {
  readonly #socket: Socket;
  readonly #peer: { readonly port: number; readonly address: string };
  #connecting: Promise<void> | null = null;
  #closed = false;
  #bytes = 0;
  /** Did anything come in this poll? */
  heard = false;
  /** Why the last datagram could not be read; null when none was refused in this poll. */
  refused: string | null = null;
  overflowed = false;
  onFailure: (error: Error) => void = () => undefined;

  constructor(type: "udp4" | "udp6", port: number, address: string) {
    super();
    this.#peer = { port, address };
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
    if (this.#bytes > SNMP_LIMITS.bytesPerPollMax) {
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
