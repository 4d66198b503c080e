import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  base: "/",
  resolve: { alias: [{ find: /^leaflet$/, replacement: fileURLToPath(new URL("src/map/leaflet-parts.js", import.meta.url)) }] },
  build: { target: "es2022", assetsDir: "assets", assetsInlineLimit: 0, sourcemap: false, modulePreload: { polyfill: false } },
  server: { proxy: { "/api": "http://127.0.0.1:8080", "/ogc": "http://127.0.0.1:8080" } },
});
