/**
 * A Linux guest with USB hardware that is none: gadgets on `dummy_hcd`, which the guest's own kernel enumerates like any
 * device (QEMU without acceleration: 5 to 10 s to boot on a small machine). The host's files are its root, read-only, so
 * that the guest runs this checkout's agent under this Node; bundled as it is installed, for it loads the sources in four
 * times as long. It is told what to do over a serial port of its own.
 */
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { connect, type Socket } from "node:net";
import { basename, join } from "node:path";
import { bundleAgent } from "../../../deploy/bundle-agent.ts";
import { AGENT_NODE_FLAGS } from "../../../packages/cli/bin/agent-flags.mjs";
import { type CollectorRig, onCleanUp, ROOT, tempFolder, waitFor } from "../rig.ts";
import { kernel, kernelName } from "./kernel.ts";

/** What the guest needs of Debian: `npm test` installs it as root. */
const PROGRAMS = {
  "qemu-system-x86_64": "qemu-system-x86",
  busybox: "busybox-static",
  cpio: "cpio",
  depmod: "kmod",
  smartctl: "smartmontools",
};
/** Of a disk of the guest: it is asked for its health, and nothing is on it. */
const DISK_BYTES = 16 * 1024 * 1024;
/** Five seconds as a rule. */
const BOOT_MS_MAX = 25_000;
const BOOTS_MAX = 2;
const COMMAND_MS_MAX = 30_000;
/** Node reads some hundred files of the host there, and has no compiler but an emulated one. */
const START_MS_MAX = 45_000;
/** A command line once Node is up: a poll takes seconds at most. */
const LINE_MS_MAX = 10_000;
const CONSOLE_CHARS_MAX = 100_000;

export type Vm = {
  /** Runs a shell command in the guest and returns what it said; throws when it failed. */
  run(command: string): Promise<string>;
  /** Writes a file below /mnt, the only place that can be written to; there it is for programs of the host's root, too. */
  write(path: string, text: string): Promise<void>;
  /**
   * Starts a bundled program under this Node, in the host's root. `without` names capabilities that it does not get, as
   * setpriv writes them: `syslog`.
   */
  start(program: Bundled, args: readonly string[], without?: readonly string[]): Promise<GuestProgram>;
  /** What the kernel said on its console. */
  console(): string;
  stop(): Promise<void>;
};

/** The agent, and several of its command lines in one process (command-lines.ts). */
type Bundled = "main" | "command-lines";

export type GuestProgram = {
  /** The end of what it said, and `ended with CODE` when it is over. */
  output(): Promise<string>;
};

/** True when a package is missing, and says so; under CI that is an error. */
export function vmMissing(): boolean {
  const missing = Object.entries(PROGRAMS).filter(
    ([program]) => !["/usr/bin", "/usr/sbin", "/bin", "/sbin"].some((folder) => existsSync(join(folder, program))),
  );
  const here = process.platform === "linux" && process.arch === "x64" && missing.length === 0;
  if (here && kernelName() !== null) return false;
  const packages = Object.values(PROGRAMS).join(" ");
  const what = `USB in a guest needs Debian on x64: apt-get update && apt-get install ${packages}`;
  if (process.env["CI"]) throw new Error(what);
  process.stderr.write(`skipped. ${what}\n`);
  return true;
}

/** Boots a guest with `ports` USB ports, each a bus of its own, an NVMe disk and an ATA one. */
export async function bootVm({ ports }: { readonly ports: number }): Promise<Vm> {
  const folder = tempFolder();
  const bundle = join(folder, "agent");
  // Packages with binaries of their own are found in the checkout's.
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const [guest] = await Promise.all([
    bootGuest(folder, ports),
    bundleAgent(bundle, { "command-lines": "test/rig/usb-vm/command-lines.ts" }),
  ]);
  return vmOf(guest, bundle);
}

async function bootGuest(folder: string, ports: number): Promise<Guest> {
  const { image, modules } = await kernel();
  const initramfs = buildInitramfs(join(folder, "root"), { modules, ports });
  const disk = join(folder, "disk");
  writeFileSync(disk, "");
  truncateSync(disk, DISK_BYTES);
  for (let attempt = 1; ; attempt++) {
    const guest = await startQemu({ image, initramfs, disk, port: join(folder, `commands-${attempt}`) });
    try {
      await Promise.race([guest.commands.answer(0, BOOT_MS_MAX), guest.exited]);
      return guest;
    } catch (thrown) {
      await guest.stop();
      if (attempt === BOOTS_MAX) throw new Error(`${String(thrown)}; its console:\n${guest.console().slice(-4_000)}`);
    }
  }
}

type Guest = Pick<Vm, "console" | "stop"> & { readonly commands: Commands; readonly exited: Promise<never> };

/** One processor: with two, emulation hangs now and then while the kernel starts. */
async function startQemu(files: { image: string; initramfs: string; disk: string; port: string }): Promise<Guest> {
  const { image, initramfs, disk, port } = files;
  const drive = (id: string): string => `id=${id},file=${disk},if=none,format=raw,snapshot=on`;
  const args = [
    ...["-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "768", "-nodefaults", "-no-reboot"],
    ...["-display", "none", "-serial", "stdio", "-serial", `unix:${port},server=on,wait=off`],
    ...["-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"],
    ...["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net"],
    ...["-drive", drive("nvme"), "-device", "nvme,drive=nvme,serial=NV0001"],
    ...["-drive", drive("ata"), "-device", "ide-hd,drive=ata,serial=HD0001"],
    ...["-kernel", image, "-initrd", initramfs, "-append", "console=ttyS0 panic=1 mitigations=off"],
  ];
  const qemu = spawn("qemu-system-x86_64", args, { stdio: ["ignore", "pipe", "pipe"] });
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

/** What an agent that is no administrator may not: among others, read the kernel's log. */
const NOT_AN_ADMINISTRATOR = ["syslog", "sys_admin"];

/** An agent in the guest with these devices, as YAML below `devices:`; its collector is the host's. */
export async function startGuestAgent(
  vm: Vm,
  collector: CollectorRig,
  name: string,
  devices: string,
): Promise<GuestProgram> {
  const [site, id] = name.split("/");
  const password = await collector.addAgent(name);
  const { port } = new URL(collector.mqtt);
  await vm.write("/mnt/password", readFileSync(password, "utf8"));
  const head = `site: ${site}\nagent: ${id}\ncollector:\n  url: mqtt://localhost:${port}\n  password: file:/mnt/password\n`;
  await vm.write("/mnt/agent.yaml", `${head}data: /mnt/data\ndevices:\n${devices}`);
  await vm.run("chmod 600 /host/mnt/password");
  const agent = await vm.start(
    "main",
    ["run", "--config", "/mnt/agent.yaml", "--log-format", "text"],
    NOT_AN_ADMINISTRATOR,
  );
  const begun = async (): Promise<string | null> => {
    const said = await agent.output();
    return /program_started|ended with/.test(said) ? said : null;
  };
  const said = await waitFor("the agent in the guest", begun, START_MS_MAX);
  if (!said.includes("program_started")) throw new Error(`the agent in the guest did not start: ${said}`);
  return agent;
}

/** A command line of the agent that ran in the guest, words with blanks between. */
export type Ran = { readonly line: string; readonly code: number; readonly out: string; readonly error: string };

/** Several, one after another in one process. */
export async function runCommandLines(vm: Vm, lines: readonly string[]): Promise<readonly Ran[]> {
  await vm.write("/mnt/lines", `${lines.join("\n")}\n`);
  const program = await vm.start("command-lines", ["/mnt/lines", "/mnt/ran"]);
  const said = await waitFor(
    "the command lines in the guest",
    async () => {
      const output = await program.output();
      return /ended with \d+/.exec(output)?.[0] === undefined ? null : output;
    },
    START_MS_MAX + lines.length * LINE_MS_MAX,
  );
  if (!said.includes("ended with 0")) throw new Error(`the command lines in the guest: ${said}`);
  return JSON.parse(await vm.run("cat /host/mnt/ran")) as readonly Ran[];
}

function vmOf({ commands, console, stop }: Guest, bundle: string): Vm {
  let programs = 0;
  const vm: Vm = {
    console,
    stop,
    run: (command) => commands.run(command),
    async write(path, content) {
      // The guest's shell reads a line byte by byte: short ones are quick.
      await vm.run(`mkdir -p "$(dirname /host${path})" && : > /host${path}`);
      const encoded = Buffer.from(content).toString("base64");
      for (const part of encoded.match(/.{1,2000}/g) ?? []) await vm.run(`echo ${part} | base64 -d >> /host${path}`);
    },
    async start(program, args, without = []) {
      const log = `/host/mnt/program-${++programs}.log`;
      const drop =
        without.length === 0 ? [] : ["/usr/bin/setpriv", `--bounding-set=${without.map((one) => `-${one}`).join(",")}`];
      const node = [process.execPath, "--disable-warning=ExperimentalWarning", ...AGENT_NODE_FLAGS];
      const command = [...drop, ...node, join(bundle, `${program}.mjs`), ...args];
      const words = command.map((word) => `'${word}'`).join(" ");
      await vm.run(`cd /; { chroot /host ${words}; echo ended with $?; } > ${log} 2>&1 &`);
      return { output: () => vm.run(`tail -c 8000 ${log}`) };
    },
  };
  return vm;
}

/** Commands and their answers, one at a time; see init.sh for the lines. */
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

  async run(command: string): Promise<string> {
    const number = ++this.#number;
    const answered = this.answer(number, COMMAND_MS_MAX);
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

function buildInitramfs(root: string, { modules, ports }: { modules: readonly string[]; ports: number }): string {
  for (const name of ["bin", "dev", "etc", "host", "modules", "proc", "sys"]) {
    mkdirSync(join(root, name), { recursive: true });
  }
  const busybox = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path)) ?? "busybox";
  copyFileSync(busybox, join(root, "bin/busybox"));
  for (const path of modules) copyFileSync(path, join(root, "modules", basename(path)));
  writeFileSync(join(root, "modules/order"), modules.map((path) => basename(path)).join("\n"));
  writeFileSync(join(root, "modules/ports"), String(ports));
  copyFileSync(join(import.meta.dirname, "init.sh"), join(root, "init"));
  chmodSync(join(root, "init"), 0o755);
  // Compressed it would be smaller, and slower: what is saved here is paid in emulated time.
  const packed = `${root}.cpio`;
  const made = spawnSync("sh", ["-c", 'find . | cpio --quiet -o -H newc > "$0"', packed], { cwd: root });
  if (made.status !== 0) throw new Error(`cpio: ${made.stderr.toString()}`);
  return packed;
}
