import { decodeTelemetry } from "@aislewatch/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packReadings, wireText } from "./batch.ts";
import { cleanAsset, isComponent, makeReading, type PollResult } from "./reading.ts";

const AT = 1_700_000_000_000;
const poll = { device: "lane-1/printer", atMs: AT, tookMs: 12.4 };
const answer = (over: Partial<Extract<PollResult, { ok: true }>> = {}): PollResult => ({
  ok: true,
  samples: [],
  events: [],
  ...over,
});

describe("makeReading", () => {
  it("adds up and the poll's duration to the device's own samples", () => {
    const samples = [
      { component: "tray-1", metrics: { tray_empty: true } },
      { component: null, metrics: { media_out: false } },
    ];
    expect(makeReading(poll, answer({ samples }))).toEqual({
      refused: 0,
      reading: {
        device: "lane-1/printer",
        at: AT,
        samples: [
          { component: null, metrics: { up: true, poll_duration_seconds: 0.012, media_out: false } },
          { component: "tray-1", metrics: { tray_empty: true } },
        ],
      },
    });
  });

  it.each([
    { kind: "timeout", metrics: { up: false, poll_duration_seconds: 0.012 } },
    { kind: "protocol", metrics: { up: false, poll_duration_seconds: 0.012 } },
    // Another program has the line: nobody knows how the device is.
    { kind: "busy", metrics: { poll_duration_seconds: 0.012 } },
  ] as const)("makes of a failure of kind $kind a reading that says so", ({ kind, metrics }) => {
    const events = [{ component: null, code: "on_battery", detail: "a trap" }];
    const { reading } = makeReading(poll, { ok: false, kind, detail: "read 4111 1111 1111 1111", events });
    expect(reading).toEqual({
      events,
      device: "lane-1/printer",
      at: AT,
      samples: [{ component: null, metrics }],
      failure: { kind, detail: "read [PAN:luhn:len16]" },
    });
  });

  it("leaves out what no receiver would take, and counts it", () => {
    const samples = [
      { component: "Tray 1", metrics: { tray_empty: true, jammed: false } },
      { component: null, metrics: { media_out: Number.NaN, Bad: 1, paused: true } },
    ];
    const events = [
      { component: null, code: "jam", detail: "x".repeat(600) },
      { component: "NO", code: "jam", detail: "" },
      { component: "tray-1", code: "Jam!", detail: "" },
    ];
    const { reading, refused } = makeReading(poll, answer({ samples, events }));
    expect(refused).toBe(6);
    expect(Object.keys(reading.samples[0]?.metrics ?? {})).toEqual(["up", "poll_duration_seconds", "paused"]);
    expect(reading.events).toEqual([{ component: null, code: "jam", detail: "x".repeat(512) }]);
  });

  it("stands a clock that was never set", () => {
    expect(makeReading({ ...poll, atMs: 5_000 }, answer()).reading.at).toBe(1_000_000_000_000);
  });

  it("makes only readings that the contract takes, whatever a driver returns", () => {
    const value = fc.oneof(fc.double(), fc.boolean());
    const component = fc.option(fc.oneof(fc.string(), fc.constantFrom("tray-1", "tray-2")));
    const name = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("up", "media_out", "__proto__"));
    const samples = fc.array(fc.record({ component, metrics: fc.dictionary(name, value) }));
    const events = fc.array(
      fc.record({ component, code: name, detail: fc.string({ unit: "binary", maxLength: 700 }) }),
    );
    fc.assert(
      fc.property(samples, events, fc.double({ noNaN: true }), (someSamples, someEvents, atMs) => {
        const { reading } = makeReading({ ...poll, atMs }, answer({ samples: someSamples, events: someEvents }));
        for (const body of packReadings([reading])) {
          const text = wireText({ epoch: "e", lane: "live", seq: 1, sentAt: AT }, body.text);
          expect(decodeTelemetry(Buffer.from(text))).toMatchObject({ ok: true });
        }
      }),
    );
  });
});

describe("isComponent", () => {
  it.each([
    { name: "port-7", is: true },
    { name: "disk-50014ee2b1234567", is: true },
    { name: "Port 7", is: false },
    { name: "4111111111111111", is: false },
    { name: "port-4111-1111-1111-1111", is: false },
  ])("takes $name for a part: $is", ({ name, is }) => expect(isComponent(name)).toBe(is));
});

describe("cleanAsset", () => {
  it("keeps what is said and leaves out what is blank", () => {
    const asset = { vendor: " Zebra ", model: "ZT410", serial: "356938035643809", firmware: " " };
    expect(cleanAsset(asset)).toEqual({ vendor: "Zebra", model: "ZT410", serial: "356938035643809" });
    expect(cleanAsset({ serial: " " })).toEqual({});
  });

  it("keeps a serial number of digits, unless an issuer has given it to a card", () => {
    const serials = ["356938035643809", "0123456789012345678", "4111111111111111"];
    expect(serials.map((serial) => cleanAsset({ serial }))).toEqual([
      { serial: "356938035643809" },
      { serial: "0123456789012345678" },
      { serial: "[PAN:luhn:len16]" },
    ]);
  });
});
