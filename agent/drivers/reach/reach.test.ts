import { createSocket } from "node:dgram";
import { createServer, type Server } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { ManualClock } from "@aislewatch/base";
import { findMetric } from "@aislewatch/devices";
import { realClock } from "@aislewatch/runtime";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { TEST_CERTIFICATE, TEST_KEY } from "../../transport/test-certificate.ts";
import type { PollContext } from "../driver.ts";
import { linuxGateway, windowsGateway } from "./default-route.ts";
import reach from "./index.ts";
import { CERTIFICATE_METRICS, METRICS, parse } from "./parse.ts";
import { tryNameServer, tryTarget } from "./poll.ts";

/** When the certificate of the test ends. */
const ENDS_AT_MS = Date.UTC(2126, 9, 29, 1, 24, 48);
const DAY_MS = 86_400_000;

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});
const context = (timeoutMs = 4_000): PollContext => ({ signal: AbortSignal.timeout(timeoutMs), timeoutMs, nowMs: 0 });

async function portOf(server: Server): Promise<number> {
  server.on("connection", (socket) => socket.on("error", () => {}).resume());
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  stops.push(() => new Promise((done) => server.close(() => done())));
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}
const tlsServer = (): Promise<number> => portOf(createTlsServer({ cert: TEST_CERTIFICATE, key: TEST_KEY }));

/** Answers every question with one address, only for IPv6, with no such name, with a name that has none, or not at all. */
async function nameServer(
  says: "address" | "address-of-ipv6" | "no-address" | "nothing-known" | "nothing",
): Promise<string> {
  const socket = createSocket("udp4");
  socket.on("message", (question, from) => {
    if (says === "nothing") return;
    const reply = Buffer.from(question.subarray(0, question.indexOf(0, 12) + 5));
    const asksIpv6 = reply.readUInt16BE(reply.length - 4) === 28;
    const answers = says === "address" || (says === "address-of-ipv6" && asksIpv6);
    reply.writeUInt16BE(says === "nothing-known" ? 0x8183 : 0x8180, 2);
    reply.writeUInt16BE(answers ? 1 : 0, 6);
    reply.writeUInt32BE(0, 8);
    const ipv6 = `c00c001c00010000003c0010${"fd000000000000000000000000000001"}`;
    const answer = Buffer.from(asksIpv6 ? ipv6 : "c00c000100010000003c00040a2a0001", "hex");
    socket.send(answers ? Buffer.concat([reply, answer]) : reply, from.port, from.address);
  });
  await new Promise<void>((done) => socket.bind(0, "127.0.0.1", done));
  stops.push(() => new Promise((done) => socket.close(() => done())));
  return `127.0.0.1:${socket.address().port}`;
}

describe("the default gateway", () => {
  const HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";
  it.each([
    { name: "one", table: `${HEAD}eth0\t00000000\t01002A0A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n`, want: "10.42.0.1" },
    {
      name: "of two, that of the lower metric",
      table: `${HEAD}wwan0\t00000000\t0101A8C0\t0003\t0\t0\t700\t00000000\t0\t0\t0\neth0\t00000000\t01002A0A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n`,
      want: "10.42.0.1",
    },
    {
      name: "a network is none",
      table: `${HEAD}eth0\t00002A0A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n`,
      want: null,
    },
    {
      name: "a point-to-point line has no gateway",
      table: `${HEAD}ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n`,
      want: null,
    },
    { name: "nothing", table: "", want: null },
  ])("Linux: $name", ({ table, want }) => expect(linuxGateway(table)).toBe(want));

  it.each([
    {
      name: "of two, that of the lower metric, in any language",
      table:
        "Aktive Routen:\n     0.0.0.0          0.0.0.0      192.168.1.1     192.168.1.20    55\r\n     0.0.0.0          0.0.0.0        10.42.0.1       10.42.0.20    25\r\n   10.42.0.0    255.255.255.0         On-link       10.42.0.20   281\r\n",
      want: "10.42.0.1",
    },
    { name: "a persistent route has one column less", table: "  0.0.0.0  0.0.0.0  10.42.0.1  Default\n", want: null },
  ])("Windows: $name", ({ table, want }) => expect(windowsGateway(table)).toBe(want));

  it("never throws", () => {
    fc.assert(
      fc.property(fc.string(), (table) => {
        linuxGateway(table);
        windowsGateway(table);
      }),
    );
  });
});

describe("a name server", () => {
  const ask = (server: string, timeoutMs?: number) =>
    tryNameServer({ server, name: "pos.store.example" }, context(timeoutMs), realClock);

  it("that answers", async () => {
    const tried = await ask(await nameServer("address"));
    expect(tried).toMatchObject({ how: "dns", isReached: true, detail: null });
    expect(tried.answerMs).toBeGreaterThanOrEqual(0);
  });

  it("that knows an address of IPv6 and no other", async () => {
    expect(await ask(await nameServer("address-of-ipv6"))).toMatchObject({ isReached: true, detail: null });
  });

  it.each(["no-address", "nothing-known", "nothing"] as const)("that says %s", async (says) => {
    expect(await ask(await nameServer(says), 600)).toMatchObject({ isReached: false, answerMs: null });
  });

  it("that can't be asked at all", async () => {
    expect(await ask("no address")).toMatchObject({ isReached: false });
  });
});

describe("a target", () => {
  const at = (port: number, secure = false) => ({ name: "pos", host: "127.0.0.1", port, secure });

  it("that takes a connection", async () => {
    expect(await tryTarget(at(await portOf(createServer())), context(), realClock)).toMatchObject({
      how: "tcp",
      isReached: true,
      certificate: null,
    });
  });

  it.each([
    { name: "has half a year left", nowMs: ENDS_AT_MS - 180 * DAY_MS, days: 180 },
    { name: "ends tomorrow", nowMs: ENDS_AT_MS - DAY_MS, days: 1 },
    { name: "has ended", nowMs: ENDS_AT_MS + 2.5 * DAY_MS, days: -2.5 },
  ])("whose certificate $name", async ({ nowMs, days }) => {
    const clock = new ManualClock(nowMs);
    const tried = await tryTarget(at(await tlsServer(), true), context(), clock);
    expect(tried).toMatchObject({ isReached: true, certificate: { expiresAtMs: ENDS_AT_MS, isTrusted: false } });
    const parsed = parse({ targets: [tried] });
    expect(parsed.ok && parsed.value.samples[0]).toMatchObject({
      component: "target-pos",
      metrics: { target_reachable: true, certificate_remaining_days: days, certificate_trusted: false },
    });
  });

  it("that refuses", async () => {
    const server = createServer();
    const port = await portOf(server);
    await new Promise((done) => server.close(done));
    stops.length = 0;
    expect(await tryTarget(at(port), context(), realClock)).toMatchObject({
      isReached: false,
      detail: expect.stringContaining("ECONNREFUSED"),
    });
  });

  it("that speaks no TLS", async () => {
    const server = createServer((socket) => void socket.end("220 mail.store.example\r\n"));
    expect(await tryTarget(at(await portOf(server), true), context(), realClock)).toMatchObject({ isReached: false });
  });

  it("that says nothing costs no more than the poll's time", async () => {
    expect(await tryTarget(at(await portOf(createServer()), true), context(200), realClock)).toMatchObject({
      isReached: false,
      answerMs: null,
    });
  });

  it("that has no address", async () => {
    const nowhere = { ...at(443), host: "no-such-host.invalid" };
    expect(await tryTarget(nowhere, context(), realClock)).toMatchObject({ isReached: false });
  });
});

describe("reach", () => {
  it("tries all at once and says what failed", async () => {
    const port = await portOf(createServer());
    const config = reach.config.parse({
      gateway: false,
      targets: [
        { name: "uplink", tcp: `127.0.0.1:${port}` },
        { name: "pos", tls: "no-such-host.invalid" },
      ],
    });
    const poller = reach.open({ id: "reach", kind: "host", config, secret: () => "" });
    const reply = await poller.poll(context());
    const parsed = reply.ok ? poller.parse(JSON.parse(JSON.stringify(reply.value))) : reply;
    expect(parsed).toMatchObject({
      ok: true,
      value: {
        samples: [
          { component: "target-uplink", metrics: { target_reachable: true } },
          { component: "target-pos", metrics: { target_reachable: false } },
        ],
      },
    });
    expect(poller.about?.().map(([name]) => name)).toEqual(["pos"]);
  });

  it.each([
    { name: "a target of both kinds", written: { targets: [{ name: "a", tcp: "h:1", tls: "h:1" }] } },
    { name: "a target of no kind", written: { targets: [{ name: "a" }] } },
    {
      name: "two targets of one name",
      written: {
        targets: [
          { name: "a", tcp: "h:1" },
          { name: "a", tcp: "h:2" },
        ],
      },
    },
    { name: "a target that is called as the gateway is", written: { targets: [{ name: "gateway", tcp: "h:1" }] } },
    { name: "a port without a number", written: { targets: [{ name: "a", tcp: "h" }] } },
    { name: "a name for a name server", written: { dns_name: "a.b", dns_servers: ["resolver"] } },
  ])("refuses $name", ({ written }) => expect(reach.config.safeParse(written).success).toBe(false));

  it("says nothing of what could not be tried here", () => {
    const tried = {
      name: "gateway",
      how: "echo",
      isReached: null,
      answerMs: null,
      certificate: null,
      detail: "no ping",
    } as const;
    expect(parse({ targets: [tried] })).toEqual({ ok: true, value: { samples: [] } });
  });

  it("announces metrics of the catalogue only", () => {
    expect([...METRICS, ...CERTIFICATE_METRICS].filter((name) => findMetric(name) === undefined)).toEqual([]);
  });
});
