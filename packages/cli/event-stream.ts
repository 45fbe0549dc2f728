/** What comes of a stream of server-sent events (HTML standard, 9.2.6), whole events only. Pure. */

export type StreamFrame = { readonly id: string | null; readonly data: string };

/** A longer event is none of ours. */
const EVENT_CHARS_MAX = 4 * 1024 * 1024;

/** Takes text as it comes, cut anywhere, and gives the events that it completes. A half one is no event. */
export function createFrames(): (chunk: string) => StreamFrame[] {
  let rest = "";
  return (chunk) => {
    const parts = (rest + chunk).split("\n\n");
    rest = (parts.pop() ?? "").slice(0, EVENT_CHARS_MAX);
    return parts.flatMap((part) => {
      const lines = part.split("\n");
      const data = lines.flatMap((line) => fieldOf(line, "data")).join("\n");
      const id = lines.flatMap((line) => fieldOf(line, "id")).at(-1) ?? null;
      return data === "" && id === null ? [] : [{ id, data }];
    });
  };
}

const fieldOf = (line: string, field: string): string[] =>
  line.startsWith(`${field}:`) ? [line.slice(field.length + 1).replace(/^ /, "")] : [];
