import { describe, expect, it } from "vitest";
import { sampleClient } from "../sample-client.ts";

const api = sampleClient();
const { get } = api;

describe("for machines", () => {
  it("/healthz is 200 only while ingest works, and says why not", async () => {
    expect((await get("/healthz", {})).json()).toEqual({ ok: true, reasons: [] });
    api.collector.health.ok = false;
    api.collector.health.reasons.push("the state store cannot write: disk full");
    const answer = await get("/healthz", {});
    expect([answer.statusCode, answer.json()]).toEqual([
      503,
      { ok: false, reasons: ["the state store cannot write: disk full"] },
    ]);
  });

  it.each([
    { name: "from this machine", from: "127.0.0.1", headers: {}, status: 200 },
    { name: "from this machine by IPv6", from: "::1", headers: {}, status: 200 },
    { name: "from another", from: "192.0.2.7", headers: {}, status: 401 },
    {
      name: "through a proxy on this machine",
      from: "127.0.0.1",
      headers: { "x-forwarded-for": "192.0.2.7" },
      status: 401,
    },
  ])("/metrics $name gets $status", async ({ from, headers, status }) => {
    const answer = await api.collector.app.inject({ method: "GET", url: "/metrics", headers, remoteAddress: from });
    expect(answer.statusCode).toBe(status);
  });

  it("/metrics is Prometheus text, with a token from anywhere", async () => {
    const headers = api.collector.program("viewer");
    const answer = await api.collector.app.inject({
      method: "GET",
      url: "/metrics",
      headers,
      remoteAddress: "192.0.2.7",
    });
    expect(answer.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(answer.body).toMatch(/^aislewatch_samples_total 7\n# HELP aislewatch_stream_clients /);
    for (const line of answer.body.trimEnd().split("\n"))
      expect(line).toMatch(/^(# (HELP|TYPE) )?aislewatch_\w+ [\w. ]+$/);
  });

  it.each([
    { method: "PUT" as const, url: "/api/v1/incidents", allow: "GET, HEAD" },
    { method: "GET" as const, url: "/api/v1/session", allow: "DELETE, POST" },
    { method: "POST" as const, url: "/healthz", allow: "GET, HEAD" },
  ])("$method $url is 405 and says what is allowed", async ({ method, url, allow }) => {
    const answer = await api.collector.app.inject({ method, url, headers: { accept: "text/html" } });
    expect([answer.statusCode, answer.headers["allow"], answer.json().error]).toEqual([
      405,
      allow,
      "method_not_allowed",
    ]);
  });

  it.each(["/api/v1/nothing", "/api", "/assets/none.js"])("%s is 404 as JSON, also for a browser", async (url) => {
    const answer = await get(url, { accept: "text/html" });
    expect([answer.statusCode, answer.json().error]).toEqual([404, "no_such_path"]);
  });

  it("says how to build the page when it is not built", async () => {
    const answer = await get("/", { accept: "text/html" });
    expect([answer.statusCode, answer.json().hint]).toEqual([404, "Build it with: npm run page"]);
  });

  it("every answer forbids inline scripts, framing and sniffing, and the API's are not cached", async () => {
    for (const url of ["/healthz", "/api/v1/me", "/nothing", "/api/v1/openapi.json"]) {
      const { headers } = await get(url, {});
      expect(headers["content-security-policy"]).toMatch(
        /^default-src 'none'; script-src 'self';.*frame-ancestors 'none'$/,
      );
      expect(headers["content-security-policy"]).not.toContain("unsafe");
      expect([headers["x-content-type-options"], headers["referrer-policy"]]).toEqual(["nosniff", "no-referrer"]);
    }
    expect((await get("/api/v1/overview")).headers["cache-control"]).toBe("no-store");
  });
});
