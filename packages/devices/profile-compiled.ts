/**
 * Profiles as an installed agent has them: checked, with what they extend put below, in one JSON text that is made with
 * the bundle. Reading 105 YAML files takes 300 ms and leaves 40 MB of garbage; all profiles take 3 MB, of which an agent
 * uses a few: what only a recognised device needs stays text until someone looks at it.
 */
import type { Profile } from "./profile.ts";

type Body = Pick<Profile, "identity" | "metrics" | "tables" | "quirks" | "traps">;
type Compiled = Omit<Profile, keyof Body> & { readonly body: string };

export function compileProfiles(profiles: readonly Profile[]): string {
  const compiled = profiles.map(({ identity, metrics, tables, quirks, traps, ...head }): Compiled => {
    const body: Body = { identity, metrics, tables, quirks, traps };
    return { ...head, body: JSON.stringify(body) };
  });
  return JSON.stringify(compiled);
}

/** `text` is what `compileProfiles` made of checked profiles, and comes with the product: it is not checked again. */
export function readCompiledProfiles(text: string): readonly Profile[] {
  return (JSON.parse(text) as Compiled[]).map(open);
}

function open({ body: text, ...head }: Compiled): Profile {
  let opened: Body | null = null;
  const body = (): Body => {
    opened ??= JSON.parse(text) as Body;
    return opened;
  };
  return {
    ...head,
    get identity() {
      return body().identity;
    },
    get metrics() {
      return body().metrics;
    },
    get tables() {
      return body().tables;
    },
    get quirks() {
      return body().quirks;
    },
    get traps() {
      return body().traps;
    },
  };
}
