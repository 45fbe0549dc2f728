/** What holds of the Containerfiles and of compose.yaml without an engine; test/system/containers.test.ts has one. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DockerfileParser, type Instruction } from "dockerfile-ast";
import { validate } from "dockerfile-utils";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { addHosting } from "../release/hosting.ts";
import { TARGETS } from "../release/target.ts";
import { type Product, VERSION, writeLaunchers } from "../release/tree.ts";

const HERE = import.meta.dirname;
/** A release's folders and files that `makeTree` fills; the rest is made by what is called below. */
const FILLED = ["agent", "examples", "node", "node_modules"];
const FILLED_TOO = ["LICENSE", "THIRD-PARTY-LICENSES.txt", "sbom.cdx.json"];
const PRODUCTS: Readonly<Record<Product, readonly string[]>> = {
  aislewatch: [...FILLED, ...FILLED_TOO, "collector", "rules"],
  "aislewatch-agent": [...FILLED, ...FILLED_TOO],
};
/** A name of more than one part, a version that is more than a channel. */
const PINNED = /^[\w.-]+\/[\w./-]+:(?!latest$|stable|testing)[\w.-]*[\w]$/;

const work = mkdtempSync(join(tmpdir(), "containers-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** What the archive of a product has in it, as far as names go. */
function archiveOf(product: Product): string {
  const folder = join(work, product);
  if (existsSync(folder)) return folder;
  const target = TARGETS.find(({ name }) => name === "linux-x64");
  if (target === undefined) throw new Error("no target");
  for (const name of PRODUCTS[product]) mkdirSync(join(folder, name), { recursive: true });
  writeLaunchers(product, target, folder);
  addHosting({ product, target, folder });
  return folder;
}

describe.each<{ product: Product; file: string }>([
  { product: "aislewatch", file: "collector.Containerfile" },
  { product: "aislewatch-agent", file: "agent.Containerfile" },
])("$file", ({ product, file }) => {
  const text = readFileSync(join(HERE, file), "utf8");
  const instructions = DockerfileParser.parse(text).getInstructions();
  const all = (keyword: string): readonly Instruction[] =>
    instructions.filter((one) => one.getKeyword().toUpperCase() === keyword);
  const said = (keyword: string): string => all(keyword).at(-1)?.getRawArgumentsContent() ?? "";
  const vector = (words: string): readonly string[] => z.array(z.string()).parse(JSON.parse(words));
  const home = `/usr/lib/${product}/`;

  it("has no mistake that a linter knows", () => {
    expect(validate(text).map(({ message, range }) => `${range.start.line + 1}: ${message}`)).toEqual([]);
  });

  it("is built upon an image of one version", () => {
    expect(all("FROM")).toHaveLength(1);
    expect(said("FROM")).toMatch(PINNED);
    expect(text).toContain(`image.base.name="${said("FROM")}"`);
    expect(text).toContain(`ARG VERSION=${VERSION}\n`);
    expect(text).toContain(`--tag localhost/${product}:${VERSION} `);
  });

  it("runs as a numbered user that is not root, and starts nothing through a shell", () => {
    expect(said("USER")).toMatch(/^([1-9]\d{4}):\1$/);
    const [program, words] = [vector(said("ENTRYPOINT")), vector(said("CMD"))];
    expect(program).toEqual([`${home}bin/${product}`]);
    expect(words.length).toBeGreaterThan(0);
    expect(vector(said("VOLUME"))).toEqual([`/var/lib/${product}`]);
    expect(said("STOPSIGNAL")).toBe("SIGTERM");
  });

  it("asks for its health a program that it has, by an argument vector", () => {
    for (const option of ["interval", "timeout", "start-period", "retries"])
      expect(text).toMatch(new RegExp(`^HEALTHCHECK .*--${option}=\\d+`, "m"));
    const copied = all("COPY").map((one) => one.getArguments().map((argument) => argument.getValue()));
    for (const path of vector(said("HEALTHCHECK").replace(/^CMD /, "")).filter((word) => word.startsWith("/")))
      expect(
        copied.some(([from = "", to = ""]) => path === to || (path.startsWith(`${to}/`) && from !== "")),
        path,
      ).toBe(true);
  });

  it("copies what the archive has, each to its own name below the release's folder", () => {
    const archive = archiveOf(product);
    for (const one of all("COPY")) {
      const words = one.getArguments().map((argument) => argument.getValue());
      const [from, to = ""] = [words.slice(0, -1), words.at(-1)];
      for (const name of from) expect(existsSync(join(archive, name)), name).toBe(true);
      expect(to).toBe(from.length > 1 ? home : `${home}${from[0]}`);
    }
    const copied = all("COPY").flatMap((one) =>
      one
        .getArguments()
        .slice(0, -1)
        .map((argument) => argument.getValue()),
    );
    expect(copied.filter((name) => !name.startsWith("containers/")).sort()).toEqual(
      [...PRODUCTS[product], "bin"].sort(),
    );
  });
});

const service = z.looseObject({
  image: z.string(),
  restart: z.literal("unless-stopped"),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal("ALL")]),
  cap_add: z.never().optional(),
  privileged: z.never().optional(),
  security_opt: z.tuple([z.literal("no-new-privileges:true")]),
  pids_limit: z.number().max(1_024),
  mem_limit: z.string().regex(/^\d+[mg]$/),
  tmpfs: z.array(z.string().regex(/^\/\w+:size=\d+m$/)),
  logging: z.object({
    driver: z.string(),
    options: z.object({ "max-size": z.literal("10m"), "max-file": z.literal("5") }),
  }),
  user: z
    .string()
    .regex(/^[1-9]\d*:[1-9]\d*$/)
    .optional(),
  profiles: z.array(z.string()).default([]),
  secrets: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  networks: z.array(z.string()),
  healthcheck: z.object({ test: z.array(z.string()), interval: z.string(), timeout: z.string() }).optional(),
  environment: z.record(z.string(), z.string()).default({}),
});
const compose = z.object({
  "x-confined": z.unknown(),
  services: z.record(z.string(), service),
  networks: z.record(z.string(), z.unknown()),
  volumes: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.object({ file: z.string().startsWith("./secrets/") })),
});

describe("compose.yaml", () => {
  const { services, ...defined } = compose.parse(
    parse(readFileSync(join(HERE, "compose.yaml"), "utf8"), { merge: true }),
  );
  const each = Object.entries(services).map(([name, one]) => ({ name, one }));

  it("starts a collector, and others by profiles of their names", () => {
    expect(each.map(({ name, one }) => [name, one.profiles])).toEqual([
      ["collector", []],
      ["agent", ["agent"]],
      ["mosquitto", ["mosquitto"]],
      ["influxdb", ["influxdb"]],
    ]);
  });

  it.each(each)("$name: images of one version, and a health check of the image's or its own", ({ one }) => {
    const ours = one.image.startsWith("localhost/");
    if (ours) expect(one.image).toMatch(`:\${AISLEWATCH_VERSION:-${VERSION}}`);
    else expect(one.image).toMatch(PINNED);
    expect(one["pull_policy"]).toBe(ours ? "never" : undefined);
    if (!ours) expect(one.healthcheck?.test[0]).toBe("CMD");
    expect(ours || one.user !== undefined).toBe(true);
  });

  it.each(each)("$name: uses what is defined, and gets no secret by its environment", ({ one }) => {
    const named = one.volumes.map((volume) => volume.split(":")[0] ?? "").filter((name) => !name.startsWith("./"));
    expect(Object.keys(defined.volumes)).toEqual(expect.arrayContaining(named));
    expect(Object.keys(defined.networks)).toEqual(expect.arrayContaining(one.networks));
    expect(Object.keys(defined.secrets)).toEqual(expect.arrayContaining(one.secrets));
    expect(Object.keys(one.environment).filter((name) => /PASSWORD|TOKEN|SECRET/.test(name))).toEqual([]);
  });

  it("mounts folders that the archive has, or that docs/install.md makes", () => {
    const docs = readFileSync(join(HERE, "../../docs/install.md"), "utf8");
    const made = /^mkdir (.*)$/m.exec(docs)?.[1]?.split(" ") ?? [];
    const folders = each
      .flatMap(({ one }) => one.volumes)
      .flatMap((volume) => /^\.\/([^:]+):/.exec(volume)?.[1] ?? [])
      .filter((folder) => !made.includes(folder));
    expect(folders.length).toBeGreaterThan(0);
    for (const folder of folders) expect(existsSync(join(archiveOf("aislewatch"), "containers", folder))).toBe(true);
  });
});
