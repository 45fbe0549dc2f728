/**
 * A machine that is this one until something is written: its own mounts (an overlay over `/`, in memory) and its own network
 * (a loopback that nothing listens on). Packages are installed and removed there as root, and nothing of it stays. It was
 * not booted: no systemd runs in it.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { onCleanUp, tempFolder, waitFor } from "./rig.ts";

const COMMAND_MS_MAX = 120_000;

/** Mounts and a network of one's own are root's to have. */
export const mayHaveSecondMachine = process.platform === "linux" && process.getuid?.() === 0;

export type Said = { readonly code: number; readonly stdout: string; readonly stderr: string };

export class SecondMachine {
  readonly #pid: number;
  readonly #root: string;

  private constructor(pid: number, root: string) {
    this.#pid = pid;
    this.#root = root;
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
    return new SecondMachine(child.pid ?? 0, root);
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

  /** What it writes, whether it keeps it or not: files and links that are not on this machine as they are there. */
  async written(): Promise<readonly string[]> {
    const { stdout } = await this.run("find /srv '(' -type f -o -type l ')' -printf '/%P\\n' | sort");
    return stdout.split("\n").filter((line) => line !== "");
  }

  /** What `unit` starts, as its user and with its environment, as long as the test lasts; none of its other bounds. */
  async startService(unit: string): Promise<ChildProcess> {
    const { stdout: text } = await this.run(`cat /usr/lib/systemd/system/${unit}`);
    const valuesOf = (key: string) =>
      [...text.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value = ""]) => value);
    const [user = "", start = ""] = [...valuesOf("User"), ...valuesOf("ExecStart")];
    for (const [key, parent] of [
      ["StateDirectory", "/var/lib"],
      ["CacheDirectory", "/var/cache"],
    ])
      for (const name of valuesOf(key ?? ""))
        await this.run(`install -d -m 0750 -o ${user} -g ${user} ${parent}/${name}`);
    const rights = [`--reuid=${user}`, `--regid=${user}`, "--init-groups", "--no-new-privs", "--bounding-set=-all"];
    const settings = ["PATH=/usr/sbin:/usr/bin", ...valuesOf("Environment")];
    const [program, args] = this.#inside(["setpriv", ...rights, "env", "-i", ...settings, ...start.split(" ")]);
    const child = spawn(program, args, { stdio: "ignore" });
    onCleanUp(() => void child.kill("SIGKILL"));
    return child;
  }
}
