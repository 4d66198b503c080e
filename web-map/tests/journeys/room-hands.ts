// What the tests of the room have in common: a page on it, incidents made and counted through the service.

import type { Browser, Page } from "playwright-core";
import { expect } from "vitest";
import type { Alert, Detail, Incident, NewIncident } from "../../src/room/api";
import type { expose } from "../../src/room/testing";
import { by, type Service, visit, type Visit } from "./service";

type Exposed = ReturnType<typeof expose>;
interface RoomWindow { lianhu: Exposed }

export const watch = (page: Page) => page.evaluate(() => (window as unknown as RoomWindow).lianhu.state());
export const drawn = (page: Page) => page.evaluate(() => (window as unknown as RoomWindow).lianhu.drawn());
export const screenOf = (page: Page, at: [number, number]) => page.evaluate(p => (window as unknown as RoomWindow).lianhu.screen(p), at);

/** Waits until a value of the room's state, named by its path, is or is not one. */
export const until = (page: Page, path: string, value: unknown, isnt = false): Promise<unknown> =>
  page.waitForFunction(({ path, value, isnt }) => {
    const s: unknown = (window as unknown as RoomWindow).lianhu.state();
    const now = path.split(".").reduce<unknown>((o, k) => o === null || o === undefined ? o : (o as Record<string, unknown>)[k], s);
    return (JSON.stringify(now) === JSON.stringify(value)) !== isnt;
  }, { path, value, isnt });

/** The room, once it has its first list. */
export async function enter(browser: Browser, service: Service, query = "", options: Parameters<Browser["newContext"]>[0] = {}): Promise<Visit> {
  const made = await visit(browser, service, options, `/?view=room${query}`);
  await until(made.page, "signed_in", true);
  await until(made.page, "connected", true);
  await until(made.page, "matched", null, true);
  return made;
}

export async function get<T>(service: Service, path: string): Promise<T> {
  const answer = await fetch(service.url + path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return await answer.json() as T;
}

/** What somebody who signs in with a password is answered. */
export async function getAs<T>(service: Service, name: string, password: string, path: string): Promise<T> {
  const entered = await fetch(`${service.url}/api/session`, { method: "POST", headers: { "content-type": "application/json", origin: new URL(service.url).origin }, body: JSON.stringify({ name, password }) });
  const cookie = entered.headers.getSetCookie().map(c => c.split(";")[0]!).join("; "), answer = await fetch(service.url + path, { headers: { cookie } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return await answer.json() as T;
}

let keys = 0;
export async function post<T>(service: Service, path: string, body: unknown): Promise<T> {
  const answer = await fetch(service.url + path, { method: "POST", headers: { "content-type": "application/json", origin: new URL(service.url).origin, "idempotency-key": `journey-${process.pid}-${++keys}` }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return await answer.json() as T;
}

export const report = async (service: Service, wish: NewIncident): Promise<Incident> => (await post<{ incident: Incident }>(service, "/api/incidents", wish)).incident;
export const countOf = async (service: Service, query: string): Promise<number> => (await get<{ number_matched: number }>(service, `/api/incidents?limit=1&${query}`)).number_matched;

/** In place of the service's stream: one that opens and is silent, in the hands of the test. Where it is deaf, it does not even hear that the page gives it up. */
export function silentFeed(): void {
  interface Held { up: boolean; deaf: boolean; say(): void }
  const real = window.fetch.bind(window), held: Held = { up: true, deaf: false, say: () => undefined };
  Object.assign(window, { __feed: held });
  window.fetch = (ask, how) => {
    if (ask !== "/api/events") return real(ask, how);
    if (!held.up) return Promise.reject(new TypeError("no line"));
    const body = new ReadableStream<Uint8Array>({ start: pen => {
      held.say = () => pen.enqueue(new TextEncoder().encode(": alive\n\n"));
      how?.signal?.addEventListener("abort", () => { if (!held.deaf) pen.error(new DOMException("given up", "AbortError")); });
    } });
    return Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream", date: new Date().toUTCString() } }));
  };
}
export const feedOf = (page: Page, change: { up?: boolean; deaf?: boolean }, say = false): Promise<void> => page.evaluate(({ change, say }) => {
  const { __feed: held } = window as unknown as { __feed: { say(): void } };
  Object.assign(held, change);
  if (say) held.say();
}, { change, say });

/** Nothing rings: the demonstration begins with an emergency. */
export async function quiet(service: Service): Promise<void> {
  const { alerts } = await get<{ alerts: Alert[] }>(service, "/api/alerts?open=true");
  for (const a of alerts) if (a.kind === "emergency" && a.acknowledged === null) await post(service, `/api/alerts/${encodeURIComponent(a.id)}/acknowledge`, {});
}

/** Places where people live: each in a grid. */
export async function places(service: Service): Promise<[number, number][]> {
  const found = await get<GeoJSON.FeatureCollection>(service, "/ogc/collections/buildings/items?limit=1000");
  const list = found.features.flatMap(f => f.geometry.type === "Point" ? [f.geometry.coordinates as [number, number]] : f.geometry.type === "Polygon" ? [f.geometry.coordinates[0]![0] as [number, number]] : []);
  expect(list.length).toBeGreaterThan(10);
  return list;
}

/** A moment some minutes ago, with the office's offset. */
export const ago = (minutes: number): string => `${new Date(Date.now() - minutes * 60_000 + 8 * 3_600_000).toISOString().slice(0, 19)}+08:00`;

/** The household of a unit's leader, as the service has it. */
const homeOf = async (service: Service, unit: string): Promise<string | undefined> => (await get<{ features: { properties: { household: string; role: string } }[] }>(service, `/ogc/collections/leaders/items?unit=${unit}`)).features.find(f => f.properties.role === "leader")?.properties.household;

/** A card names by role who is near an incident: the head of its grid, the leader of its unit and where he lives. */
export async function names(service: Service, page: Page, within: string, of: string): Promise<void> {
  const { incident, near } = await get<Detail>(service, `/api/incidents/${of}`), { grid, unit } = incident;
  const head = near.grid_officers.find(o => o.role === "grid_head")!, leader = near.unit_officers.find(o => o.role === "leader");
  const line = (id: string): string => `${within} ${by(`officer-${id}`)}`;
  expect(head.id).toContain(grid!);
  expect(await page.textContent(`${line(head.id)} .role`)).toBe("网格长");
  if (leader === undefined) {
    // where nobody may be proposed the office is vacant, and nobody stands in for it
    expect(await homeOf(service, unit!)).toBeUndefined();
    expect(await page.locator(`${within} .role`).allTextContents()).not.toContain("联户长");
    return;
  }
  expect(leader.id).toContain(unit!);
  expect(await page.textContent(`${line(leader.id)} .role`)).toBe("联户长");
  // the line is drawn anew when the household is known
  await page.waitForSelector(`${line(leader.id)} ${by("leader-home")}`);
  expect(await page.textContent(`${line(leader.id)} ${by("leader-home")}`)).toBe(`户号 ${await homeOf(service, unit!)}`);
}

/** A sequence that is the same each time. */
export function dice(seed: number): () => number {
  let s = seed;
  return () => { s = (Math.imul(s, 1_664_525) + 1_013_904_223) >>> 0; return s / 2 ** 32; };
}

/** A JPEG as a telephone writes it: with the place where it was taken, in notes made here byte by byte (Exif 2.32, 4.6.2 and 4.6.6). */
export function withPlace(jpeg: Buffer): Buffer {
  // one directory that names the camera and leads to that of the place, then the place: north, 26° 14' 44"
  const u16 = (n: number): number[] => [n >> 8, n & 255], u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n & 0xffff)];
  const entry = (tag: number, kind: number, count: number, value: number[]): number[] => [...u16(tag), ...u16(kind), ...u32(count), ...value];
  const model = [...Buffer.from("GPS-TEST\0")], first = 8, place = first + 2 + 2 * 12 + 4, degrees = place + 2 + 2 * 12 + 4, words = degrees + 24;
  const tiff = [
    ...Buffer.from("MM\0*", "latin1"), ...u32(first),
    ...u16(2), ...entry(0x0110, 2, model.length, u32(words)), ...entry(0x8825, 4, 1, u32(place)), ...u32(0),
    ...u16(2), ...entry(0x0001, 2, 2, [...Buffer.from("N\0\0\0", "latin1")]), ...entry(0x0002, 5, 3, u32(degrees)), ...u32(0),
    ...[26, 1, 14, 1, 44, 1].flatMap(u32), ...model,
  ];
  const notes = [...Buffer.from("Exif\0\0", "latin1"), ...tiff];
  return Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xe1, ...u16(notes.length + 2), ...notes]), jpeg.subarray(2)]);
}
