import { useRef } from "react";
import { Link, useLocation } from "wouter";
import { healthOf } from "../api/connection.ts";
import { api, live, useLive, useNow } from "../api/use-live.ts";
import { exactAge, timeText } from "./format.ts";
import { HelpDialog } from "./help-dialog.tsx";
import { Mark } from "./mark.tsx";
import { cycleTheme, useTheme } from "./preference.ts";
import { useShortcuts } from "./shortcuts.ts";
import { useWall } from "./wall.ts";

const SECTIONS = [
  { href: "/", title: "Incidents", owns: /^\/($|incidents)/ },
  { href: "/sites", title: "Sites", owns: /^\/sites/ },
  { href: "/agents", title: "Agents", owns: /^\/agents/ },
  { href: "/maintenance", title: "Maintenance", owns: /^\/maintenance/ },
  { href: "/reports", title: "Reports", owns: /^\/reports/ },
  { href: "/notifications", title: "Notifications", owns: /^\/notifications/ },
  { href: "/rules", title: "Rules", owns: /^\/rules/ },
] as const;

export function Header() {
  const [path] = useLocation();
  const me = useLive((state) => state.me);
  const theme = useTheme();
  const help = useRef<HTMLDialogElement>(null);
  const [wall, toggleWall] = useWall();
  useShortcuts({
    "?": () => help.current?.showModal(),
    w: toggleWall,
    t: cycleTheme,
    ...(wall && { Escape: toggleWall }),
  });
  return (
    <>
      <header className="header">
        <Link href="/" className="brand" aria-label="Aislewatch, the board of incidents">
          <Mark />
          <span>Aislewatch</span>
        </Link>
        <nav aria-label="Sections">
          {SECTIONS.map(({ href, title, owns }) => (
            <Link key={href} href={href} className="nav-link" aria-current={owns.test(path) ? "page" : undefined}>
              {title}
            </Link>
          ))}
        </nav>
        <Connection />
        <Clock />
        <div className="header-tools">
          <button
            type="button"
            className="quiet"
            onClick={cycleTheme}
            title="Change between system, light and dark (t)"
          >
            <span className="visually-hidden">Colours: </span>
            {theme === "system" ? "Auto" : theme === "light" ? "Light" : "Dark"}
          </button>
          <button type="button" className="quiet" onClick={toggleWall} title="Large type for a wall display (w)">
            Wall
          </button>
          <button type="button" className="quiet" onClick={() => help.current?.showModal()} title="Keyboard (?)">
            <span aria-hidden="true">?</span>
            <span className="visually-hidden">Keyboard help</span>
          </button>
          {me !== null && (
            <button type="button" className="quiet" onClick={signOut} title={`Signed in as ${me.name}, ${me.role}`}>
              Sign out <span className="header-name">{me.name}</span>
            </button>
          )}
        </div>
      </header>
      <StaleBanner />
      <HelpDialog ref={help} />
    </>
  );
}

async function signOut(): Promise<void> {
  await api.signOut();
  live.signedOut();
}

function useHealth() {
  // Renders with the tick; the offset does not matter, for the connection's times are this machine's.
  useNow();
  const connection = useLive((state) => state.connection);
  return healthOf(connection, Date.now());
}

function Connection() {
  const health = useHealth();
  const words = {
    connecting: "Connecting…",
    live: "Live",
    reconnecting: "Reconnecting…",
    stale: "Not live",
  }[health.kind];
  const since = "since" in health ? `Reconnecting since ${timeText(health.since, Date.now())}` : words;
  return (
    <span className="connection" data-testid="connection" data-state={health.kind} role="status" title={since}>
      <span className="connection-dot" aria-hidden="true" />
      {words}
    </span>
  );
}

function StaleBanner() {
  const health = useHealth();
  const everHeard = useLive((state) => state.synced);
  if (health.kind !== "stale") return null;
  return (
    <div className="stale-banner" data-testid="stale-banner">
      <span className="visually-hidden" role="alert">
        The view is not live.
      </span>
      <strong>{everHeard ? `View is ${exactAge(health.ageMs)} old` : "The collector can't be reached"}</strong>
      <span>Reconnecting since {timeText(health.since, Date.now())}</span>
    </div>
  );
}

/** On a wall the clock tells that the picture is not frozen. */
function Clock() {
  const now = useNow();
  return <time className="clock">{timeText(now, now)}</time>;
}
