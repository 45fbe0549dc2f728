import { useNow } from "../api/use-live.ts";
import { age, exactAge, timeText } from "./format.ts";

/** Ticks by itself, so that only ages render every second and not what they stand in. */
export function Age({ at, exact = false, suffix = "" }: { at: number; exact?: boolean; suffix?: string }) {
  const now = useNow();
  return (
    <time dateTime={new Date(at).toISOString()} title={timeText(at, now)}>
      {(exact ? exactAge : age)(now - at)}
      {suffix}
    </time>
  );
}

/** A point in time as the site's own clock shows it; the viewer's time is in the title. */
export function SiteTime({ at, timeZone }: { at: number; timeZone: string | undefined }) {
  const now = useNow();
  return (
    <time dateTime={new Date(at).toISOString()} title={`${timeText(at, now)} your time`}>
      {timeText(at, now, timeZone)}
    </time>
  );
}
