#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { launch } from "./launch.mjs";

/** These are the collector's own: it has the stores that they work on. */
const COLLECTOR = ["collector", "users", "tokens", "login-link", "broker-config", "store"];

const args = process.argv.slice(2);
const isCollectors = COLLECTOR.includes(args[0]) || (args[0] === "agents" && args[1] === "add");
const program = isCollectors ? "../../../collector/main.ts" : "../main.ts";
launch(fileURLToPath(new URL(program, import.meta.url)), args);
