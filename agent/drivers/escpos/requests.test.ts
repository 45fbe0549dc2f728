import { describe, expect, it } from "vitest";
import { requestsFor } from "./requests.ts";

const asked = (ask: "queued" | "both", printer: string | null): string[] =>
  requestsFor({ ask }).flatMap(({ name, onlyIf }) => (onlyIf?.({ printer }) === false ? [] : [name]));
const REAL_TIME = ["printer", "offlineCause", "errorCause", "paper", "printerAgain"];
const QUEUED = ["queuedPaper", "queuedDrawer"];

describe("what waits behind print data", () => {
  it.each([
    { name: "a printer that says that it is on-line", printer: "\u0012", asks: [...REAL_TIME, ...QUEUED] },
    {
      name: "one that is off-line: it would answer when it is back, to whoever listens then",
      printer: "\u001a",
      asks: REAL_TIME,
    },
    { name: "one that did not say", printer: null, asks: REAL_TIME },
    { name: "one whose answer is noise", printer: "\u00ff", asks: REAL_TIME },
  ])("is asked besides of $name: $asks", ({ printer, asks }) => expect(asked("both", printer)).toEqual(asks));

  it("is asked of a clone that answers nothing else, whatever it says", () =>
    expect(asked("queued", null)).toEqual(QUEUED));

  it("is asked again however often it was not answered: a printer that is busy answers later", () => {
    const keeps = requestsFor({ ask: "both" }).map(({ name, keepAsking }) => [name, keepAsking === true]);
    expect(keeps).toEqual([...REAL_TIME.map((name) => [name, false]), ...QUEUED.map((name) => [name, true])]);
  });
});

it.each(["real_time", "queued", "both"] as const)("asks nothing after a silence, when the file says %s", (ask) => {
  // One byte does not tell which question it answers.
  expect(requestsFor({ ask }).filter(({ anonymous }) => anonymous !== true)).toEqual([]);
});
