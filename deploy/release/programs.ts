/** packages/cli/programs.ts of a release: this code runs from the folder `collector`, `agent` and `rules` stand beside it. */
import { join, resolve } from "node:path";
import { AGENT_NODE_FLAGS, AGENT_SETTINGS } from "../../packages/cli/bin/agent-flags.mjs";

const HERE = import.meta.dirname;

export const PROGRAMS = {
  collector: join(HERE, "aislewatch.mjs"),
  simulator: join(HERE, "simulator.mjs"),
  agent: resolve(HERE, "../agent/main.mjs"),
} as const;

export const RULES = resolve(HERE, "../rules");

export const COMMAND = "aislewatch";
export const DEMO_COMMAND = "aislewatch demo run";

/** Nothing to strip, and an installed program's folder is nobody's to write to: no compile cache but one that is named. */
export const agentEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({ ...AGENT_SETTINGS, ...env });

export { AGENT_NODE_FLAGS };
