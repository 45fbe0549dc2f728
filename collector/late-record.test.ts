import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { agentBody, batchBody, type KeptAgent, readAgent, readBatch } from "./late-record.ts";
import { batchOf, reading, T0 } from "./sample-site.ts";

function agentWith(last: Float64Array, times: Float64Array): KeptAgent {
  const subjects = [{ component: null, last, times, windows: [], spells: [] }];
  const devices = [{ id: "printer", kind: "label_printer", answeredAt: T0, isUnheard: false, subjects }];
  const lanes = [{ epoch: "e1", lane: "live" as const, had: 3, to: 5, reachedAt: T0 }];
  const flags = { isAway: false, isTorn: false, hasHistory: true, isRead: true, isClosed: false, isNeeded: true };
  const stretch = {
    ...{ id: 1, stream: { lanes }, untilAt: T0, toldAt: T0, isParked: false, ...flags },
    ...{ snapshot: { faults: [], devices }, truth: [], open: [], unheard: ["printer"] },
    told: [["s1|printer||out", [{ onset: T0, over: null }]]] satisfies KeptAgent["stretches"][number]["told"],
  };
  return { v: 2, nextId: 2, epoch: "e1", memory: null, stretches: [stretch] };
}

const number = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, 0, T0));

describe("what the late evaluator keeps over a restart", () => {
  it("comes back as it was, values to the last bit", () => {
    fc.assert(
      fc.property(fc.array(number, { maxLength: 20 }), (numbers) => {
        const kept = agentWith(
          Float64Array.from(numbers),
          Float64Array.from(numbers, () => T0),
        );
        expect(readAgent(agentBody(kept))).toEqual(kept);
      }),
    );
  });

  it("leaves out values that can't be those of one subject", () => {
    const kept = readAgent(agentBody(agentWith(new Float64Array(3), new Float64Array(2))));
    expect(kept?.stretches[0]?.snapshot.devices).toMatchObject([{ id: "printer", subjects: [] }]);
  });

  it.each(["", "nonsense", "null", "{}", '{"v":1,"base":null,"forks":[]}', '{"v":2,"stretches":[{}]}'])(
    "is nothing when it is %j",
    (body) => expect(readAgent(body)).toBeNull(),
  );

  it("has each batch that waits, with its stretch, and none that can't be read", () => {
    const message = batchOf(7, [reading("printer", T0, { up: true })], { lane: "history" });
    const batch = { site: "s1", agent: "pc", epoch: message.epoch, lane: message.lane, seq: 7, message, skewMs: 5 };
    const record = { site: "s1", agent: "pc", part: "3/e1/history/7", body: batchBody(batch) };
    expect(readBatch(record)).toEqual({ id: 3, batch });
    expect(readBatch({ ...record, body: '{"skewMs":0,"text":"{}"}' })).toBeNull();
    expect(readBatch({ ...record, body: "nonsense" })).toBeNull();
  });
});
