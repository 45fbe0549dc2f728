/**
 * A bus that is only listened to. Its units are devices of their own and its port can be opened once, so devices with
 * the same line share one listener, which closes with the last of them.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { RegisterMap } from "@aislewatch/devices";
import { realClock } from "@aislewatch/runtime";
import { Listener } from "../../transport/listen.ts";
import type { PollContext, PollError } from "../driver.ts";
import { type LineConfig, lineKey, openStream } from "../line-config.ts";
import { type Heard, HeardRegisters, ModbusTap } from "./heard.ts";
import { WIDE_COUNT } from "./poll.ts";
import type { LineCounts, ModbusReply } from "./types.ts";

/** Frames are told apart by their CRCs; this only counts messages. */
const FRAME_GAP_MS = 4;

type Bus = {
  readonly listener: Listener;
  readonly tap: ModbusTap;
  readonly devices: Set<ModbusListener>;
};

const buses = new Map<string, Bus>();

function busOf(line: LineConfig): Bus {
  const known = buses.get(lineKey(line));
  if (known !== undefined) return known;
  const tap = new ModbusTap();
  const devices = new Set<ModbusListener>();
  const listener = new Listener({
    open: openStream(line),
    end: { by: "gap", gapMs: FRAME_GAP_MS },
    clock: realClock,
    random: Math.random,
    sink: (bytes, nowMs) => tell(devices, tap.take(bytes, nowMs), nowMs),
  });
  const bus: Bus = { listener, tap, devices };
  buses.set(lineKey(line), bus);
  return bus;
}

function tell(devices: Iterable<ModbusListener>, heard: readonly Heard[], nowMs: number): void {
  for (const device of devices) for (const one of heard) device.hear(one, nowMs);
}

export type ListenSettings = {
  readonly line: LineConfig;
  readonly unit: number;
  /** What was heard longer ago than this is not known any more. */
  readonly staleMs: number;
};

export class ModbusListener {
  readonly #settings: ListenSettings;
  readonly #registers: HeardRegisters;
  #bus: Bus | null = null;
  #counts: LineCounts = { checksumErrors: 0, timeouts: 0, refusals: 0 };
  #wideCountMs: number | null = null;

  constructor(map: RegisterMap, settings: ListenSettings) {
    this.#settings = settings;
    this.#registers = new HeardRegisters(
      Object.values(map.registers).flatMap(({ table, address, length }) =>
        Array.from({ length }, (_, i) => `${table}:${address + i}`),
      ),
    );
  }

  /** Waits only for the line to open the first time: what there is to know was heard before. */
  async poll({ signal }: PollContext): Promise<Result<ModbusReply, PollError>> {
    this.#bus ??= busOf(this.#settings.line);
    const { listener, tap, devices } = this.#bus;
    devices.add(this);
    await listener.start(signal);
    const nowMs = realClock.monotonic();
    tell(devices, tap.settle(nowMs), nowMs);
    const { failure } = listener.figures;
    if (failure !== null) return err(failure);
    const fromMs = nowMs - this.#settings.staleMs;
    if (this.#wideCountMs !== null && this.#wideCountMs >= fromMs) return err(WIDE_COUNT);
    const values = this.#registers.since(fromMs);
    if (Object.keys(values).length > 0) return ok({ kind: "heard", values, line: this.#counts });
    const { unit } = this.#settings;
    const hint = "is the unit number right, and does the PLC read the registers that the map names?";
    return err({ kind: "timeout", detail: `listening, and nothing was heard of unit ${unit}'s registers`, hint });
  }

  hear(heard: Heard, nowMs: number): void {
    // Whose bytes were damaged nobody knows: the line is everybody's.
    if (heard.kind === "damaged") this.#count("checksumErrors");
    else if (heard.unit !== this.#settings.unit) return;
    else if (heard.kind === "read") this.#registers.take(heard, nowMs);
    else if (heard.kind === "unanswered") this.#count("timeouts");
    else if (heard.kind === "refused") this.#count("refusals");
    else if (heard.kind === "wide_count") this.#wideCountMs = nowMs;
  }

  async close(): Promise<void> {
    const bus = this.#bus;
    this.#bus = null;
    if (bus === null || !bus.devices.delete(this) || bus.devices.size > 0) return;
    const key = lineKey(this.#settings.line);
    if (buses.get(key) === bus) buses.delete(key);
    await bus.listener.close();
  }

  #count(what: keyof LineCounts): void {
    this.#counts = { ...this.#counts, [what]: this.#counts[what] + 1 };
  }
}
