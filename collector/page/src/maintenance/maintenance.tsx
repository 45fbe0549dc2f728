import { useEffect, useRef, useState } from "react";
import type { MaintenanceWindow } from "../api/types.ts";
import { api, useLive, useLoad, useNow } from "../api/use-live.ts";
import { actorName, timeText } from "../ui/format.ts";
import { LoadState } from "../ui/load-state.tsx";
import { notify } from "../ui/notice.tsx";
import { formOf } from "./form.ts";
import { WindowForm } from "./window-form.tsx";
import { endLabel, inOrder, whenText, whereText } from "./windows.ts";
import "./maintenance.css";

export default function MaintenancePage() {
  const windows = useLoad("maintenance", api.maintenance);
  const me = useLive((state) => state.me);
  const [changed, setChanged] = useState<MaintenanceWindow | null>(null);
  /** The button that began a change gets the focus back. */
  const button = useRef<HTMLElement | null>(null);
  useEffect(() => {
    document.title = "Maintenance – Aislewatch";
  }, []);
  if (windows.value === null) return <LoadState loaded={windows} what="maintenance" />;
  const mayAct = me !== null && me.role !== "viewer";

  function begin(window: MaintenanceWindow): void {
    button.current = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    setChanged(window);
  }
  function done(): void {
    setChanged(null);
    windows.reload();
    button.current?.focus();
    button.current = null;
  }

  return (
    <div className="maintenance">
      <h1>Maintenance</h1>
      <p className="muted">
        What fails in a window is recorded and calls nobody; what still fails two minutes after its end does.
      </p>
      {mayAct && <WindowForm key={changed?.id ?? "new"} window={changed} onDone={done} />}
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
                  <span className="visually-hidden">Change or end</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {inOrder(windows.value).map((window) => (
                <Row
                  key={window.id}
                  window={window}
                  mayAct={mayAct}
                  onChange={() => begin(window)}
                  onDone={windows.reload}
                />
              ))}
            </tbody>
          </table>
        )}
      </section>
    </div>
  );
}

type RowProps = {
  readonly window: MaintenanceWindow;
  readonly mayAct: boolean;
  readonly onChange: () => void;
  readonly onDone: () => void;
};

function Row({ window, mayAct, onChange, onDone }: RowProps) {
  const now = useNow();
  const { id, reason, by, state } = window;
  async function end(): Promise<void> {
    const answer = await api.endMaintenance(id);
    const said = window.weekly.length > 0 ? "Removed: it does not come back." : "Ended.";
    notify(answer.ok ? said : answer.error.message, !answer.ok);
    onDone();
  }
  return (
    <tr data-testid="maintenance-row" data-id={id} data-state={state}>
      <th scope="row">{reason}</th>
      <td data-label="State">{state}</td>
      <td data-label="When">{whenText(window, (at) => timeText(at, now))}</td>
      <td data-label="Where">{whereText(window)}</td>
      <td data-label="By">{by === "file" ? "the file" : actorName(by)}</td>
      <td>
        {mayAct && by !== "file" && state !== "over" && (
          <div className="maintenance-buttons">
            {formOf(window) !== null && (
              <button type="button" aria-label={`Change ${reason}`} onClick={onChange}>
                Change
              </button>
            )}
            {(window.to ?? now + 1) > now && (
              <button type="button" aria-label={`${endLabel(window)} ${reason}`} onClick={() => void end()}>
                {endLabel(window)}
              </button>
            )}
          </div>
        )}
      </td>
    </tr>
  );
}
