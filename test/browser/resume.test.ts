/** A page whose line breaks goes on where it was: what happened meanwhile comes over the stream, and nothing is fetched again. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { cleanUp, onCleanUp } from "../rig/rig.ts";
import { isLive, rowOf, signedIn, startChromium } from "./chromium.ts";
import { openIncident, type Store, startStore } from "./store.ts";

let store: Store;
let browser: Browser;

beforeAll(async () => {
  [store, browser] = await Promise.all([startStore(), startChromium()]);
});
afterAll(cleanUp);

it("shows what it missed, once, without asking for the list again", async () => {
  const line = await startLine(new URL(store.collector.http));
  const through = { ...store.collector, http: line.address };
  const { page, problems } = await signedIn(browser, through, { expected: /Failed to load resource|ERR_/ });
  store.dock.fault("head-open");
  await rowOf(page, "Print head open").waitFor();
  let lists = 0;
  page.on("request", (request) => {
    if (new URL(request.url()).pathname === "/api/v1/incidents") lists += 1;
  });

  line.cut();
  const connection = page.getByTestId("connection");
  await expect.poll(() => connection.getAttribute("data-state")).not.toBe("live");
  store.bakery.fault("media-low");
  await openIncident(store.collector, "media-low");
  expect(await rowOf(page, "Label media low").count()).toBe(0);

  line.mend();
  await isLive(page);
  await rowOf(page, "Label media low").waitFor();
  expect(await rowOf(page, "Label media low").count()).toBe(1);
  expect(lists).toBe(0);

  // Started again it is another process, whose events have other ids: then the list is fetched.
  await store.collector.program.kill();
  store.dock.heal();
  await store.collector.restart();
  await isLive(page);
  await rowOf(page, "Print head open").filter({ hasText: "Recovered" }).waitFor();
  expect(lists).toBeGreaterThan(0);
  expect(problems).toEqual([]);
});

/** A TCP line to the collector that can be cut: what stands on it ends, and nothing new is taken. */
async function startLine(to: URL): Promise<{ readonly address: string; cut(): void; mend(): void }> {
  const ends = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(Number(to.port), to.hostname);
    near.pipe(far).pipe(near);
    for (const end of [near, far]) {
      ends.add(end);
      end.on("error", () => undefined); // The other end went away; both close.
      end.on("close", () => {
        ends.delete(end);
        near.destroy();
        far.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    isCut = true;
    for (const end of ends) end.destroy();
  };
  onCleanUp(() => {
    cut();
    server.close();
  });
  const at = server.address();
  const port = typeof at === "object" && at !== null ? at.port : 0;
  return {
    address: `http://127.0.0.1:${port}`,
    cut,
    mend: () => {
      isCut = false;
    },
  };
}
