/** A test of its own process group: starts a program by the rig, tells its pid, and goes on when it is interrupted. */
import { startProgram } from "../rig/rig.ts";

const { pid, exited } = await startProgram("test/chaos/idle.ts", []);
void exited.then((code) => process.send?.({ exited: code }));
process.on("SIGINT", () => process.send?.({ interrupted: true }));
process.on("disconnect", () => process.exit(0));
process.send?.({ pid });
