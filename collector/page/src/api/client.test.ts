import { expect, it } from "vitest";
import { createApi, failure } from "./client.ts";

it.each([
  { status: 401, kind: "signed_out" },
  { status: 404, kind: "missing" },
  { status: 409, kind: "conflict" },
  { status: 422, kind: "refused" },
  { status: 429, kind: "refused" },
  { status: 500, kind: "server" },
])("takes HTTP $status for $kind", ({ status, kind }) => {
  expect(failure(status, { error: "x", message: "Because." })).toEqual({ kind, message: "Because." });
});

it("adds the hint to the message, and has words of its own when the body has none", () => {
  expect(failure(422, { message: "No.", hint: "Try A." }).message).toBe("No. Try A.");
  expect(failure(502, "<html>").message).toBe("The collector answered 502.");
});

it("says that the collector can't be reached when there is no answer", async () => {
  const api = createApi({ baseUrl: "http://collector", fetch: () => Promise.reject(new TypeError("refused")) });
  expect(await api.me()).toMatchObject({ ok: false, error: { kind: "offline" } });
});

it("sends an action as JSON to the incident that it is for", async () => {
  const sent: Request[] = [];
  const api = createApi({
    baseUrl: "http://collector",
    fetch: async (request) => {
      if (request instanceof Request) sent.push(request);
      return Response.json({ error: "conflict", message: "Moved on." }, { status: 409 });
    },
  });
  const answer = await api.act("INC-1", { action: "acknowledge", version: 4 });
  expect(answer).toEqual({ ok: false, error: { kind: "conflict", message: "Moved on." } });
  expect(sent[0]?.url).toBe("http://collector/api/v1/incidents/INC-1/actions");
  expect(await sent[0]?.json()).toEqual({ action: "acknowledge", version: 4 });
});
