import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { INCIDENT_STATES, RESOLUTION_CODES } from "../incidents/types.ts";
import { generateTypes, TYPES_FILE } from "./generate-types.ts";
import { openApiDocument } from "./openapi.ts";

describe("the OpenAPI document", () => {
  it("is what the types of the page and the command line were made from (npm run api)", async () => {
    expect(readFileSync(TYPES_FILE, "utf8")).toBe(await generateTypes());
  });

  it("names each shape once", async () => {
    const text = JSON.stringify(await openApiDocument());
    expect(text).not.toMatch(/"[A-Za-z]+Input"|schemas\/\w+Input/);
    expect(text).toContain("#/components/schemas/IncidentAction");
  });
});

const docs = (name: string): string => readFileSync(join(import.meta.dirname, "../../docs", name), "utf8");

describe("the documents", () => {
  it("docs/api.md lists every endpoint and no other", async () => {
    const { paths } = await openApiDocument();
    const described = Object.entries(paths ?? {}).flatMap(([path, methods]) =>
      Object.keys(methods ?? {}).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const listed = [...docs("api.md").matchAll(/^\| `([A-Z]+ [^`]+)` \|/gm)].map((match) => match[1]);
    expect(listed.sort()).toEqual(described.sort());
  });

  it("docs/incidents.md names every state, event and resolution code", () => {
    const text = docs("incidents.md");
    const types = readFileSync(join(import.meta.dirname, "../incidents/types.ts"), "utf8");
    const events = [...types.matchAll(/type: "(\w+)"/g)].map((match) => match[1] ?? "");
    expect(events.length).toBeGreaterThan(15);
    for (const word of [...INCIDENT_STATES, ...RESOLUTION_CODES, ...events]) expect(text).toContain(`\`${word}\``);
  });
});
