/**
 * Where the metrics of a subject stand in memory. All devices of a kind have the same layout, so a condition compiled
 * once for a kind reads `values[base + offset]` with a constant offset: no look-up by name while judging.
 */
import { CATALOGUE, isKind, type Metric, metricsOf } from "@aislewatch/devices";

export type Layout = {
  /** Kind and component class, for people who debug. */
  readonly name: string;
  readonly metrics: readonly Metric[];
  readonly offsetOf: ReadonlyMap<string, number>;
  /** Offset of `up`, or -1: components have none. */
  readonly up: number;
};

export type Layouts = {
  /** What a device of this kind reports itself. A kind that this version does not know has what every kind has. */
  device(kind: string): Layout;
  /** What a component of this class reports; null when the kind has no such components. */
  component(kind: string, componentClass: string): Layout | null;
  /** `disk` for `disk-var` of a host; null when no metric of the kind belongs to such a component. */
  classOf(kind: string, component: string): string | null;
};

export function createLayouts(): Layouts {
  const layouts = new Map<string, Layout | null>();

  function layout(kind: string, componentClass: string | null): Layout | null {
    const name = componentClass === null ? kind : `${kind}#${componentClass}`;
    let found = layouts.get(name);
    if (found === undefined) {
      const metrics = reportedBy(kind).filter((metric) => metric.component === componentClass);
      found = metrics.length === 0 ? null : layoutOf(name, metrics);
      layouts.set(name, found);
    }
    return found;
  }

  return {
    device: (kind) => layout(kind, null) ?? layoutOf(kind, []),
    component: layout,
    classOf(kind, component) {
      for (let end = component.length; end > 0; end = component.lastIndexOf("-", end - 1)) {
        const componentClass = component.slice(0, end);
        if (layout(kind, componentClass) !== null) return componentClass;
      }
      return null;
    },
  };
}

function layoutOf(name: string, metrics: readonly Metric[]): Layout {
  const offsetOf = new Map(metrics.map((metric, offset) => [metric.name, offset]));
  return { name, metrics, offsetOf, up: offsetOf.get("up") ?? -1 };
}

function reportedBy(kind: string): readonly Metric[] {
  return isKind(kind) ? metricsOf(kind) : CATALOGUE.filter((metric) => metric.kinds === null);
}
