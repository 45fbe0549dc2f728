import { err, ok, type Result } from "@aislewatch/base";
import { describe, expect, it } from "vitest";
import type { CommandRefusal, CommandRequest } from "./commands.ts";
import { createRemedies } from "./remedies.ts";
import type { CommandRecord } from "./store/state/store.ts";

const incident = (device: string | null) => ({
  id: "INC-000007",
  subject: { site: "berlin-01", device, component: null },
});

function world(answer: "issued" | "offline" = "issued") {
  const asked: CommandRequest[] = [];
  const notes: string[] = [];
  const issue = (request: CommandRequest): Result<CommandRecord, CommandRefusal> => {
    if (answer === "offline") return err({ code: "offline", message: "berlin-01/pc is not connected." });
    asked.push(request);
    return ok({ ...request, id: "c1", issuedAt: 0, deadlineAt: 1, state: "sent", answeredAt: null, detail: "" });
  };
  const remedies = createRemedies({
    issue,
    agentOf: (_, device) => (device === "lane-1" ? "pc" : null),
    note: (id, text) => notes.push(`${id} ${text}`),
  });
  return { asked, notes, remedies };
}

describe("tier 0", () => {
  it("asks the agent of the device, and notes what came of it", () => {
    const { asked, notes, remedies } = world();
    remedies.run(incident("lane-1"), "probe_now");
    expect(asked).toEqual([
      { site: "berlin-01", agent: "pc", device: "lane-1", kind: "probe_now", by: "system:INC-000007" },
    ]);
    remedies.answered({ by: "system:INC-000007", kind: "probe_now", state: "done", detail: "It answers." });
    remedies.answered({ by: "system:INC-000007", kind: "probe_now", state: "unanswered", detail: "" });
    expect(notes).toEqual([
      "INC-000007 Tier 0, probe now: it was done: It answers.",
      "INC-000007 Tier 0, probe now: no answer came.",
    ]);
  });

  it.each(["system", "user:ann", "user:system:INC-000007", "system:INC-000007 x"])(
    "leaves alone what %s asked",
    (by) => {
      const { notes, remedies } = world();
      remedies.answered({ by, kind: "probe_now", state: "done", detail: "" });
      expect(notes).toEqual([]);
    },
  );

  it("notes why it could not ask", () => {
    const offline = world("offline");
    offline.remedies.run(incident("lane-1"), "probe_now");
    expect(offline.notes).toEqual(["INC-000007 Tier 0, probe now: not asked. berlin-01/pc is not connected."]);
    for (const device of [null, "gone"]) {
      const { notes, remedies } = world();
      remedies.run(incident(device), "probe_now");
      expect(notes).toEqual(["INC-000007 Tier 0, probe now: there is no device to ask."]);
    }
  });

  it("bounds what an agent says", () => {
    const { notes, remedies } = world();
    remedies.answered({ by: "system:INC-000007", kind: "probe_now", state: "failed", detail: "x".repeat(4_000) });
    expect(notes[0]?.length).toBeLessThan(400);
  });
});
