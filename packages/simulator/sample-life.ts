import fc from "fast-check";

/** For tests: what may happen to a device, up to thirty things in any order. */
export const lifeOf = <Fault extends string>(faults: readonly Fault[], elapsedMsMax: number) =>
  fc.array(
    fc.oneof(
      fc.nat(elapsedMsMax).map((ms) => ({ kind: "elapsed", ms }) as const),
      fc.constantFrom(...faults).map((fault) => ({ kind: "fault", fault }) as const),
      fc.constantFrom(...faults).map((fault) => ({ kind: "heal", fault }) as const),
    ),
    { maxLength: 30 },
  );
