/** A scale's part of the talk in each of the dialects that counters and checkouts have. */
import type { Clock } from "@aislewatch/base";
import type { Dialogue } from "./byte-device.ts";
import type { LiveDevice } from "./live-device.ts";
import {
  isAtZero,
  isMemoryBad,
  isMoving,
  isOverCapacity,
  isUncalibrated,
  isUnderZero,
  isWithoutZero,
  type ScaleState,
  shownKilograms,
} from "./models/scale.ts";

export type Scale = { readonly device: LiveDevice<ScaleState> };

const STX = "\u0002";
const ETX = "\u0003";
/** The longest command that any of these dialects has. */
const COMMAND_CHARS_MAX = 16;

const bits = (...set: readonly (readonly [bit: number, on: boolean])[]): number =>
  set.reduce((sum, [bit, on]) => (on ? sum | (1 << bit) : sum), 0);
const shown = (state: ScaleState, digits: number): string => shownKilograms(state).toFixed(3).padStart(digits, "0");

/** A dialogue that answers each whole command; bytes may come in any pieces. */
function onCommands(ends: string, answer: (command: string) => string): Dialogue {
  let tail = "";
  return {
    take(bytes) {
      const commands = (tail + Buffer.from(bytes).toString("latin1")).split(ends);
      tail = (commands.pop() ?? "").slice(-COMMAND_CHARS_MAX);
      return commands.map(answer);
    },
  };
}

/** Toledo 8217: one letter is a command (Mettler Toledo DIVA service manual, pages 39 and 45). */
export const toledoDialogue =
  ({ device }: Scale) =>
  (): Dialogue => ({
    take: (bytes) =>
      [...bytes].map((byte) => (byte === 0x57 ? toledoWeight(device.state()) : toledoStatus(device.state()))),
  });

function toledoWeight(state: ScaleState): string {
  const none = isMoving(state) || isUnderZero(state) || isOverCapacity(state) || isWithoutZero(state);
  return none ? toledoStatus(state) : `${STX}${shown(state, 6)}\r`;
}

function toledoStatus(state: ScaleState): string {
  const status = bits(
    [0, isMoving(state)],
    [1, isOverCapacity(state)],
    [2, isUnderZero(state)],
    [3, isWithoutZero(state) || Math.abs(shownKilograms(state)) > 0.3],
    [4, isAtZero(state)],
    [6, true],
  );
  return `${STX}?${String.fromCharCode(status)}\r`;
}

export type SicsIdentity = { readonly model: string; readonly firmware: string; readonly serial: string };

/** MT-SICS level 0. */
export const sicsDialogue =
  ({ device, identity }: Scale & { readonly identity: SicsIdentity }) =>
  (): Dialogue =>
    onCommands("\r\n", (command) => {
      const about: Readonly<Record<string, string>> = {
        I2: identity.model,
        I3: identity.firmware,
        I4: identity.serial,
      };
      if (command === "SI") return `${sicsWeight(device.state())}\r\n`;
      const text = Object.hasOwn(about, command) ? about[command] : undefined;
      return text === undefined ? "ES\r\n" : `${command} A "${text}"\r\n`;
    });

function sicsWeight(state: ScaleState): string {
  if (isMemoryBad(state)) return "S S Error 10b";
  if (isUncalibrated(state)) return "S S Error 15b";
  if (isWithoutZero(state)) return "S I";
  if (isOverCapacity(state)) return "S +";
  if (isUnderZero(state)) return "S -";
  return `S ${isMoving(state) ? "D" : "S"} ${shown(state, 5).padStart(10)} kg`;
}

/** NCI, with three bytes of status (NCI 6702 manual, page 14). */
export const nciDialogue =
  ({ device }: Scale) =>
  (): Dialogue =>
    onCommands("\r", (command) => {
      const state = device.state();
      const weight = isOverCapacity(state) ? "^^^^^^" : shown(state, 6);
      if (command === "W") return `\n${weight}KG\r\n${nciStatus(state)}\r${ETX}`;
      return `\n${command === "S" ? nciStatus(state) : "?"}\r${ETX}`;
    });

const nciStatus = (state: ScaleState): string =>
  String.fromCharCode(
    0x30 | bits([0, isMoving(state)], [1, isAtZero(state)], [3, isMemoryBad(state)]),
    0x70 | bits([0, isUnderZero(state)], [1, isOverCapacity(state)], [3, isUncalibrated(state)]),
    0x30 | bits([3, isWithoutZero(state)]),
  );

/** SMA SCP-0499. */
export const smaDialogue =
  ({
    device,
    maker,
    model,
    firmware,
  }: Scale & { readonly maker: string; readonly model: string; readonly firmware: string }) =>
  (): Dialogue => {
    const about = ["SMA:2/1.0", `MFG:${maker}`, `MOD:${model}`, `REV:${firmware}`];
    let next = 0;
    return onCommands("\r", (command) => {
      if (command === "\nW") return smaWeight(device.state());
      if (command === "\nA") next = 0;
      const line = command === "\nA" || command === "\nB" ? about[next] : undefined;
      next += 1;
      return `\n${line ?? "?"}\r`;
    });
  };

function smaWeight(state: ScaleState): string {
  const status = isWithoutZero(state)
    ? "I"
    : isOverCapacity(state)
      ? "O"
      : isUnderZero(state)
        ? "U"
        : isAtZero(state)
          ? "Z"
          : " ";
  const weight = isWithoutZero(state) ? "-".repeat(10) : shown(state, 5).padStart(10);
  return `\n${status}1G${isMoving(state) ? "M" : " "} ${weight}kg \r`;
}

/** KERN's continuous output: nobody asks, and what is sent to it is ignored. */
export const kernDialogue =
  ({ device, clock, everyMs = 500 }: Scale & { readonly clock: Clock; readonly everyMs?: number }) =>
  (): Dialogue => ({
    take: () => [],
    begin(say) {
      let cancel = (): void => {};
      const tell = (): void => {
        const state = device.state();
        const grams = Math.round(shownKilograms(state) * 1000);
        const sign = grams < 0 ? "-" : "+";
        const flag = isOverCapacity(state) || isMemoryBad(state) ? "E" : isMoving(state) ? "U" : "S";
        say(`${sign}${Math.abs(grams).toFixed(2).padStart(7, "0")} G ${flag}\r\n`);
        cancel = clock.after(everyMs, tell);
      };
      cancel = clock.after(everyMs, tell);
      return () => cancel();
    },
  });
