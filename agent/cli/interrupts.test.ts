import { EventEmitter } from "node:events";
import { ManualClock } from "@aislewatch/base";
import { describe, expect, it } from "vitest";
import { Interrupts } from "./interrupts.ts";

function setUp() {
  const events = new EventEmitter();
  const clock = new ManualClock();
  const killed: string[] = [];
  const host = {
    pid: 7,
    on: (event: string, listener: () => void) => events.on(event, listener),
    off: (event: string, listener: () => void) => events.off(event, listener),
    kill: (pid: number, signal: string) => killed.push(`${pid} ${signal}`),
  };
  const stops: string[] = [];
  return { interrupts: new Interrupts(host, clock), events, clock, killed, stops };
}

describe("a command that is interrupted", () => {
  it.each(["SIGINT", "SIGTERM", "disconnect"])("by %s is asked to come to an end", (event) => {
    const { interrupts, events, killed, stops } = setUp();
    interrupts.on(() => stops.push("stop"));
    events.emit(event);
    expect([stops, killed]).toEqual([["stop"], []]);
  });

  it("is asked once by a signal that comes from the group and from the launcher", async () => {
    const { interrupts, events, clock, killed, stops } = setUp();
    interrupts.on(() => {
      stops.push("sweep");
      interrupts.on(() => stops.push("rest"));
    });
    for (let n = 0; n < 3; n++) {
      events.emit("SIGINT");
      await clock.advance(100);
    }
    expect([stops, killed]).toEqual([["sweep"], []]);
    await clock.advance(1_000);
    events.emit("SIGINT");
    expect([stops, killed]).toEqual([["sweep", "rest"], []]);
  });

  it("ends at once when nothing waits for it any more", async () => {
    const { interrupts, events, clock, killed, stops } = setUp();
    const release = interrupts.on(() => stops.push("stop"));
    release();
    await clock.advance(1_000);
    events.emit("SIGINT");
    expect([stops, killed]).toEqual([[], ["7 SIGINT"]]);
    expect(events.listenerCount("SIGINT"), "else our own listener would take the signal").toBe(0);
  });
});
