/**
 * Podman, with storage and mounts of its own that go with the test. Images come from no registry: the base is made of
 * files of this machine, and has what a release's images need of Debian.
 */
import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { onCleanUp, tempFolder, waitFor } from "./rig.ts";
import type { Said } from "./second-machine.ts";

const COMMAND_MS_MAX = 120_000;
const PODMAN = "/usr/bin/podman";

/** Mounts and control groups are root's to have. */
export const mayHaveEngine = process.platform === "linux" && process.getuid?.() === 0 && existsSync(PODMAN);

/** Of the base: a shell for the launchers, what the builds run, and the libraries of Node and of DuckDB. */
const BASE_PROGRAMS = ["sh", "readlink", "install", "cat", "touch"];
const BASE_LIBRARIES = ["libstdc++.so.6", "libdl.so.2", "libpthread.so.0", "libm.so.6", "libgcc_s.so.1", "librt.so.1"];

/**
 * Named for each container: the engine would raise them to bounds of its own, which a machine without that right refuses.
 * `build` knows the same words.
 */
const LIMITS = ["--ulimit", "nofile=16384:16384", "--ulimit", "nproc=4096:4096"];

export class Engine {
  readonly #pid: number;
  readonly #options: readonly string[];

  private constructor(pid: number, options: readonly string[]) {
    this.#pid = pid;
    this.#options = options;
  }

  static async start(): Promise<Engine> {
    const folder = tempFolder();
    // The runtime takes version 1 of control groups or version 2, not both.
    const script = `mountpoint -q /sys/fs/cgroup/unified && umount /sys/fs/cgroup/unified
echo ready
exec sleep infinity`;
    const child = spawn("unshare", ["--mount", "sh", "-c", script], { stdio: ["ignore", "pipe", "ignore"] });
    const ended = new Promise((done) => child.once("exit", done));
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
    });
    const engine = new Engine(child.pid ?? 0, [
      ...["--root", join(folder, "root"), "--runroot", join(folder, "run"), "--storage-driver", "overlay"],
      ...["--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", "crun"],
    ]);
    onCleanUp(async () => {
      await engine.podman(["rm", "--all", "--force", "--time", "0", "--volumes"]);
      await engine.podman(["rmi", "--all", "--force"]);
      child.kill("SIGKILL");
      await ended;
    });
    await waitFor("an engine's mounts", () => said.includes("ready"));
    return engine;
  }

  /** Ends with a code, whatever it is. */
  async podman(words: readonly string[]): Promise<Said> {
    const inside = ["--target", String(this.#pid), "--mount", PODMAN, ...this.#options, ...words];
    const ran = promisify(execFile)("nsenter", inside, { timeout: COMMAND_MS_MAX, maxBuffer: 16 * 2 ** 20 });
    return ran.then(
      (said) => ({ ...said, code: 0 }),
      (failed: Said) => ({ code: failed.code, stdout: failed.stdout, stderr: failed.stderr }),
    );
  }

  /** What it wrote, or an error with all of it. */
  async done(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.podman(words);
    if (code !== 0) throw new Error(`podman ${words.join(" ")}: ${code}\n${stdout}${stderr}`);
    return stdout.trim();
  }

  /** Gives `name` to an image of this machine's files, which stands for Debian's. */
  async base(name: string): Promise<void> {
    const folder = tempFolder();
    const root = join(folder, "root");
    for (const path of ["tmp", "etc", "run", "var/lib"]) mkdirSync(join(root, path), { recursive: true });
    writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
    const programs = BASE_PROGRAMS.map((program) => execFileSync("which", [program], { encoding: "utf8" }).trim());
    const libraries = execFileSync("ldconfig", ["-p"], { encoding: "utf8" })
      .split("\n")
      .map((line) => /^\s*(\S+) \(libc6,(?:x86-64|AArch64)[^)]*\) => (\S+)$/.exec(line) ?? [])
      .flatMap(([, name = "", path = ""]) => (BASE_LIBRARIES.includes(name) ? [path] : []));
    const loaded = execFileSync("ldd", [...programs, ...libraries], { encoding: "utf8" });
    const needed = [...loaded.matchAll(/(\/\S*lib\S*\/\S+) \(0x/g)].map(([, path = ""]) => path);
    const files = [...new Set([...programs, ...libraries, ...needed])];
    execFileSync("cp", ["--parents", "--dereference", ...files, root]);
    // Where /bin is a link, `which` says the long name of the shell.
    mkdirSync(join(root, "bin"), { recursive: true });
    execFileSync("cp", ["--dereference", "/bin/sh", join(root, "bin/sh")]);
    execFileSync("tar", ["--create", "--file", join(folder, "root.tar"), "--directory", root, "."]);
    await this.done("import", join(folder, "root.tar"), name);
  }

  async build(context: string, tag: string, ...words: readonly string[]): Promise<void> {
    const file = `--file=${join(context, "containers/Containerfile")}`;
    const bounds = [...LIMITS, "--network=none", "--format=docker"];
    await this.done("build", ...bounds, file, `--tag=${tag}`, ...words, context);
  }

  /** Starts a container that stays, and returns its id. */
  async run(...words: readonly string[]): Promise<string> {
    return this.done("run", "--detach", "--pull=never", ...LIMITS, ...words);
  }
}
