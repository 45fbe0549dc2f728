#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { launch } from "./launch.mjs";

/** A small young generation: the agent makes little garbage, and it shares a small machine (a quarter less memory). */
const FLAGS = ["--max-semi-space-size=1"];

launch(fileURLToPath(new URL("../../../agent/main.ts", import.meta.url)), process.argv.slice(2), FLAGS);
