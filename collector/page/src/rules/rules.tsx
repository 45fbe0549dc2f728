import { useEffect } from "react";
import type { Rule } from "../api/types.ts";
import { api, useLive, useLoad } from "../api/use-live.ts";
import { SeverityTag } from "../ui/badges.tsx";
import { count, sentence } from "../ui/format.ts";
import { LoadState } from "../ui/load-state.tsx";
import "./rules.css";

export default function RulesPage() {
  const rules = useLoad(
    "rules",
    () => api.rules(),
    (event) => event.type === "rules" || event.type === "incident",
  );
  const overview = useLive((state) => state.overview);
  useEffect(() => {
    document.title = "Rules – Aislewatch";
  }, []);
  if (rules.value === null) return <LoadState loaded={rules} what="rules" />;
  const refused = overview?.rules.refused ?? [];
  return (
    <div className="rules">
      <h1>
        Rules <span className="panel-note">{count(rules.value.length)} in use,</span>{" "}
        {overview !== null && (
          <span className="panel-note">
            version <span className="id">{overview.rules.version.slice(0, 12)}</span>
          </span>
        )}
      </h1>
      {refused.length > 0 && (
        <div className="refused" role="alert">
          <h2>Newer files are refused; the last good version stays in use</h2>
          <pre>{refused.join("\n")}</pre>
        </div>
      )}
      {[...Map.groupBy(rules.value, (rule) => rule.group)]
        .sort(([a], [b]) => a.localeCompare(b))
        .map(([group, members]) => (
          <RuleGroup key={group} group={group} rules={members} />
        ))}
    </div>
  );
}

function RuleGroup({ group, rules }: { group: string; rules: readonly Rule[] }) {
  return (
    <section className="panel" aria-label={group}>
      <h2>{group}</h2>
      <table className="rule-table" aria-label={`Rules of ${group}`}>
        <thead>
          <tr>
            <th scope="col">Rule</th>
            <th scope="col">Severity</th>
            <th scope="col">Category</th>
            <th scope="col">Firing</th>
            <th scope="col">Written in</th>
          </tr>
        </thead>
        <tbody>
          {rules.map((rule) => (
            <tr key={rule.id} data-firing={rule.firing > 0}>
              <th scope="row">
                <Title text={rule.title} />
                <span className="id">
                  {rule.id} {rule.mode === "shadow" && <span className="tag">shadow: pages nobody</span>}
                </span>
              </th>
              <td>
                {rule.severities.map((severity) => (
                  <SeverityTag key={severity} severity={severity} />
                ))}
              </td>
              <td>
                {sentence(rule.category)}
                <span className="muted"> per {rule.scope}</span>
              </td>
              <td className="rule-firing">{rule.firing}</td>
              <td className="id rule-file" title={`${rule.file}:${rule.line}, version ${rule.version}`}>
                {fileName(rule.file)}:{rule.line}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const fileName = (path: string): string => path.split(/[\\/]/).at(-1) ?? path;

/** `No answer from {{device}}`, with what an incident fills in set apart. */
function Title({ text }: { text: string }) {
  const parts = text.split(/\{\{(.*?)\}\}/);
  return parts.map((part, index) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text have no other name than their place.
    index % 2 === 0 ? part : <var key={index}>{part.replaceAll('"', "")}</var>,
  );
}
