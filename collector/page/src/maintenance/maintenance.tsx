import { type FormEvent, useEffect, useState } from "react";
import type { MaintenanceWindow } from "../api/types.ts";
import { api, useLive, useLoad, useNow } from "../api/use-live.ts";
import { actorName, timeText } from "../ui/format.ts";
import { LoadState } from "../ui/load-state.tsx";
import { notify } from "../ui/notice.tsx";
import { inOrder, requestOf, whenText, whereText } from "./windows.ts";
import "./maintenance.css";

/** Hours that are offered; the command line takes any. */
const HOURS = [0.5, 1, 2, 4, 8, 24] as const;

export default function MaintenancePage() {
  const windows = useLoad("maintenance", api.maintenance);
  const me = useLive((state) => state.me);
  useEffect(() => {
    document.title = "Maintenance – Aislewatch";
  }, []);
  if (windows.value === null) return <LoadState loaded={windows} what="maintenance" />;
  const mayAct = me !== null && me.role !== "viewer";
  return (
    <div className="maintenance">
      <h1>Maintenance</h1>
      <p className="muted">
        What fails in a window is recorded and calls nobody; what still fails two minutes after its end does.
      </p>
      {mayAct && <AddForm onDone={windows.reload} />}
      <section className="panel" aria-label="Windows">
        {windows.value.length === 0 ? (
          <p className="muted">None is planned.</p>
        ) : (
          <table className="maintenance-table" aria-label="Maintenance windows">
            <thead>
              <tr>
                <th scope="col">Why</th>
                <th scope="col">State</th>
                <th scope="col">When</th>
                <th scope="col">Where</th>
                <th scope="col">By</th>
                <th scope="col">
                  <span className="visually-hidden">End</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {inOrder(windows.value).map((window) => (
                <Row key={window.id} window={window} mayAct={mayAct} onDone={windows.reload} />
              ))}
            </tbody>
          </table>
        )}
      </section>
    </div>
  );
}

function Row({ window, mayAct, onDone }: { window: MaintenanceWindow; mayAct: boolean; onDone: () => void }) {
  const now = useNow();
  const { id, reason, by, state } = window;
  async function end(): Promise<void> {
    const answer = await api.endMaintenance(id);
    notify(answer.ok ? "Ended." : answer.error.message, !answer.ok);
    onDone();
  }
  return (
    <tr data-testid="maintenance-row" data-id={id} data-state={state}>
      <th scope="row">{reason}</th>
      <td>{state}</td>
      <td>{whenText(window, (at) => timeText(at, now))}</td>
      <td>{whereText(window)}</td>
      <td>{by === "file" ? "the file" : actorName(by)}</td>
      <td>
        {mayAct && by !== "file" && state !== "over" && (
          <button type="button" onClick={() => void end()}>
            {state === "running" ? "End now" : "Drop"}
          </button>
        )}
      </td>
    </tr>
  );
}

function AddForm({ onDone }: { onDone: () => void }) {
  const sites = useLoad("sites", api.sites);
  const [reason, setReason] = useState("");
  const [site, setSite] = useState("");
  const [device, setDevice] = useState("");
  const [hours, setHours] = useState(1);
  const [busy, setBusy] = useState(false);

  async function add(event: FormEvent): Promise<void> {
    event.preventDefault();
    const request = requestOf({ reason, site, device, hours }, Date.now());
    if (request === null) return;
    setBusy(true);
    const answer = await api.addMaintenance(request);
    setBusy(false);
    notify(answer.ok ? "From now on nobody is called." : answer.error.message, !answer.ok);
    if (answer.ok) setReason("");
    onDone();
  }

  return (
    <form className="panel maintenance-form" aria-label="Plan maintenance" onSubmit={(event) => void add(event)}>
      <label>
        Site
        <select value={site} required onChange={(event) => setSite(event.target.value)} data-testid="maintenance-site">
          <option value="">Choose</option>
          {(sites.value ?? []).map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        Device (all when empty)
        <input value={device} maxLength={128} onChange={(event) => setDevice(event.target.value)} />
      </label>
      <label>
        From now on, for
        <select value={hours} onChange={(event) => setHours(Number(event.target.value))}>
          {HOURS.map((each) => (
            <option key={each} value={each}>
              {each < 1 ? "30 minutes" : each === 1 ? "1 hour" : `${each} hours`}
            </option>
          ))}
        </select>
      </label>
      <label>
        Why
        <input
          value={reason}
          required
          maxLength={500}
          onChange={(event) => setReason(event.target.value)}
          data-testid="maintenance-reason"
        />
      </label>
      <button type="submit" className="primary" disabled={busy}>
        Start
      </button>
    </form>
  );
}
