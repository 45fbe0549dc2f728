/**
 * For the stores' contract tests: a process that writes until it is killed without warning. It prints the number of
 * each write after the store said that it is on disk; the test kills it and looks for all that was printed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Runs the writer, kills it with SIGKILL once it printed `writesMin` numbers, and gives all that it printed. */
export async function killWhileWriting(args: readonly string[], writesMin: number): Promise<number[]> {
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const gone = once(child, "exit");
  const printed: number[] = [];
  if (child.stdout === null) throw new Error("the writer has no output");
  for await (const line of createInterface({ input: child.stdout })) {
    printed.push(Number(line));
    if (printed.length === writesMin) child.kill("SIGKILL");
  }
  const [code, signal] = await gone;
  if (signal !== "SIGKILL") throw new Error(`the writer ended by itself: ${String(code)}`);
  return printed;
}
