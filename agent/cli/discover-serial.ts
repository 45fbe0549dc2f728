/** The half of `discover` that looks at serial ports, and asks one of them when somebody says so. */
import { realClock } from "@aislewatch/runtime";
import { harmless } from "../core/byte-text.ts";
import {
  type Answered,
  ASKED_KINDS,
  type AskedKind,
  askOrder,
  notAsked,
  type SerialPort,
} from "../core/serial-proposal.ts";
import { type AskEnd, askPort, type Try } from "../discover/ask-port.ts";
import { listSerialPorts, serialPortAt } from "../discover/serial-ports.ts";
import { loadDrivers } from "../drivers/index.ts";
import { serial } from "../drivers/line-config.ts";
import type { System } from "../transport/serial-access.ts";
import { counted, Stopper } from "./discover-network.ts";
import { exchangeTable } from "./exchanges.ts";
import type { Flags, Terminal } from "./terminal.ts";

export type SerialPlan = {
  /** List all ports? */
  readonly list: boolean;
  /** The port to ask. */
  readonly ask: string | null;
  /** What somebody says hangs there. */
  readonly kind: AskedKind | null;
};

export type SerialFound = {
  readonly ports: readonly SerialPort[];
  /** Of the port that was asked, by path; null: nobody answered. */
  readonly answered: ReadonlyMap<string, Answered | null>;
  /** All ports were looked at. */
  readonly whole: boolean;
  /** The port that was to be asked could not be, to the end. */
  readonly stopped: boolean;
};

/** Null after a complaint. */
export function serialPlanOf({ serial: list, written }: Flags, terminal: Terminal): SerialPlan | null {
  const { ask = null, kind } = written;
  if (kind === undefined) return { list, ask, kind: null };
  const known = ASKED_KINDS.find((one) => one === kind);
  if (known !== undefined && ask !== null) return { list, ask, kind: known };
  terminal.error(
    known === undefined
      ? `--kind: expected one of: ${ASKED_KINDS.join(", ")}; received "${kind}"\n`
      : "--kind goes with --ask: it says what hangs on that port\n",
  );
  return null;
}

/** This system as it is seen by the agent; a test has a folder of its own. */
export const systemOf = ({ systemRoot = "/" }: Terminal): System => ({
  root: systemRoot,
  ownPids: new Set([process.pid, serial.pid() ?? process.pid]),
});

/** Null after a complaint: the port to ask is not there, or must not be asked. */
export async function searchPorts(plan: SerialPlan, terminal: Terminal): Promise<SerialFound | null> {
  const system = systemOf(terminal);
  const listed = plan.list ? await listSerialPorts(system) : null;
  if (listed?.ok === false) terminal.error(`${listed.error}\n`);
  const ports = listed?.ok ? listed.value : [];
  const whole = listed?.ok === true;
  if (plan.list && listed?.ok) terminal.error(`${counted(ports.length, "serial port")}\n`);
  if (plan.ask === null) return { ports, answered: new Map(), whole, stopped: false };
  const port = await serialPortAt(plan.ask, system);
  if (!port.ok) {
    terminal.error(`--ask: ${port.error}\n`);
    return null;
  }
  const refusal = notAsked(port.value);
  if (refusal !== null) {
    terminal.error(`--ask: ${plan.ask} is not asked: ${refusal}\n`);
    return null;
  }
  const end = await ask(port.value, plan, terminal);
  // Of one name in the list, and as it was written on the command line: the same port once.
  const listedPort = ports.find(({ tty }) => tty === port.value.tty);
  const asked = listedPort ?? port.value;
  const answered = new Map(end.kind === "stopped" ? [] : [[asked.path, end.kind === "answered" ? end.answered : null]]);
  return {
    ports: listedPort === undefined ? [...ports, asked] : ports,
    answered,
    whole,
    stopped: end.kind === "stopped",
  };
}

async function ask(port: SerialPort, { kind }: SerialPlan, terminal: Terminal): Promise<AskEnd> {
  const order = askOrder(port, kind);
  const stopper = new Stopper(terminal);
  const onTry = ({ driver, heard, failure }: Try): void => {
    const table = exchangeTable(heard).replace(/^(?=.)/gm, "  ");
    terminal.error(`${driver}: ${failure === null ? "answered" : harmless(failure)}\n${table}`);
  };
  const end = await askPort(port.path, {
    drivers: await loadDrivers(),
    order,
    signal: stopper.signal,
    nowMs: realClock.now(),
    onTry,
  });
  stopper.release();
  terminal.error(`${conclusion(port.path, end, kind)}\n`);
  return end;
}

function conclusion(path: string, end: AskEnd, kind: AskedKind | null): string {
  switch (end.kind) {
    case "answered":
      return `${path}: driver ${end.answered.driver}`;
    case "stopped":
      return `${path} was not asked to the end: ${harmless(end.why)}`;
    case "nobody": {
      const more = kind === null ? "; what speaks in letters is asked with --kind label_printer or --kind scale" : "";
      return `${path}: nobody answered${more}. Other baud rates and parities are not tried: write the device's own into agent.yaml`;
    }
  }
}
