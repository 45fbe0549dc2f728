/** Faults that come and go while a collector is killed with SIGKILL, and what its logs say that people are to be told of them. */
import { applyEvent } from "../../collector/incidents/log.ts";
import type { Incident, IncidentEvent } from "../../collector/incidents/types.ts";
import { audienceOf, callsOf, type Told } from "../../collector/notify/routing.ts";
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
type Shown = Pick<IncidentEvent, "seq" | "at" | "recordedAt" | "actor"> & {
  readonly type: string;
  readonly late: boolean;
  readonly detail: object;
};
type Channel = { readonly name: string; readonly waiting: number };

/** As the collector wrote it. */
async function logOf(collector: CollectorRig, id: string): Promise<readonly IncidentEvent[]> {
  const { events } = await collector.api<{ events: readonly Shown[] }>(`/incidents/${id}`);
  return events.map(({ seq, at, recordedAt, actor, type, late, detail }) => {
    const event = { ...detail, seq, at, recordedAt, actor, type, ...(late && { late }) };
    return event as IncidentEvent;
  });
}

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
 * Ids of the notifications that a channel for `opened`, `reopened` and `recovered` is to get, by the log as it is in the end
 * and by routing.ts. Which these are hangs on how fast the machine is: what begins before the agent is heard again after a
 * start calls nobody until it is, and then by another event; what the agent kept meanwhile, and was found afterwards, is
 * told to nobody.
 */
export async function toBeTold(collector: CollectorRig): Promise<string[]> {
  const { items } = await incidentsOf(collector);
  const logs = await Promise.all(items.map(async ({ id }) => toldByLog(id, await logOf(collector, id))));
  return logs.flat();
}

function toldByLog(id: string, log: readonly IncidentEvent[]): string[] {
  const told: (Told & { readonly id: string })[] = [];
  let before: Incident | null = null;
  for (const events of writings(log)) {
    const incident: Incident | null = events.reduce<Incident | null>(
      (one, event) => applyEvent(id, one, event),
      before,
    );
    if (incident === null) continue;
    for (const { event, audience, seq } of callsOf(before, incident, events)) {
      if (!ASKED.has(event) || audienceOf(["one"], told, audience).length === 0) continue;
      told.push({ id: `${id}/${seq}`, channel: "one", event });
    }
    before = incident;
  }
  return told.map((one) => one.id);
}

const ASKED: ReadonlySet<string> = new Set(["opened", "reopened", "recovered"]);

/** What was written at one time about one time was written at once; a batch of readings may hold a fault and its end. */
function writings(log: readonly IncidentEvent[]): IncidentEvent[][] {
  const all: IncidentEvent[][] = [];
  for (const event of log) {
    const last = all.at(-1);
    const before = last?.at(-1);
    if (before?.recordedAt === event.recordedAt && before.at === event.at) last?.push(event);
    else all.push([event]);
  }
  return all;
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
