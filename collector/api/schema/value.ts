/**
 * The REST API's shapes, /api/v1. OpenAPI is made from these, and the types of the page and the command line from the
 * OpenAPI, so this folder is the one place where the words of an endpoint stand. Times are Unix milliseconds.
 *
 * Here: what more than one shape is made of.
 */
import { SEVERITIES } from "@aislewatch/devices";
import { z } from "zod";

export const value = z.union([z.number(), z.boolean()]);

export const values = z.record(z.string(), value);

export const severity = z.enum(SEVERITIES);

export const subject = z.object({ site: z.string(), device: z.string().nullable(), component: z.string().nullable() });
