/** What tests of ingest begin with: one agent that is online with one printer, and its batches. */
import {
  type BatchOptions,
  batchOf,
  printer,
  reading,
  type SampleOptions,
  type SampleSite,
  sampleSite,
  statusOf,
  T0,
} from "./sample-site.ts";

/** One reading of one printer, taken `seq` seconds after the start; with an event, when it has a code. */
export const aBatch = (seq: number, options: BatchOptions & { out?: boolean; code?: string } = {}) => {
  const { out = false, code, ...rest } = options;
  const taken = reading("printer", T0 + seq * 1_000, { up: true, media_out: out });
  const events = code === undefined ? [] : [{ component: null, code, detail: `number ${seq}` }];
  return batchOf(seq, [{ ...taken, events }], rest);
};

export async function startedSite(options: SampleOptions = {}): Promise<SampleSite> {
  const site = await sampleSite(options);
  site.send("status", statusOf());
  site.inventory([printer("printer")]);
  await site.pass(250);
  return site;
}
