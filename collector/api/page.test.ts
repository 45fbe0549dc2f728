import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type SampleCollector, sampleCollector } from "./sample-collector.ts";

describe("the page", () => {
  let root = "";
  let served: SampleCollector;
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "aislewatch-page-"));
    const dir = join(root, "dist");
    mkdirSync(join(dir, "assets"), { recursive: true });
    writeFileSync(join(dir, "index.html"), "<!doctype html><title>NOC</title>");
    writeFileSync(join(dir, "assets/app-1a2b.js"), "export {};");
    writeFileSync(join(dir, ".env"), "SECRET");
    writeFileSync(join(root, "state.db"), "SECRET");
    served = await sampleCollector({ pageDir: dir });
  });
  afterEach(async () => {
    await served.close();
    rmSync(root, { recursive: true });
  });
  const fetchPage = (url: string) => served.app.inject({ method: "GET", url, headers: { accept: "text/html,*/*" } });

  it.each(["/", "/incidents/INC-000001", "/sites/berlin-01?tab=devices"])(
    "is at %s, always asked for again",
    async (url) => {
      const answer = await fetchPage(url);
      expect([answer.statusCode, answer.headers["cache-control"]]).toEqual([200, "no-cache"]);
      expect(answer.body).toContain("<title>NOC</title>");
    },
  );

  it("keeps its hashed files for good", async () => {
    const answer = await fetchPage("/assets/app-1a2b.js");
    expect([answer.statusCode, answer.headers["cache-control"]]).toEqual([200, "public, max-age=31536000, immutable"]);
    expect((await fetchPage("/assets/app-none.js")).statusCode).toBe(404);
  });

  it.each(["/../state.db", "/%2e%2e/state.db", "/assets/..%2f..%2fstate.db", "/..%5cstate.db", "/.env"])(
    "never reaches out of its folder: %s",
    async (url) => expect((await fetchPage(url)).body).not.toContain("SECRET"),
  );
});
