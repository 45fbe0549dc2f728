import type { SwaggerOptions } from "@fastify/swagger";
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from "fastify-type-provider-zod";
import { z } from "zod";
import * as agent from "./schema/agent.ts";
import * as incident from "./schema/incident.ts";
import * as incidentAction from "./schema/incident-action.ts";
import * as maintenance from "./schema/maintenance.ts";
import * as notification from "./schema/notification.ts";
import * as privacy from "./schema/privacy.ts";
import * as report from "./schema/report.ts";
import * as rule from "./schema/rule.ts";
import * as service from "./schema/service.ts";
import * as site from "./schema/site.ts";
import * as triage from "./schema/triage.ts";
import * as value from "./schema/value.ts";

const SHAPES = {
  ...agent,
  ...incident,
  ...incidentAction,
  ...maintenance,
  ...notification,
  ...privacy,
  ...report,
  ...rule,
  ...service,
  ...site,
  ...triage,
  ...value,
};

/**
 * How the OpenAPI document is made. Component names come from `.meta({ id })` in schema/ and from nowhere else in the
 * process, so the document does not change with what else is loaded.
 */
export function openApi(version: string): SwaggerOptions {
  const schemaRegistry = z.registry<{ id?: string }>();
  // In the order of their names, whatever order a module loader has for exports.
  for (const [, one] of Object.entries(SHAPES).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const id = one instanceof z.ZodType ? one.meta()?.id : undefined;
    if (one instanceof z.ZodType && id !== undefined) schemaRegistry.add(one, { id });
  }
  const addComponents = createJsonSchemaTransformObject({ schemaRegistry });
  return {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Aislewatch collector", version, description: "Times are Unix milliseconds." },
      components: {
        securitySchemes: {
          session: { type: "apiKey", in: "cookie", name: "aislewatch" },
          token: { type: "http", scheme: "bearer" },
        },
      },
      security: [{ session: [] }, { token: [] }],
    },
    transform: createJsonSchemaTransform({ schemaRegistry }),
    transformObject: (document) => tidyComponents(addComponents(document)),
  };
}

/**
 * The library writes each shape twice, `X` as answered and `XInput` as asked. Keeps those that something refers to,
 * and gives a shape that is only ever asked its plain name.
 */
function tidyComponents(document: object): object {
  const components = "components" in document ? Object(document.components) : {};
  const schemas: Record<string, unknown> = { ...components.schemas };
  const refersTo = (value: unknown, name: string): boolean =>
    JSON.stringify(value).includes(`"#/components/schemas/${name}"`);
  for (let pruned = true; pruned; ) {
    const unused = Object.keys(schemas).filter(
      (name) => !refersTo({ ...document, components: { schemas: { ...schemas, [name]: undefined } } }, name),
    );
    for (const name of unused) delete schemas[name];
    pruned = unused.length > 0;
  }
  const renamed = Object.keys(schemas).filter((name) => name.endsWith("Input") && !(name.slice(0, -5) in schemas));
  let text = JSON.stringify({ ...document, components: { ...components, schemas } });
  for (const name of renamed) text = text.replaceAll(`schemas/${name}"`, `schemas/${name.slice(0, -5)}"`);
  for (const name of renamed) text = text.replaceAll(`"${name}":`, `"${name.slice(0, -5)}":`);
  return JSON.parse(text);
}
