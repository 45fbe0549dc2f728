#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { AGENT_NODE_FLAGS, agentEnvironment } from "./agent-flags.mjs";
import { become } from "./launch.mjs";

become(fileURLToPath(new URL("../../../agent/main.ts", import.meta.url)), process.argv.slice(2), {
  nodeFlags: AGENT_NODE_FLAGS,
  env: agentEnvironment(process.env),
});
