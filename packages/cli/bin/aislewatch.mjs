#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { launch } from "./launch.mjs";
import { isCollectors } from "./owner.mjs";

const args = process.argv.slice(2);
const program = isCollectors(args) ? "../../../collector/main.ts" : "../main.ts";
launch(fileURLToPath(new URL(program, import.meta.url)), args);
