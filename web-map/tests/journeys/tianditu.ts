// A Tianditu of the tests' own: a ground and labels of one colour each; no images.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** One pixel; a mark in the middle of nothing. */
const PICTURES: Readonly<Record<string, string>> = {
  vec: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mN4+e4OAAV3ArTlSlcvAAAAAElFTkSuQmCC",
  cva: "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAAGklEQVR42mNgGAXDGUR5Wf1HxvQ3YBQMJQAARZYO6Z7IuJQAAAAASUVORK5CYII=",
};

export interface Tianditu { url: string; asked: URL[]; end(): void }

export async function tianditu(): Promise<Tianditu> {
  const asked: URL[] = [];
  const server = createServer((request, answer) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1"), picture = PICTURES[url.searchParams.get("LAYER") ?? ""];
    asked.push(url);
    if (picture === undefined) answer.writeHead(500, { "content-type": "text/html" }).end("<html>tk is wrong</html>");
    else answer.writeHead(200, { "content-type": "image/png" }).end(Buffer.from(picture, "base64"));
  });
  await new Promise<void>(done => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, end: () => { server.closeAllConnections(); server.close(); } };
}
