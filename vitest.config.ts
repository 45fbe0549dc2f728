import { defineConfig } from "vitest/config";

const common = { environment: "node", restoreMocks: true } as const;

export default defineConfig({
  test: {
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
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
