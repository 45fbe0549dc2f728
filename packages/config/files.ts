/** The one part of this package that touches the disk: configuration files and the secrets that they refer to. */
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { err, errorText, ok, type Result } from "@aislewatch/base";
import type { z } from "zod";
import type { Diagnostic } from "./diagnostic.ts";
import type { SecretRef } from "./secret.ts";
import { CONFIG_LIMITS, parseYaml, wholeFile, type YamlResult } from "./yaml.ts";

/** A key file of 4096 bits with its chain is 20 KiB. */
const SECRET_BYTES_MAX = 64 * 1024;

/** The text of a configuration file, or why it can't be had (line 0). A table may be larger than what people write. */
export function readConfigText(
  path: string,
  bytesMax: number = CONFIG_LIMITS.fileBytesMax,
): Result<string, Diagnostic> {
  try {
    const { size } = statSync(path);
    if (size > bytesMax) {
      const message = `expected at most ${bytesMax} bytes; received ${size}`;
      return err(wholeFile(path, "CFG_TOO_LARGE", message));
    }
    return ok(new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path)));
  } catch (thrown) {
    return err(unreadable(path, thrown));
  }
}

/**
 * A file as a typed value, or all its mistakes. `text` is what was read, for formatDiagnostics; null when there was
 * nothing to read.
 */
export function loadYamlFile<T>(path: string, schema: z.ZodType<T>): YamlResult<T> & { readonly text: string | null } {
  const text = readConfigText(path);
  if (!text.ok) return { ok: false, diagnostics: [text.error], text: null };
  return { ...parseYaml({ file: path, text: text.value }, schema), text: text.value };
}

function unreadable(path: string, thrown: unknown): Diagnostic {
  const code = errorCode(thrown);
  if (code === "ENOENT") return wholeFile(path, "CFG_MISSING_FILE", "expected a file here; there is none");
  if (code === "EISDIR") return wholeFile(path, "CFG_UNREADABLE", "expected a file; received a folder");
  if (code === "EACCES" || code === "EPERM") {
    return wholeFile(path, "CFG_UNREADABLE", "expected a file that can be read; permission was denied");
  }
  if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") {
    return wholeFile(path, "CFG_ENCODING", "expected UTF-8 text", "save the file as UTF-8");
  }
  return wholeFile(path, "CFG_UNREADABLE", `expected a file that can be read: ${errorText(thrown)}`);
}

export type SecretError = { readonly code: "CFG_SECRET_UNREADABLE"; readonly message: string; readonly hint?: string };

/** The value behind a reference. One line end at the end of a file is no part of it. Errors never hold the value. */
export function readSecret(
  ref: SecretRef,
  baseDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Result<string, SecretError> {
  if (ref.kind === "env") {
    const value = env[ref.name];
    if (value === undefined) return fail(`the environment variable ${ref.name} is not set`);
    return value === "" ? fail(`the environment variable ${ref.name} is empty`) : ok(value);
  }
  const path = resolve(baseDir, ref.name);
  try {
    if (statSync(path).size > SECRET_BYTES_MAX) return fail(`${path} holds more than ${SECRET_BYTES_MAX} bytes`);
    const value = readFileSync(path, "utf8").replace(/\r?\n$/, "");
    return value === "" ? fail(`${path} is empty`) : ok(value);
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT") return fail(`${path} does not exist`, `create it with mode 0600`);
    return fail(`${path} can't be read: ${errorCode(thrown) ?? "unknown error"}`, "check its owner and mode");
  }
}

function fail(message: string, hint?: string): { ok: false; error: SecretError } {
  return err({ code: "CFG_SECRET_UNREADABLE", message, ...(hint !== undefined && { hint }) });
}

function errorCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : undefined;
}
