import { describe, expect, it } from "vitest";
import tap from "./index.ts";
import { METRICS, parse, type TapReply } from "./parse.ts";

const quiet: TapReply = { receivedBytes: 5, messages: 1, idleMs: 1_234.4, errors: null };

describe("tap", () => {
  it("tells counts and times, and of damaged characters where the line does", () => {
    const all = parse({ ...quiet, errors: { framing: 1, parity: 2, overruns: 3, breaks: 4 } });
    const metrics = all.ok ? (all.value.samples[0]?.metrics ?? {}) : {};
    expect(metrics).toEqual({
      line_idle_seconds: 1.234,
      line_received_bytes_total: 5,
      line_messages_total: 1,
      line_framing_errors_total: 1,
      line_parity_errors_total: 2,
      line_overruns_total: 3,
      line_breaks_total: 4,
    });
    expect(Object.keys(metrics).sort()).toEqual([...METRICS].sort());
    const some = parse(quiet);
    expect(some.ok && Object.keys(some.value.samples[0]?.metrics ?? {})).toHaveLength(3);
  });

  it("has nothing to send", () => expect(tap.requests).toBeUndefined());

  it("does not wait for those who ask on the same line, for it keeps the line open", () => {
    const config = tap.config.parse({ line: { tcp: "mirror:4001" }, terminator: "cr" });
    expect([tap.lineKey(config), tap.address(config)]).toEqual(["tap:tcp:mirror:4001", "tcp://mirror:4001"]);
  });
});
