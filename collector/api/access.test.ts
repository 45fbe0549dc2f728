import { describe, expect, it } from "vitest";
import { openApiDocument } from "./openapi.ts";
import { sampleClient } from "./sample-client.ts";

const api = sampleClient();
const { get, act } = api;

const READS = [
  "/api/v1/openapi.json",
  "/api/v1/me",
  "/api/v1/overview",
  "/api/v1/incidents",
  "/api/v1/incidents/INC-000001",
  "/api/v1/sites",
  "/api/v1/sites/berlin-01/devices",
  "/api/v1/sites/berlin-01/device?id=switch-1",
  "/api/v1/sites/berlin-01/events",
  "/api/v1/sites/berlin-01/series?device=switch-1&metric=up&from=0&to=1000",
  "/api/v1/agents",
  "/api/v1/agents/berlin-01/back-office",
  "/api/v1/audit/delivery",
  "/api/v1/maintenance",
  "/api/v1/notifications/channels",
  "/api/v1/notifications/log",
  "/api/v1/rules",
  "/api/v1/rules/media-out/explain?site=berlin-01&device=receiving/label-printer",
  "/api/v1/people",
];

describe("who may", () => {
  it.each([...READS, "/api/v1/stream"])("not read %s without a sign-in", async (url) => {
    const answer = await get(url, {});
    expect([answer.statusCode, answer.json()]).toEqual([401, { error: "not_signed_in", message: "Sign in first." }]);
  });

  it("use no endpoint without a sign-in but those that are for everybody, and act nowhere as a viewer", async () => {
    const open = ["/healthz", "/metrics", "/api/v1/session"];
    const { paths = {} } = await openApiDocument();
    const endpoints = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods ?? {}).map((method) => ({ path, method })),
    );
    const found = endpoints.filter(({ path }) => !open.some((prefix) => path.startsWith(prefix)));
    expect(found.length).toBeGreaterThan(20);
    for (const { path, method } of found) {
      const ask = (headers: Record<string, string>) =>
        api.collector.app.inject({ method: method.toUpperCase() as "GET", url: path.replaceAll(/[{}]/g, ""), headers });
      expect([path, method, (await ask({})).statusCode]).toEqual([path, method, 401]);
      if (method === "get") continue;
      expect([path, method, (await ask(api.collector.browser("viewer"))).statusCode]).toEqual([path, method, 403]);
    }
  });

  it.each(READS)("read %s as a viewer, by cookie and by token", async (url) => {
    api.collector.open();
    expect((await get(url)).statusCode).toBe(200);
    expect((await get(url, api.collector.program("viewer"))).statusCode).toBe(200);
  });

  it.each([
    { name: "a viewer's cookie", headers: () => api.collector.browser("viewer"), status: 403 },
    { name: "a viewer's token", headers: () => api.collector.program("viewer"), status: 403 },
    { name: "nobody", headers: () => ({}), status: 401 },
    { name: "a token that is none", headers: () => ({ authorization: `Bearer ${"x".repeat(43)}` }), status: 401 },
    { name: "an operator's cookie", headers: () => api.collector.browser("operator"), status: 200 },
    { name: "an operator's token", headers: () => api.collector.program("operator"), status: 200 },
    { name: "an administrator", headers: () => api.collector.browser("admin"), status: 200 },
  ])("act: $name gets $status", async ({ headers, status }) => {
    const { id } = api.collector.open();
    expect((await act(id, { action: "acknowledge" }, headers())).statusCode).toBe(status);
  });

  it.each([
    { name: "a page of another site", headers: { "sec-fetch-site": "cross-site" }, status: 403 },
    { name: "a page of another port of this host", headers: { "sec-fetch-site": "same-site" }, status: 403 },
    { name: "an older browser on another site", headers: { origin: "https://evil.example" }, status: 403 },
    { name: "a browser that hides its origin", headers: { origin: "null" }, status: 403 },
    { name: "a cookie with no word of where from", headers: {}, status: 403 },
    { name: "an older browser on the page", headers: { origin: "http://noc.example:8080" }, status: 200 },
    { name: "the page", headers: { "sec-fetch-site": "same-origin", origin: "http://noc.example:8080" }, status: 200 },
  ])("act across sites: $name gets $status", async ({ headers, status }) => {
    const { id } = api.collector.open();
    const { cookie = "" } = api.collector.browser("operator");
    const answer = await act(id, { action: "acknowledge" }, { cookie, host: "noc.example:8080", ...headers } as never);
    expect(answer.statusCode).toBe(status);
    if (status === 403) expect(answer.json().error).toBe("foreign_origin");
  });
});
