/** `aislewatch` of a release: one process, which loads the collector or the command line by the words that it was given. */
import { isCollectors } from "../../packages/cli/bin/owner.mjs";

await (isCollectors(process.argv.slice(2)) ? import("../../collector/main.ts") : import("../../packages/cli/main.ts"));
