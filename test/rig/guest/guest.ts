/**
 * A Linux guest under QEMU without acceleration, whose first program is ours (an initramfs with busybox and a script) and
 * which is told what to do over a serial port of its own. Folders of the host are its root or stand in it, read-only.
 */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { basename, join } from "node:path";
import { onCleanUp, tempFolder, waitFor } from "../rig.ts";
import { kernelName } from "./kernel.ts";

/** What guests need of Debian: `npm test` installs it as root. */
const PROGRAMS = {
  "qemu-system-x86_64": "qemu-system-x86",
  busybox: "busybox-static",
  cpio: "cpio",
  depmod: "kmod",
};
const BOOTS_MAX = 2;
const COMMAND_MS_MAX = 30_000;
const CONSOLE_CHARS_MAX = 100_000;

/** True when a package is missing, and says so; under CI that is an error. `more`: further programs, by their packages. */
export function guestMissing(what: string, more: Readonly<Record<string, string>> = {}): boolean {
  const programs = { ...PROGRAMS, ...more };
  const missing = Object.keys(programs).filter(
    (program) => !["/usr/bin", "/usr/sbin", "/bin", "/sbin"].some((folder) => existsSync(join(folder, program))),
  );
  const here = process.platform === "linux" && process.arch === "x64" && missing.length === 0;
  if (here && kernelName() !== null) return false;
  const packages = Object.values(programs).join(" ");
  const text = `${what} needs Debian on x64: apt-get update && apt-get install ${packages}`;
  if (process.env["CI"]) throw new Error(text);
  process.stderr.write(`skipped. ${text}\n`);
  return true;
}

export type GuestOrder = {
  readonly image: string;
  readonly initramfs: string;
  readonly megabytes: number;
  /** Folders of the host, read-only, by the names under which the guest mounts them. */
  readonly shares: Readonly<Record<string, string>>;
  /** More words for QEMU. */
  readonly devices?: readonly string[];
  /** More words for the kernel. */
  readonly append?: string;
  /** What QEMU is started by, such as `nsenter`: the shares are folders as that sees them. */
  readonly by?: readonly string[];
  readonly bootMsMax: number;
};

export type Guest = {
  /** Runs a shell command and returns what it said; throws when it failed. */
  run(command: string, msMax?: number): Promise<string>;
  /** What the kernel, and who else writes there, said on its console. */
  console(): string;
  stop(): Promise<void>;
};

/** Booted once its first answer is here. */
export async function bootGuest(order: GuestOrder): Promise<Guest> {
  const folder = tempFolder();
  for (let attempt = 1; ; attempt++) {
    const { commands, exited, ...guest } = await startQemu(order, join(folder, `commands-${attempt}`));
    try {
      await Promise.race([commands.answer(0, order.bootMsMax), exited]);
      return { ...guest, run: (command, msMax) => commands.run(command, msMax) };
    } catch (thrown) {
      await guest.stop();
      if (attempt === BOOTS_MAX) throw new Error(`${String(thrown)}; its console:\n${guest.console().slice(-4_000)}`);
    }
  }
}

type Started = Pick<Guest, "console" | "stop"> & { readonly commands: Commands; readonly exited: Promise<never> };

/** One processor: with two, emulation hangs now and then while the kernel starts. */
async function startQemu(order: GuestOrder, port: string): Promise<Started> {
  const { image, initramfs, megabytes, shares, devices = [], append = "", by = [] } = order;
  const [program = "", ...words] = [
    ...by,
    "qemu-system-x86_64",
    ...["-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", String(megabytes), "-nodefaults", "-no-reboot"],
    ...["-display", "none", "-serial", "stdio", "-serial", `unix:${port},server=on,wait=off`],
    ...Object.entries(shares).flatMap(([tag, path]) => [
      "-virtfs",
      `local,path=${path},mount_tag=${tag},security_model=none,readonly=on,multidevs=remap`,
    ]),
    ...devices,
    ...["-kernel", image, "-initrd", initramfs, "-append", `console=ttyS0 panic=1 mitigations=off ${append}`],
  ];
  const qemu = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [qemu.stdout, qemu.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-CONSOLE_CHARS_MAX);
    });
  }
  const ended = new Promise<void>((done) => {
    qemu.once("error", (error) => {
      text += error.message;
      done();
    });
    qemu.once("close", () => done());
  });
  const exited = ended.then(() => Promise.reject(new Error("QEMU ended")));
  exited.catch(() => {});
  let commands: Commands | null = null;
  const stop = async (): Promise<void> => {
    commands?.close();
    qemu.kill("SIGKILL");
    await ended;
  };
  onCleanUp(stop);
  await Promise.race([waitFor("the guest's serial port", () => existsSync(port)), exited]);
  commands = new Commands(connect(port));
  return { commands, exited, console: () => text, stop };
}

/** Commands and their answers, one at a time: a line is `number base64(command)`, its answer `number exit-code base64(output)`. */
class Commands {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (answer: { code: number; output: string }) => void>();
  #text = "";
  #number = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1").on("data", (chunk: string) => this.#take(chunk));
    // A guest that is gone shows as answers that do not come.
    socket.on("error", () => {});
  }

  async run(command: string, msMax = COMMAND_MS_MAX): Promise<string> {
    const number = ++this.#number;
    const answered = this.answer(number, msMax);
    this.#socket.write(`${number} ${Buffer.from(command).toString("base64")}\n`);
    const { code, output } = await answered;
    if (code !== 0) throw new Error(`in the guest: ${command}\nexit code ${code}: ${output}`);
    return output;
  }

  answer(number: number, msMax: number): Promise<{ code: number; output: string }> {
    return new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error(`the guest gave no answer ${number} in ${msMax} ms`)), msMax);
      this.#waiting.set(number, (answer) => {
        clearTimeout(timer);
        done(answer);
      });
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: string): void {
    const lines = (this.#text + chunk).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) {
      const [number, code, output = ""] = line.trim().split(" ");
      const waiting = this.#waiting.get(Number(number));
      this.#waiting.delete(Number(number));
      waiting?.({ code: Number(code), output: Buffer.from(output, "base64").toString("utf8") });
    }
  }
}

export type InitramfsOrder = {
  /** The first program, for busybox' shell. */
  readonly init: string;
  readonly modules: readonly string[];
  /** Texts by their paths, which begin without a slash. */
  readonly files: Readonly<Record<string, string>>;
};

/** Made in `root`; modules lie in /modules, and their order in /modules/order. Returns the file. */
export function buildInitramfs(root: string, { init, modules, files }: InitramfsOrder): string {
  for (const name of ["bin", "dev", "etc", "host", "modules", "proc", "sys"]) {
    mkdirSync(join(root, name), { recursive: true });
  }
  const busybox = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path)) ?? "busybox";
  copyFileSync(busybox, join(root, "bin/busybox"));
  for (const path of modules) copyFileSync(path, join(root, "modules", basename(path)));
  writeFileSync(join(root, "modules/order"), modules.map((path) => basename(path)).join("\n"));
  for (const [path, text] of Object.entries(files)) writeFileSync(join(root, path), text);
  copyFileSync(init, join(root, "init"));
  chmodSync(join(root, "init"), 0o755);
  // Compressed it would be smaller, and slower: what is saved here is paid in emulated time.
  const packed = `${root}.cpio`;
  const made = spawnSync("sh", ["-c", 'find . | cpio --quiet -o -H newc > "$0"', packed], { cwd: root });
  if (made.status !== 0) throw new Error(`cpio: ${made.stderr.toString()}`);
  return packed;
}
