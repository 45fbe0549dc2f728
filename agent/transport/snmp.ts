/**
 * SNMP v1, v2c and v3 over UDP: GET and walks, bounded in rows, varbinds, bytes and time. The only file that knows
 * net-snmp, which is loaded when the first SNMP device is opened, so that an agent without one never carries it.
 *
 * What net-snmp leaves open is closed here: its socket is connected, so that datagrams of other hosts never reach it
 * and a closed port is known at once; a datagram that its parser chokes on is counted instead of thrown; walks check
 * that OIDs grow. A request whose answer comes late is forgotten by its id.
 */
import { lookup } from "node:dns/promises";
import type { EventEmitter } from "node:events";
import { isIP } from "node:net";
import { err, errorText, ok, type Result } from "@aislewatch/base";
import { compareOids, isWithin, type SnmpValue } from "@aislewatch/devices";
import type * as NetSnmp from "net-snmp";
import type { PollError } from "../drivers/driver.ts";
import {
  AUTHORIZATION_ERROR,
  culprit,
  deadline,
  explainSecurity,
  explainSocket,
  type Failure,
  type LibraryError,
  NO_SUCH_NAME,
  NOT_ALLOWED,
  TOO_BIG,
  WRONG_PRIVACY,
  WRONG_PRIVACY_OR_CONTEXT,
} from "./snmp-errors.ts";
import { DeviceSocket } from "./snmp-socket.ts";
import { END, isException, type RawVarbind, valueOfVarbind, varbindsOf } from "./snmp-values.ts";

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
/** `after` is where an earlier walk of the column stopped. */
export type WalkColumn = { readonly oid: string; readonly rowsMax: number; readonly after?: string };

/** Numbers of SnmpAuthProtocol and of SnmpPrivProtocol in net-snmp, which is not loaded while configuration is read. */
export const AUTH = { md5: 2, sha: 3, sha224: 4, sha256: 5, sha384: 6, sha512: 7 } as const;
export const PRIVACY = { des: 2, aes: 4, aes256b: 6, aes256r: 8 } as const;

export type SnmpCost = {
  readonly requests: number;
  readonly values: number;
  /** Columns that had more rows than were wanted, or than a poll may cost. */
  readonly cut: readonly string[];
};

/** A session to one device. One request is in flight at a time; after a failure it is closed and opened anew. */
export type SnmpSession = {
  /** Begins a poll: resets what it may cost, and ends its requests when `signal` does. */
  begin(signal: AbortSignal, timeoutMs: number): void;
  get(oids: readonly string[]): Promise<Result<Varbinds, PollError>>;
  /** Those of the OIDs at or below which the device has something. */
  present(oids: readonly string[]): Promise<Result<ReadonlySet<string>, PollError>>;
  walk(columns: readonly WalkColumn[]): Promise<Result<Varbinds, PollError>>;
  /** What was asked and what came since `begin`. */
  cost(): SnmpCost;
  close(): void;
};

/**
 * What was learned of how much a device can answer at once. Outlives its sessions: one ends with each poll that fails,
 * and a device that is silent to a large GETBULK for longer than a poll may last would never be understood.
 */
export type SnmpPace = { repetitions: number; bulk: boolean; polls: number };

export const newPace = ({ maxRepetitions, credential }: SnmpTarget): SnmpPace => ({
  repetitions: maxRepetitions,
  bulk: credential.version !== "1",
  polls: 0,
});

/** After so many polls a device that was thought weak is tried anew: it may only have been cut off in mid-walk. */
const PACE_POLLS_MAX = 1_000;

/** Resolves the name and makes the session; nothing is sent yet. */
export async function openSnmp(
  target: SnmpTarget,
  pace: SnmpPace = newPace(target),
): Promise<Result<SnmpSession, PollError>> {
  let address: { address: string; family: number };
  try {
    address = isIP(target.host) === 0 ? await lookup(target.host) : { address: target.host, family: isIP(target.host) };
  } catch (thrown) {
    const detail = `the name ${target.host} can't be resolved: ${errorText(thrown)}`;
    return err({ kind: "unreachable", detail, hint: "check the address and this host's DNS" });
  }
  const library = await loadNetSnmp();
  try {
    return ok(new Session(library, { target, pace, address }));
  } catch (thrown) {
    return err({ kind: "config", detail: errorText(thrown) });
  }
}

type Library = typeof NetSnmp;

/** For the listener of traps, too. */
export async function loadNetSnmp(): Promise<Library> {
  const loaded = await import("net-snmp");
  // CommonJS: the module object is `default`; its types say otherwise.
  return (loaded as unknown as { default: Library }).default;
}

type Answer = Result<unknown, Failure>;

class Session implements SnmpSession {
  readonly #target: SnmpTarget;
  readonly #session: NetSnmp.Session;
  readonly #socket: DeviceSocket;
  readonly #pace: SnmpPace;
  #signal = AbortSignal.abort();
  /** Has a request been answered, so that the credential is known to be right? */
  #trusted = false;
  #requests = 0;
  #values = 0;
  readonly #cut = new Set<string>();

  constructor(
    library: Library,
    { target, pace, address }: { target: SnmpTarget; pace: SnmpPace; address: { address: string; family: number } },
  ) {
    this.#target = target;
    this.#pace = pace;
    let socket: DeviceSocket | undefined;
    const options = {
      port: target.port,
      transport: address.family === 6 ? ("udp6" as const) : ("udp4" as const),
      retries: target.retries,
      timeout: target.timeoutMs,
      dgramModule: {
        createSocket: (type: "udp4" | "udp6"): DeviceSocket => {
          const peer = { port: target.port, address: address.address };
          socket = new DeviceSocket(type, peer, SNMP_LIMITS.bytesPerPollMax);
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
    if (++this.#pace.polls > PACE_POLLS_MAX) Object.assign(this.#pace, newPace(this.#target));
    this.#requests = 0;
    this.#values = 0;
    this.#cut.clear();
    this.#socket.reset();
    (this.#session as unknown as { timeout: number }).timeout = Math.max(
      1,
      Math.min(this.#target.timeoutMs, timeoutMs),
    );
  }

  async get(oids: readonly string[]): Promise<Result<Varbinds, PollError>> {
    const varbinds: Varbinds = {};
    for (const some of chunks(oids)) {
      const got = await this.#getSome(some, varbinds);
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

  /**
   * GETNEXT never names the OID that it was asked for, so each is asked for from its parent. What comes there is the
   * OID, or something below it, or it lies behind all of the parent: decided. Only where siblings come before it, it is
   * asked for what is below it, and then for itself: a GET of many that are not there costs v1 a request for each.
   */
  async present(oids: readonly string[]): Promise<Result<ReadonlySet<string>, PollError>> {
    const present = new Set<string>();
    const isAt = (found: string, oid: string): boolean => found === oid || isWithin(found, oid);
    const children = Map.groupBy(new Set(oids), parentOf);
    const behind: string[] = [];
    const fromParents = await this.#next([...children.keys()], (parent, varbind) => {
      for (const oid of children.get(parent) ?? []) {
        if (isException(varbind) || !isWithin(varbind.oid, parent)) continue;
        if (isAt(varbind.oid, oid)) present.add(oid);
        else if (compareOids(varbind.oid, oid) < 0) behind.push(oid);
      }
    });
    if (!fromParents.ok) return fromParents;
    const below = await this.#next(behind, (oid, varbind) => {
      if (!isException(varbind) && isWithin(varbind.oid, oid)) present.add(oid);
    });
    if (!below.ok) return below;
    const themselves: Varbinds = {};
    for (const some of chunks(behind.filter((oid) => !present.has(oid)))) {
      const got = await this.#getSome(some, themselves);
      if (!got.ok) return got;
    }
    for (const oid of behind) if (themselves[oid] !== undefined) present.add(oid);
    return ok(present);
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
    let open = columns.map(({ oid, rowsMax, after }) => ({ root: oid, cursor: after ?? oid, rowsLeft: rowsMax }));
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
      if (!grows || !isWithin(varbind.oid, column.root) || isException(varbind)) return false;
      if (column.rowsLeft === 0 || !this.#keep(varbind, into)) {
        this.#cut.add(column.root);
        return false;
      }
      column.cursor = varbind.oid;
      column.rowsLeft--;
    }
    return true;
  }

  /** What follows each OID: by GETBULK with as many rows as the device can send, or by GETNEXT. */
  async #rows(oids: readonly string[]): Promise<Result<readonly (readonly RawVarbind[])[], PollError>> {
    while (this.#pace.bulk) {
      const repetitions = Math.max(
        1,
        Math.min(this.#pace.repetitions, Math.floor(SNMP_LIMITS.valuesPerBulkMax / oids.length)),
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
   * then GETNEXT; what works is kept for the next polls. Silence counts only once something was heard in this poll, and
   * when the poll's time is up over it, the next poll asks for less.
   */
  #reduce(failure: Failure, repetitions: number): boolean {
    const silent = failure.kind === "timeout" && this.#socket.heard;
    if (failure.status === undefined && !silent) return false;
    if (repetitions === 1) this.#pace.bulk = false;
    else this.#pace.repetitions = Math.floor(repetitions / 2);
    return !this.#signal.aborted;
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
    if (this.#signal.aborted) return Promise.resolve({ ok: false, error: deadline(this.#trusted) });
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
    if (this.#signal.aborted) return deadline(this.#trusted);
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
    // What snmpd can't decrypt, and what is for a context that it has not, it drops without a word, after it told a
    // stranger its engine id.
    if (credential.version === "3" && credential.user.privacy !== undefined && this.#socket.heard && !this.#trusted) {
      return { kind: "auth", ...(credential.context === "" ? WRONG_PRIVACY : WRONG_PRIVACY_OR_CONTEXT) };
    }
    const hint =
      credential.version === "3"
        ? `is SNMP switched on, and may this host ask?${credential.context === "" ? "" : " Is the context right?"}`
        : "is SNMP switched on, may this host ask, and is the community right? A wrong one is not answered";
    const { retries, timeoutMs } = this.#target;
    const detail = `no answer in ${retries === 0 ? "1 try" : `${retries + 1} tries`} of ${timeoutMs} ms`;
    // v3 tells strangers its engine id, whatever it then thinks of us.
    if (credential.version !== "3" && this.#socket.heard && !this.#trusted) {
      const late = "is it slower than request_timeout?";
      return { kind: "timeout", detail: `${detail}; what came answers another request than ours`, hint: late };
    }
    return { kind: "timeout", detail, hint };
  }

  cost(): SnmpCost {
    return { requests: this.#requests, values: this.#values, cut: [...this.#cut] };
  }

  close(): void {
    this.#session.close();
  }
}

/** As many as one GET may ask for. */
function chunks(oids: readonly string[]): (readonly string[])[] {
  const size = SNMP_LIMITS.oidsPerGetMax;
  return Array.from({ length: Math.ceil(oids.length / size) }, (_, n) => oids.slice(n * size, (n + 1) * size));
}

/** An OID of two arcs is the shortest that can be encoded. */
const parentOf = (oid: string): string => (oid.split(".").length > 2 ? oid.slice(0, oid.lastIndexOf(".")) : oid);

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
  const { version: _, ...rest } = options;
  return library.createV3Session(address, makeUser(library, credential.user), { ...rest, context: credential.context });
}

/** A user as net-snmp has it: what it has passwords for is what it requires. */
export function makeUser(library: Library, { name, auth, privacy }: SnmpUser): NetSnmp.User {
  const level = privacy ? "authPriv" : auth ? "authNoPriv" : "noAuthNoPriv";
  return {
    name,
    level: library.SecurityLevel[level],
    ...(auth && { authProtocol: AUTH[auth.protocol] as NetSnmp.AuthProtocols, authKey: auth.password }),
    ...(privacy && { privProtocol: PRIVACY[privacy.protocol] as NetSnmp.PrivProtocols, privKey: privacy.password }),
  };
}
