import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stateStoreContract } from "./contract.ts";
import { createSqliteStore } from "./sqlite.ts";

stateStoreContract("SQLite", async () => {
  const folder = await mkdtemp(join(tmpdir(), "aislewatch-state-"));
  const file = join(folder, "state.sqlite");
  return {
    create: () => createSqliteStore({ file }),
    writer: [fileURLToPath(new URL("./crash-writer.ts", import.meta.url)), file],
    remove: () => rm(folder, { recursive: true }),
  };
});
