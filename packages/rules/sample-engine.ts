/**
 * A site for tests of the engine: rules from a few lines, devices, and a script whose transitions come back as lines.
 */
import type { InventoryDevice, Reading, Telemetry, Value } from "@aislewatch/contract";
import { encodeTelemetry } from "@aislewatch/contract";
import type { Kind } from "@aislewatch/devices";
import { createEngine } from "./engine.ts";
import { compileRules } from "./file.ts";
import type { FaultFlags, Refill, RuleSet, Transition } from "./types.ts";

export const START = 1_700_006_400_000;
export const SITE = "store-1";
export const AGENT = "back-office";

export function rulesOf(yaml: string): RuleSet {
  const compiled = compileRules([{ file: "test.yaml", text: yaml }]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  return compiled.rules;
}

/** A rule file of one group over all kinds, from the lines of its rules. */
export function group(...rules: readonly string[]): RuleSet {
  const items = rules.map((rule) => `  - { title: t, category: hardware, ${rule} }`);
  return rulesOf(`group: test\nrules:\n${items.join("\n")}\n`);
}

export function device(id: string, kind: Kind, more: Partial<InventoryDevice> = {}): InventoryDevice {
  return {
    id,
    kind,
    driver: "test",
    labels: {},
    dependsOn: [],
    intervalMs: 10_000,
    asset: {},
    components: [],
    metrics: [],
    ...more,
  };
}

let seq = 0;
export function message(readings: readonly Reading[], sentAt = START): Telemetry {
  seq++;
  return encodeTelemetry({ epoch: "e", lane: "live", seq, sentAt }, readings);
}

export const reading = (
  id: string,
  at: number,
  metrics: Readonly<Record<string, Value>>,
  component: string | null = null,
) => ({
  device: id,
  at: START + at,
  samples: [{ component, metrics }],
});

/** `12.5s printer media-out inactive>firing major`, and the flags when there are any. */
export function line({ at, subject, rule, from, to, severity, flags, reason }: Transition): string {
  const who = [subject.device ?? subject.site, subject.component].filter((part) => part !== null).join("#");
  const why = reason === "condition" || reason === "clear" ? "" : `(${reason})`;
  return [`${(at - START) / 1000}s`, who, rule, `${from}>${to}`, severity ?? "", marksOf(flags), why]
    .filter(Boolean)
    .join(" ");
}

function marksOf({ stale, suppressedBy, flapping, inactiveHours, maintenance }: FaultFlags): string {
  const marks = [
    ...(stale ? ["stale"] : []),
    ...(suppressedBy === null ? [] : [`below ${suppressedBy}`]),
    ...(flapping ? ["flapping"] : []),
    ...(inactiveHours ? ["off hours"] : []),
    ...(maintenance === undefined ? [] : [`in ${maintenance}`]),
  ];
  return marks.join(" ");
}

/** An engine with a script: what each call said, as lines. */
export function stage(rules: RuleSet, devices: readonly InventoryDevice[]) {
  const engine = createEngine();
  const said: string[] = [];
  const say = (transitions: readonly Transition[]): void => void said.push(...transitions.map(line));
  say(engine.setRules(rules, START));
  say(engine.setInventory(SITE, AGENT, devices, START));
  return {
    engine,
    said,
    read: (id: string, atS: number, metrics: Readonly<Record<string, Value>>, component: string | null = null) =>
      say(engine.observe(SITE, AGENT, message([reading(id, atS * 1000, metrics, component)]), 0)),
    /** An event of a device, or of `device#component`. */
    event: (subject: string, atS: number, code: string, detail = "") =>
      say(
        engine.observe(
          SITE,
          AGENT,
          { ...message([]), subjects: [], events: [{ subject, at: START + atS * 1000, code, detail }] },
          0,
        ),
      ),
    tick: (atS: number) => say(engine.tick(START + atS * 1000)),
    say,
  };
}

/** Puts what is stored of the device into a refill, as the collector does. */
export function putStored(refill: Refill, readings: readonly Reading[]): void {
  const samples = readings.flatMap(({ device: id, at, samples: sets }) =>
    id !== refill.device
      ? []
      : refill.series.flatMap(({ component, metric }, index) => {
          const value = sets.find((set) => set.component === component)?.metrics[metric];
          return value === undefined ? [] : [{ index, at, value: Number(value) }];
        }),
  );
  for (const { index, at, value } of samples.sort((a, b) => a.at - b.at)) refill.put(index, at, value);
}
