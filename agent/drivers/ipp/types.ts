import type { IppGroup } from "./codec.ts";

/** What a queue said of itself and of its jobs: attributes that were asked for, no document's and no person's name. */
export type IppReply = {
  readonly printer: IppGroup["attributes"];
  /** Jobs that are not completed; null: the printer does not tell. */
  readonly jobs: readonly IppJob[] | null;
};

export type IppJob = {
  /** RFC 8011 5.3.7: 3 pending, 4 pending-held, 5 processing, 6 processing-stopped. */
  readonly state: number | null;
  /** In seconds of the printer's own clock. */
  readonly createdSeconds: number | null;
  /** That clock when the job was told of; null: `printer-up-time` is to be taken. */
  readonly upSeconds: number | null;
};
