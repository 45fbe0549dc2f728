/**
 * Telnet's framing (RFC 854, 855) as far as RFC 2217 needs it. Pure: bytes in, events out.
 *
 * A byte 255 (IAC) begins a command; 255 as data is sent twice. Sub-negotiations are IAC SB option … IAC SE. What a
 * hostile peer can make of it is bounded: events are no more than bytes, and a sub-negotiation over SUB_BYTES_MAX is
 * dropped to its end.
 */
export const IAC = 255;
export const [SE, SB, WILL, WONT, DO, DONT] = [240, 250, 251, 252, 253, 254] as const;
export type Verb = typeof WILL | typeof WONT | typeof DO | typeof DONT;

export type TelnetEvent =
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  | { readonly kind: "command"; readonly verb: Verb; readonly option: number }
  | { readonly kind: "sub"; readonly option: number; readonly bytes: Uint8Array };

/** The longest that RFC 2217 has is a signature; a name of a server is shorter than this. */
export const SUB_BYTES_MAX = 256;

type State = "data" | "iac" | "option" | "sub-option" | "sub" | "sub-iac";

export class TelnetDecoder {
  #state: State = "data";
  #verb: Verb = WILL;
  #option = 0;
  #sub: number[] = [];
  #tooLong = false;

  /** In whatever pieces the bytes come, the events are the same but for the pieces of data. */
  decode(bytes: Uint8Array): readonly TelnetEvent[] {
    const events: TelnetEvent[] = [];
    let data: number[] = [];
    const flush = (): void => {
      if (data.length > 0) events.push({ kind: "data", bytes: Uint8Array.from(data) });
      data = [];
    };
    for (const byte of bytes) {
      if (this.#state === "data" && byte !== IAC) data.push(byte);
      else if (this.#state === "iac" && byte === IAC) {
        data.push(IAC);
        this.#state = "data";
      } else {
        const event = this.#step(byte);
        if (event === null) continue;
        flush();
        events.push(event);
      }
    }
    flush();
    return events;
  }

  #step(byte: number): TelnetEvent | null {
    switch (this.#state) {
      case "data":
        this.#state = "iac";
        return null;
      case "iac":
        this.#begin(byte);
        return null;
      case "option":
        this.#state = "data";
        return { kind: "command", verb: this.#verb, option: byte };
      case "sub-option":
        this.#option = byte;
        this.#state = "sub";
        return null;
      case "sub":
        if (byte === IAC) this.#state = "sub-iac";
        else this.#gather(byte);
        return null;
      case "sub-iac":
        return this.#afterIac(byte);
    }
  }

  /** Commands of one byte (NOP, AYT and so on) mean nothing to us. */
  #begin(byte: number): void {
    this.#state = "data";
    if (byte === SB) {
      this.#sub = [];
      this.#tooLong = false;
      this.#state = "sub-option";
    } else if (byte === WILL || byte === WONT || byte === DO || byte === DONT) {
      this.#verb = byte;
      this.#state = "option";
    }
  }

  #afterIac(byte: number): TelnetEvent | null {
    if (byte === IAC) {
      this.#state = "sub";
      this.#gather(IAC);
      return null;
    }
    this.#state = "data";
    // Another command inside of a sub-negotiation: its end was lost. What it was is not known.
    if (byte !== SE) {
      this.#begin(byte);
      return null;
    }
    return this.#tooLong ? null : { kind: "sub", option: this.#option, bytes: Uint8Array.from(this.#sub) };
  }

  #gather(byte: number): void {
    if (this.#sub.length < SUB_BYTES_MAX) this.#sub.push(byte);
    else this.#tooLong = true;
  }
}

/** Data as it goes over the wire. */
export function escapeData(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(IAC)) return bytes;
  const escaped: number[] = [];
  for (const byte of bytes) {
    escaped.push(byte);
    if (byte === IAC) escaped.push(IAC);
  }
  return Uint8Array.from(escaped);
}

export const command = (verb: Verb, option: number): Uint8Array => Uint8Array.of(IAC, verb, option);

export const subNegotiation = (option: number, bytes: Uint8Array): Uint8Array =>
  Uint8Array.of(IAC, SB, option, ...escapeData(bytes), IAC, SE);
