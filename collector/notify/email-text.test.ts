import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unlistedSite } from "../sites.ts";
import { anIncident } from "../store/state/contract-data.ts";
import { emailText, firstStepsOf } from "./email-text.ts";
import { incidentMessage, testMessage } from "./message.ts";

const RUNBOOKS = join(import.meta.dirname, "../../rules/runbooks");
const site = { ...unlistedSite("berlin-01"), name: "Berlin <Mitte>", timeZone: "Europe/Berlin" };
const runbook = readFileSync(join(RUNBOOKS, "label-printer/media-out.md"), "utf8");
const where = { site, kind: "label_printer", page: "https://noc.example.com", firstSteps: firstStepsOf(runbook) };
const incident = anIncident("INC-000001", {
  title: "Label media out",
  values: { media_out: true, head_celsius: 41.5 },
});

describe("an e-mail", () => {
  it("says what, where, since when in the site's time, why, and what to do first", () => {
    const message = incidentMessage({ id: "INC-000001/1", event: "opened", at: 0, to: ["noc"] }, incident, where);
    expect(emailText(message)).toMatchSnapshot();
  });

  it("of a storm lists all that it stands for", () => {
    const items = ["INC-000001", "INC-000002"].map((id) => ({
      ...{
        incident: id,
        title: "No answer",
        site: "berlin-01",
        priority: "P1",
        why: "nobody <acts>",
        notification: `${id}/2`,
        event: "escalated" as const,
      },
    }));
    const message = incidentMessage({ id: "storm/INC-000001/2", event: "storm", at: 0, items }, incident, where);
    expect(emailText(message).text).toContain("- P1 INC-000002 escalated: No answer (berlin-01): nobody <acts>");
    expect(emailText(message).html).toContain("nobody &lt;acts&gt;");
  });

  it("of a recovery does not say what to do first", () => {
    const message = incidentMessage({ id: "INC-000001/2", event: "recovered", at: 0 }, incident, where);
    expect(emailText(message).text).not.toContain("Do first");
  });

  it("says that it is a test", () => {
    expect(emailText(testMessage("test/1", 0, "user:ana")).text).toBe(
      "A test of this channel by user:ana: nothing is wrong.\n\n",
    );
  });
});

describe("the first steps of a runbook", () => {
  it.each([
    {
      name: "end with the next heading",
      text: "# X\n\n## Do first\n1. One\n2. Two\n\n## Send\n1. Three\n",
      steps: ["One", "Two"],
    },
    { name: "may be the last", text: "## Do first\n1. One\n", steps: ["One"] },
    { name: "may be missing", text: "# X\n1. One\n", steps: [] },
    { name: "are few", text: `## Do first\n${"1. One\n".repeat(40)}`, steps: Array(10).fill("One") },
  ])("$name", ({ text, steps }) => expect(firstStepsOf(text)).toEqual(steps));
});
