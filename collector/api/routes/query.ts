import { z } from "zod";

/** `a,b,c` of known words; an unknown word names the known ones. */
export const listOf = <const T extends readonly string[]>(words: T) =>
  z
    .string()
    .max(256)
    .transform((text) => text.split(",").filter((word) => word !== ""))
    .pipe(z.array(z.enum(words)).max(words.length));
