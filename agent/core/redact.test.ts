import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { redact } from "./redact.ts";

describe("redact", () => {
  it.each([
    // Numbers that the networks publish for tests.
    { text: "read 4111111111111111 from the line", want: "read [redacted] from the line" },
    { text: "4111 1111 1111 1111", want: "[redacted]" },
    { text: "5555-5555-5555-4444", want: "[redacted]" },
    { text: "3782 822463 10005", want: "[redacted]" },
    { text: "6205.5000.0000.0000.004", want: "[redacted]" },
    { text: "3566\u00a00020\u00a02036\u00a00505", want: "[redacted]" },
    { text: "lane 12 4111 1111 1111 1111 ok", want: "lane [redacted] ok" },
    { text: ";4111111111111111=25121011000012300000?", want: ";[redacted]?" },
    { text: "4111111111111111251210110000123", want: "[redacted]" },
    { text: "OID 1.3.6.1.2.1.43.11.1.1.9.1.1", want: "OID 1.3.6.1.2.1.43.11.1.1.9.1.1" },
    { text: "4111111111111112", want: "4111111111111112" },
    { text: "0000000000000000", want: "0000000000000000" },
    { text: "41111111111111112222222222222", want: "[redacted]" },
    { text: "11111111111111111111111111111", want: "11111111111111111111111111111" },
    { text: "10.11.12.13:9100: ECONNREFUSED after 5000 ms", want: "10.11.12.13:9100: ECONNREFUSED after 5000 ms" },
    { text: "", want: "" },
  ])("$text", ({ text, want }) => {
    expect(redact(text)).toBe(want);
  });

  it("finds a card number wherever it stands, and leaves the rest alone", () => {
    const around = fc.string().filter((text) => !/[\d\u00a0 .=D-]/.test(text));
    fc.assert(
      fc.property(around, around, (before, after) => {
        expect(redact(`${before}4111111111111111${after}`)).toBe(`${before}[redacted]${after}`);
      }),
    );
  });
});
