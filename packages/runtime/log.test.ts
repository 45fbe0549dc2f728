import { ManualClock } from "@aislewatch/base";
import { describe, expect, it } from "vitest";
import { createLog, defineEvent } from "./index.ts";

const failed = defineEvent({
  name: "poll_failed",
  level: "warn",
  meaning: "A poll brought nothing",
  fields: { device: "string", tries: "number" },
  sameBy: ["device"],
});
const took = defineEvent({ name: "poll_took", level: "debug", meaning: "A poll is over", fields: { ms: "number" } });

function logInto(lines: string[], format: "json" | "text" = "json", clock = new ManualClock()) {
  return createLog({ program: "agent", level: "info", format, clock, write: (line) => lines.push(line) });
}

describe("createLog", () => {
  it("writes one JSON line with time, level, event and fields", () => {
    const lines: string[] = [];
    logInto(lines).emit(failed, { device: "lane-1", tries: 2 });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        level: "warn",
        time: "2023-11-14T22:13:20.000Z",
        program: "agent",
        device: "lane-1",
        tries: 2,
        event: "poll_failed",
      },
    ]);
  });

  it("writes short lines for people and quotes what a device could forge a line with", () => {
    const lines: string[] = [];
    logInto(lines, "text").emit(failed, { device: "lane-1\n22:00 error", tries: 2 });
    expect(lines).toEqual(['22:13:20 warn  poll_failed device="lane-1\\n22:00 error" tries=2\n']);
  });

  it("leaves out events below its level", () => {
    const lines: string[] = [];
    logInto(lines).emit(took, { ms: 3 });
    expect(lines).toEqual([]);
  });

  it("leaves out fields that the event does not declare, so that nothing slips in with a spread", () => {
    const lines: string[] = [];
    const smuggled = { device: "a", tries: 1, password: "hunter2" };
    logInto(lines).emit(failed, smuggled);
    expect(lines.join("")).not.toContain("hunter2");
  });

  it("counts repeats within a minute and says how many it left out", () => {
    const lines: string[] = [];
    const clock = new ManualClock();
    const log = logInto(lines, "json", clock);
    for (let second = 0; second < 60; second++) {
      log.emit(failed, { device: "a", tries: second });
      clock.advance(1_000);
    }
    log.emit(failed, { device: "b", tries: 0 });
    log.emit(failed, { device: "a", tries: 60 });
    expect(lines.map((line) => JSON.parse(line)).map(({ device, repeats }) => [device, repeats])).toEqual([
      ["a", undefined],
      ["b", undefined],
      ["a", 59],
    ]);
  });
});
