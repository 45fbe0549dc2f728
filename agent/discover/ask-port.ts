/**
 * Asks one serial port what hangs on it, because somebody said so: the state questions of dialects at their usual line
 * settings, in the order of core/serial-proposal.ts, until one answers right. The drivers' own polls do it, so nothing is
 * sent that they could not send, and a port that another program has is left alone.
 */
import type { Answered } from "../core/serial-proposal.ts";
import type { AnyDriver } from "../drivers/driver.ts";
import type { Heard } from "../drivers/request.ts";

/** Of one dialect: opening, and its questions in full silence. */
const ASK_MS_MAX = 15_000;
const EXCHANGE_MS_MAX = 3_000;

export type Try = {
  readonly driver: string;
  readonly heard: readonly Heard[];
  /** Null: it answered right. */
  readonly failure: string | null;
};

export type AskEnd =
  | { readonly kind: "answered"; readonly answered: Answered }
  | { readonly kind: "nobody" }
  /** Something is there that asking would disturb, or the port can't be asked. */
  | { readonly kind: "stopped"; readonly why: string };

export type AskOptions = {
  readonly drivers: readonly AnyDriver[];
  /** Names, in their order. */
  readonly order: readonly string[];
  readonly signal: AbortSignal;
  readonly nowMs: number;
  readonly onTry: (tried: Try) => void;
};

export async function askPort(path: string, options: AskOptions): Promise<AskEnd> {
  for (const name of options.order) {
    if (options.signal.aborted) return { kind: "stopped", why: "stopped by hand" };
    const driver = options.drivers.find((one) => one.name === name);
    if (driver === undefined) continue;
    const first = await tryDriver(path, driver, options);
    const end = first === "foreign" ? await tryDriver(path, driver, options) : first;
    if (end !== "silent" && end !== "foreign") return end;
  }
  return { kind: "nobody" };
}

/** `silent`: go on with the next. `foreign`: what came is not this language, or stood behind the question before. */
async function tryDriver(
  path: string,
  driver: AnyDriver,
  { signal, nowMs, onTry }: AskOptions,
): Promise<AskEnd | "silent" | "foreign"> {
  const config: unknown = driver.config.parse({ line: { serial: path } });
  const kind = kindOf(driver.name);
  const poller = driver.open({ id: "asked", kind, config, secret: () => "" });
  const heard: Heard[] = [];
  try {
    const polled = await poller.poll({
      signal: AbortSignal.any([signal, AbortSignal.timeout(ASK_MS_MAX)]),
      timeoutMs: EXCHANGE_MS_MAX,
      nowMs,
      heard: (one) => void heard.push(one),
    });
    const parsed = polled.ok ? poller.parse(polled.value) : null;
    if (parsed?.ok) {
      onTry({ driver: driver.name, heard, failure: null });
      return { kind: "answered", answered: { driver: driver.name, kind, asset: parsed.value.asset ?? {} } };
    }
    const failure = polled.ok ? null : polled.error;
    onTry({ driver: driver.name, heard, failure: failure?.detail ?? "something else came than this language" });
    const isListening = heard.every(({ sent }) => sent === "");
    if (polled.ok && isListening) {
      const why = "it talks by itself, and not as a scale does: perhaps a scanner. Watch it with driver: tap";
      return { kind: "stopped", why };
    }
    if (failure !== null && failure.kind !== "timeout" && failure.kind !== "protocol") {
      const hint = failure.hint === undefined ? "" : `; ${failure.hint}`;
      return { kind: "stopped", why: `${failure.detail}${hint}` };
    }
    return polled.ok ? "foreign" : "silent";
  } finally {
    await poller.close();
  }
}

const RECEIPT_PRINTERS: ReadonlySet<string> = new Set(["escpos", "star"]);
const LABEL_PRINTERS: ReadonlySet<string> = new Set(["zpl", "tspl", "epl", "dpl", "sbpl"]);

function kindOf(driver: string): Answered["kind"] {
  if (RECEIPT_PRINTERS.has(driver)) return "receipt_printer";
  return LABEL_PRINTERS.has(driver) ? "label_printer" : "scale";
}
