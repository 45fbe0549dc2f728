/**
 * What a zod schema would take at a path: the key names of an object or an enumerated record there. zod's issue about
 * an unknown key does not say which keys are known, and a suggestion needs them. Reads only `_zod.def`, the part of
 * zod 4 that is published for libraries (zod/v4/core).
 */
import type { z } from "zod";
import type { Path } from "./source.ts";

type Def = z.core.$ZodTypes["_zod"]["def"];

/** How far wrappers (optional, default, lazy, …) may nest before we give up: schemas may be recursive. */
const WRAPPERS_MAX = 32;

export function knownKeys(schema: z.core.$ZodType, path: Path, value: unknown): string[] {
  let level: readonly z.core.$ZodType[] = alternatives(schema, value);
  let here: unknown = value;
  for (const step of path) {
    here = isRecord(here) || Array.isArray(here) ? (here as Record<string | number, unknown>)[step] : undefined;
    level = level.flatMap((option) => descend(option, step)).flatMap((option) => alternatives(option, here));
  }
  return [...new Set(level.flatMap(keysOf))];
}

const defOf = (schema: z.core.$ZodType): Def => schema._zod.def as Def;

function keysOf(schema: z.core.$ZodType): string[] {
  const def = defOf(schema);
  if (def.type === "object") return Object.keys(def.shape);
  if (def.type === "record") return alternatives(def.keyType, undefined).flatMap(optionsOf);
  return [];
}

function optionsOf(schema: z.core.$ZodType): string[] {
  const def = defOf(schema);
  if (def.type === "enum") return Object.values(def.entries).map(String);
  if (def.type === "literal") return def.values.map(String);
  return [];
}

function descend(schema: z.core.$ZodType, step: string | number): z.core.$ZodType[] {
  const def = defOf(schema);
  switch (def.type) {
    case "object": {
      const field = def.shape[String(step)];
      return field === undefined ? [] : [field];
    }
    case "array":
      return [def.element];
    case "record":
      return [def.valueType];
    case "tuple": {
      const item = def.items[Number(step)];
      return item === undefined ? [] : [item];
    }
    default:
      return [];
  }
}

/** A schema without its wrappers; of a union all options, or the one whose discriminator the value names. */
function alternatives(schema: z.core.$ZodType, value: unknown, depth = 0): z.core.$ZodType[] {
  if (depth > WRAPPERS_MAX) return [];
  const inner = (next: z.core.$ZodType): z.core.$ZodType[] => alternatives(next, value, depth + 1);
  const def = defOf(schema);
  switch (def.type) {
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "nonoptional":
    case "readonly":
    case "catch":
      return inner(def.innerType);
    case "pipe":
      return inner(def.in);
    case "lazy":
      return inner(def.getter());
    case "intersection":
      return [...inner(def.left), ...inner(def.right)];
    case "union": {
      const options = def.options.flatMap(inner);
      const named = options.filter((option) => takes(option, "discriminator" in def ? def.discriminator : null, value));
      return named.length > 0 ? named : options;
    }
    default:
      return [schema];
  }
}

function takes(option: z.core.$ZodType, discriminator: unknown, value: unknown): boolean {
  if (typeof discriminator !== "string" || !isRecord(value)) return false;
  const def = defOf(option);
  const field = def.type === "object" ? def.shape[discriminator] : undefined;
  return field !== undefined && optionsOf(field).includes(String(value[discriminator]));
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
