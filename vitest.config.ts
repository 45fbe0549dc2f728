import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const common = { environment: "node", restoreMocks: true } as const;

/** The longest files, longest first: who starts one of these last keeps everybody waiting. Others come as vitest has them. */
const LONGEST = [
  "test/system/demo",
  "test/system/usb-taken",
  "test/system/hostile-mqtt",
  "test/system/hostile",
  "test/system/lines",
  "test/system/card-data",
  "test/system/late",
  "test/chaos/short",
  "test/system/overload",
  "test/browser/look",
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
          testTimeout: 20_000,
        },
      },
      {
        test: {
          ...common,
          name: "system",
          include: ["test/{system,chaos}/**/*.test.ts"],
          // Real servers and processes, each on free ports: how many files at a time says test/run.mjs.
          testTimeout: 90_000,
          // Cases of `it.concurrent` wait, each for a device of its own.
          maxConcurrency: 50,
          hookTimeout: 90_000,
        },
      },
      {
        test: {
          ...common,
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
