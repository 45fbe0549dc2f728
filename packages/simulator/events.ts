import { defineEvent } from "@aislewatch/runtime";

/** Log events of the demo's process. */
export const simulatorEvents = {
  demoFolderWritten: defineEvent({
    name: "demo_folder_written",
    level: "info",
    meaning: "The demo's devices listen, and agent.yaml says where",
    fields: { folder: "string", devices: "number" },
  }),
  demoActPlayed: defineEvent({
    name: "demo_act_played",
    level: "info",
    meaning: "The scenario broke or healed a device",
    fields: { device: "string", act: "string", fault: "string" },
  }),
  demoActFailed: defineEvent({
    name: "demo_act_failed",
    level: "error",
    meaning: "A bug: the scenario's timetable names a device or fault that there is none of",
    fields: { device: "string", detail: "string" },
  }),
  demoDeviceTouched: defineEvent({
    name: "demo_device_touched",
    level: "info",
    meaning: "A visitor broke or healed a device; the scenario leaves it alone for ten minutes",
    fields: { device: "string" },
  }),
} as const;
