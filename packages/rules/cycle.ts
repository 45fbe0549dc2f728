/** Circles among things that name each other: rules by `absorbs`, devices by `depends_on`. */

/**
 * Each circle once, as the way around it from the member that is listed first. What is named but not in the map leads
 * nowhere. Iterative, for an inventory may be a chain of thousands.
 */
export function circlesOf(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const done = new Set<string>();
  const circles: string[][] = [];
  for (const start of edges.keys()) {
    const way: { name: string; next: number }[] = [];
    const onWay = new Map<string, number>();
    const enter = (name: string): void => {
      onWay.set(name, way.length);
      way.push({ name, next: 0 });
    };
    if (!done.has(start)) enter(start);
    for (let last = way.at(-1); last !== undefined; last = way.at(-1)) {
      const target = edges.get(last.name)?.[last.next++];
      if (target === undefined) {
        done.add(last.name);
        onWay.delete(last.name);
        way.pop();
        continue;
      }
      const at = onWay.get(target);
      if (at !== undefined) circles.push(way.slice(at).map(({ name }) => name));
      else if (!done.has(target) && edges.has(target)) enter(target);
    }
  }
  return circles;
}
