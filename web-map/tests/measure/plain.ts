// A server of the plain Leaflet page and of what it shows.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

const LEAFLET = join("node_modules", "leaflet", "dist"), PAGE = join("tests", "measure", "plain");

/** Serves the page beside data under names of their own; answers the address and how to end it. */
export async function plainPage(data: Readonly<Record<string, string>>): Promise<{ url: string; end: () => Promise<void> }> {
  const of: Record<string, [string, () => string | Buffer]> = {
    "/": ["text/html; charset=utf-8", () => readFileSync(join(PAGE, "index.html"))], "/plain.js": ["text/javascript", () => readFileSync(join(PAGE, "plain.js"))],
    "/leaflet.js": ["text/javascript", () => readFileSync(join(LEAFLET, "leaflet.js"))], "/leaflet.css": ["text/css", () => readFileSync(join(LEAFLET, "leaflet.css"))],
    ...Object.fromEntries(Object.entries(data).map(([name, text]) => [name, ["application/json", () => text]] as const)),
  };
  const server = createServer((request, answer) => {
    const found = of[new URL(request.url ?? "/", "http://plain").pathname];
    if (found === undefined) { answer.writeHead(404).end(); return; }
    answer.writeHead(200, { "content-type": found[0] }).end(found[1]());
  });
  await new Promise<void>(done => { server.listen(0, "127.0.0.1", done); });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, end: () => new Promise(done => { server.closeAllConnections(); server.close(() => done()); }) };
}
