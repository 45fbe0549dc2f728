import { describe, expect, it } from "vitest";
import { createLoginLink, LINK_LIFE_MS, putUser } from "../auth.ts";
import { sampleClient } from "../sample-client.ts";
import { sampleCollector } from "../sample-collector.ts";
import { cert, key } from "../test-certificate.ts";

const api = sampleClient();
const { get, post } = api;

const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));
const authDeps = () => ({ state: api.collector.state, clock: api.collector.clock, random });

describe("signing in", () => {
  it("by link: once, within ten minutes, with a cookie that only this browser's own page sends", async () => {
    const link = createLoginLink(authDeps(), "admin");
    expect((await api.collector.app.inject({ method: "HEAD", url: link })).statusCode).toBe(405);
    const first = await get(link, {});
    expect([first.statusCode, first.headers.location]).toEqual([303, "/"]);
    expect(first.headers["set-cookie"]).toMatch(
      /^aislewatch=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    const cookie = String(first.headers["set-cookie"]).split(";")[0] ?? "";
    expect((await get("/api/v1/me", { cookie })).json()).toEqual({ name: "admin", role: "admin" });
    const second = await get(link, {});
    expect([second.statusCode, second.json().error]).toEqual([401, "link_spent"]);
    const inBrowser = await get(link, { accept: "text/html,application/xhtml+xml,*/*;q=0.8" });
    expect([inBrowser.statusCode, inBrowser.headers.location]).toEqual([303, "/login?spent"]);

    const late = createLoginLink(authDeps(), "admin");
    api.collector.clock.advance(LINK_LIFE_MS + 1);
    expect((await get(late, {})).statusCode).toBe(401);
  });

  it("by password, and not by a wrong one", async () => {
    await putUser(authDeps(), { name: "kim", role: "operator", password: "correct horse" });
    const right = await post("/api/v1/session", { name: "kim", password: "correct horse" }, {});
    expect([right.statusCode, right.json()]).toEqual([200, { name: "kim", role: "operator" }]);
    for (const payload of [
      { name: "kim", password: "wrong" },
      { name: "nobody", password: "correct horse" },
      { name: "admin", password: "admin" },
    ]) {
      const wrong = await post("/api/v1/session", payload, {});
      expect([wrong.statusCode, wrong.json()]).toEqual([
        401,
        { error: "wrong_password", message: "Name or password is wrong." },
      ]);
      expect(wrong.headers["set-cookie"]).toBeUndefined();
    }
    expect(api.collector.state.auditLog(10).map(({ action }) => action)).toEqual([
      "sign_in_refused",
      "sign_in_refused",
      "sign_in_refused",
      "signed_in",
    ]);
  });

  it("not from a page of another site", async () => {
    const answer = await post("/api/v1/session", { name: "a", password: "b" }, { origin: "https://evil.example" });
    expect(answer.statusCode).toBe(403);
  });

  it("not more than ten times a minute", async () => {
    const answers = [];
    for (let attempt = 0; attempt < 12; attempt++) answers.push(await get("/api/v1/session/link/none", {}));
    expect(answers.map((answer) => answer.statusCode)).toEqual([...Array(10).fill(401), 429, 429]);
    expect(answers.at(-1)?.json()).toMatchObject({ error: "too_often" });
  });

  it("ends with signing out, everywhere that cookie is", async () => {
    const headers = api.collector.browser("operator");
    const out = await api.collector.app.inject({ method: "DELETE", url: "/api/v1/session", headers });
    expect([out.statusCode, out.body]).toEqual([204, ""]);
    expect(out.headers["set-cookie"]).toMatch(/^aislewatch=; .*Expires=Thu, 01 Jan 1970/);
    expect((await get("/api/v1/me", headers)).statusCode).toBe(401);
  });

  it("lasts while it is used, twelve hours when not, thirty days at most", async () => {
    const headers = api.collector.browser("viewer");
    const hour = 3_600_000;
    for (let day = 0; day < 59; day++) {
      api.collector.clock.advance(11.9 * hour);
      expect((await get("/api/v1/me", headers)).statusCode).toBe(200);
    }
    api.collector.clock.advance(23 * hour);
    expect((await get("/api/v1/me", headers)).statusCode).toBe(401);
    const idle = api.collector.browser("viewer");
    api.collector.clock.advance(12 * hour + 1);
    expect((await get("/api/v1/me", idle)).statusCode).toBe(401);
  });

  it("sets a cookie that never leaves TLS when the collector has it", async () => {
    const secure = await sampleCollector({ tls: { key, cert } });
    const link = createLoginLink({ state: secure.state, clock: secure.clock, random }, "admin");
    const answer = await secure.app.inject({ method: "GET", url: link });
    expect(answer.headers["set-cookie"]).toMatch(/^__Host-aislewatch=.*; HttpOnly; Secure; SameSite=Strict$/);
    expect(answer.headers["strict-transport-security"]).toBe("max-age=31536000");
    await secure.close();
  });
});
