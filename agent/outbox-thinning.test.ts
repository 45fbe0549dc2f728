import { readdirSync } from "node:fs";
import { type Reading, rowsOf } from "@aislewatch/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StateChanges } from "./core/changes.ts";
import {
  AT,
  clock,
  closeAll,
  folder,
  freshFolder,
  inOwnFolder,
  messages,
  reading,
  start,
  startClock,
} from "./sample-outbox.ts";

inOwnFolder();

/** A sequence of states without the repeats. */
const turns = (states: readonly string[]): string[] => states.filter((state, n) => state !== states[n - 1]);

describe("an outbox that holds too much, or for too long", () => {
  it("drops the oldest telemetry when full, reports exactly what, and keeps state changes", () => {
    const outbox = start({ bytesMax: 20_000 });
    outbox.append([reading(0, 400)], { lane: "live", keep: true });
    for (let n = 1; n <= 60; n++) outbox.append([reading(n, 400)], { lane: "live", keep: false });
    const sent = messages(outbox, "live");
    expect(sent[0]).toMatchObject({ seq: 1, subjects: ["d0"] });
    const dropped = sent.flatMap((message) => message.dropped ?? []);
    expect(dropped).toHaveLength(1);
    const [{ fromSeq = 0, toSeq = 0, samples = 0, fromAt = 0, toAt = 0 } = {}] = dropped;
    expect([fromSeq, samples, fromAt, toAt]).toEqual([2, toSeq - 1, AT + 1, AT + toSeq - 1]);
    expect(sent.slice(2).map(({ seq }) => seq)).toEqual(Array.from({ length: 61 - toSeq }, (_, n) => toSeq + 1 + n));
    expect(outbox.figures.bytes).toBeLessThanOrEqual(20_000);
    expect(outbox.figures.droppedSamples).toBe(samples);
  });

  it("drops state changes as well before it grows", () => {
    const outbox = start({ bytesMax: 20_000 });
    for (let n = 1; n <= 60; n++) outbox.append([reading(n, 400)], { lane: "live", keep: true });
    expect(outbox.figures.bytes).toBeLessThanOrEqual(20_000);
    expect(messages(outbox, "live").at(-1)).toMatchObject({ seq: 60, subjects: ["d60"] });
  });

  it("tells of numbers that a batch lost first with the batch that it loses then", () => {
    const outbox = start({ bytesMax: 6_000 });
    for (let n = 1; n <= 40; n++) {
      const numbers = Object.fromEntries(Array.from({ length: 60 }, (_, k) => [`load_${k}m`, Math.sin(n * 61 + k)]));
      const metrics = { up: true, media_out: n % 2 === 0, ...numbers };
      outbox.append([{ device: "d", at: AT + n, samples: [{ component: null, metrics }] }], {
        lane: "live",
        keep: true,
      });
    }
    const waiting = messages(outbox, "live");
    const lost = waiting.flatMap(({ dropped = [] }) => dropped.map(({ samples }) => samples));
    const kept = waiting.flatMap((message) => [...rowsOf(message)].map(({ metrics }) => Object.keys(metrics).length));
    const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
    expect(waiting[0]?.dropped?.[0]?.toSeq).toBeGreaterThan(1);
    expect([sum(lost) + sum(kept), sum(lost)]).toEqual([40 * 62, outbox.droppedSamples]);
  });

  it("drops last what is on its way, and never changes what was already sent as dropped", () => {
    const outbox = start({ bytesMax: 20_000 });
    for (let n = 1; n <= 10; n++) outbox.append([reading(n, 400)], { lane: "live", keep: false });
    outbox.markInFlight({ live: 5, history: 0 });
    for (let n = 11; n <= 60; n++) outbox.append([reading(n, 400)], { lane: "live", keep: false });
    const first = messages(outbox, "live");
    expect(first.slice(0, 5).map(({ seq, dropped }) => [seq, dropped])).toEqual(
      [1, 2, 3, 4, 5].map((seq) => [seq, undefined]),
    );
    const told = first[5]?.dropped?.[0];
    expect(told?.fromSeq).toBe(6);
    outbox.markInFlight({ live: told?.toSeq ?? 0, history: 0 });
    for (let n = 61; n <= 100; n++) outbox.append([reading(n, 400)], { lane: "live", keep: false });
    const later = messages(outbox, "live").flatMap((message) => message.dropped ?? []);
    expect(later[0]).toEqual(told);
    expect(later[1]?.fromSeq).toBe((told?.toSeq ?? 0) + 1);
  });

  it("drops what is too old, counting the time that agents ran and not what the clock says", () => {
    const outbox = start({ ageMsMax: 3_600_000 });
    outbox.append([reading(1)], { lane: "live", keep: true });
    clock.jump(365 * 86_400_000);
    clock.advance(3_000_000);
    outbox.append([reading(2)], { lane: "live", keep: false });
    expect(messages(outbox, "live").every(({ dropped }) => dropped === undefined)).toBe(true);
    outbox.close();
    startClock();
    const again = start({ ageMsMax: 3_600_000 });
    clock.advance(1_800_000);
    again.append([reading(3)], { lane: "live", keep: false });
    expect(messages(again, "live").map(({ seq, dropped }) => [seq, dropped?.[0]?.reason])).toEqual([
      [1, "older than the outbox keeps"],
      [2, undefined],
      [3, undefined],
    ]);
  });

  it("loses no change of a state as long as there are numbers to give up, and tells how many of those", () => {
    const change = fc.record({ device: fc.nat(3), out: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { minLength: 60, maxLength: 120 }), (changes) => {
        freshFolder();
        const outbox = start({ bytesMax: 45_000 });
        const seen = new StateChanges();
        const given: string[][] = [[], [], [], []];
        changes.forEach(({ device, out }, n) => {
          const metrics = {
            up: true,
            media_out: out,
            ...Object.fromEntries(Array.from({ length: 60 }, (_, k) => [`load_${k}m`, Math.sin(n * 61 + k)])),
          };
          const one: Reading = { device: `d${device}`, at: AT + n, samples: [{ component: null, metrics }] };
          given[device]?.push(`${out}`);
          outbox.append([one], { lane: "live", keep: seen.see(one) });
        });
        const told: string[][] = [[], [], [], []];
        let [numbers, lost] = [0, 0];
        for (const message of messages(outbox, "live")) {
          for (const { samples } of message.dropped ?? []) lost += samples;
          for (const { subject, metrics } of rowsOf(message)) {
            numbers += Object.keys(metrics).length;
            told[Number(subject.slice(1))]?.push(`${metrics["media_out"]}`);
          }
        }
        expect(told.map(turns)).toEqual(given.map(turns));
        expect([numbers + lost, lost]).toEqual([changes.length * 62, outbox.figures.droppedSamples]);
        expect(outbox.figures.bytes).toBeLessThanOrEqual(45_000);
        closeAll();
      }),
      { numRuns: 15 },
    );
  });

  it("keeps its counters when the disk is full, and finds room by dropping the oldest", () => {
    const outbox = start({ fileBytesMax: 120_000 });
    let written = 0;
    let refused = outbox.append([reading(0, 400)], { lane: "live", keep: false });
    for (; refused.ok && written < 1_000; written++) {
      refused = outbox.append([reading(written + 1, 400)], { lane: "live", keep: false });
    }
    expect(refused).toMatchObject({ ok: false, error: { kind: "full" } });
    expect([outbox.lastSeq.live, outbox.figures.batches]).toEqual([written, written]);
    expect(readdirSync(folder)).toContain("outbox.reserve");
    expect(outbox.makeRoom()).toEqual({ ok: true, value: undefined });
    expect(readdirSync(folder)).not.toContain("outbox.reserve");
    expect(outbox.append([reading(1, 400)], { lane: "live", keep: false })).toMatchObject({ ok: true });
    expect(messages(outbox, "live")[0]?.dropped?.[0]).toMatchObject({ fromSeq: 1, reason: "the disk was full" });
  });
});
