// What the agent's process is started with, by the launcher, by the demo and by the benchmark; docs/benchmarks.md has
// the figures behind each choice.
import { fileURLToPath } from "node:url";

/** What Node is told. */
export const AGENT_NODE_FLAGS = [
  // A small young generation: the agent makes little garbage, and it shares a small machine. Half of this would save up
  // to 8 MB and cost a fifth more CPU.
  "--max-semi-space-size=2",
  // No TurboFan: what an agent does in a second takes milliseconds and does not get faster by it (Maglev, the compiler
  // below it, stays). 5 MB of Node's own pages are never touched then.
  "--no-opt",
  // Maglev for what has run 3,000 times and not 400: the poll, not the start. What it compiled of reading the configuration
  // was used once, and left 8 MB of code and of malloc's memory behind.
  "--invocation-count-for-maglev=3000",
  // Each function by itself: together with all that it calls, one of the poll took 8 to 20 MB to compile, of which malloc
  // kept 10, and the same again when its code was thrown away. No more CPU with 12 values a device.
  "--no-maglev-inlining",
  // The heap grows by a tenth, or 8 MB, before V8 collects. Else by up to four times where collections are slow, which on a
  // busy machine they are: 200 devices went to 93 MB then, and stay below 63.
  "--heap-growing-percent=10",
  // For the collections of agent/main.ts, which move together what is left.
  "--expose-gc",
];

/** Compiled code and stripped types of what was run before: keyed by the contents of each file, and by Node's version. */
const COMPILE_CACHE = fileURLToPath(new URL("../../../node_modules/.cache/aislewatch", import.meta.url));

/** What its environment says wherever it is started from. */
export const AGENT_SETTINGS = {
  // glibc gives each thread a heap of its own, and V8 has four that compile and collect now and then: 10 MB of leftovers.
  MALLOC_ARENA_MAX: "1",
};

/** Its environment in a checkout; what the caller's own says stands. */
export const agentEnvironment = (env) => ({
  // Without the cache Node loads its TypeScript parser, 18 MB, and starts in twice the time. It is a convenience: where
  // the folder can't be written, Node goes without.
  NODE_COMPILE_CACHE: COMPILE_CACHE,
  ...AGENT_SETTINGS,
  ...env,
});
