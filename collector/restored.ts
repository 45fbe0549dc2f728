/**
 * What a restore leaves in the state store, so that the collector knows that its stores are older than what its agents
 * deleted: `aislewatch restore` writes it, the start reads it. Of each lane the ledger then tells at the agent's first
 * word which seqs are in no outbox any more, and whose doing that is.
 */
import { z } from "zod";

export const RESTORED_DOCUMENT = "restored";

const restoredSchema = z.object({
  /** When the backup was made: what its stores hold is of then. Unix ms, as the others. */
  backupAt: z.number(),
  restoredAt: z.number(),
});
export type Restored = z.infer<typeof restoredSchema>;

/** Null: never, or what stands there is of another version. */
export function restoredOf(document: string | null): Restored | null {
  try {
    const read = restoredSchema.safeParse(JSON.parse(document ?? "null"));
    return read.success ? read.data : null;
  } catch {
    return null;
  }
}

const REASON = "acknowledged after the backup that the collector was restored from, of ";

export const lossReason = ({ backupAt }: Restored): string => REASON + new Date(backupAt).toISOString();
export const isLossByRestore = (reason: string): boolean => reason.startsWith(REASON);
