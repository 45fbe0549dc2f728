/** For tests: a collector of its own for each test of a file, and whoever asks its API. */
import { afterEach, beforeEach } from "vitest";
import { type SampleCollector, sampleCollector } from "./sample-collector.ts";

export type SampleClient = {
  readonly collector: SampleCollector;
  readonly get: (url: string, headers?: Record<string, string>) => ReturnType<typeof ask>;
  readonly post: (url: string, payload: object, headers: Record<string, string>) => ReturnType<typeof ask>;
  /** As an operator, when nobody else is named. */
  readonly act: (id: string, payload: object, headers?: Record<string, string>) => ReturnType<typeof ask>;
};

type Question = { method: "GET" | "POST"; url: string; headers: Record<string, string>; payload?: object };
const ask = (collector: SampleCollector, question: Question) => collector.app.inject(question);

export function sampleClient(): SampleClient {
  let collector: SampleCollector;
  beforeEach(async () => {
    collector = await sampleCollector();
  });
  afterEach(() => collector.close());
  const post: SampleClient["post"] = (url, payload, headers) =>
    ask(collector, { method: "POST", url, payload, headers });
  return {
    get collector() {
      return collector;
    },
    get: (url, headers = collector.browser("viewer")) => ask(collector, { method: "GET", url, headers }),
    post,
    act: (id, payload, headers = collector.browser("operator")) =>
      post(`/api/v1/incidents/${id}/actions`, payload, headers),
  };
}
