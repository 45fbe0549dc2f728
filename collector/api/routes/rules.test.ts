import { describe, expect, it } from "vitest";
import { sampleClient } from "../sample-client.ts";
import { T0 } from "../sample-collector.ts";

const api = sampleClient();
const { get } = api;

describe("why a rule fires, or not", () => {
  const why = (query: string, rule = "media-out") => get(`/api/v1/rules/${rule}/explain?${query}`);
  const printer = "site=berlin-01&device=receiving/label-printer";

  it("is asked of the rules that look at a device", async () => {
    const ids = async (device: string) =>
      (await get(`/api/v1/rules?site=berlin-01&device=${device}`)).json().map(({ id }: { id: string }) => id);
    expect(await ids("receiving/label-printer")).toEqual(["media-out"]);
    expect(await ids("switch-1")).toEqual([]);
  });

  it("is said of now, with every part", async () => {
    const answer = await why(printer);
    expect(answer.json()).toMatchObject({
      rule: "media-out",
      at: T0,
      summary: "Does not fire: nobody knows whether media_out: never reported.",
      state: "inactive",
      conditions: [{ severity: "major", when: "media_out", holds: null, terms: [{ depth: 0, text: "media_out" }] }],
      replayedFrom: null,
    });
  });

  it("says that an edit is not in use, also to whoever asks for its new rule", async () => {
    const stuck = "An edit is refused, and the last good rules judge. rules/packs/ups.yaml:3:1 CFG_UNKNOWN_KEY";
    expect((await why(printer)).json().caveats).toEqual([stuck]);
    expect((await why(printer, "brand-new")).json().message).toBe(`There is no rule brand-new. ${stuck}`);
  });

  it("is said of a time that has passed, from what is stored", async () => {
    const answer = await why(`${printer}&at=${T0 - 60_000}`);
    expect(answer.json()).toMatchObject({ at: T0 - 60_000, replayedFrom: T0 - 60_000 - 1_800_000 });
    expect(api.collector.asked.map(({ series }) => `${series.device} ${series.metric}`)).toEqual([
      "receiving/label-printer up",
      "receiving/label-printer media_out",
      "switch-1 up",
    ]);
  });

  it.each([
    ["a rule that is not there", printer, "nonesuch", 404, "unknown_rule"],
    ["a device that is not there", "site=berlin-01&device=till", "media-out", 404, "unknown_subject"],
    ["a device that it does not select", "site=berlin-01&device=switch-1", "media-out", 404, "not_selected"],
    ["a time to come", `${printer}&at=${T0 + 60_000}`, "media-out", 422, "future"],
    ["no site", "", "media-out", 400, "invalid"],
  ])("is refused for %s", async (_, query, rule, status, error) => {
    const answer = await why(query, rule);
    expect([answer.statusCode, answer.json().error]).toEqual([status, error]);
  });
});
