/**
 * How `aislewatch backup` asks a running collector for a copy of its stores: only its own process can read the
 * time-series file. The request is a file in the data folder, so asking needs what users, tokens and links on this host
 * need as well, the right to write there, and neither a token, nor a port, nor a certificate.
 *
 *   backup-work/request.json   { id }, touched every two seconds: without that the collector gives up and cleans up
 *   backup-work/answer.json    { id, state: copying | done | failed, … }
 *   backup-work/copy/          state/ and series/, whole once the answer says done
 */
import { join } from "node:path";
import { z } from "zod";
import { BACKUP_FOLDER, readOrNull, writeWhole } from "./places.ts";

/** A request that nobody touched for so long is nobody's. */
export const LEASE_MS = 30_000;
export const TOUCH_MS = 2_000;

const requestSchema = z.object({ id: z.string().min(1).max(64) });
const answerSchema = z.object({
  id: z.string(),
  state: z.enum(["copying", "done", "failed"]),
  /** 0 to 1, of both copies. */
  share: z.number(),
  /** Lanes of which the series lack something that the state store has. */
  lanesBehind: z.int().default(0),
  detail: z.string().default(""),
});
export type Answer = z.infer<typeof answerSchema>;

export const placesIn = (dataFolder: string) => {
  const work = join(dataFolder, BACKUP_FOLDER);
  const copy = join(work, "copy");
  return {
    work,
    request: join(work, "request.json"),
    answer: join(work, "answer.json"),
    copy,
    state: join(copy, "state"),
    series: join(copy, "series"),
  };
};
export type Places = ReturnType<typeof placesIn>;

export function readRequest({ request }: Places): string | null {
  return parsed(requestSchema, readOrNull(request))?.id ?? null;
}

export const readAnswer = ({ answer }: Places): Answer | null => parsed(answerSchema, readOrNull(answer));
export const writeAnswer = ({ answer }: Places, given: Answer): void => writeWhole(answer, JSON.stringify(given));
export const writeRequest = ({ request }: Places, id: string): void => writeWhole(request, JSON.stringify({ id }));

function parsed<T>(schema: z.ZodType<T>, text: string | null): T | null {
  try {
    const read = schema.safeParse(JSON.parse(text ?? "null"));
    return read.success ? read.data : null;
  } catch {
    return null;
  }
}
