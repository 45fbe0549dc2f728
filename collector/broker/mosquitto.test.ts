import { describe, expect, it } from "vitest";
import { hashAgentPassword } from "../agent-password.ts";
import { type MosquittoPlan, mosquittoAcl, mosquittoConf, mosquittoPasswords } from "./mosquitto.ts";

const PLAN: MosquittoPlan = {
  folder: "/etc/mosquitto/aislewatch",
  url: "mqtts://broker.example",
  username: "collector",
  own: { site: "aislewatch", agent: "collector" },
  certificate: { cert: "/etc/ssl/broker.pem", key: "/etc/ssl/broker.key" },
};
const own = (text: string): string[] => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

describe("mosquitto.conf", () => {
  it.each([
    { name: "TLS, at its own port", url: "mqtts://broker.example", line: "listener 8883" },
    { name: "TLS, at another port", url: "mqtts://broker.example:18883", line: "listener 18883" },
    { name: "none, on this machine", url: "mqtt://localhost", line: "listener 1883 127.0.0.1" },
    { name: "none, over IPv6", url: "mqtt://[::1]:1884", line: "listener 1884 ::1" },
  ])("listens with $name", ({ url, line }) => {
    const certificate = url.startsWith("mqtts") ? PLAN.certificate : null;
    const text = mosquittoConf({ ...PLAN, url, certificate });
    expect(own(text)).toContain(line);
    expect(own(text).filter((one) => one.includes("certfile"))).toEqual(
      certificate === null ? [] : ["certfile /etc/ssl/broker.pem"],
    );
    expect(own(text)).toContain("allow_anonymous false");
  });
});

it("the access list binds each agent to its own topics, and the collector to what it needs", () => {
  expect(own(mosquittoAcl(PLAN))).toEqual([
    "user collector",
    "topic read aislewatch/v1/+/+/status",
    "topic read aislewatch/v1/+/+/telemetry",
    "topic read aislewatch/v1/+/+/reply",
    "topic read aislewatch/v1/+/+/inventory/+",
    "topic write aislewatch/v1/+/+/ack",
    "topic write aislewatch/v1/+/+/command",
    "topic readwrite aislewatch/v1/aislewatch/collector/#",
    "pattern write aislewatch/v1/%u/status",
    "pattern write aislewatch/v1/%u/telemetry",
    "pattern write aislewatch/v1/%u/reply",
    "pattern write aislewatch/v1/%u/inventory/+",
    "pattern read aislewatch/v1/%u/ack",
    "pattern read aislewatch/v1/%u/command",
  ]);
});

describe("the list of passwords", () => {
  const known = { site: "s1", agent: "pc", passwordHash: hashAgentPassword("x") };
  const former = { site: "s1", agent: "old", passwordHash: "sha256$salt$hash" };

  it("has the collector and each agent whose hash a broker knows, and names the others", () => {
    const made = mosquittoPasswords({ username: "collector", hash: "$7$h", agents: [known, former] });
    expect(made).toEqual({
      text: `collector:$7$h\ns1/pc:${known.passwordHash}\n`,
      agents: 1,
      needNew: ["s1/old"],
    });
  });

  it.each([
    { name: "with the collector's own", hash: "$7$new", line: "collector:$7$new" },
    { name: "without it", hash: null, line: "collector:$7$before" },
  ])("keeps the lines of others and none of agents that are gone, made $name", ({ hash, line }) => {
    const before = "grafana:$7$g\r\ncollector:$7$before\ns1/gone:$7$x\ns1/pc:$7$former\n\n";
    const { text } = mosquittoPasswords({ username: "collector", hash, agents: [known] }, before);
    expect(text.trimEnd().split("\n").sort()).toEqual(["grafana:$7$g", line, `s1/pc:${known.passwordHash}`].sort());
  });
});
