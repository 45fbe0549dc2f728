import { ManualClock } from "@aislewatch/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bringToLife } from "./live-device.ts";
import { step } from "./models/model.ts";
import { isAtZero, isMoving, type ScaleFault, scale, shownKilograms } from "./models/scale.ts";
import { seededRandom } from "./random.ts";
import { lifeOf } from "./sample-life.ts";
import { kernDialogue, nciDialogue, sicsDialogue, smaDialogue, toledoDialogue } from "./scale-device.ts";

const model = scale();
const FAULTS = Object.keys(model.faults) as ScaleFault[];

describe("a scale", () => {
  it("weighs what comes and goes, and stands at zero when everything is healed and gone", () => {
    fc.assert(
      fc.property(lifeOf(FAULTS, 60_000), fc.integer(), (events, seed) => {
        const random = seededRandom(seed);
        let state = model.start(random);
        for (const input of events) {
          state = step(model, state, input, random);
          expect(Math.abs(shownKilograms(state))).toBeLessThan(17);
        }
        for (const fault of FAULTS) state = step(model, state, { kind: "heal", fault }, random);
        // Nobody comes any more: goods are taken away, and the display comes to rest.
        for (let n = 0; n < 4; n++) state = step(model, state, { kind: "elapsed", ms: 5_000 }, () => 0.999);
        expect([isAtZero(state), isMoving(state)]).toEqual([true, false]);
      }),
    );
  });

  it("moves when goods are put on it, then shows their weight", () => {
    let state = step(
      model,
      model.start(() => 0.5),
      { kind: "elapsed", ms: 100 },
      () => 0,
    );
    expect([isMoving(state), isAtZero(state)]).toEqual([true, false]);
    state = step(model, state, { kind: "elapsed", ms: 2_000 }, () => 0.999);
    expect([isMoving(state), shownKilograms(state) > 0]).toEqual([false, true]);
  });
});

const clock = new ManualClock(0);
const device = bringToLife(model, clock, () => 0.999);
const latin = (text: string): Buffer => Buffer.from(text, "latin1");
const identity = { model: "ICS425", firmware: "1.02", serial: "B021" };

describe("the dialects of scales", () => {
  it.each([
    { name: "8217", dialogue: toledoDialogue({ device }), asked: "WX", said: ["\x0200.000\r", "\x02?P\r"] },
    {
      name: "MT-SICS",
      dialogue: sicsDialogue({ device, identity }),
      asked: "SI\r\nI4\r\nXX\r\n",
      said: ["S S      0.000 kg\r\n", 'I4 A "B021"\r\n', "ES\r\n"],
    },
    {
      name: "NCI",
      dialogue: nciDialogue({ device }),
      asked: "W\rS\rX\r",
      said: ["\n00.000KG\r\n2p0\r\x03", "\n2p0\r\x03", "\n?\r\x03"],
    },
    {
      name: "SMA",
      dialogue: smaDialogue({ device, maker: "AWTX", model: "ZM401", firmware: "1.02" }),
      asked: "\nW\r\nA\r\nB\r\nB\r\nB\r\nB\r\nA\r",
      said: [
        "\nZ1G       0.000kg \r",
        "\nSMA:2/1.0\r",
        "\nMFG:AWTX\r",
        "\nMOD:ZM401\r",
        "\nREV:1.02\r",
        "\n?\r",
        "\nSMA:2/1.0\r",
      ],
    },
  ])("$name answers in whatever pieces it is asked", ({ dialogue, asked, said }) => {
    const talk = dialogue();
    expect([...asked].flatMap((character) => talk.take(latin(character)))).toEqual(said);
    expect(dialogue().take(latin(asked))).toEqual(said);
  });

  it("KERN's scale talks by itself until the line is gone", () => {
    const heard: string[] = [];
    const end = kernDialogue({ device, clock })().begin?.((text) => heard.push(text));
    clock.advance(1_000);
    end?.();
    clock.advance(1_000);
    expect(heard).toEqual(["+0000.00 G S\r\n", "+0000.00 G S\r\n"]);
  });
});
