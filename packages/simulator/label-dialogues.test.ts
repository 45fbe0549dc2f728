import { ManualClock } from "@aislewatch/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Dialogue } from "./byte-device.ts";
import { dplDialogue } from "./dpl-device.ts";
import { eplDialogue } from "./epl-device.ts";
import { bringToLife } from "./live-device.ts";
import { acceptJob, labelPrinter } from "./models/label-printer.ts";
import { seededRandom } from "./random.ts";
import { sbplDialogue } from "./sbpl-device.ts";
import { tsplDialogue } from "./tspl-device.ts";

const identity = { name: "dock-1", model: "TTP-244", serial: "T-1", firmware: "V6.91", location: "Dock" };
/** No time passes, so no job comes by itself. */
const newPrinter = () => bringToLife(labelPrinter(identity), new ManualClock(), seededRandom(3));
const ask = (dialogue: Dialogue, text: string): readonly string[] => dialogue.take(Buffer.from(text, "latin1"));

const DIALOGUES = [
  {
    name: "TSPL",
    of: (device: ReturnType<typeof newPrinter>) => tsplDialogue({ device }),
    asks: ["\u001b!S", "\u001b!?"],
  },
  { name: "SBPL", of: (device: ReturnType<typeof newPrinter>) => sbplDialogue({ device }), asks: ["\u0005"] },
  {
    name: "DPL",
    of: (device: ReturnType<typeof newPrinter>) => dplDialogue({ device }),
    asks: ["\u0001A", "\u0001a", "\u0001E", "\u0001F"],
  },
  { name: "EPL", of: (device: ReturnType<typeof newPrinter>) => eplDialogue({ device }), asks: ["^ee\r\n", "^ee\n"] },
];

describe.each(DIALOGUES)("$name", ({ of, asks }) => {
  it("answers the same, however the bytes are cut and whatever is between", () => {
    const device = newPrinter();
    device.fault("paused");
    const piece = fc.oneof(fc.constantFrom(...asks), fc.constantFrom("SIZE 3,2\r\n", "N\r\nP1\r\n"));
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 5 })),
        (pieces, sizes) => {
          const text = pieces.join("");
          const cut = of(device)();
          const answers: string[] = [];
          for (let at = 0; at < text.length; ) {
            const size = sizes.next().value ?? 1;
            answers.push(...ask(cut, text.slice(at, at + size)));
            at += size;
          }
          expect(answers).toEqual(ask(of(device)(), text));
          expect(answers).toHaveLength(pieces.filter((one) => asks.includes(one)).length);
        },
      ),
    );
  });

  it("takes a megabyte of noise without growing, and answers after it", () => {
    const dialogue = of(newPrinter())();
    expect(ask(dialogue, "x!^".repeat(300_000))).toEqual([]);
    expect(ask(dialogue, asks[0] ?? "")).toHaveLength(1);
  });
});

describe("what they say", () => {
  it.each([
    {
      fault: null,
      tspl: "\u0002@@@@\u0003\r\n",
      old: "\u0000",
      letter: "A",
      dpl: "NNNNNNNN:NNNNNNNN:YNYNNNNN\r",
      epl: "00\r\n",
    },
    {
      fault: "media-out",
      tspl: "\u0002E@@A\u0003\r\n",
      old: "\u0004",
      letter: "c",
      dpl: "NYNNNNNN:NYNNNNNN:NNNNNNNN\r",
      epl: "07\r\n",
    },
    {
      fault: "head-open",
      tspl: "\u0002E@@`\u0003\r\n",
      old: "\u0001",
      letter: "b",
      dpl: "NNNNNNNN:NNNYNNNN:NNNNNNNN\r",
      epl: "11\r\n",
    },
    {
      fault: "cutter-jam",
      tspl: "\u0002E@H@\u0003\r\n",
      old: "\u0000",
      letter: "j",
      dpl: "NNNNNNNN:YNNNNNNN:NNNNNNNN\r",
      epl: "81\r\n",
    },
    {
      fault: "paused",
      tspl: "\u0002`@@@\u0003\r\n",
      old: "\u0010",
      letter: "4",
      dpl: "NNNNNYNN:NNNNNNNN:NNYNNNNN\r",
      epl: "92\r\n",
    },
  ])("with $fault", ({ fault, tspl, old, letter, dpl, epl }) => {
    const device = newPrinter();
    if (fault !== null) device.fault(fault);
    expect(ask(tsplDialogue({ device })(), "\u001b!S\u001b!?")).toEqual([tspl, old]);
    expect(ask(tsplDialogue({ device, isOld: true })(), "\u001b!S\u001b!?")).toEqual([old]);
    expect(ask(sbplDialogue({ device })(), "\u0005")).toEqual([`\u0002  ${letter}000000${"0".repeat(16)}\u0003`]);
    expect(ask(dplDialogue({ device })(), "\u0001a")).toEqual([dpl]);
    expect(ask(eplDialogue({ device })(), "^ee\r\n")).toEqual([epl]);
  });

  it("a SATO printer over LAN says first how many bytes follow", () => {
    const [said = ""] = ask(sbplDialogue({ device: newPrinter(), saysSize: true })(), "\u0005");
    expect(said.slice(0, 5)).toBe("\u0000\u0000\u0000\u001c\u0005");
    expect(said).toHaveLength(32);
  });

  it("counts the labels that remain while it can't print them", () => {
    const device = newPrinter();
    device.fault("media-out");
    device.update((state) => acceptJob(state, 12));
    const labels = Math.ceil(device.state().queue);
    expect(labels).toBeGreaterThanOrEqual(12);
    expect(ask(dplDialogue({ device })(), "\u0001E")).toEqual([`${String(labels).padStart(4, "0")}\r`]);
  });
});
