/**
 * One client's session of RFC 2217 (COM-PORT-OPTION), as a pure machine: what came in; what goes out, which bytes are
 * the device's, and whether the port is set up as it was asked for.
 *
 * The server must agree to the option, then answer each setting with the value that is now in force. What it answers is
 * checked: a port that stays at another speed would bring noise, and noise looks like a broken device. Notifications of
 * line and modem state are taken; a server that suspends the flow (FLOWCONTROL-SUSPEND) is not sent data until it
 * resumes. A server that negotiates without end is given up.
 */
import type { LineError } from "./line.ts";
import { command, DO, DONT, subNegotiation, TelnetDecoder, type Verb, WILL, WONT } from "./rfc2217-codec.ts";

export type PortSettings = {
  readonly baudRate: number;
  readonly parity: "none" | "even" | "odd";
  readonly dataBits: 7 | 8;
  readonly stopBits: 1 | 2;
  readonly flow: "none" | "rts_cts" | "xon_xoff";
};

/** Characters damaged, as the server counted them (NOTIFY-LINESTATE). */
export type LineErrors = {
  readonly framing: number;
  readonly parity: number;
  readonly overruns: number;
  readonly breaks: number;
};

export type SessionState = "negotiating" | "setting" | "ready" | "failed";

/** Options of telnet: 8-bit data, no go-ahead, and the port's control. */
const [BINARY, SUPPRESS_GO_AHEAD, COM_PORT] = [0, 3, 44] as const;
const OURS = [BINARY, SUPPRESS_GO_AHEAD, COM_PORT] as const;
const THEIRS = [BINARY, SUPPRESS_GO_AHEAD] as const;
const SET = { baud: 1, dataSize: 2, parity: 3, stopSize: 4, control: 5 } as const;
const [NOTIFY_LINE, SUSPEND, RESUME, LINE_MASK, MODEM_MASK, PURGE] = [6, 8, 9, 10, 11, 12] as const;
/** The server's commands are the client's and 100. */
const FROM_SERVER = 100;
const PARITY = { none: 1, odd: 2, even: 3 } as const;
const CONTROL = { none: 1, xon_xoff: 2, rts_cts: 3 } as const;
const PURGE_RECEIVED = 1;
const [OVERRUN, PARITY_ERROR, FRAMING_ERROR, BREAK] = [2, 4, 8, 16] as const;
/** An honest server needs a dozen. */
const NEGOTIATIONS_MAX = 64;

const NAMES: Readonly<Record<number, string>> = {
  [SET.baud]: "baud rate",
  [SET.dataSize]: "data bits",
  [SET.parity]: "parity",
  [SET.stopSize]: "stop bits",
  [SET.control]: "flow control",
};

export type Received = { readonly data: Uint8Array; readonly send: readonly Uint8Array[] };

export class Rfc2217Session {
  readonly #decoder = new TelnetDecoder();
  readonly #wanted: ReadonlyMap<number, number>;
  readonly #unanswered: Set<number>;
  /** What was said last of each option, by "we" and "they", so that no answer answers an answer. */
  readonly #said = new Map<string, Verb>();
  #state: SessionState = "negotiating";
  #failure: LineError | null = null;
  #negotiations = 0;
  #suspended = false;
  #errors: LineErrors = { framing: 0, parity: 0, overruns: 0, breaks: 0 };

  constructor({ baudRate, dataBits, parity, stopBits, flow }: PortSettings) {
    this.#wanted = new Map([
      [SET.baud, baudRate],
      [SET.dataSize, dataBits],
      [SET.parity, PARITY[parity]],
      [SET.stopSize, stopBits],
      [SET.control, CONTROL[flow]],
    ]);
    this.#unanswered = new Set(this.#wanted.keys());
  }

  get state(): SessionState {
    return this.#state;
  }

  get failure(): LineError | null {
    return this.#failure;
  }

  /** May data be sent now? */
  get suspended(): boolean {
    return this.#suspended;
  }

  get errors(): LineErrors {
    return this.#errors;
  }

  /** What is sent first. */
  begin(): readonly Uint8Array[] {
    return [...OURS.map((option) => this.#say("we", WILL, option)), ...THEIRS.map((o) => this.#say("they", DO, o))];
  }

  receive(bytes: Uint8Array): Received {
    const data: Uint8Array[] = [];
    const send: Uint8Array[] = [];
    for (const event of this.#decoder.decode(bytes)) {
      if (this.#state === "failed") break;
      if (event.kind === "data") data.push(event.bytes);
      else if (event.kind === "command") send.push(...this.#negotiate(event.verb, event.option));
      else if (event.option === COM_PORT) this.#hear(event.bytes);
    }
    // Before the settings are in force, what comes is noise at another speed.
    return { data: this.#state === "ready" ? Buffer.concat(data) : new Uint8Array(), send };
  }

  #negotiate(verb: Verb, option: number): readonly Uint8Array[] {
    if (++this.#negotiations > NEGOTIATIONS_MAX) {
      this.#fail({ kind: "protocol", detail: "the server negotiates telnet options without end" });
      return [];
    }
    if (verb === WILL || verb === WONT) {
      const wanted = verb === WILL && THEIRS.some((one) => one === option);
      return this.#sayOnce("they", wanted ? DO : DONT, option);
    }
    if (option === COM_PORT) return this.#agreed(verb === DO);
    const wanted = verb === DO && OURS.some((one) => one === option);
    return this.#sayOnce("we", wanted ? WILL : WONT, option);
  }

  #agreed(yes: boolean): readonly Uint8Array[] {
    if (this.#state !== "negotiating") return [];
    if (!yes) {
      this.#fail({
        kind: "config",
        detail: "the server refuses the control of the port (RFC 2217)",
        hint: "switch RFC 2217 on for this port, or write tcp: and set the port up at the server",
      });
      return [];
    }
    this.#state = "setting";
    const set = [...this.#wanted].map(([setting, value]) =>
      subNegotiation(COM_PORT, Uint8Array.of(setting, ...(setting === SET.baud ? fourBytes(value) : [value]))),
    );
    const masks = [
      Uint8Array.of(LINE_MASK, OVERRUN | PARITY_ERROR | FRAMING_ERROR | BREAK),
      Uint8Array.of(MODEM_MASK, 0),
      Uint8Array.of(PURGE, PURGE_RECEIVED),
    ];
    return [...set, ...masks.map((bytes) => subNegotiation(COM_PORT, bytes))];
  }

  #hear(bytes: Uint8Array): void {
    const [code = 0, ...value] = bytes;
    const setting = code - FROM_SERVER;
    if (setting === SUSPEND || setting === RESUME) this.#suspended = setting === SUSPEND;
    else if (setting === NOTIFY_LINE) this.#count(value[0] ?? 0);
    else if (this.#state === "setting" && this.#wanted.has(setting)) this.#answered(setting, value);
  }

  #answered(setting: number, value: readonly number[]): void {
    const size = setting === SET.baud ? 4 : 1;
    if (value.length < size) {
      this.#fail({ kind: "protocol", detail: `the server's answer about the ${NAMES[setting]} is cut short` });
      return;
    }
    const inForce = value.slice(0, size).reduce((sum, byte) => sum * 256 + byte, 0);
    const wanted = this.#wanted.get(setting);
    if (inForce !== wanted) {
      const detail = `the server did not take the ${NAMES[setting]}: asked for ${wanted}, it has ${inForce}`;
      this.#fail({ kind: "config", detail, hint: "another client may hold the port, or it can't do this" });
      return;
    }
    this.#unanswered.delete(setting);
    if (this.#unanswered.size === 0) this.#state = "ready";
  }

  #count(state: number): void {
    const { framing, parity, overruns, breaks } = this.#errors;
    const one = (bit: number): number => ((state & bit) === 0 ? 0 : 1);
    this.#errors = {
      framing: framing + one(FRAMING_ERROR),
      parity: parity + one(PARITY_ERROR),
      overruns: overruns + one(OVERRUN),
      breaks: breaks + one(BREAK),
    };
  }

  #sayOnce(who: "we" | "they", verb: Verb, option: number): readonly Uint8Array[] {
    const before = this.#said.get(`${who} ${option}`);
    // Nothing was said and "no" is the answer to an offer: it has to be said; to a "no" of theirs it need not.
    return before === verb ? [] : [this.#say(who, verb, option)];
  }

  #say(who: "we" | "they", verb: Verb, option: number): Uint8Array {
    this.#said.set(`${who} ${option}`, verb);
    return command(verb, option);
  }

  #fail(failure: LineError): void {
    this.#state = "failed";
    this.#failure ??= failure;
  }

  /** What is still to be answered, for a person. */
  get missing(): string {
    if (this.#state === "negotiating") return "it did not agree to RFC 2217";
    return `no answer about the ${[...this.#unanswered].map((setting) => NAMES[setting]).join(", ")}`;
  }
}

const fourBytes = (value: number): readonly number[] => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);
