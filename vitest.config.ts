import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Bounds only end what would never come: each is far above what anything takes, since a machine may stand still for half
 * a minute. No test measures a time by them.
 */
const WAIT_MS = 60_000;
const LONGEST_MS = 300_000;
/** A unit test that waits for one thing in vain says for which before its own time is up. */
const UNIT_MS = 2 * WAIT_MS;
const common = { environment: "node", restoreMocks: true, expect: { poll: { timeout: WAIT_MS } } } as const;

/** The longest files, longest first: who starts one of these last keeps everybody waiting. Others come as vitest has them. */
const LONGEST = [
  "test/system/systemd",
  "test/system/brokers",
  "test/system/mosquitto",
  "test/browser/look",
  "test/system/containers",
  "test/system/demo",
  "test/system/installed",
  "test/system/grafana",
  "test/system/device-to-incident",
  "test/system/card-data",
  "test/system/hostile-mqtt",
  "test/system/overload",
  "test/system/fleet",
  "test/browser/notifications",
  "test/browser/work",
  "test/browser/reports",
  "test/browser/handover",
  "test/browser/board",
  "test/chaos/short",
  "test/system/usb-taken",
  "test/system/late",
  "test/system/hostile",
  "test/browser/late",
  "test/system/lines",
  "test/system/delivery",
  "test/system/discover-lines",
  "test/system/email",
  "test/system/webhook",
];
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return place === -1 ? LONGEST.length : place;
    };
    return (await super.sort(files)).toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...common,
          name: "unit",
          include: ["{packages,agent,collector,rules,deploy,test/lint}/**/*.test.ts"],
          exclude: ["**/node_modules/**", "**/dist/**"],
          testTimeout: UNIT_MS,
          hookTimeout: UNIT_MS,
        },
      },
      {
        test: {
          ...common,
          name: "system",
          include: ["test/{system,chaos}/**/*.test.ts"],
          // Real servers and processes, each on free ports: how many files at a time says test/run.mjs.
          testTimeout: LONGEST_MS,
          // Cases of `it.concurrent` wait, each for a device of its own.
          maxConcurrency: 50,
          hookTimeout: LONGEST_MS,
        },
      },
      {
        test: {
          ...common,
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: LONGEST_MS,
          hookTimeout: LONGEST_MS,
        },
      },
    ],
  },
});
