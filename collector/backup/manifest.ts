/** What a backup says of itself: its first entry, so that a reader knows what must follow before it reads any of it. */
import { z } from "zod";
import { isStore } from "./places.ts";
import { NAME_BYTES_MAX } from "./tar.ts";

export const MANIFEST_NAME = "manifest.json";
/** For a hundred thousand files and more. */
export const MANIFEST_BYTES_MAX = 32 * 2 ** 20;
const FORMAT_VERSION = 1;

/** Below `data/` a collector's stores and nothing else, below `config/` the configuration. Nothing leads out of a folder. */
const entryName = z
  .string()
  .max(NAME_BYTES_MAX)
  .regex(/^(?:data|config)(?:\/[^/\\\0:]+)+$/)
  .refine((name) => {
    const [root, first = "", ...more] = name.split("/");
    return ![first, ...more].some((part) => part === "." || part === "..") && (root === "config" || isStore(first));
  });

const manifestSchema = z.object({
  format: z.literal("aislewatch-backup"),
  formatVersion: z.literal(FORMAT_VERSION),
  /** When the copy of the state store was begun, Unix ms: everything before is in it. */
  at: z.number(),
  host: z.string(),
  /** Of the program that wrote it. */
  version: z.string(),
  state: z.object({ schema: z.int(), lastIncident: z.int() }),
  /** `influxdb`: the series are on a server, and in no backup of ours. */
  series: z.object({ store: z.enum(["duckdb", "influxdb"]), lanesBehind: z.int() }),
  /** Where the files below `config/` stood. */
  config: z.array(z.object({ name: entryName, path: z.string() })),
  files: z.array(z.object({ name: entryName, bytes: z.int().nonnegative(), sha256: z.string().length(64) })),
});
export type Manifest = z.infer<typeof manifestSchema>;

export const newManifest = (given: Omit<Manifest, "format" | "formatVersion">): Manifest => ({
  format: "aislewatch-backup",
  formatVersion: FORMAT_VERSION,
  ...given,
});

/** Null when it is none of ours, or of a later format. */
export function readManifest(text: string): Manifest | null {
  try {
    const read = manifestSchema.safeParse(JSON.parse(text));
    return read.success ? read.data : null;
  } catch {
    return null;
  }
}

export const contentBytes = ({ files }: Manifest): number => files.reduce((sum, { bytes }) => sum + bytes, 0);
