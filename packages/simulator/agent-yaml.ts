import { stringify } from "yaml";
import type { DemoStore } from "./store.ts";
import { DEMO_AGENT } from "./store-plan.ts";

export type AgentYamlOptions = {
  /** As `mqtt://127.0.0.1:1883`. */
  readonly collectorUrl: string;
  /** A secret reference (`file:…`, `env:…`), never a password; null for an open broker. */
  readonly passwordRef: string | null;
  readonly dataDir: string;
};

/** Short, so that a fault of the demo shows at once; the field polls printers every 30 s or slower. */
const DEMO_INTERVAL = "5s";

/** The demo agent's agent.yaml: every device of the store, and the host it runs on. */
export function agentYaml(store: Pick<DemoStore, "site" | "devices">, options: AgentYamlOptions): string {
  const { collectorUrl, passwordRef, dataDir } = options;
  const host = {
    id: "back-office/this-host",
    kind: "host",
    name: "This computer",
    labels: { zone: "back-office", role: "host" },
    driver: "host",
  };
  const devices = store.devices.map(({ id, kind, name, labels, dependsOn, driver, agentConfig }) => ({
    id,
    kind,
    name,
    labels,
    ...(dependsOn.length > 0 && { depends_on: dependsOn }),
    driver,
    ...agentConfig,
  }));
  const header = `# Written by the demo at each start: ${store.site.name}, simulated devices on this computer.\n`;
  return (
    header +
    stringify(
      {
        site: store.site.id,
        agent: DEMO_AGENT,
        collector: { url: collectorUrl, ...(passwordRef !== null && { password: passwordRef }) },
        data: dataDir,
        every: DEMO_INTERVAL,
        devices: [host, ...devices],
      },
      // People read this file to learn the format: no anchors.
      { aliasDuplicateObjects: false },
    )
  );
}
