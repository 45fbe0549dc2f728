import type { Evidence } from "@aislewatch/devices";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NO_VERDICTS, stepVerdicts, VERDICT_LIMITS, type Verdicts } from "./verdicts.ts";

const POLL_MS = 10_000;

/** `by` of each poll: names that say so, after a `/` those that do not; "" denies it, "?" says nothing. */
const poll = (words: string, { metric = "media_out", component = null }: Partial<Evidence> = {}) => {
  const [by = [], against = []] = words.split("/").map((part) => part.split(" ").filter((name) => name !== ""));
  const stands = by.length > 0;
  return {
    samples: words === "?" ? [] : [{ component, metrics: { [metric]: stands } }],
    ...(stands && words !== "?" && { evidence: [{ component, metric, by, against }] }),
  };
};

function run(polls: readonly string[], about: Partial<Evidence> = {}): string[] {
  let verdicts: Verdicts = NO_VERDICTS;
  return polls.flatMap((words, n) => {
    const { next, events } = stepVerdicts(verdicts, poll(words, about), n * POLL_MS);
    verdicts = next;
    return events.map(({ component, code, detail }) => `${n} ${component ?? "-"} ${code} ${detail}`);
  });
}

describe("stepVerdicts", () => {
  it.each([
    { name: "is silent while all is well", polls: ["", "?", ""], want: [] },
    {
      name: "tells once who says so, and who does not",
      polls: ["", "bits alerts/trays", "bits alerts/trays"],
      want: ["1 - verdict media_out: said by bits, alerts; not by trays"],
    },
    {
      name: "tells when others say so",
      polls: ["bits", "bits alerts", "alerts/bits"],
      want: [
        "0 - verdict media_out: said by bits",
        "1 - verdict media_out: said by bits, alerts",
        "2 - verdict media_out: said by alerts; not by bits",
      ],
    },
    {
      name: "tells when nobody says so any more, which silence does not mean",
      polls: ["bits/trays", "?", "", ""],
      want: [
        "0 - verdict media_out: said by bits; not by trays",
        "2 - verdict_cleared media_out: said by nobody any more; it was bits",
      ],
    },
  ])("$name", ({ polls, want }) => expect(run(polls)).toEqual(want));

  it("quotes the row that spoke, and does not take new words of the same witness for news", () => {
    const quoted = (words: string) => ({
      ...poll("alerts"),
      evidence: [{ component: null, metric: "media_out", by: ["alerts"], against: [], quotes: { alerts: words } }],
    });
    const first = stepVerdicts(NO_VERDICTS, quoted("“Load tray 1”"), 0);
    expect(first.events[0]?.detail).toBe("media_out: said by alerts (“Load tray 1”)");
    expect(stepVerdicts(first.next, quoted("“Load tray 1, 12 s”"), POLL_MS).events).toEqual([]);
  });

  it("follows components apart, and only what is bad when it is true", () => {
    expect(run(["bits", ""], { component: "tray-1", metric: "tray_empty" })).toEqual([
      "0 tray-1 verdict tray_empty: said by bits",
      "1 tray-1 verdict_cleared tray_empty: said by nobody any more; it was bits",
    ]);
    expect(run(["bits"], { component: "outlet-1", metric: "outlet_on" })).toEqual([]);
    expect(run(["bits"], { metric: "a_metric_of_nobody" })).toEqual([]);
  });

  it("tells of what flaps no more often than it has tokens, and what is true in the end", () => {
    const anHour = 3_600_000 / POLL_MS;
    const told = run(Array.from({ length: anHour }, (_, n) => (n % 2 === 0 ? "bits" : "")));
    expect(told.length).toBeGreaterThanOrEqual(VERDICT_LIMITS.burst);
    expect(told.length).toBeLessThanOrEqual(VERDICT_LIMITS.burst + VERDICT_LIMITS.perHour);
    const settled = run([
      ...Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? "bits" : "")),
      ...Array(60).fill("alerts"),
    ]);
    expect(settled.at(-1)).toMatch(/verdict media_out: said by alerts$/);
  });

  it("tells sixteen at once, and then one every five minutes", () => {
    const metric = "tray_empty";
    const trays = Array.from({ length: 20 }, (_, n) => `tray-${n}`);
    const seen = {
      samples: [],
      evidence: trays.map((component) => ({ component, metric, by: ["bits"], against: [] })),
    };
    let verdicts: Verdicts = NO_VERDICTS;
    const toldAt = (nowMs: number): number => {
      const { next, events } = stepVerdicts(verdicts, seen, nowMs);
      verdicts = next;
      return events.length;
    };
    const minutes = [0, 1, 4.9, 5, 9.9, 10, 14, 15, 30, 60];
    expect(minutes.map((minute) => toldAt(minute * 60_000))).toEqual([16, 0, 0, 1, 0, 1, 0, 1, 1, 0]);
  });

  it("takes nothing from its tokens when a clock stands still or goes back", () => {
    const stuck = { ...NO_VERDICTS, tokens: 1, atMs: 3_600_000 };
    expect(stepVerdicts(stuck, poll("bits"), 0).events).toHaveLength(1);
  });

  it("follows a bounded number of verdicts", () => {
    let verdicts: Verdicts = NO_VERDICTS;
    for (let n = 0; n < 2 * VERDICT_LIMITS.verdictsMax; n++) {
      const seen = poll("bits", { component: `tray-${n}`, metric: "tray_empty" });
      verdicts = stepVerdicts(verdicts, seen, n * 3_600_000).next;
    }
    expect(verdicts.told.size).toBe(VERDICT_LIMITS.verdictsMax);
    expect(VERDICT_LIMITS.verdictsMax).toBe(256);
  });

  it("has told what holds, whatever came before, once there is a token for it", () => {
    const words = fc.constantFrom("", "?", "bits", "bits alerts", "alerts/bits");
    fc.assert(
      fc.property(fc.array(words, { maxLength: 60 }), fc.constantFrom("", "bits", "alerts/bits"), (before, last) => {
        const told = run([...before, ...Array(31).fill(last)]).at(-1);
        const stands = told !== undefined && !told.includes("verdict_cleared");
        return last === "" ? !stands : stands && told.endsWith(`said by ${last.replace("/", "; not by ")}`);
      }),
    );
  });
});
