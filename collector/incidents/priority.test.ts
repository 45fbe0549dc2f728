import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { assessPriority, type Capacity, type PriorityFacts } from "./priority.ts";

const of = (role: string, expected: number, failed: number, working = expected - failed): Capacity => ({
  role,
  expected,
  working,
  failed,
});

type Case = { name: string; facts: PriorityFacts; priority: string; why: string };
const receiving = "label_printer@receiving";
const cases: Case[] = [
  {
    name: "one lane of eight is P3",
    facts: { severity: "critical", capacity: of("lane", 8, 1), kind: "pos_terminal", open: true },
    priority: "P3",
    why: "lane: 7 of 8 work; critical; open for customers",
  },
  {
    name: "the last label printer at receiving is P1",
    facts: { severity: "critical", capacity: of(receiving, 1, 1), kind: "label_printer", open: true },
    priority: "P1",
    why: "label printer at receiving: 0 of 1 work; critical; open for customers",
  },
  {
    name: "half of the label printers is P2",
    facts: { severity: "major", capacity: of(receiving, 2, 1), kind: "label_printer", open: true },
    priority: "P2",
    why: "label printer at receiving: 1 of 2 work; major; open for customers",
  },
  {
    name: "more than half of the lanes is P1",
    facts: { severity: "major", capacity: of("lane", 8, 5), kind: "pos_terminal", open: true },
    priority: "P1",
    why: "lane: 3 of 8 work; major; open for customers",
  },
  {
    name: "media low takes nothing away",
    facts: { severity: "minor", capacity: of(receiving, 1, 0), kind: "label_printer", open: true },
    priority: "P4",
    why: "label printer at receiving: 1 of 1 work; minor; open for customers",
  },
  {
    name: "nothing is urgent at night but what is critical",
    facts: { severity: "critical", capacity: of(receiving, 1, 1), kind: "label_printer", open: false },
    priority: "P2",
    why: "label printer at receiving: 0 of 1 work; critical; closed now",
  },
  {
    name: "devices not heard from yet do not make one failure the last",
    facts: { severity: "critical", capacity: of("lane", 8, 1, 0), kind: "pos_terminal", open: true },
    priority: "P3",
    why: "lane: 0 of 8 work, 7 unknown; critical; open for customers",
  },
  {
    name: "one conveyor of ten stops the dock",
    facts: { severity: "critical", capacity: of("conveyor", 10, 1), kind: "conveyor", open: true },
    priority: "P1",
    why: "conveyor: 9 of 10 work; critical; open for customers",
  },
  {
    name: "a fault of a whole site goes by severity",
    facts: { severity: "major", capacity: null, kind: null, open: true },
    priority: "P2",
    why: "the whole site; major; open for customers",
  },
  {
    name: "information is P5",
    facts: { severity: "info", capacity: of("ups", 1, 0), kind: "ups", open: true },
    priority: "P5",
    why: "ups: 1 of 1 work; info; open for customers",
  },
];

describe("assessPriority", () => {
  it.each(cases)("$name", ({ facts, priority, why }) => expect(assessPriority(facts)).toEqual({ priority, why }));

  it.each(cases)("stands in docs/incidents.md: $name", ({ name, why, priority }) => {
    const docs = readFileSync(join(import.meta.dirname, "../../docs/incidents.md"), "utf8");
    expect(docs).toContain(`| ${name} | ${why} | ${priority} |`);
  });

  it("never gets less urgent as more of a role fails", () => {
    const ranks = Array.from({ length: 13 }, (_, failed) =>
      Number(
        assessPriority({
          severity: "major",
          capacity: of("lane", 12, failed),
          kind: "pos_terminal",
          open: true,
        }).priority.slice(1),
      ),
    );
    expect(ranks).toEqual([...ranks].sort((a, b) => b - a));
  });
});
