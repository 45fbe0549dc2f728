import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** A collector to develop the page against: `AISLEWATCH_URL=http://127.0.0.1:8080 npx vite` in this folder. */
const collector = process.env["AISLEWATCH_URL"] ?? "http://127.0.0.1:8080";
const proxy = { "/api": collector };

export default defineConfig({
  plugins: [react()],
  build: {
    // The content security policy allows no inline script and no data: font; small assets stay files, too.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy },
  preview: { proxy },
});
