/** These are the collector's own: it has the stores that they work on. */
export const COLLECTOR = [
  "collector",
  "users",
  "tokens",
  "login-link",
  "broker-config",
  "store",
  "doctor",
  "backup",
  "restore",
];

/** Whether the words of an `aislewatch …` are for the collector's program; all others are for the command line's. */
export const isCollectors = (args) => COLLECTOR.includes(args[0]) || (args[0] === "agents" && args[1] === "add");
