import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** A collector to develop the page against: `AISLEWATCH_URL=http://127.0.0.1:8080 npx vite` in this folder. */
const collector = process.env["AISLEWATCH_URL"] ?? "http://127.0.0.1:8080";
const proxy = { "/api": collector };

/** Below this a smaller file saves no packet. */
const COMPRESSED_BYTES_MIN = 1_024;

/** Lays each asset's `.br` and `.gz` beside it: the collector sends those, and compresses nothing while it serves. */
const compressed: Plugin = {
  name: "aislewatch-compressed",
  apply: "build",
  writeBundle: ({ dir = "dist" }) => {
    for (const name of readdirSync(join(dir, "assets"))) {
      const path = join(dir, "assets", name);
      const bytes = readFileSync(path);
      if (bytes.length < COMPRESSED_BYTES_MIN) continue;
      writeFileSync(`${path}.br`, brotliCompressSync(bytes));
      writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
    }
  },
};

export default defineConfig({
  plugins: [react(), compressed],
  build: {
    // The content security policy allows no inline script and no data: font; small assets stay files, too.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy },
  preview: { proxy },
});
