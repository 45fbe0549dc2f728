import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lastKnownOutbox, STATUS_FILE } from "./status-file.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "status-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lanes = { live: { first: 3, last: 9 }, history: { first: 1, last: 0 } };

describe("what the status file knows of the last outbox", () => {
  it.each([
    { name: "is its epoch and its numbers", text: { epoch: "e", lanes, inMemory: null }, is: { epoch: "e", lanes } },
    { name: "is nothing while that lay in memory", text: { epoch: "e", lanes, inMemory: { since: 1 } }, is: null },
    {
      name: "is only its epoch when an older agent wrote it",
      text: { epoch: "e", inMemory: null },
      is: { epoch: "e" },
    },
    { name: "is nothing where the epoch is none", text: { epoch: 7, lanes, inMemory: null }, is: null },
    { name: "is nothing where numbers are none", text: { epoch: "e", lanes: 5, inMemory: null }, is: null },
  ])("$name", ({ text, is }) => {
    writeFileSync(join(folder, STATUS_FILE), JSON.stringify({ outbox: text }));
    expect(lastKnownOutbox(folder)).toEqual(is);
  });

  it.each(["", "{", "null", "[]", '{"outbox":null}'])("is nothing in a file of %j", (text) => {
    writeFileSync(join(folder, STATUS_FILE), text);
    expect(lastKnownOutbox(folder)).toBeNull();
  });

  it("is nothing without a file", () => expect(lastKnownOutbox(folder)).toBeNull());
});
