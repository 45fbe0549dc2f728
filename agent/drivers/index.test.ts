import { expect, it } from "vitest";
import { DRIVER_NAMES, loadDrivers } from "./index.ts";

it("lists each driver by its own name", async () => {
  const drivers = await loadDrivers();
  expect(drivers.map(({ name }) => name)).toEqual(DRIVER_NAMES);
});

it("loads what is named, and nothing for a name that there is not", async () => {
  const drivers = await loadDrivers(["zpl", "snmpp", "mt_sics"]);
  expect(drivers.map(({ name }) => name)).toEqual(["mt_sics", "zpl"]);
});
