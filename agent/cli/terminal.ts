/** What the commands get: the flags of the command line, and the terminal that they talk to. */
export type Flags = {
  readonly config: string;
  readonly logFormat: "json" | "text";
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly json: boolean;
  readonly raw: boolean;
  readonly device: string | null;
};

/** What a command may touch of the process; a test passes its own. */
export type Terminal = {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly outIsTerminal: boolean;
  readonly errorIsTerminal: boolean;
};
