/** What sections of collector.yaml that name a server beside the collector have in common: its authority, and secrets. */
import { X509Certificate } from "node:crypto";
import { resolve } from "node:path";
import { errorText } from "@aislewatch/base";
import { type Diagnostic, readConfigText, readSecret, type SecretRef, type YamlSource } from "@aislewatch/config";

export type SectionWorld = {
  readonly baseDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly source: YamlSource;
};
export type Complain = (at: readonly string[], what: Parameters<YamlSource["diagnostic"]>[1]) => void;

export type ServerSection = {
  readonly diagnostics: readonly Diagnostic[];
  readonly complain: Complain;
  /** Of a key of the section; null when it isn't there, or can't be had, which is then a diagnostic. */
  secret(key: string, ref: SecretRef | undefined): string | null;
  file(key: string, name: string | undefined): string | null;
  /** A file of certificates in PEM. */
  authority(key: string, name: string | undefined): string | null;
};

export function serverSection(section: string, { baseDir, env, source }: SectionWorld): ServerSection {
  const diagnostics: Diagnostic[] = [];
  const complain: Complain = (at, what) => void diagnostics.push(source.diagnostic(at, what));
  function file(key: string, name: string | undefined): string | null {
    if (name === undefined) return null;
    const text = readConfigText(resolve(baseDir, name));
    if (text.ok) return text.value;
    complain([section, key], { code: text.error.code, message: text.error.message });
    return null;
  }
  return {
    diagnostics,
    complain,
    file,
    secret(key, ref) {
      if (ref === undefined) return null;
      const read = readSecret(ref, baseDir, env);
      if (read.ok) return read.value;
      complain([section, key], read.error);
      return null;
    },
    authority(key, name) {
      const text = file(key, name);
      if (text === null) return null;
      try {
        new X509Certificate(text);
      } catch (thrown) {
        complain([section, key], { code: "CFG_TLS", message: `expected certificates, PEM: ${errorText(thrown)}` });
      }
      return text;
    },
  };
}

/** Brackets as URLs have them, too. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
