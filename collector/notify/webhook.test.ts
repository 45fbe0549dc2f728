/** Webhooks against real receivers on loopback, the hostile ones too. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { realClock } from "@aislewatch/runtime";
import { afterEach, describe, expect, it } from "vitest";
import { cert, key } from "../api/test-certificate.ts";
import type { Channel } from "./channel.ts";
import { testMessage } from "./message.ts";
import { signingKey, verify } from "./signature.ts";
import { createWebhook } from "./webhook.ts";

const KEY = Buffer.from(signingKey("a-secret-of-the-tests-only") ?? "");
const MESSAGE = testMessage("test/1", 1_700_000_000_000, "user:ana");
const TIMEOUT_MS = 1_500;

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  open.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => server.close(done));
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

type Seen = { readonly headers: IncomingMessage["headers"]; readonly body: string };

async function receiver(answer: (response: ServerResponse) => void): Promise<{ port: number; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      seen.push({ headers: request.headers, body });
      answer(response);
    });
  });
  return { port: await listen(server), seen };
}

const webhook = (port: number, given: { url?: string; isPrivate?: boolean } = {}): Channel =>
  createWebhook(
    {
      ...{ kind: "webhook", url: `http://127.0.0.1:${port}/hook`, key: KEY, isPrivate: true },
      ...{ timeoutMs: TIMEOUT_MS, giveUpAfterMs: 60_000, rate: null },
      ...given,
    },
    realClock,
  );

const deliver = (channel: Channel) => channel.deliver(MESSAGE, AbortSignal.timeout(TIMEOUT_MS));

describe("a webhook", () => {
  it("posts the message, and a signature that its receiver can verify", async () => {
    const { port, seen } = await receiver((response) => response.writeHead(204).end());
    const began = Math.floor(Date.now() / 1_000);
    expect(await deliver(webhook(port))).toEqual({ ok: true, value: { status: 204, detail: "HTTP 204" } });
    const [{ headers, body } = { headers: {}, body: "" }] = seen;
    expect(JSON.parse(body)).toEqual(MESSAGE);
    expect(headers["webhook-id"]).toBe("test/1");
    const timestamp = Number(headers["webhook-timestamp"]);
    expect(timestamp).toBeGreaterThanOrEqual(began);
    expect(timestamp).toBeLessThanOrEqual(Math.ceil(Date.now() / 1_000));
    expect(verify({ id: "test/1", timestamp, body }, String(headers["webhook-signature"]), KEY)).toBe(true);
  });

  it.each([
    { name: "500", status: 500, retryable: true, text: "out of\u0007\norder", detail: "HTTP 500: out of order" },
    { name: "401", status: 401, retryable: true, text: "", detail: "HTTP 401" },
    { name: "404", status: 404, retryable: true, text: "", detail: "HTTP 404" },
    { name: "a redirect", status: 302, retryable: true, text: "", detail: "HTTP 302: redirects are not followed" },
    { name: "400", status: 400, retryable: false, text: "no field x", detail: "HTTP 400: no field x" },
    { name: "413", status: 413, retryable: false, text: "", detail: "HTTP 413" },
  ])("that gets $name says so", async ({ status, retryable, text, detail }) => {
    const { port, seen } = await receiver((response) => response.writeHead(status, { location: "/again" }).end(text));
    expect(await deliver(webhook(port))).toEqual({ ok: false, error: { retryable, status, detail } });
    expect(seen).toHaveLength(1);
  });

  it.each([
    { name: "seconds", written: () => "120", wanted: 120_000 },
    { name: "a date", written: () => new Date(Date.now() + 60_000).toUTCString(), wanted: 60_000 },
    { name: "a year", written: () => "31536000", wanted: 3_600_000 },
    { name: "nonsense", written: () => "soon", wanted: undefined },
  ])("heeds Retry-After in $name", async ({ written, wanted }) => {
    const { port } = await receiver((response) => response.writeHead(429, { "retry-after": written() }).end());
    const began = Date.now();
    const result = await deliver(webhook(port));
    const heeded = result.ok ? null : result.error.retryAfterMs;
    if (wanted === undefined) expect(heeded).toBeUndefined();
    else expect(Math.abs((heeded ?? 0) - wanted)).toBeLessThan(3_000 + Date.now() - began);
  });

  it("does not wait for a receiver that takes it and hangs", async () => {
    const { port } = await receiver(() => undefined);
    const detail = `no answer within ${TIMEOUT_MS} ms`;
    const msToGiveUp = async (): Promise<number> => {
      const began = performance.now();
      expect(await deliver(webhook(port))).toEqual({ ok: false, error: { retryable: true, status: null, detail } });
      return performance.now() - began;
    };
    // Once more when the machine stood still.
    await expect.poll(msToGiveUp).toBeLessThan(TIMEOUT_MS + 1_000);
  });

  it("does not wait for headers that drip", async () => {
    const port = await listen(
      createTcpServer((socket) => {
        socket.write("HTTP/1.1 200 OK\r\n");
        const timer = setInterval(() => socket.write("x: y\r\n"), 50);
        socket.on("close", () => clearInterval(timer));
      }),
    );
    expect(await deliver(webhook(port))).toMatchObject({ ok: false, error: { retryable: true } });
  });

  it("takes the first line of an answer whose body drips for what it is", async () => {
    const { port } = await receiver((response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write("."), 50);
      response.on("close", () => clearInterval(timer));
    });
    expect(await deliver(webhook(port))).toMatchObject({ ok: true, value: { status: 200 } });
  });

  it("reads the first words of an answer of ten gigabytes, and no more", async () => {
    let sent = 0;
    const { port } = await receiver((response) => {
      response.writeHead(500, { "content-length": String(10 * 2 ** 30) });
      const block = Buffer.alloc(65_536, "a");
      const more = (): void => {
        while (!response.destroyed && response.write(block)) sent += block.length;
      };
      response.on("drain", more);
      more();
    });
    const result = await deliver(webhook(port));
    expect(result).toMatchObject({ ok: false, error: { retryable: true, status: 500 } });
    expect(result.ok ? "" : result.error.detail).toHaveLength("HTTP 500: ".length + 200);
    expect(sent).toBeLessThan(16 * 2 ** 20);
  });

  it.each([
    { name: "closes at once", talk: (socket: Socket) => socket.destroy() },
    { name: "speaks no HTTP", talk: (socket: Socket) => void socket.end("220 mail.example ESMTP\r\n") },
    {
      name: "sends headers without end",
      talk: (socket: Socket) => void socket.write(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(1e6)}`),
    },
  ])("fails, and may try again, when the receiver $name", async ({ talk }) => {
    const port = await listen(createTcpServer(talk));
    expect(await deliver(webhook(port))).toMatchObject({ ok: false, error: { retryable: true, status: null } });
  });

  it("fails when nobody listens", async () => {
    const { port } = await receiver(() => undefined);
    for (const close of open.splice(0)) await close();
    const result = await deliver(webhook(port));
    expect(result.ok ? "" : result.error.detail).toContain("ECONNREFUSED");
  });

  it.each([
    { name: "an address", host: "127.0.0.1" },
    { name: "a name that leads there", host: "localhost" },
    { name: "a number that is one", host: "2130706433" },
  ])("reaches nothing on this machine by $name unless it is private", async ({ host }) => {
    const { port, seen } = await receiver((response) => response.writeHead(204).end());
    const result = await deliver(webhook(port, { url: `http://${host}:${port}/`, isPrivate: false }));
    expect(result).toMatchObject({ ok: false, error: { retryable: true } });
    expect(result.ok ? "" : result.error.detail).toContain("private network");
    expect(seen).toEqual([]);
    expect(await deliver(webhook(port, { url: `http://${host}:${port}/` }))).toMatchObject({ ok: true });
  });

  it("does not send to a server whose certificate nobody vouches for", async () => {
    let requests = 0;
    const server = createTlsServer({ cert, key }, (_request, response) => {
      requests++;
      response.end();
    });
    const port = await listen(server);
    const result = await deliver(webhook(port, { url: `https://localhost:${port}/` }));
    expect(result.ok ? "" : result.error.detail).toMatch(/self.signed|certificate/i);
    expect(requests).toBe(0);
  });

  it("shows where it leads without what may be secret in the path", () => {
    const { target } = webhook(1, { url: "https://hooks.example.com:8443/T000/B000/XXXX?key=1" });
    expect(target).toBe("hooks.example.com:8443");
  });
});
