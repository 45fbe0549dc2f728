/** What the agent and its serial process (serial-child.mjs) say to each other over the channel between them. */

export type PortOptions = {
  readonly path: string;
  readonly baudRate: number;
  readonly parity: "none" | "even" | "odd";
  readonly dataBits: 7 | 8;
  readonly stopBits: 1 | 2;
  readonly rtscts: boolean;
  readonly xon: boolean;
  readonly xoff: boolean;
  /** False: DTR stays as it is on close, for some printers take its fall as "host is off-line". */
  readonly hupcl: false;
  readonly lock: true;
};

export type Order =
  | { readonly do: "open"; readonly id: number; readonly options: PortOptions }
  /** What came unasked is thrown away first. */
  | { readonly do: "write"; readonly id: number; readonly bytes: Uint8Array }
  /** So many bytes of this port were consumed: as many more may come. */
  | { readonly do: "took"; readonly id: number; readonly bytes: number }
  | { readonly do: "close"; readonly id: number }
  | { readonly do: "ping" };

export type Report =
  /** The port that the binding is called for now; null when it came back. */
  | { readonly say: "at"; readonly id: number | null }
  | { readonly say: "opened" | "closed"; readonly id: number }
  /** The data that was reported before this came unasked; the write follows. */
  | { readonly say: "flushed"; readonly id: number }
  | { readonly say: "failed"; readonly id: number; readonly detail: string }
  | { readonly say: "data"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly say: "pong" };
