import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { generateTypes, TYPES_FILES } from "./generate-types.ts";
import { openApiDocument } from "./openapi.ts";

describe("the OpenAPI document", () => {
  it("is what the types of the page and the command line were made from (npm run api)", async () => {
    const types = await generateTypes();
    for (const file of TYPES_FILES) expect(readFileSync(file, "utf8"), file).toBe(types);
  });

  it("names each shape once", async () => {
    const text = JSON.stringify(await openApiDocument());
    expect(text).not.toMatch(/"[A-Za-z]+Input"|schemas\/\w+Input/);
    expect(text).toContain("#/components/schemas/IncidentAction");
  });
});
