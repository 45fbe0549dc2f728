import { expect, it } from "vitest";
import { type Finding, findingsExit, findingsJson, findingsText } from "./index.ts";

const OK: Finding = { group: "host", level: "ok", what: "Node 24.1.0" };
const WARN: Finding = { group: "disk", level: "warn", what: "500 MiB free", todo: "make room" };
const FAIL: Finding = { group: "host", level: "fail", what: "one\ntwo", todo: "three\nfour" };

it.each([
  { name: "0 when all is well", found: [OK], exit: 0 },
  { name: "1 when something is worth a look", found: [OK, WARN, OK], exit: 1 },
  { name: "2 when something does not work", found: [FAIL, WARN], exit: 2 },
])("ends with $name", ({ found, exit }) => {
  expect(findingsExit(found)).toBe(exit);
  expect(JSON.parse(findingsJson(found))).toEqual({ exit, findings: found });
});

it("stands in groups, with what to do below each", () => {
  expect(findingsText([OK, WARN, FAIL])).toBe(`host
  ok    Node 24.1.0
  fail  one
        two
        → three
        four

disk
  warn  500 MiB free
        → make room

1 ok, 1 to look at, 1 wrong
`);
});
