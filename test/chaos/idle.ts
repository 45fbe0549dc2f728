/** A program that does nothing until its parent is gone. */
process.on("disconnect", () => process.exit(0));
process.send?.({ up: true });
