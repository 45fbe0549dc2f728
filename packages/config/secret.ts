/**
 * Secrets stand in configuration as references, never as values: `file:secrets/community` (relative to the file that
 * names it) or `env:AISLEWATCH_COMMUNITY`. A literal is refused, and what was written there is shown nowhere: not in
 * the message, not in the quoted source line.
 */
import { suggest } from "./suggest.ts";
import { asWritten } from "./written.ts";

export type SecretRef = { readonly kind: "file" | "env"; readonly name: string };

export const secretRef = asWritten<SecretRef>("a secret reference, file:PATH or env:NAME", (written) => {
  const match = typeof written === "string" ? /^(file|env):(.+)$/s.exec(written.trim()) : null;
  const kind = match?.[1];
  const name = match?.[2]?.trim();
  if ((kind !== "file" && kind !== "env") || name === undefined || name.length > 1024) return refuse();
  if (kind === "env" && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return refuse();
  return { ok: true, value: { kind, name } };
});

function refuse(): { ok: false; code: string; hint: string } {
  return {
    ok: false,
    code: SECRET_CODE,
    hint: "put the secret into a file that only this program may read, and write file:PATH here",
  };
}

/** Diagnostics with this code never show what was written. */
export const SECRET_CODE = "CFG_SECRET";

/** Words in keys whose values people take for secrets: such values are hidden even where the mistake is another one. */
const SECRET_WORDS = ["password", "passphrase", "passwd", "secret", "token", "community", "credential", "apikey"];
const SECRET_KEY = /pass(?:word|phrase|wd)?$|secret|token|community|api_?key|private_?key|credential/i;

/** Misspelt ones, too: `pasword: hunter2` is an unknown key, and its value a secret all the same. */
export const isSecretKey = (key: string | number | undefined): boolean =>
  typeof key === "string" && (SECRET_KEY.test(key) || suggest(key, SECRET_WORDS) !== null);

const KEY_AND_VALUE = /(["']?)([\w-]{1,64})(\1\s*:\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,{}[\]#|>&*][^,}\]#]*)/g;

/** `https://name:password@host`; a name alone is no secret. */
const URL_PASSWORD = /(:\/\/[^\s/:@"']{0,256}:)([^\s/@"']{1,256})(?=@)/g;

export const maskUrlPasswords = (text: string): string =>
  text.replace(URL_PASSWORD, (_, before: string, password: string) => before + "•".repeat(password.length));

/** A source line fit to be shown: what stands after a key that names a secret, and in URLs, becomes dots; references stay. */
export function maskSecrets(line: string): string {
  return maskUrlPasswords(line).replace(
    KEY_AND_VALUE,
    (whole, quote: string, key: string, colon: string, value: string) => {
      const bare = value.replace(/^["']/, "");
      if (!isSecretKey(key) || /^(?:file|env):/.test(bare)) return whole;
      return `${quote}${key}${colon}${value.replace(/\S/g, "•")}`;
    },
  );
}
