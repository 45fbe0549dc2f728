/** The driver over TCP: what a scanner says beside its till, and what of it can be seen outside. */
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import tap from "./index.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const CARD = "%B4111111111111111^DOE/JANE^27122011000?;4111111111111111=27122011000?\r";

async function startMirror() {
  const sockets = new Set<Socket>();
  const heard: Buffer[] = [];
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.on("data", (bytes) => heard.push(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const bound = server.address();
  return { port: typeof bound === "object" && bound !== null ? bound.port : 0, sockets, heard };
}

function open(port: number) {
  const config = tap.config.parse({ line: { tcp: `127.0.0.1:${port}` }, terminator: "cr" });
  const poller = tap.open({ id: "t", kind: "barcode_scanner", config, secret: () => "" });
  stops.push(() => poller.close());
  return poller;
}
const context = () => ({ signal: AbortSignal.timeout(5_000), timeoutMs: 5_000, nowMs: 0 });

describe("tap over TCP", () => {
  it("counts what passes, says not a byte, and lets nothing of what was said out", async () => {
    const { port, sockets, heard } = await startMirror();
    const poller = open(port);
    expect(await poller.poll(context())).toMatchObject({ ok: true, value: { receivedBytes: 0, messages: 0 } });
    for (const socket of sockets) socket.write(CARD);
    let reply: unknown;
    const again = async (): Promise<unknown> => {
      const polled = await poller.poll(context());
      reply = polled.ok ? polled.value : null;
      return reply;
    };
    await expect.poll(again).toMatchObject({ receivedBytes: CARD.length, messages: 1 });
    expect(JSON.stringify(reply)).not.toMatch(/4111|DOE/);
    expect(heard).toEqual([]);
  });

  it("says what is wrong while the line is not open", async () => {
    const { port } = await startMirror();
    await stops.pop()?.();
    expect(await open(port).poll(context())).toMatchObject({ ok: false, error: { kind: "refused" } });
  });
});
