import { defineEvent } from "./events.ts";

/** Log events of every program's start and stop. */
export const lifecycleEvents = {
  programStarted: defineEvent({
    name: "program_started",
    level: "info",
    meaning: "Every part is up",
    fields: { pid: "number", version: "string" },
  }),
  programStopping: defineEvent({
    name: "program_stopping",
    level: "info",
    meaning: "The program was asked to stop, or its parent is gone",
    fields: { reason: "string" },
  }),
  programStopped: defineEvent({
    name: "program_stopped",
    level: "info",
    meaning: "Every part has stopped",
    fields: { reason: "string" },
  }),
  startFailed: defineEvent({
    name: "start_failed",
    level: "error",
    meaning: "A part could not start; what had started was stopped again",
    fields: { part: "string", detail: "string" },
  }),
  partStopFailed: defineEvent({
    name: "part_stop_failed",
    level: "warn",
    meaning: "A part failed or took too long while stopping; the others were stopped all the same",
    fields: { part: "string", detail: "string" },
  }),
  programCrashed: defineEvent({
    name: "program_crashed",
    level: "error",
    meaning: "A bug: the program ends with code 1 and should be restarted and reported",
    fields: { detail: "string", stack: "string" },
  }),
} as const;
