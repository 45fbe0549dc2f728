/** Every version, security level and pair of auth and privacy that Debian's snmpd and net-snmp both have. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freeUdpPort, waitFor } from "../../test/rig/rig.ts";
import { AUTH, openSnmp, type PRIVACY, type SnmpTarget } from "./snmp.ts";

const installed = spawnSync("snmpd", ["-v"]).error === undefined;
if (!installed && process.env["CI"]) throw new Error("snmpd is missing: apt-get install snmpd");

const PASSWORD = { auth: "auth-password", privacy: "priv-password" } as const;
const SYS_NAME = "1.3.6.1.2.1.1.5.0";

/** As createUser has it. snmpd's AES-256 is Blumenthal's, AES256C is Cisco's (Reeder); it has DES, Node has not. */
const SNMPD_AUTH = {
  md5: "MD5",
  sha: "SHA",
  sha224: "SHA-224",
  sha256: "SHA-256",
  sha384: "SHA-384",
  sha512: "SHA-512",
};
const SNMPD_PRIVACY = { aes: "AES", aes256b: "AES-256", aes256r: "AES256C" };
type Pair = { readonly auth: keyof typeof AUTH; readonly privacy: keyof typeof SNMPD_PRIVACY | null };
const AUTHS = Object.keys(AUTH) as (keyof typeof AUTH)[];
const PAIRS: readonly Pair[] = AUTHS.flatMap((auth) =>
  [null, "aes", "aes256b", "aes256r"].map((privacy) => ({ auth, privacy: privacy as Pair["privacy"] })),
);
const nameOf = ({ auth, privacy }: Pair): string => `${auth}-${privacy ?? "none"}`;

const folder = mkdtempSync(join(tmpdir(), "snmpd-"));
const stops: (() => Promise<unknown>)[] = [];
let port = 0;

async function startSnmpd(name: string, lines: readonly string[]): Promise<number> {
  const at = await freeUdpPort();
  const file = join(folder, `${name}.conf`);
  writeFileSync(file, `${[...lines, `sysname ${name}`].join("\n")}\n`, { mode: 0o600 });
  const child = spawn("snmpd", ["-f", "-Lo", "-C", "-c", file, "-I", "-smux", `udp:127.0.0.1:${at}`], {
    env: { ...process.env, SNMP_PERSISTENT_DIR: join(folder, name), MIBS: "" },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += String(chunk)));
  stops.push(async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  await waitFor("snmpd to begin", () => said.includes("NET-SNMP version"));
  return at;
}

async function nameAt(target: Partial<SnmpTarget>): Promise<unknown> {
  const opened = await openSnmp({
    host: "127.0.0.1",
    port,
    credential: { version: "2c", community: "store-7" },
    timeoutMs: 2_000,
    retries: 0,
    maxRepetitions: 20,
    ...target,
  });
  if (!opened.ok) return opened.error;
  opened.value.begin(AbortSignal.timeout(10_000), 10_000);
  const got = await opened.value.get([SYS_NAME]);
  opened.value.close();
  return got.ok ? got.value[SYS_NAME]?.value : got.error;
}

const v3 = (user: Extract<SnmpTarget["credential"], { version: "3" }>["user"], context = "") => ({
  credential: { version: "3" as const, user, context },
});
const userOf = ({ auth, privacy }: Pair) => ({
  name: nameOf({ auth, privacy }),
  auth: { protocol: auth, password: PASSWORD.auth },
  ...(privacy !== null && {
    privacy: { protocol: privacy satisfies keyof typeof PRIVACY, password: PASSWORD.privacy },
  }),
});

describe.runIf(installed)("snmpd answers", () => {
  beforeAll(async () => {
    const behind = await startSnmpd("behind", ["rocommunity store-7 127.0.0.1"]);
    const users = PAIRS.flatMap((pair) => {
      const { auth, privacy } = pair;
      const secret = privacy === null ? "" : ` ${SNMPD_PRIVACY[privacy]} "${PASSWORD.privacy}"`;
      return [
        `createUser ${nameOf(pair)} ${SNMPD_AUTH[auth]} "${PASSWORD.auth}"${secret}`,
        `rouser ${nameOf(pair)} ${privacy === null ? "auth" : "priv"}`,
      ];
    });
    port = await startSnmpd("store", [
      "rocommunity store-7 127.0.0.1",
      ...users,
      "createUser nobody",
      "rouser nobody noauth",
      "view all included .1",
      "rouser sha256-aes priv -V all branch",
      `proxy -Cn branch -v 2c -c store-7 127.0.0.1:${behind} .1.3.6.1.2.1.1`,
    ]);
  });
  afterAll(async () => {
    await Promise.all(stops.map((stop) => stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(["1", "2c"] as const)("v%s", async (version) => {
    expect(await nameAt({ credential: { version, community: "store-7" } })).toBe("store");
  });

  it("v3 noAuthNoPriv", async () => {
    expect(await nameAt(v3({ name: "nobody" }))).toBe("store");
  });

  it.each(PAIRS.map((pair) => ({ ...pair, name: nameOf(pair) })))("v3 $name", async (pair) => {
    expect(await nameAt(v3(userOf(pair)))).toBe("store");
  });

  it("in the context that is asked for, and not in another", async () => {
    const user = userOf({ auth: "sha256", privacy: "aes" });
    expect(await nameAt(v3(user, "branch"))).toBe("behind");
    expect(await nameAt(v3(user, "elsewhere"))).toMatchObject({
      kind: "auth",
      hint: "check user.privacy.password, user.privacy.protocol and context",
    });
    expect(await nameAt(v3(userOf({ auth: "sha256", privacy: null }), "elsewhere"))).toMatchObject({
      kind: "timeout",
      hint: "is SNMP switched on, and may this host ask? Is the context right?",
    });
  });
});
