/** What the commands get: the flags of the command line, and the terminal that they talk to. */
export type Flags = {
  readonly config: string;
  /** Did somebody name the configuration, or is it the default? */
  readonly configNamed: boolean;
  readonly logFormat: "json" | "text";
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly json: boolean;
  readonly raw: boolean;
  readonly device: string | null;
  readonly serial: boolean;
  readonly usb: boolean;
  readonly spoolers: boolean;
  readonly ports: boolean;
  /** Of single commands, as they were written; each command reads its own. */
  readonly subnets: readonly string[];
  readonly written: Readonly<Partial<Record<WrittenOption, string>>>;
};

export const WRITTEN_OPTIONS = [
  "credentials",
  "profiles",
  "rate",
  "timeout",
  "port",
  "rows",
  "out",
  "from",
  "ask",
  "kind",
] as const;
export type WrittenOption = (typeof WRITTEN_OPTIONS)[number];

/** What a command may touch of the process; a test passes its own. */
export type Terminal = {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly outIsTerminal: boolean;
  readonly errorIsTerminal: boolean;
  /** Where this system's own files begin; / unless a test has a system of its own. */
  readonly systemRoot?: string;
  /** Calls `stop` at the next Ctrl-C, once; until the returned function is called. See Interrupts. */
  readonly onInterrupt?: (stop: () => void) => () => void;
};
