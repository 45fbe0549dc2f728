/** Faults that come and go while a collector is killed with SIGKILL, and what its logs say that people are to be told of them. */
import type { Breakable } from "./devices.ts";
import { type CollectorRig, waitFor } from "./rig.ts";

export const MEDIA_RULES = `group: test
select: kind == "label_printer"
rules:
  - { id: media-out, title: "Media out", when: "media_out", for: 0s, severity: major, category: consumable }
`;

export const printersOf = (printers: readonly (Breakable & { readonly port: number })[]): string =>
  printers
    .map(
      ({ port }, n) =>
        `  - { id: p${n}, kind: label_printer, driver: zpl, every: 250ms, line: { tcp: "127.0.0.1:${port}" } }\n`,
    )
    .join("");

/** Of random lengths, each from a seed of its own: a failure is told with its list. */
export type Pauses = readonly number[];

type Listed = { readonly items: readonly { readonly id: string; readonly recoveredAt: number | null }[] };
type Event = { readonly seq: number; readonly type: string; readonly late: boolean };
type Channel = { readonly name: string; readonly waiting: number };

const logOf = async (collector: CollectorRig, id: string): Promise<readonly Event[]> =>
  (await collector.api<{ events: readonly Event[] }>(`/incidents/${id}`)).events;

const incidentsOf = (collector: CollectorRig): Promise<Listed> => collector.api<Listed>("/incidents?state=all");

/** Both printers fail and are healed in turns, and after each pause the collector is killed. In the end both are well. */
export async function disturb(
  collector: CollectorRig,
  printers: readonly [Breakable, Breakable],
  pauses: Pauses,
  recover: () => void,
): Promise<void> {
  for (const [round, pauseMs] of pauses.entries()) {
    const printer = printers[round % 2 === 0 ? 0 : 1];
    if (round % 4 < 2) printer.fault("media-out");
    else printer.heal();
    await new Promise((done) => setTimeout(done, pauseMs));
    await collector.program.kill();
    await collector.restart();
  }
  recover();
  for (const printer of printers) printer.fault("media-out");
  // What the agent kept over the last kill has to arrive before they are healed.
  await waitFor("both to stand, by their incidents", async () => {
    const { items } = await incidentsOf(collector);
    return items.filter(({ recoveredAt }) => recoveredAt === null).length === 2;
  });
  for (const printer of printers) printer.heal();
  await waitFor("both to be well, by their incidents", async () =>
    (await incidentsOf(collector)).items.every(({ recoveredAt }) => recoveredAt !== null),
  );
}

/**
 * Once receivers take everything. A test of each channel finds that it works: else what failed often before, which is more
 * of it the slower the machine is, has its next attempt minutes later.
 */
export async function allDelivered(collector: CollectorRig): Promise<void> {
  const channels = () => collector.api<Channel[]>("/notifications/channels");
  for (const { name } of await channels()) await collector.api(`/notifications/channels/${name}/test`, {});
  await waitFor("all to be delivered", async () => (await channels()).every(({ waiting }) => waiting === 0));
}

/**
 * Ids of the notifications that a channel for `opened`, `reopened` and `recovered` is to get. What was found afterwards, in
 * what the agent kept while the collector was away, is told to nobody, and so is its end: on a slow machine a whole
 * fault may lie in such a time.
 */
export async function toBeTold(collector: CollectorRig): Promise<string[]> {
  const { items } = await incidentsOf(collector);
  const logs = await Promise.all(items.map(async ({ id }) => ({ id, events: await logOf(collector, id) })));
  return logs.flatMap(({ id, events }) => {
    const told: string[] = [];
    for (const { seq, type, late } of events) {
      const isCall = (type === "opened" || type === "fired_again") && !late;
      if (isCall || (type === "recovered" && told.length > 0)) told.push(`${id}/${seq}`);
    }
    return told;
  });
}

/** Of each incident in the order of its events. */
export function outOfOrder(ids: readonly string[]): string[] {
  const last = new Map<string, number>();
  return ids.filter((id) => {
    const [incident = "", seq = ""] = id.split("/");
    const before = last.get(incident) ?? 0;
    last.set(incident, Number(seq));
    return Number(seq) < before;
  });
}
