import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

/** What all views share is named in the page itself: it comes beside the small script that chooses a view, not after it. */
function sharedFirst(views: readonly string[]): Plugin {
  return {
    name: "shared-first",
    transformIndexHtml: {
      order: "post",
      handler(_, { bundle }) {
        const chunks = Object.values(bundle ?? {}).filter(c => c.type === "chunk");
        const reach = (name: string, known: Set<string>): Set<string> => {
          if (!known.has(name)) { known.add(name); chunks.find(c => c.fileName === name)?.imports.forEach(i => reach(i, known)); }
          return known;
        };
        const [first, ...rest] = views.map(view => { const entry = chunks.find(c => c.facadeModuleId?.endsWith(view)); return entry === undefined ? new Set<string>() : reach(entry.fileName, new Set()); });
        const shared = chunks.filter(c => !c.isEntry && first?.has(c.fileName) === true && rest.every(r => r.has(c.fileName)));
        const styles = new Set(shared.flatMap(c => [...c.viteMetadata?.importedCss ?? []]));
        return [
          ...shared.map(c => ({ tag: "link", attrs: { rel: "modulepreload", crossorigin: true, href: `/${c.fileName}` }, injectTo: "head" as const })),
          ...[...styles].map(s => ({ tag: "link", attrs: { rel: "stylesheet", crossorigin: true, href: `/${s}` }, injectTo: "head" as const })),
        ];
      },
    },
  };
}

/** What a map of Leaflet can do and this page never asks for: flying, and finding out where somebody is. */
const NEVER = ["flyTo", "flyToBounds", "panInside", "locate", "stopLocate", "_handleGeolocationError", "_handleGeolocationResponse"];

/** Leaves those out of Leaflet: methods of one object can be told unused by no bundler. */
function lean(): Plugin {
  return {
    name: "lean-leaflet",
    transform(code, id) {
      if (!id.endsWith("leaflet/src/map/Map.js")) return null;
      return NEVER.reduce((left, method) => {
        const without = left.replace(new RegExp(`^\\t${method}: function [^]*?^\\t\\},\\r?\\n`, "m"), "");
        if (without === left) throw new Error(`Leaflet has no method ${method}: NEVER in vite.config.ts names one that is gone`);
        return without;
      }, code);
    },
  };
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

export default defineConfig({
  base: "/",
  plugins: [lean(), sharedFirst(["src/main.ts", "src/room/start.ts", "src/report/start.ts"])],
  resolve: {
    alias: [{ find: /^leaflet$/, replacement: here("src/map/leaflet-parts.js") }, { find: /^@mapbox\/point-geometry$/, replacement: here("src/map/tile-point.js") }],
  },
  build: { target: "es2022", assetsDir: "assets", assetsInlineLimit: 0, sourcemap: false, modulePreload: { polyfill: false } },
  server: { proxy: { "/api": "http://127.0.0.1:8080", "/ogc": "http://127.0.0.1:8080" } },
});
