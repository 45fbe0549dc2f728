/** A folder as an archive that is the same byte for byte whenever and wherever it is made of the same files. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, lutimesSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";

const ARCHIVE_MS_MAX = 600_000;

export type ArchiveOrder = {
  /** Its last part is the archive's one folder. */
  readonly folder: string;
  /** `*.tar.gz` or `*.zip`. */
  readonly file: string;
  /** Seconds since 1970, the time of every file. */
  readonly epoch: number;
  /** Of gzip and zip: 1, fast, to 9, small. */
  readonly level: number;
};

export async function archive({ folder, file, epoch, level }: ArchiveOrder): Promise<void> {
  const [parent, name] = [dirname(folder), basename(folder)];
  rmSync(file, { force: true });
  if (file.endsWith(".zip")) {
    const paths = pathsBelow(parent, name);
    for (const path of paths) lutimesSync(join(parent, path), epoch, epoch);
    // -X: neither owners nor times beyond the second; the order is that of the arguments.
    const zipped = run("zip", ["-q", "-X", `-${level}`, file, "-@"], {
      cwd: parent,
      env: { ...process.env, TZ: "UTC" },
    });
    zipped.child.stdin?.end(paths.join("\n"));
    await zipped;
    return;
  }
  await run("tar", [
    ...["--create", "--file", file, "--directory", parent],
    ...["--sort=name", `--mtime=@${epoch}`, "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"],
    // gzip alone would write the time into its head.
    `--use-compress-program=gzip -n -${level}`,
    name,
  ]);
}

const run = (command: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) =>
  promisify(execFile)(command, args, { ...options, timeout: ARCHIVE_MS_MAX });

function pathsBelow(parent: string, name: string): string[] {
  const here = readdirSync(join(parent, name), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return [
    `${name}/`,
    ...here.flatMap((one) => {
      const path = `${name}/${one.name}`;
      return one.isDirectory() ? pathsBelow(parent, path) : [path];
    }),
  ];
}

/** SHA-256 as `sha256sum` writes it. */
export async function checksum(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
