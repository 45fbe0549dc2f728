import { lazy, Suspense, useEffect } from "react";
import { Link, Redirect, Route, Switch, useLocation, useSearch } from "wouter";
import { live, useLive } from "./api/use-live.ts";
import { Board } from "./board/board.tsx";
import { Login } from "./login/login.tsx";
import { Announcer } from "./ui/announcer.tsx";
import { useArrival } from "./ui/arrival.ts";
import { Header } from "./ui/header.tsx";
import { NoticeLine } from "./ui/notice.tsx";
import { useWall } from "./ui/wall.ts";

/** The board is what the page opens with; the rest, charts above all, comes when asked for. */
const IncidentPage = lazy(() => import("./incident/incident.tsx"));
const HandOverPage = lazy(() => import("./handover/handover.tsx"));
const SitesPage = lazy(() => import("./sites/sites.tsx"));
const SitePage = lazy(() => import("./sites/site.tsx"));
const DevicePage = lazy(() => import("./sites/device.tsx"));
const AgentsPage = lazy(() => import("./agents/agents.tsx"));
const MaintenancePage = lazy(() => import("./maintenance/maintenance.tsx"));
const AgentPage = lazy(() => import("./agents/agent.tsx"));
const ReportsPage = lazy(() => import("./reports/reports.tsx"));
const NotificationsPage = lazy(() => import("./notifications/notifications.tsx"));
const RulesPage = lazy(() => import("./rules/rules.tsx"));

export function App() {
  const [path] = useLocation();
  return path === "/login" ? <Login /> : <SignedIn />;
}

function SignedIn() {
  const [path] = useLocation();
  const search = useSearch();
  const signedOut = useLive((state) => state.signedOut);
  const [wall] = useWall();

  useArrival(path);
  useEffect(() => live.start(), []);
  useEffect(() => {
    document.documentElement.dataset["wall"] = String(wall);
  }, [wall]);

  if (signedOut) {
    const target = search === "" ? path : `${path}?${search}`;
    return <Redirect to={`/login?next=${encodeURIComponent(target)}`} replace />;
  }
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <Header />
      <Announcer />
      <main id="main" tabIndex={-1}>
        <Suspense fallback={<p className="loading">Loading…</p>}>
          <Switch>
            <Route path="/" component={Board} />
            <Route path="/incidents/:id/handover">{({ id }) => <HandOverPage key={id} id={id} />}</Route>
            <Route path="/incidents/:id">{({ id }) => <IncidentPage key={id} id={id} />}</Route>
            <Route path="/sites" component={SitesPage} />
            <Route path="/sites/:site">{({ site }) => <SitePage key={site} siteId={site} />}</Route>
            <Route path="/sites/:site/device/*">
              {(params) => (
                <DevicePage key={`${params.site}/${params["*"]}`} siteId={params.site} deviceId={params["*"]} />
              )}
            </Route>
            <Route path="/agents" component={AgentsPage} />
            <Route path="/agents/:site/:id">
              {({ site, id }) => <AgentPage key={`${site}/${id}`} site={site} id={id} />}
            </Route>
            <Route path="/maintenance" component={MaintenancePage} />
            <Route path="/reports" component={ReportsPage} />
            <Route path="/notifications" component={NotificationsPage} />
            <Route path="/rules" component={RulesPage} />
            <Route>
              <div className="empty">
                <h1>There is no such page</h1>
                <p>
                  <Link href="/">Back to the board</Link>
                </p>
              </div>
            </Route>
          </Switch>
        </Suspense>
      </main>
      <NoticeLine />
    </>
  );
}
