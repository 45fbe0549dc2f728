#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { launch } from "./launch.mjs";

/** These are the collector's own: it has the stores that they work on. */
const COLLECTOR = ["collector", "users", "tokens", "agents", "login-link"];

const args = process.argv.slice(2);
const program = COLLECTOR.includes(args[0]) ? "../../../collector/main.ts" : "../main.ts";
launch(fileURLToPath(new URL(program, import.meta.url)), args);
