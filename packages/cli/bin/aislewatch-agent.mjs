#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { AGENT_NODE_FLAGS } from "./agent-flags.mjs";
import { launch } from "./launch.mjs";

launch(fileURLToPath(new URL("../../../agent/main.ts", import.meta.url)), process.argv.slice(2), AGENT_NODE_FLAGS);
