#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { AGENT_NODE_FLAGS, agentEnvironment } from "./agent-flags.mjs";
import { become, launch } from "./launch.mjs";

const args = process.argv.slice(2);
const program = fileURLToPath(new URL("../../../agent/main.ts", import.meta.url));
// What runs for months is not waited for by a launcher. Of the others, a killed launcher leaves the program behind it the
// time to show what it has found.
const start = args[0] === "run" ? become : launch;
start(program, args, { nodeFlags: AGENT_NODE_FLAGS, env: agentEnvironment(process.env) });
