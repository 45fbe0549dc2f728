/**
 * Where the programs stand that the demo starts, and what a person types for this one: in a checkout. A release has
 * deploy/release/programs.ts in this file's place, with the same names.
 */
import { join, resolve } from "node:path";
import { AGENT_NODE_FLAGS, agentEnvironment } from "./bin/agent-flags.mjs";

const ROOT = resolve(import.meta.dirname, "../..");

export const PROGRAMS = {
  collector: join(ROOT, "collector/main.ts"),
  simulator: join(ROOT, "packages/simulator/main.ts"),
  agent: join(ROOT, "agent/main.ts"),
} as const;

/** Packs and runbooks. */
export const RULES = join(ROOT, "rules");

/** How this command is typed, and the demo started. */
export const COMMAND = "npx aislewatch";
export const DEMO_COMMAND = "npm start";

export { AGENT_NODE_FLAGS, agentEnvironment };
