import { readFileSync } from "node:fs";

/** The reply of a driver's test case: alone, or within what `aislewatch-agent record` wrote. */
export function recordedReply<Reply>(file: URL): Reply {
  const value = JSON.parse(readFileSync(file, "utf8")) as Reply | { readonly driver: string; readonly answers: Reply };
  return typeof value === "object" && value !== null && "answers" in value ? value.answers : (value as Reply);
}
