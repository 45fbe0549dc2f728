/** `erase-writer.ts FOLDER`: erases one person after the other until it is killed (privacy.test.ts). */
import { writeSync } from "node:fs";
import { openStore, privacyOf } from "./sample-people.ts";

const privacy = privacyOf(await openStore(process.argv[2] ?? ""));
for (let n = 1; ; n++) {
  privacy.erase({ name: `person-${n}-x`, isTrial: false, inText: true, by: "user:admin" });
  writeSync(1, `${n}\n`);
}
