/** Maintenance windows. */
import { WEEKDAYS } from "@aislewatch/rules";
import { z } from "zod";

export const maintenanceWindow = z
  .object({
    id: z.string(),
    reason: z.string(),
    /** `file`, `user:<name>` or `token:<name>`. */
    by: z.string(),
    /** All that is named must fit; null: any. */
    where: z.object({
      site: z.array(z.string()).nullable(),
      device: z.array(z.string()).nullable(),
      kind: z.array(z.string()).nullable(),
      labels: z.record(z.string(), z.array(z.string())),
    }),
    /** Unix ms; null for a weekly one. */
    from: z.number().nullable(),
    to: z.number().nullable(),
    /** By the clock of each site, or of timeZone. */
    weekly: z.array(z.object({ day: z.enum(WEEKDAYS), from: z.string(), to: z.string() })),
    timeZone: z.string().nullable(),
    /** Some minutes after its end, when what still fails calls people, it is over. */
    state: z.enum(["planned", "running", "over"]),
  })
  .meta({ id: "MaintenanceWindow" });
