/** Every query of the state store with fixed columns, for any dialect: a template each, compiled once. By topic in queries/. */
import type { Kysely } from "kysely";
import { accessQueries } from "./queries/access.ts";
import { agentQueries } from "./queries/agents.ts";
import { deliveryQueries } from "./queries/deliveries.ts";
import { deviceQueries } from "./queries/devices.ts";
import { factQueries } from "./queries/facts.ts";
import { incidentQueries } from "./queries/incidents.ts";
import { notificationQueries } from "./queries/notifications.ts";
import type { Tables } from "./schema.ts";

export const buildQueries = (db: Kysely<Tables>) => ({
  ...accessQueries(db),
  ...agentQueries(db),
  ...deliveryQueries(db),
  ...deviceQueries(db),
  ...factQueries(db),
  ...incidentQueries(db),
  ...notificationQueries(db),
});
export type Queries = ReturnType<typeof buildQueries>;
