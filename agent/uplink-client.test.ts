import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, Server as TlsServer } from "node:tls";
import type { MqttClient } from "mqtt";
import { afterEach, describe, expect, it } from "vitest";
import { TEST_CERTIFICATE, TEST_KEY } from "./transport/test-certificate.ts";
import { connectBroker } from "./uplink-client.ts";

/** Of 127.0.0.1 and ::1, signed by itself, good until 2126; its key is public here and protects nothing. */
const LOOPBACK = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBojCCAUigAwIBAgIUUiM6XW3AI48Zc4qYMANsSW/nA3swCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMjAzNTYxMVoYDzIxMjYxMDI5
MDM1NjExWjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQGVMFOvFn2/pGmVIjLkHv8/xZrjp2dFRdHeUzrM04pKxPNvriJ0zPm
E0awW0z8gVpLIi3JA7G87j1/uJPVpXgCo3YwdDAdBgNVHQ4EFgQUL3amLNhrJzQu
kfQCge8iq643pqQwHwYDVR0jBBgwFoAUL3amLNhrJzQukfQCge8iq643pqQwDwYD
VR0TAQH/BAUwAwEB/zAhBgNVHREEGjAYhwR/AAABhxAAAAAAAAAAAAAAAAAAAAAB
MAoGCCqGSM49BAMCA0gAMEUCIFQY2chaFI8uZ3YB93Bd5bB3uYBJnicAJduv4deH
+mzbAiEAnjlW4jJhAv8LK1cMsjorAVKqTtf9q0hn/Ka2y7fm5uM=
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJYQ21hK5phxX6sXu
Tncafj0X0ZUsbQYQQb8Lhibt/sqhRANCAAQGVMFOvFn2/pGmVIjLkHv8/xZrjp2d
FRdHeUzrM04pKxPNvriJ0zPmE0awW0z8gVpLIi3JA7G87j1/uJPVpXgC
-----END PRIVATE KEY-----
`,
};
/** The same of pos.store.example. */
const ELSEWHERE = { cert: TEST_CERTIFICATE, key: TEST_KEY };

/** MQTT 3.1.1, 3.2: connection accepted. */
const CONNACK = Buffer.from([0x20, 0x02, 0x00, 0x00]);

const opened: { end(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.end();
});

/** A broker that takes everyone. */
async function listen(server: Server, host = "127.0.0.1"): Promise<number> {
  const welcome = (socket: Socket): void => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.write(CONNACK));
  };
  server.on("tlsClientError", () => undefined);
  server.on(server instanceof TlsServer ? "secureConnection" : "connection", welcome);
  server.listen(0, host);
  await once(server, "listening");
  opened.push({ end: () => server.close() });
  return (server.address() as AddressInfo).port;
}

/** How a connection begins: "connected", or the error's code. */
function outcome(client: MqttClient): Promise<string> {
  opened.push({ end: () => void client.end(true) });
  return new Promise((done) => {
    client.on("connect", () => done("connected"));
    client.on("error", (error) => done("code" in error ? String(error.code) : error.message));
    client.on("close", () => done("closed"));
  });
}

const ONCE = { reconnectPeriod: 0, protocolVersion: 4 } as const;

describe("a connection to the broker", () => {
  it.each([
    { name: "is plain over mqtt", host: "127.0.0.1", written: "127.0.0.1" },
    { name: "goes to an IPv6 address in brackets", host: "::1", written: "[::1]" },
  ])("$name", async ({ host, written }) => {
    const port = await listen(createServer(), host);
    expect(await outcome(connectBroker(`mqtt://${written}:${port}`, ONCE))).toBe("connected");
  });

  it.each([
    { name: "is encrypted over mqtts", server: LOOPBACK, ca: LOOPBACK.cert, is: "connected" },
    {
      name: "is refused with a certificate that nobody vouches for",
      server: LOOPBACK,
      is: "DEPTH_ZERO_SELF_SIGNED_CERT",
    },
    {
      name: "is refused with a certificate of another host",
      server: ELSEWHERE,
      ca: ELSEWHERE.cert,
      is: "ERR_TLS_CERT_ALTNAME_INVALID",
    },
  ])("$name", async ({ server, ca, is }) => {
    const port = await listen(createTlsServer(server));
    const client = connectBroker(`mqtts://127.0.0.1:${port}`, { ...ONCE, ...(ca !== undefined && { ca }) });
    expect(await outcome(client)).toBe(is);
  });

  it("says that nobody listens", async () => {
    const server = createServer();
    const port = await listen(server);
    server.close();
    expect(await outcome(connectBroker(`mqtt://127.0.0.1:${port}`, ONCE))).toBe("ECONNREFUSED");
  });
});
