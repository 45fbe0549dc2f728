/** What is held of people, and the audit log. */
import { z } from "zod";
import { PLACES } from "../../store/state/people.ts";

const place = z.enum(PLACES);

export const erasure = z
  .object({
    /** The name that stands in its place now; null when nothing was done. */
    pseudonym: z.string().nullable(),
    isTrial: z.boolean(),
    /** How many records said who it was, by where they are. */
    records: z.partialRecord(place, z.int()),
    /** Texts that people wrote in which the name stands: at most 200 of `textCount`. */
    texts: z.array(z.object({ place, key: z.string(), text: z.string() })),
    textCount: z.int(),
    areTextsReplaced: z.boolean(),
    /** Notifications and commands on their way, which have the name until they are done. */
    underway: z.int(),
    /** Files of the configuration that name the person. */
    files: z.array(z.string()),
    /** False: the name is out of all records, and out of the file's free pages a little later. */
    isCompacted: z.boolean(),
  })
  .meta({ id: "Erasure" });

export const personTrace = z
  .object({
    name: z.string(),
    user: z.object({ role: z.string(), createdAt: z.number() }).nullable(),
    /** At most 20,000 of `recordCount`. */
    records: z.array(z.object({ place, key: z.string(), at: z.number().nullable(), record: z.unknown() })),
    recordCount: z.int(),
    files: z.array(z.string()),
  })
  .meta({ id: "PersonTrace" });

export const auditRecord = z
  .object({ at: z.number(), actor: z.string(), action: z.string(), detail: z.string() })
  .meta({ id: "AuditRecord" });
