/**
 * What both programs' `doctor` look at on their host: the data folder, files with secrets, the process' own bounds, and
 * whether a server can be reached. Everything only looks, each within a bound of time, and nothing of a secret is shown.
 */
import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from "node:fs";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { userInfo } from "node:os";
import { dirname, resolve } from "node:path";
import type { TLSSocket } from "node:tls";
import { errorText } from "@aislewatch/base";
import type { Finding } from "./finding.ts";

/** File systems over a network, by their magic number (statfs(2)): SQLite's locks and memory maps can't be relied on there. */
const NETWORK_FS: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x01021997, "9p"],
  [0x00c36400, "Ceph"],
  [0x5346414f, "AFS"],
]);
const MIB = 2 ** 20;
/** Below it a store that can't be written is near: the outbox' reserve and a write-ahead log need some 100 MiB. */
const FREE_BYTES_WARN = 1024 * MIB;
const FREE_BYTES_FAIL = 128 * MIB;
const DAY_MS = 86_400_000;
/** Let's Encrypt renews with 30 days left; who has 14 left was not renewed. */
const CERTIFICATE_WARN_MS = 14 * DAY_MS;
const NODE_MAJOR_MIN = 24;
const SECRETS_MAX = 1_000;

export type Disk = { readonly freeBytes: number; readonly type: number };

const diskOf = (folder: string): Disk => {
  const { bavail, bsize, type } = statfsSync(folder);
  return { freeBytes: bavail * bsize, type };
};

/** The folder that a program writes to; one that is not there yet is made at the first start. */
export function inspectFolder(group: string, folder: string, disk: (folder: string) => Disk = diskOf): Finding[] {
  if (!existsSync(folder)) {
    return [{ group, level: "warn", what: `${folder} is not there`, todo: "it is made at the first start" }];
  }
  try {
    if (!statSync(folder).isDirectory()) return [{ group, level: "fail", what: `${folder} is no folder` }];
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    const todo = `run this as the user of the service, or: chown -R ${userName()} ${folder}`;
    return [{ group, level: "fail", what: `${folder} can't be written by ${userName()}`, todo }];
  }
  const { freeBytes, type } = disk(folder);
  const what = `${folder}: ${sizeText(freeBytes)} free`;
  const todo = "make room, or move the folder to a larger disk";
  const level = freeBytes < FREE_BYTES_FAIL ? "fail" : freeBytes < FREE_BYTES_WARN ? "warn" : "ok";
  const network = NETWORK_FS.get(type);
  return [
    { group, level, what, ...(level !== "ok" && { todo }) },
    ...(network === undefined
      ? []
      : [
          {
            group,
            level: "warn" as const,
            what: `${folder} is on a network file system (${network})`,
            todo: "put it on a disk of this host: locks and memory maps can't be relied on over a network",
          },
        ]),
  ];
}

/** Files behind `file:` references in these configuration files: of each, whether others than its owner may read it. */
export function inspectSecrets(group: string, configFiles: readonly string[]): Finding[] {
  const paths = configFiles.flatMap((file) =>
    [...textOf(file).matchAll(/(?<=[\s"'[{,])file:([^\s"',}\]]+)/g)].map(([, name = ""]) =>
      resolve(dirname(file), name),
    ),
  );
  const found = [...new Set(paths)].slice(0, SECRETS_MAX).filter((path) => existsSync(path));
  // Windows has no such bits.
  const open = process.platform === "win32" ? [] : found.filter((path) => (statSync(path).mode & 0o007) !== 0);
  if (open.length === 0)
    return found.length === 0
      ? []
      : [{ group, level: "ok", what: `${found.length} files with secrets, none readable by everyone` }];
  return open.map((path) => ({
    group,
    level: "warn",
    what: `everyone on this host can read the secret in ${path}`,
    todo: `chmod o-rwx ${path}`,
  }));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // The configuration's own diagnostics say so.
  }
}

export type ProcessFacts = {
  readonly nodeVersion: string;
  readonly availableBytes: number;
  /** Null where the system does not tell. */
  readonly openFilesMax: number | null;
};

export const processFacts = (): ProcessFacts => ({
  nodeVersion: process.versions.node,
  availableBytes: process.availableMemory(),
  openFilesMax: openFilesMax(),
});

/** Node, memory and open files of a process started like this one. */
export function inspectProcess(
  needs: { readonly memoryBytes: number; readonly openFiles: number },
  { nodeVersion, availableBytes, openFilesMax: files }: ProcessFacts = processFacts(),
): Finding[] {
  const group = "host";
  const isOld = Number(nodeVersion.split(".")[0]) < NODE_MAJOR_MIN;
  const isShort = availableBytes < needs.memoryBytes;
  const isFew = files !== null && files < needs.openFiles;
  return [
    {
      ...{ group, level: isOld ? "fail" : "ok", what: `Node ${nodeVersion}` },
      ...(isOld && { todo: `this needs Node ${NODE_MAJOR_MIN}` }),
    },
    {
      ...{ group, level: isShort ? "warn" : "ok", what: `${sizeText(availableBytes)} of memory can be had` },
      ...(isShort && { todo: `it needs some ${sizeText(needs.memoryBytes)}: end other programs, or add memory` }),
    },
    ...(files === null
      ? []
      : [
          {
            ...{ group, level: isFew ? ("warn" as const) : ("ok" as const), what: `${files} open files are allowed` },
            ...(isFew && { todo: `LimitNOFILE=${needs.openFiles} in the service's unit, or ulimit -n` }),
          },
        ]),
  ];
}

/** The soft bound, which is what counts (proc(5), limits). */
function openFilesMax(): number | null {
  const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(textOf("/proc/self/limits")) ?? [];
  if (soft === undefined) return null;
  return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}

export type Endpoint = {
  readonly group: string;
  readonly host: string;
  readonly port: number;
  /** PEM of the authority, when it is none that Node knows; null: no TLS. */
  readonly tls: { readonly ca: string | null; readonly serverName: string | null } | null;
  readonly timeoutMs: number;
};

/** DNS, TCP, and of TLS the chain, the name and the days left. What fails ends it: the last finding says why. */
export async function inspectEndpoint(endpoint: Endpoint, nowMs: number): Promise<Finding[]> {
  const { group, host, port, tls, timeoutMs } = endpoint;
  const signal = AbortSignal.timeout(timeoutMs);
  const found: Finding[] = [];
  if (isIP(host) === 0) {
    try {
      const { address } = await within(builtin("node:dns/promises").lookup(host), signal);
      found.push({ group, level: "ok", what: `${host} is ${address}` });
    } catch (thrown) {
      const todo = "look at the name, and at this host's DNS servers";
      return [{ group, level: "fail", what: `no address for ${host}: ${errorText(thrown)}`, todo }];
    }
  }
  const opened = await open(endpoint, signal);
  if (opened instanceof Error) {
    const isTls = tls !== null && "code" in opened && String(opened.code).startsWith("ERR_SSL");
    const todo = isTls
      ? "what listens there speaks no TLS, or another version: look at the port"
      : "look whether it runs there, and whether a firewall lets this host through";
    return [...found, { group, level: "fail", what: `${host}:${port}: ${errorText(opened) || "no answer"}`, todo }];
  }
  opened.destroy();
  found.push({ group, level: "ok", what: `${host}:${port} takes connections` });
  if (tls === null || !("getPeerCertificate" in opened)) return found;
  return [...found, ...certificateFindings(group, opened.wanted, nowMs)];
}

/** Loaded when it is needed: every agent has this file, and TLS is 3 MB. */
const builtin = process.getBuiltinModule;

type Wanted = { readonly validToMs: number; readonly error: string | null };
type Opened = (Socket | TLSSocket) & { wanted: Wanted };

function open({ host, port, tls }: Endpoint, signal: AbortSignal): Promise<Opened | Error> {
  const servername = tls?.serverName ?? (isIP(host) === 0 ? host : undefined);
  return new Promise((done) => {
    const socket: Socket | TLSSocket =
      tls === null
        ? connectTcp({ host, port })
        : builtin("node:tls").connect({
            // A chain that is not trusted is looked at, too, and nothing is sent over it.
            ...{ host, port, rejectUnauthorized: false, ...(servername !== undefined && { servername }) },
            ...(tls.ca !== null && { ca: tls.ca }),
          });
    const end = (outcome: Opened | Error): void => {
      signal.removeEventListener("abort", onAbort);
      if (outcome instanceof Error) socket.destroy();
      done(outcome);
    };
    const onAbort = (): void => end(new Error("no answer in time"));
    signal.addEventListener("abort", onAbort);
    socket.once("error", (error) => end(error));
    socket.once(tls === null ? "connect" : "secureConnect", () =>
      end(Object.assign(socket, { wanted: wantedOf(socket) })),
    );
  });
}

function wantedOf(socket: Socket | TLSSocket): Wanted {
  if (!("getPeerCertificate" in socket)) return { validToMs: Number.POSITIVE_INFINITY, error: null };
  const { authorizationError } = socket;
  const validToMs = Date.parse(socket.getPeerCertificate().valid_to);
  return { validToMs, error: socket.authorized ? null : String(authorizationError) };
}

const TLS_TODO: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name: write that one into the address",
  CERT_HAS_EXPIRED: "renew its certificate",
  CERT_NOT_YET_VALID: "look at this host's clock",
};

function certificateFindings(group: string, { validToMs, error }: Wanted, nowMs: number): Finding[] {
  if (error !== null) {
    const todo = TLS_TODO[error] ?? "name the authority that issued its certificate: the key ca, a PEM file";
    return [{ group, level: "fail", what: `its certificate is not trusted: ${error}`, todo }];
  }
  return [certificateFinding(group, "its certificate", validToMs, nowMs)];
}

/** How long a certificate is still good. */
export function certificateFinding(group: string, name: string, validToMs: number, nowMs: number): Finding {
  const days = Math.floor((validToMs - nowMs) / DAY_MS);
  const until = Number.isFinite(validToMs) ? new Date(validToMs).toISOString().slice(0, 10) : "an unknown day";
  if (validToMs <= nowMs)
    return { group, level: "fail", what: `${name} expired on ${until}`, todo: "renew it, and restart" };
  const isSoon = validToMs - nowMs < CERTIFICATE_WARN_MS;
  const what = `${name} is good until ${until}, ${days} days`;
  return { group, level: isSoon ? "warn" : "ok", what, ...(isSoon && { todo: "renew it before then" }) };
}

function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((done, fail) => {
    signal.addEventListener("abort", () => fail(new Error("no answer in time")), { once: true });
    work.then(done, fail);
  });
}

export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without a name, as in some containers.
    return String(process.getuid?.() ?? "its user");
  }
}

export const sizeText = (bytes: number): string =>
  bytes >= 1024 * MIB ? `${(bytes / (1024 * MIB)).toFixed(1)} GiB` : `${Math.round(bytes / MIB)} MiB`;
