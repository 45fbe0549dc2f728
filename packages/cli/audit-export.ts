/** What an auditor takes away, and how anybody can see that nothing of it was changed since. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { type ChainFault, checkHashChain } from "@aislewatch/runtime";
import { ApiError, type Connection } from "./client.ts";
import { EXIT, type ExitCode, print } from "./command.ts";

/** Silence of a collector that is still reading. */
const SILENCE_MS_MAX = 60_000;

/** Into the file, or to standard output; a file that is not whole ends without its manifest, and says so when verified. */
export async function exportAudit(
  { url, token }: Connection,
  range: { readonly from: number; readonly to: number },
  out: string | undefined,
): Promise<ExitCode> {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), SILENCE_MS_MAX);
  const response = await fetch(`${url}/api/v1/audit/export?from=${range.from}&to=${range.to}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: silent.signal,
  });
  if (!response.ok || response.body === null) {
    clearTimeout(timer);
    throw new ApiError(`HTTP ${response.status}: ${(await response.text()).slice(0, 300)}`);
  }
  const file = out === undefined ? null : await open(out, "wx", 0o600);
  try {
    for await (const chunk of response.body) {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE_MS_MAX);
      if (file === null) process.stdout.write(chunk);
      else await file.write(chunk);
    }
  } finally {
    clearTimeout(timer);
    await file?.close();
  }
  return out === undefined ? EXIT.ok : verifyAudit(out);
}

export async function verifyAudit(path: string): Promise<ExitCode> {
  const check = checkHashChain();
  let fault: ChainFault | null = null;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    fault = check.take(line);
    if (fault !== null) break;
  }
  fault ??= check.end();
  if (fault !== null) {
    print(`${path}: broken. Line ${fault.line} ${fault.why}.\n`);
    return EXIT.failed;
  }
  const { from, to, counts } = check.manifest ?? {};
  print(
    `${path}: whole. ${check.count} lines from ${dayOf(from)} to ${dayOf(to)} ${JSON.stringify(counts)}\n` +
      `sha256 ${check.hash}; the collector's audit log has it, too: aislewatch audit log\n`,
  );
  return EXIT.ok;
}

const dayOf = (ms: unknown): string => (typeof ms === "number" ? new Date(ms).toISOString() : "?");
