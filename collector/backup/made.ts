/** What a backup leaves in the state store that it was made of: the doctor and the collector's own watch tell its age. */
import { z } from "zod";

export const BACKUP_DOCUMENT = "last-backup";

const madeSchema = z.object({
  /** Unix ms. */
  at: z.number(),
  /** Where it was put; it may have been moved since. */
  file: z.string(),
  bytes: z.number(),
});
export type BackupMade = z.infer<typeof madeSchema>;

/** Null: none yet, or what stands there is of another version. */
export function backupMade(document: string | null): BackupMade | null {
  try {
    const read = madeSchema.safeParse(JSON.parse(document ?? "null"));
    return read.success ? read.data : null;
  } catch {
    return null;
  }
}

export const backupMadeAt = (document: string | null): number | null => backupMade(document)?.at ?? null;
