import type { Failure } from "../api/client.ts";
import type { Loaded } from "../api/use-live.ts";

/** What stands where a resource will: nothing for the blink of a fetch, or why it did not come. */
export function LoadState({ loaded, what }: { loaded: Loaded<unknown>; what: string }) {
  if (loaded.failure === null) return <p className="loading">Loading {what}…</p>;
  return <FailureBox failure={loaded.failure} retry={loaded.reload} />;
}

export function FailureBox({ failure, retry }: { failure: Failure; retry: () => void }) {
  return (
    <div className="failure" role="alert">
      <p>{failure.message}</p>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}
