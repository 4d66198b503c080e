import { defineConfig } from "vite";

export default defineConfig({
  base: "/",
  build: { target: "es2022", assetsDir: "assets", assetsInlineLimit: 0, sourcemap: false, modulePreload: { polyfill: false } },
  server: { proxy: { "/api": "http://127.0.0.1:8080", "/ogc": "http://127.0.0.1:8080" } },
});
