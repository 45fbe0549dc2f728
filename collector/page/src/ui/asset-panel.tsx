import type { IncidentDetail } from "../api/types.ts";

const FIELDS = [
  ["vendor", "Vendor"],
  ["model", "Model"],
  ["serial", "Serial number"],
  ["firmware", "Firmware"],
] as const;

/** The hardware in the slot: what one needs at hand when one calls the vendor. */
export function AssetPanel({ asset }: { asset: IncidentDetail["asset"] }) {
  const known = FIELDS.flatMap(([field, title]) => {
    const text = asset[field];
    return text === undefined ? [] : [{ title, text }];
  });
  if (known.length === 0) return null;
  return (
    <section className="panel">
      <h2>Asset</h2>
      <dl className="pairs">
        {known.map(({ title, text }) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
