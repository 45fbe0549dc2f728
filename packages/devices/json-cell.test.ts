import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonAt, jsonMembers } from "./json-cell.ts";
import { octetsValue } from "./snmp-reply.ts";

const cell = (text: string) => octetsValue(new TextEncoder().encode(text));

describe("a value in JSON text", () => {
  it.each([
    { name: "a number", json: '{"data":{"offset":0.5}}', path: "data.offset", want: { type: "float", value: 0.5 } },
    { name: "a whole number", json: '{"a":3}', path: "a", want: { type: "integer", value: 3 } },
    { name: "a number that is a text", json: '{"a":"34"}', path: "a", want: { type: "text", value: "34" } },
    { name: "a truth", json: '{"a":true}', path: "a", want: { type: "text", value: "true" } },
    { name: "an entry of a list", json: '{"a":[{"b":1},{"b":2}]}', path: "a.1.b", want: { type: "integer", value: 2 } },
    { name: "a text with a line break after it", json: '{"a":1}\n', path: "a", want: { type: "integer", value: 1 } },
    { name: "what is not there", json: '{"a":1}', path: "b", want: undefined },
    { name: "null", json: '{"a":null}', path: "a", want: undefined },
    { name: "what every object has", json: "{}", path: "constructor.name", want: undefined },
    { name: "a place in a text", json: '{"a":"abc"}', path: "a.length", want: undefined },
    { name: "a complaint of the script", json: "Traceback (most recent call last)", path: "a", want: undefined },
    { name: "JSON that was cut", json: '{"a":1,"b', path: "a", want: undefined },
    { name: "a nest without end", json: "[".repeat(60_000), path: "0", want: undefined },
    { name: "more than an answer holds", json: `{"a":1}${" ".repeat(70_000)}`, path: "a", want: undefined },
  ])("is $name", ({ json, path, want }) => {
    expect(jsonAt(cell(json), path)).toEqual(want);
  });

  it("has members that are read on, a bounded number of them", () => {
    const disks = cell('{"disks":{"sda":{"ok":1},"sdb":{"ok":0},"sdc":null}}');
    const members = jsonMembers(disks, "disks", 8);
    expect(members.map(([key, member]) => [key, jsonAt(member, "ok")?.value])).toEqual([
      ["sda", 1],
      ["sdb", 0],
    ]);
    expect(jsonMembers(disks, "disks", 1)).toHaveLength(1);
    expect(jsonMembers(disks, "disks.sda.ok", 8)).toEqual([]);
  });

  it("is found or not found in whatever is said", () => {
    const text = fc.oneof(fc.string(), fc.json());
    fc.assert(
      fc.property(text, fc.string(), (json, path) => {
        jsonAt(cell(json), path);
        jsonMembers(cell(json), path, 4);
      }),
    );
  });

  it("of numbers that are none is none of any type", () => {
    expect(jsonAt({ type: "integer", value: 5 }, "a")).toBeUndefined();
  });
});
