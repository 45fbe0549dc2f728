/**
 * What every state store must do, as tests, by topic in contract/. `contract.test.ts` runs them for each implementation, on
 * the real thing.
 */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { killWhileWriting } from "../crash.ts";
import { StoreError } from "../error.ts";
import { accessContract } from "./contract/access.ts";
import { commitContract } from "./contract/commit.ts";
import { deviceContract } from "./contract/devices.ts";
import { incidentContract } from "./contract/incidents.ts";
import { Model, step } from "./contract/model.ts";
import { notificationContract } from "./contract/notifications.ts";
import { reportContract } from "./contract/reports.ts";
import type { Tested } from "./contract/tested.ts";
import { aFault, aNote, T0 } from "./contract-data.ts";
import { DEVICE_EVENTS, type StateStore } from "./store.ts";

export type StateStoreUnderTest = {
  /** A store over the same data each time, not yet open; one is open at a time. */
  create(): StateStore;
  /** A Node program that writes `crashChange(1)`, `crashChange(2)`, … to it until it is killed (crash-writer.ts). */
  readonly writer: readonly string[];
  remove(): Promise<void>;
};

export function stateStoreContract(name: string, make: () => Promise<StateStoreUnderTest>): void {
  describe(`${name} as a state store`, () => {
    let place: StateStoreUnderTest;
    let store: StateStore;

    beforeEach(async () => {
      place = await make();
      store = place.create();
      await store.open();
    });
    afterEach(async () => {
      await store.close();
      await place.remove();
    });
    const reopen = async (): Promise<void> => {
      await store.close();
      store = place.create();
      await store.open();
    };
    const tested: Tested = {
      get store() {
        return store;
      },
      reopen,
    };

    commitContract(tested);
    deviceContract(tested);
    incidentContract(tested);
    accessContract(tested);
    reportContract(tested);
    notificationContract(tested);

    it("refuses everything once it is closed, and closes twice", async () => {
      await store.close();
      await store.close();
      expect(() => store.commit({})).toThrow(expect.objectContaining({ kind: "closed" }));
      expect(() => store.watermarks()).toThrow(StoreError);
    });

    it("has everything that it confirmed, once, after it was killed", async () => {
      await store.close();
      const printed = await killWhileWriting(place.writer, 40);
      store = place.create();
      await store.open();
      const seq = store.watermarks()[0]?.seq ?? 0;
      expect(printed).toEqual(printed.map((_, n) => n + 1));
      // One more commit may have been on disk before it was printed.
      expect([printed.length, printed.length + 1]).toContain(seq);
      expect(store.faults()).toEqual([aFault("media-low", { detail: { seq } })]);
      expect(store.incidents({}, { limit: 1, cursor: null }).total).toBe(seq);
      for (let n = 1; n <= seq; n++) {
        expect(store.incidentEvents(`INC-${String(n).padStart(6, "0")}`)).toEqual([aNote(1, `write ${n}`)]);
      }
      const kept = store.deviceEvents("store-1", null, seq).map(({ at }) => at - T0);
      expect(kept).toEqual(Array.from({ length: Math.min(seq, DEVICE_EVENTS.perDeviceMax) }, (_, n) => seq - n));
    });

    it("equals a plain model of itself after any commits and restarts", async () => {
      await fc.assert(
        fc
          .asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
            const model = new Model();
            for (const one of steps) {
              if (one === "restart") await reopen();
              else model.apply(store, one);
              model.compare(store);
            }
          })
          // Every run begins with an empty store.
          .beforeEach(async () => {
            await store.close();
            await place.remove();
            place = await make();
            store = place.create();
            await store.open();
          }),
        { numRuns: 15 },
      );
    }, 60_000);
  });
}
