/** Against Net-SNMP's own senders, and against datagrams that no sender would send. */
import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import { realClock } from "@aislewatch/runtime";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AUTH, PRIVACY } from "./snmp.ts";
import { headOf } from "./snmp-datagram.ts";
import {
  openTrapListener,
  plainAddress,
  type Trap,
  type TrapListener,
  type TrapListenerOptions,
} from "./snmp-traps.ts";

const installed = spawnSync("snmptrap", ["-V"]).error === undefined;
if (!installed && process.env["CI"]) throw new Error("snmptrap is missing: apt-get install snmp");

const ENGINE = Buffer.from("8000b98305000102030405060708090a0b", "hex");
const UPS = "1.3.6.1.2.1.33";
let folder = "";
let listener: TrapListener;
let traps: Trap[] = [];
let refused: string[] = [];

async function listen(over: Partial<TrapListenerOptions> = {}): Promise<void> {
  const opened = await openTrapListener({
    address: "127.0.0.1",
    port: 0,
    community: "store-7",
    users: [
      {
        name: "noc",
        auth: { protocol: "sha256", password: "auth-password" },
        privacy: { protocol: "aes", password: "priv-password" },
      },
      { name: "auth", auth: { protocol: "sha", password: "auth-password" } },
      { name: "open" },
    ],
    engineId: ENGINE,
    clock: realClock,
    admit: () => true,
    onTrap: (trap) => traps.push(trap),
    onRefused: (reason) => refused.push(reason),
    ...over,
  });
  if (!opened.ok) throw new Error(opened.error.detail);
  listener = opened.value;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "traps-"));
  traps = [];
  refused = [];
});
afterEach(() => {
  listener.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs one of Net-SNMP's senders to its end. */
async function send(program: "snmptrap" | "snmpinform", args: readonly string[], port = listener.port) {
  const [security, notification] = [args.slice(0, args.indexOf("--")), args.slice(args.indexOf("--") + 1)];
  const child = spawn(program, [...security, "-r", "0", "-t", "3", `127.0.0.1:${port}`, ...notification], {
    env: { ...process.env, SNMP_PERSISTENT_DIR: folder, SNMPCONFPATH: folder, MIBS: "" },
  });
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const [code] = (await once(child, "close")) as [number];
  return { code, said: said.replace(/^Created directory: .*\n/gm, "") };
}

const until = (what: () => boolean): Promise<void> => expect.poll(what).toBe(true);
const v3 = (user: string, ...more: string[]): string[] => ["-v3", "-u", user, ...more];
const authPriv = (user = "noc", auth = "auth-password", privacy = "priv-password"): string[] =>
  v3(user, "-l", "authPriv", "-a", "SHA-256", "-A", auth, "-x", "AES", "-X", privacy);
const onBattery = ["--", "", `${UPS}.2.0.1`, `${UPS}.1.2.3.0`, "i", "12", "1.3.6.1.2.1.1.5.0", "s", "ups-1"];

describe.runIf(installed)("Net-SNMP's senders", () => {
  it("are understood in v1, specific and generic", async () => {
    await listen();
    const specific = [
      "--",
      "1.3.6.1.4.1.318",
      "10.1.2.3",
      "6",
      "5",
      "4711",
      "1.3.6.1.4.1.318.2.3.3.0",
      "s",
      "on battery",
    ];
    await send("snmptrap", ["-v1", "-c", "store-7", ...specific]);
    await send("snmptrap", ["-v1", "-c", "store-7", "--", "1.3.6.1.4.1.318", "10.1.2.3", "2", "0", "1"]);
    await until(() => traps.length === 2);
    expect(traps).toEqual([
      {
        version: "1",
        inform: false,
        from: "127.0.0.1",
        about: "10.1.2.3",
        oid: "1.3.6.1.4.1.318.0.5",
        uptimeTicks: 4711,
        varbinds: [{ oid: "1.3.6.1.4.1.318.2.3.3.0", value: { type: "text", value: "on battery" } }],
      },
      expect.objectContaining({ oid: "1.3.6.1.6.3.1.1.5.3", uptimeTicks: 1, varbinds: [] }),
    ]);
  });

  it.each<{ name: string; version: "2c" | "3"; security: string[] }>([
    { name: "v2c", version: "2c", security: ["-v2c", "-c", "store-7"] },
    { name: "v3 noAuthNoPriv", version: "3", security: v3("open", "-l", "noAuthNoPriv") },
    {
      name: "v3 authNoPriv",
      version: "3",
      security: v3("auth", "-l", "authNoPriv", "-a", "SHA", "-A", "auth-password"),
    },
    { name: "v3 authPriv", version: "3", security: authPriv() },
  ])("are understood in $name, and their informs are answered", async ({ version, security }) => {
    await listen();
    expect(await send("snmptrap", [...security, ...onBattery])).toMatchObject({ code: 0 });
    expect(await send("snmpinform", [...security, ...onBattery])).toEqual({ code: 0, said: "" });
    await until(() => traps.length === 2);
    const told = {
      version,
      from: "127.0.0.1",
      about: null,
      oid: `${UPS}.2.0.1`,
      uptimeTicks: expect.any(Number),
      varbinds: [
        { oid: `${UPS}.1.2.3.0`, value: { type: "integer", value: 12 } },
        { oid: "1.3.6.1.2.1.1.5.0", value: { type: "text", value: "ups-1" } },
      ],
    };
    expect(traps).toEqual([
      { ...told, inform: false },
      { ...told, inform: true },
    ]);
    expect(refused).toEqual([]);
  });

  const pairs = Object.keys(AUTH).flatMap((auth) =>
    Object.keys(PRIVACY)
      // Node's OpenSSL has no DES; Net-SNMP's AES-256 is that of Blumenthal's draft.
      .filter((privacy) => privacy === "aes" || privacy === "aes256b")
      .map((privacy) => ({ auth: auth as keyof typeof AUTH, privacy: privacy as keyof typeof PRIVACY })),
  );
  it("are understood with every pair of auth and privacy that both have", async () => {
    await listen({
      users: pairs.map(({ auth, privacy }) => ({
        name: `${auth}-${privacy}`,
        auth: { protocol: auth, password: "auth-password" },
        privacy: { protocol: privacy, password: "priv-password" },
      })),
    });
    for (const { auth, privacy } of pairs) {
      const [a, x] = [netSnmpAuth(auth), privacy === "aes" ? "AES" : "AES-256"];
      const security = ["-l", "authPriv", "-a", a, "-A", "auth-password", "-x", x, "-X", "priv-password"];
      const ended = await send("snmpinform", [...v3(`${auth}-${privacy}`, ...security), ...onBattery]);
      expect({ auth, privacy, ...ended }).toEqual({ auth, privacy, code: 0, said: "" });
    }
    expect(traps).toHaveLength(12);
  });

  it.each([
    { name: "another community", args: ["-v2c", "-c", "public"], reason: "community" },
    { name: "an unknown user", args: ["-e", "0x8000000001020304", ...authPriv("nobody")], reason: "user" },
    {
      name: "a wrong password",
      args: ["-e", "0x8000000001020304", ...authPriv("noc", "wrong-password")],
      reason: "user",
    },
    {
      name: "less security than the user has",
      args: ["-e", "0x8000000001020304", ...v3("noc", "-l", "noAuthNoPriv")],
      reason: "user",
    },
  ])("are refused with $name, by that name", async ({ args, reason }) => {
    await listen();
    await send("snmptrap", [...args, ...onBattery]);
    await until(() => refused.length === 1);
    expect([refused, traps]).toEqual([[reason], []]);
  });

  it("are told what is wrong with an inform, and wait in vain for an answer to a stranger's", async () => {
    await listen();
    expect((await send("snmpinform", [...authPriv("nobody"), ...onBattery])).said).toContain("Unknown user name");
    expect((await send("snmpinform", ["-v2c", "-c", "public", ...onBattery])).code).not.toBe(0);
    expect(traps).toEqual([]);
  });

  it("get back what they sent, whatever its type", async () => {
    await listen();
    const odd = ["--", "", "1.3.6.1.4.1.9.0.1"];
    const types = [
      ["o", "0.0"],
      ["a", "10.0.0.7"],
      ["C", "18446744073709551615"],
      ["u", "4294967295"],
      ["i", "-2147483648"],
      ["x", "00 ff 80"],
      ["n", ""],
      ["t", "4294967295"],
    ];
    types.forEach(([type = "", value = ""], i) => {
      odd.push(`1.3.6.1.4.1.9.9.${i}`, type, value);
    });
    expect(await send("snmpinform", ["-v2c", "-c", "store-7", ...odd])).toEqual({ code: 0, said: "" });
    expect(traps[0]?.varbinds.map(({ value }) => value.value)).toEqual([
      "0.0",
      "10.0.0.7",
      "18446744073709551615",
      4_294_967_295,
      -2_147_483_648,
      "00ff80",
      4_294_967_295,
    ]);
  });

  it("are not decoded when their address is not admitted", async () => {
    const asked: string[] = [];
    await listen({ admit: (address) => asked.push(address) === 0 });
    await send("snmptrap", ["-v2c", "-c", "store-7", ...onBattery]);
    await until(() => asked.length === 1);
    expect([asked, traps, refused]).toEqual([["127.0.0.1"], [], []]);
  });

  it("can't have a v3 trap played again when its time is over, nor cost a hash for each engine they invent", async () => {
    const clock = new ManualClock();
    const seen: Buffer[] = [];
    const relay = createSocket("udp4").bind(0, "127.0.0.1");
    await once(relay, "listening");
    await listen({ clock });
    relay.on("message", (datagram) => {
      seen.push(datagram);
      relay.send(datagram, listener.port, "127.0.0.1");
    });
    const relayed = (args: readonly string[]) => send("snmptrap", args, relay.address().port);
    await relayed(["-e", "0x8000000001020304", ...authPriv(), ...onBattery]);
    await until(() => traps.length === 1);
    clock.advance(151_000);
    relay.send(seen[0] ?? Buffer.alloc(0), listener.port, "127.0.0.1");
    await until(() => refused.length === 1);
    for (let n = 0; n < 8; n++) await relayed(["-e", `0x80000000010203${10 + n}`, ...authPriv(), ...onBattery]);
    await until(() => traps.length + refused.length === 10);
    relay.close();
    expect([traps.length, refused]).toEqual([8, ["stale", "too_many_engines"]]);
  });

  it("are told the time when they send a v3 inform that is not of now, and it is not believed", async () => {
    const clock = new ManualClock();
    await listen({ clock });
    const [relay, outside] = [createSocket("udp4").bind(0, "127.0.0.1"), createSocket("udp4").bind(0, "127.0.0.1")];
    await Promise.all([once(relay, "listening"), once(outside, "listening")]);
    const sent: Buffer[] = [];
    const answers: Buffer[] = [];
    let sender = 0;
    relay.on("message", (datagram, from) => {
      sent.push(datagram);
      sender = from.port;
      outside.send(datagram, listener.port, "127.0.0.1");
    });
    outside.on("message", (datagram) => {
      answers.push(datagram);
      relay.send(datagram, sender, "127.0.0.1");
    });
    expect(await send("snmpinform", [...authPriv(), ...onBattery], relay.address().port)).toEqual({
      code: 0,
      said: "",
    });
    const [inform = Buffer.alloc(0), answered] = [sent.at(-1), answers.length];
    outside.send(inform, listener.port, "127.0.0.1");
    await until(() => answers.length === answered + 1);
    clock.advance(151_000);
    outside.send(inform, listener.port, "127.0.0.1");
    await until(() => refused.length === 1 && answers.length === answered + 2);
    relay.close();
    outside.close();
    // usmStatsNotInTimeWindows (RFC 3414 §5), in a report that is not encrypted.
    expect(answers.at(-1)?.toString("hex")).toContain("2b060106030f01010200");
    expect([traps.length, refused]).toEqual([2, ["stale"]]);
  });
});

const tlv = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, body.length]), body]);
};

function netSnmpAuth(auth: string): string {
  return auth === "md5" ? "MD5" : auth === "sha" ? "SHA" : `SHA-${auth.slice(3)}`;
}

describe("a listener", () => {
  it("says why it can't listen, and what helps", async () => {
    await listen();
    const options = { address: "127.0.0.1", community: "x", users: [], engineId: ENGINE, clock: realClock };
    const hooks = { admit: () => true, onTrap: () => undefined, onRefused: () => undefined };
    const second = await openTrapListener({ ...options, ...hooks, port: listener.port });
    expect(second.ok ? "" : second.error.detail).toMatch(/EADDRINUSE.*another program has this port/);
    const elsewhere = await openTrapListener({ ...options, ...hooks, address: "192.0.2.1", port: 0 });
    expect(elsewhere.ok ? "" : elsewhere.error.detail).toMatch(/EADDRNOTAVAIL.*no such address/);
  });

  it("never throws and never mistakes, whatever comes in, and takes a good trap after it", async () => {
    await listen();
    const sender = createSocket("udp4").bind(0, "127.0.0.1");
    await once(sender, "listening");
    const name = tlv(6, Buffer.from("2b060106030101040100", "hex"));
    const varbind = tlv(0x30, name, tlv(6, Buffer.from("2b0601060301010501", "hex")));
    const number = (octet: number) => tlv(2, Buffer.from([octet]));
    const pdu = tlv(0xa7, number(1), number(0), number(0), tlv(0x30, varbind));
    const good = tlv(0x30, number(1), tlv(4, Buffer.from("store-7")), pdu);
    expect(headOf(good)).toEqual({ version: 1, pduAt: 14 });
    const mutated = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }).map((changes) => {
      const datagram = Buffer.from(good);
      for (const [at, octet] of changes) datagram[at] = octet;
      return datagram;
    });
    const any = fc.oneof(mutated, fc.uint8Array({ maxLength: 200 }), fc.constant(Buffer.alloc(9_000, 0x30)));
    // In portions that the kernel holds while the listener is busy.
    for (let portion = 0; portion < 40; portion++) {
      const before = refused.length + traps.length;
      for (const datagram of fc.sample(any, 50)) {
        expect(() => headOf(datagram)).not.toThrow();
        sender.send(datagram, listener.port, "127.0.0.1");
      }
      await until(() => refused.length + traps.length > before);
    }
    expect(refused).toContain("too_big");
    expect(refused).toContain("not_snmp");
    traps = [];
    const lastAfterOneMore = (): unknown => {
      sender.send(good, listener.port, "127.0.0.1");
      return traps.at(-1);
    };
    await expect.poll(lastAfterOneMore).toMatchObject({ version: "2c", oid: "1.3.6.1.6.3.1.1.5.1" });
    sender.close();
  });

  it.each([
    ["::ffff:10.1.2.3", "10.1.2.3"],
    ["10.1.2.3", "10.1.2.3"],
    ["fe80::1%eth0", "fe80::1"],
    ["fd00::7", "fd00::7"],
  ])("knows %s by %s", (address, plain) => {
    expect(plainAddress(address)).toBe(plain);
  });
});
