/**
 * From a fault to its incident: an agent publishes a reading that makes a rule with `for: 0s` fire; the clock runs until
 * the incident arrives on the API's event stream, which is after it is on disk. Meanwhile a fleet sends 20,000 samples a
 * second, judged by 200 rules, one message a store and poll.
 *
 * Publisher and stream are this one process, so one clock measures, and the fleet's work in it counts as latency.
 */
import { type CollectorRig, cleanUp, onCleanUp, waitFor } from "../rig/rig.ts";
import { BeltStore, deviceId } from "./belts.ts";
import { type Figure, progress } from "./figure.ts";
import { fleetNames, startLoad, startLoadedCollector } from "./load.ts";

const LOAD = { agents: 50, batchSamples: 240, samplesPerSecond: 20_000, windowBatches: 32 };
/** Faults at sites of ten devices, so that no site is in a state that no store ever was in. */
const SITES = 32;
const DEVICES_PER_SITE = 10;
const PAUSE_MS = 40;
const ARRIVE_MS_MAX = 10_000;
const INTERVAL_MS = 60_000;
const DEVICES = Array.from({ length: DEVICES_PER_SITE }, (_, index) => deviceId(index));
const HOT = 75;
const COOL = 25;

const RULE = `  - id: fault-to-incident
    title: "{{device}} is hot"
    select: kind == "conveyor"
    when: temperature_celsius > 60
    for: 0s
    severity: major
    category: hardware
`;

export async function benchLatency(): Promise<Figure[]> {
  progress("latency: one fault after the other under load");
  try {
    const sites = Array.from({ length: SITES }, (_, i) => ({ site: `latency-${i + 1}`, agent: "agent" }));
    const collector = await startLoadedCollector([...fleetNames(LOAD.agents), ...sites], RULE);
    const fleet = await startLoad(collector, LOAD);
    const options = {
      url: collector.mqtt,
      password: collector.password,
      devices: DEVICES_PER_SITE,
      intervalMs: INTERVAL_MS,
    };
    const stores = await Promise.all(sites.map(({ site }) => BeltStore.join({ ...options, site })));
    for (const store of stores) store.publish(DEVICES, [COOL]);
    const arrivals = await watchIncidents(collector);
    const before = { at: performance.now(), samples: fleet.counters().ackedSamples };
    const tookMs: number[] = [];
    for (const device of DEVICES) {
      for (const store of stores) {
        await new Promise((done) => setTimeout(done, PAUSE_MS));
        tookMs.push(await faultToIncident(store, device, arrivals));
      }
    }
    const seconds = (performance.now() - before.at) / 1_000;
    const samplesPerSecond = (fleet.counters().ackedSamples - before.samples) / seconds;
    await fleet.stop();
    await collector.program.stop();
    tookMs.sort((a, b) => a - b);
    const at = (share: number): number => tookMs[Math.floor(share * (tookMs.length - 1))] ?? Number.NaN;
    return [
      { label: `publish to incident on the stream, p50 of ${tookMs.length}`, value: at(0.5), unit: "ms" },
      { label: "  p99", value: at(0.99), unit: "ms" },
      { label: "  worst", value: at(1), unit: "ms" },
      { label: "load meanwhile, 200 rules", value: samplesPerSecond, unit: "samples/s" },
    ];
  } finally {
    await cleanUp();
  }
}

/** When an incident of a device arrived first, by site and device. */
export type Arrivals = { readonly next: (site: string, device: string) => Promise<number> };

async function faultToIncident(store: BeltStore, device: string, arrivals: Arrivals): Promise<number> {
  const arrived = arrivals.next(store.site, device);
  const publishedAt = performance.now();
  store.publish([device], [HOT]);
  return (await arrived) - publishedAt;
}

/** Reads the API's event stream as a page does. */
export async function watchIncidents(collector: Pick<CollectorRig, "http" | "token">): Promise<Arrivals> {
  const waiting = new Map<string, (at: number) => void>();
  const abort = new AbortController();
  onCleanUp(() => abort.abort());
  const response = await fetch(`${collector.http}/api/v1/stream`, {
    headers: { authorization: `Bearer ${collector.token}` },
    signal: abort.signal,
  });
  const { body } = response;
  if (!response.ok || body === null) throw new Error(`the stream answered ${response.status}`);
  let helloSeen = false;
  const read = async (): Promise<void> => {
    let text = "";
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const at = performance.now();
      const frames = (text + chunk).split("\n\n");
      text = frames.pop() ?? "";
      for (const frame of frames) {
        const data = /^data: (.*)$/m.exec(frame)?.[1];
        if (data === undefined) continue;
        const event: unknown = JSON.parse(data);
        helloSeen = true;
        const key = incidentOf(event);
        if (key === null) continue;
        waiting.get(key)?.(at);
        waiting.delete(key);
      }
    }
  };
  read().catch((thrown: unknown) => {
    if (!abort.signal.aborted) throw thrown;
  });
  await waitFor("the stream's first event", () => helloSeen);
  return {
    next: (site, device) =>
      new Promise((done, fail) => {
        const key = `${site}/${device}`;
        const timer = setTimeout(() => fail(new Error(`no incident of ${key}`)), ARRIVE_MS_MAX);
        waiting.set(key, (at) => {
          clearTimeout(timer);
          done(at);
        });
      }),
  };
}

type IncidentEvent = { type: "incident"; incident: { subject: { site: string; device: string | null } } };

/** Whose incident an event is about; null for any other event. */
function incidentOf(event: unknown): string | null {
  if (typeof event !== "object" || event === null || !("type" in event) || event.type !== "incident") return null;
  const { site, device } = (event as IncidentEvent).incident.subject;
  return `${site}/${device ?? ""}`;
}
