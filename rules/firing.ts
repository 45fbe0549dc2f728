/**
 * For tests of the shipped rules: a device that is well for a while and then is not, and which faults fire at the end.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeTelemetry, type SampleSet } from "@aislewatch/contract";
import { compileRules, createEngine } from "@aislewatch/rules";

const PACKS = join(import.meta.dirname, "packs");
const compiled = compileRules(
  readdirSync(PACKS)
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => ({ file: name, text: readFileSync(join(PACKS, name), "utf8") })),
);
const rules = compiled.ok ? compiled.rules : { rules: [], version: "none" };

const SITE = "store-1";
const AGENT = "agent-1";
const START_MS = Date.UTC(2026, 0, 5, 9);
/** Past the windows of what looks back ten minutes, and past the longest wait of most rules. */
const WELL_POLLS = 30;
const FAULTY_POLLS = 40;

export type Said = { readonly kind: string | null; readonly samples: readonly SampleSet[] };

/** `rule` or `rule#component` of every fault that fires at the end. */
export function firing(well: Said, faulty: Said, everyMs = 30_000): string[] {
  const samplesAt = (n: number): readonly SampleSet[] => [
    { component: null, metrics: { up: true } },
    ...(n < WELL_POLLS ? well : faulty).samples,
  ];
  const all = [...well.samples, ...faulty.samples];
  const components = [...new Set(all.flatMap(({ component }) => (component === null ? [] : [component])))];
  const device = {
    id: "device",
    kind: faulty.kind ?? "",
    driver: "snmp",
    labels: {},
    dependsOn: [],
    intervalMs: everyMs,
    asset: {},
    components,
    metrics: ["up", ...new Set(all.flatMap(({ metrics }) => Object.keys(metrics)))],
  };
  const engine = createEngine();
  engine.setRules(rules, START_MS);
  engine.setInventory(SITE, AGENT, [device], START_MS);
  for (let n = 0; n < WELL_POLLS + FAULTY_POLLS; n++) {
    const at = START_MS + n * everyMs;
    const [head, ...rest] = samplesAt(n);
    const samples = merge(head, rest);
    const message = encodeTelemetry({ epoch: "test", lane: "live", seq: n + 1, sentAt: at }, [
      { device: device.id, at, samples },
    ]);
    engine.observe(SITE, AGENT, message, 0);
    engine.tick(at);
  }
  return engine
    .faults()
    .filter(({ state }) => state === "firing")
    .map(({ rule, subject }) => (subject.component === null ? rule : `${rule}#${subject.component}`))
    .sort();
}

/** The device's own metrics in one set. */
function merge(head: SampleSet | undefined, rest: readonly SampleSet[]): SampleSet[] {
  const own = [head, ...rest.filter(({ component }) => component === null)].map((set) => set?.metrics ?? {});
  return [
    { component: null, metrics: Object.assign({}, ...own) as SampleSet["metrics"] },
    ...rest.filter(({ component }) => component !== null),
  ];
}
