/** Command lines of the agent in this process, at a terminal that keeps what they say. */
import { runCommandLine } from "../../agent/cli/command-line.ts";
import type { Terminal } from "../../agent/cli/terminal.ts";

export type Ran = { readonly code: number; readonly out: string; readonly error: string };

/** `more` is what this terminal has beside nothing: a system of a test's own, somebody who presses Ctrl-C. */
export async function runAgent(args: readonly string[], more: Partial<Terminal> = {}): Promise<Ran> {
  const { terminal, said } = keepingTerminal(more);
  const code = await runCommandLine(args, terminal, "0.0.0");
  return { code, ...said() };
}

export function keepingTerminal(more: Partial<Terminal> = {}): {
  readonly terminal: Terminal;
  said(): Omit<Ran, "code">;
} {
  let out = "";
  let error = "";
  const terminal: Terminal = {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
    env: {},
    outIsTerminal: false,
    errorIsTerminal: false,
    ...more,
  };
  return { terminal, said: () => ({ out, error }) };
}
