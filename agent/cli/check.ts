import { EXIT } from "@aislewatch/runtime";
import { readConfig } from "./read-config.ts";
import type { Flags, Terminal } from "./terminal.ts";

/** Says what is wrong with a configuration; connects to nothing. */
export async function check(flags: Flags, terminal: Terminal): Promise<number> {
  const config = await readConfig(flags, terminal);
  if (config === null) return EXIT.config;
  const count = config.devices.length;
  terminal.out(`${flags.config}: right; ${count} device${count === 1 ? "" : "s"} of site ${config.site}\n`);
  return EXIT.asked;
}
