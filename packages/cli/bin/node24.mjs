#!/usr/bin/env node
// `node24 program …`: any program under the pinned Node 24; used by npm scripts and tests.
import { launch } from "./launch.mjs";

const [program, ...args] = process.argv.slice(2);
if (program === undefined) {
  process.stderr.write("usage: node24.mjs PROGRAM [ARGUMENTS…]\n");
  process.exit(2);
}
launch(program, args);
