import type { Loaded } from "../api/use-live.ts";

/** What stands where a resource will: nothing for the blink of a fetch, or why it did not come. */
export function LoadState({ loaded, what }: { loaded: Loaded<unknown>; what: string }) {
  if (loaded.failure === null) return <p className="loading">Loading {what}…</p>;
  return (
    <div className="failure" role="alert">
      <p>{loaded.failure.message}</p>
      <button type="button" onClick={loaded.reload}>
        Try again
      </button>
    </div>
  );
}
