/** The profile language as JSON Schema, for editors: completion and red lines while a profile is written. */
import { z } from "zod";
import { CATALOGUE } from "./catalogue.ts";
import { profileFile } from "./profile.ts";

/**
 * What can't be said in JSON Schema (patterns that end, tables that exist) is left to `aislewatch-agent profiles check`.
 * Metrics are offered by name, with their meaning, and no others.
 */
export function profileJsonSchema(): object {
  const { $defs = {}, ...schema } = z.toJSONSchema(profileFile, {
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema, path }) => {
      if (path.at(-1) === "metrics") jsonSchema.propertyNames = { $ref: "#/$defs/metric" };
    },
  });
  const metric = {
    oneOf: CATALOGUE.map(({ name, meaning, unit }) => ({
      const: name,
      description: unit === "" ? meaning : `${meaning}, in ${unit}`,
    })),
  };
  return { title: "Aislewatch SNMP profile", ...schema, $defs: { ...$defs, metric } };
}
