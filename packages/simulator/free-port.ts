import { err, errorText, ok, type Result } from "@aislewatch/base";

/** How many ports after a taken one are tried before giving up. */
const NEIGHBOURS_MAX = 50;

export type ListenError = { readonly kind: "listen"; readonly detail: string };

/**
 * Listens on `port`, or on the next free one when it is taken; port 0 lets the system choose. `listen` binds and
 * rejects with the system's error.
 */
export async function listenNear<T>(
  port: number,
  listen: (port: number) => Promise<T>,
): Promise<Result<T, ListenError>> {
  let last = "";
  for (let candidate = port; candidate <= Math.min(port + NEIGHBOURS_MAX, 65_535); candidate++) {
    try {
      return ok(await listen(candidate));
    } catch (thrown) {
      last = errorText(thrown);
      if (port === 0 || !isTaken(thrown)) break;
    }
  }
  return err({ kind: "listen", detail: last });
}

/** Windows answers EACCES for ports that it keeps for itself. */
const isTaken = (thrown: unknown): boolean =>
  thrown instanceof Error && "code" in thrown && (thrown.code === "EADDRINUSE" || thrown.code === "EACCES");
