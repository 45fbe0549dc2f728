/**
 * A machine that is this one until something is written: its own mounts (an overlay over `/`, in memory) and its own network
 * (a loopback that nothing listens on). Packages are installed and removed there as root, and nothing of it stays. It was
 * not booted: no systemd runs in it.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { onCleanUp, startPeer, tempFolder, waitFor } from "./rig.ts";

const COMMAND_MS_MAX = 120_000;
const OUTPUT_CHARS_MAX = 200_000;

/** Mounts and a network of one's own are root's to have. */
export const mayHaveSecondMachine = process.platform === "linux" && process.getuid?.() === 0;

export type Said = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type Service = {
  /** SIGTERM, as systemd stops it; its exit code. */
  stop(): Promise<number | null>;
  kill(): Promise<number | null>;
  /** The end of what systemd would have put into the journal. */
  output(): string;
};

export class SecondMachine {
  readonly #pid: number;
  readonly #root: string;
  readonly #shared: string;

  private constructor({ pid, root, shared }: { readonly pid: number; readonly root: string; readonly shared: string }) {
    this.#pid = pid;
    this.#root = root;
    this.#shared = shared;
  }

  /** `shared` is a folder of this machine that is seen there at /mnt. */
  static async start(shared: string): Promise<SecondMachine> {
    const folder = tempFolder();
    const root = join(folder, "root");
    const script = `set -e
mount -t tmpfs tmpfs ${folder}
mkdir ${folder}/upper ${folder}/work ${root}
mount -t overlay overlay -o lowerdir=/,upperdir=${folder}/upper,workdir=${folder}/work ${root}
mount -t proc proc ${root}/proc
mount --rbind /sys ${root}/sys
mount --rbind /dev ${root}/dev
mount -t tmpfs tmpfs ${root}/run
mount --bind ${shared} ${root}/mnt
mount --bind ${folder}/upper ${root}/srv
ip link set lo up
echo ready
exec sleep infinity`;
    const child = spawn("unshare", ["--mount", "--net", "sh", "-c", script], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        said += chunk;
      });
    const ended = new Promise((done) => child.once("exit", done));
    onCleanUp(async () => {
      child.kill("SIGKILL");
      await ended;
    });
    await waitFor("a second machine", () => {
      if (child.exitCode !== null) throw new Error(said);
      return said.includes("ready");
    });
    return new SecondMachine({ pid: child.pid ?? 0, root, shared });
  }

  #inside(command: readonly string[]): readonly [string, string[]] {
    const own = ["--target", String(this.#pid), "--mount", "--net"];
    return ["nsenter", [...own, "chroot", this.#root, ...command]];
  }

  /** A command line for its shell, as root. */
  async run(line: string, env: Readonly<Record<string, string>> = {}): Promise<Said> {
    const [program, args] = this.#inside(["sh", "-c", line]);
    const ran = promisify(execFile)(program, args, {
      timeout: COMMAND_MS_MAX,
      maxBuffer: 16 * 2 ** 20,
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8", ...env },
    });
    return ran.then(
      (said) => ({ ...said, code: 0 }),
      (failed: Said) => ({ code: failed.code, stdout: failed.stdout, stderr: failed.stderr }),
    );
  }

  /** The same, when it must not fail: what it printed. */
  async done(line: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(line, env);
    if (code !== 0) throw new Error(`${line}: ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** How a program of this machine is started that is to see the other's files, as they are at `root` for it. */
  get files(): { readonly by: readonly string[]; readonly root: string } {
    return { by: ["nsenter", "--target", String(this.#pid), "--mount"], root: this.#root };
  }

  /** What it writes, whether it keeps it or not: files and links that are not on this machine as they are there. */
  async written(): Promise<readonly string[]> {
    const { stdout } = await this.run("find /srv '(' -type f -o -type l ')' -printf '/%P\\n' | sort");
    return stdout.split("\n").filter((line) => line !== "");
  }

  /** A file as root writes it, for `owner` (`USER:GROUP`) with `mode` as chmod takes it. */
  async write(path: string, text: string, { owner = "root:root", mode = "0644" } = {}): Promise<void> {
    await this.done(`mkdir -p "$(dirname ${path})"`);
    writeFileSync(join("/proc", String(this.#pid), "root", this.#root, path), text);
    await this.done(`chown ${owner} ${path} && chmod ${mode} ${path}`);
  }

  /** What listens on this machine's loopback at `port` is there on its own, too. */
  async bring(port: number): Promise<void> {
    const door = join(this.#shared, `port-${port}`);
    await startPeer("socat", [`UNIX-LISTEN:${door},fork`, `TCP:127.0.0.1:${port}`]);
    const there = `/mnt/port-${port}`;
    const [program, args] = this.#inside([
      "socat",
      `TCP-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr`,
      `UNIX-CONNECT:${there}`,
    ]);
    await startPeer(program, args);
    await waitFor(`port ${port} on the second machine`, async () => {
      const { stdout } = await this.run(`test -S ${there} && ss -Hltn 'sport = :${port}'`);
      return stdout !== "";
    });
  }

  /**
   * What `unit` and its drop-ins start, as its user, with its environment, groups and umask, in the folder that systemd
   * starts everything in; none of its other bounds. Ended with the test.
   */
  async startService(unit: string): Promise<Service> {
    const text = await this.done(
      `cat "$(ls /usr/lib/systemd/system/${unit} /lib/systemd/system/${unit} 2>/dev/null | head -n 1)"; cat /etc/systemd/system/${unit}.d/*.conf 2>/dev/null || true`,
    );
    const valuesOf = (key: string) =>
      [...text.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value = ""]) => value);
    const [user = "root"] = valuesOf("User");
    for (const [key, parent] of [
      ["StateDirectory", "/var/lib"],
      ["CacheDirectory", "/var/cache"],
    ])
      for (const name of valuesOf(key ?? ""))
        await this.done(`install -d -m 0750 -o ${user} -g ${user} ${parent}/${name}`);
    for (const line of valuesOf("ExecStartPre")) await this.done(line);
    const rights = [`--reuid=${user}`, `--regid=${user}`, "--init-groups", "--no-new-privs", "--bounding-set=-all"];
    const settings = ["PATH=/usr/sbin:/usr/bin", ...valuesOf("Environment")];
    const [umask = "0022"] = valuesOf("UMask");
    // A later ExecStart= takes the place of an earlier one; a variable that nobody set is no word.
    const words = (valuesOf("ExecStart").at(-1) ?? "").split(" ").filter((word) => !word.startsWith("$"));
    const [program, args] = this.#inside([
      ...(user === "root" ? [] : ["setpriv", ...rights]),
      ...["env", "-i", ...settings, "sh", "-c", `umask ${umask}; exec "$@"`, "sh", ...words],
    ]);
    return serviceOf(spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] }));
  }
}

/** nsenter, chroot and the rest put the program in their place: its process is the one that was started here. */
function serviceOf(child: ChildProcess): Service {
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-OUTPUT_CHARS_MAX);
    });
  const ended = new Promise<number | null>((done) => child.once("exit", done));
  const end = (signal: "SIGTERM" | "SIGKILL"): Promise<number | null> => {
    child.kill(signal);
    return ended;
  };
  onCleanUp(() => void end("SIGKILL"));
  return { stop: () => end("SIGTERM"), kill: () => end("SIGKILL"), output: () => text };
}
