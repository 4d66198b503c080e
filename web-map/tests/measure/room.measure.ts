// What the monitoring room costs: how soon the wall stands, how soon an incident that was posted is seen on two open maps, what a whole city's
// incidents take. Told, never asserted. MEASURE_ROOM="demo 900000:300:100000" names the demonstration, counties made by the program
// (households:villages:incidents) or files of stores; `npm run measure -- room`.

import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, describe, it } from "vitest";
import type { Incident, Page as Listed } from "../../src/room/api";
import { ago, drawn, enter, get, places, quiet, report, until, watch } from "../journeys/room-hands";
import { browse, Service, visit } from "../journeys/service";
import { at, LONG_MS, Meter, noteTasks, table, wander } from "./cost";
import { countyOf } from "./stores";

const WISHES = (process.env["MEASURE_ROOM"] ?? "demo").split(/\s+/);
/** Walls opened, incidents posted, steps of the view. */
const OPENINGS = 5, POSTS = 20, STEPS = 30;
/** The whole of the year that a made county's incidents are of. */
const YEAR = "&range=2025-01-01..2025-12-31";

const wall: string[][] = [["wall opened", "p50 ms", "most ms", "CPU s"]];
const heard: string[][] = [[`${POSTS} incidents posted`, "p50 ms", "p95 ms", "most ms", "grid and unit named"]];
const city: string[][] = [["the room on a year", "whole picture ms", "CPU s", "pan p50 ms", "p95 ms", "heap MiB", "drawn", "sum drawn", "in cells", "outside", "API counts", `tasks > ${LONG_MS} ms`]];

/** The first whole picture, by the page itself: whoever asks while it is made slows it down. */
async function firstPicture(page: Page): Promise<number> {
  for (;;) {
    await page.waitForTimeout(1_500);
    const ms = await page.evaluate(() => (window as unknown as { lianhu?: { timings(): { first_ms: number | null } } }).lianhu?.timings().first_ms ?? null);
    if (ms !== null) return ms;
  }
}

async function walls(browser: Browser, service: Service, name: string): Promise<void> {
  const times: number[] = [], spent: number[] = [];
  for (let k = 0; k < OPENINGS; k++) {
    const context = await browser.newContext({ viewport: { width: 1920, height: 1080 } }), page = await context.newPage(), meter = await Meter.on(browser, context, page);
    await page.goto(`${service.url}/?view=room&wall=1&rotate=0`);
    times.push(await firstPicture(page));
    spent.push((await meter.cost()).process_s);
    await context.close();
  }
  wall.push([name, at(times, 0.5).toFixed(0), Math.max(...times).toFixed(0), at(spent, 0.5).toFixed(2)]);
}

/** When a row of an incident came, by the clock that both sides of the test have. */
const noteRows = (): void => {
  const seen: Record<string, [number, string]> = {};
  Object.assign(window, { __seen: seen });
  const look = (): void => {
    for (const row of document.querySelectorAll<HTMLElement>("[data-testid=incidents] [data-testid^=incident-]")) {
      const id = row.dataset["testid"]!.slice("incident-".length);
      seen[id] ??= [Date.now(), row.textContent ?? ""];
    }
  };
  addEventListener("DOMContentLoaded", () => new MutationObserver(look).observe(document.body, { childList: true, subtree: true }));
};

async function news(browser: Browser, service: Service, name: string): Promise<void> {
  const lived = await places(service), pages: Page[] = [], rows: { took: number; named: boolean }[][] = [[], []];
  for (const query of ["", "&wall=1&rotate=0"]) {
    const { page } = await visit(browser, service, { viewport: { width: 1920, height: 1080 } }, `/?view=room${query}`, noteRows);
    await until(page, "connected", true);
    await firstPicture(page);
    pages.push(page);
  }
  for (let k = 0; k < POSTS; k++) {
    const sent = Date.now(), made: Incident = await report(service, { category: "livelihood", occurred_at: ago(0), at: lived[(k * 13) % lived.length]! });
    for (const [p, page] of pages.entries()) {
      const [when, words] = await page.waitForFunction(id => (window as unknown as { __seen: Record<string, [number, string]> }).__seen[id], made.id).then(h => h.jsonValue()) as [number, string];
      rows[p]!.push({ took: when - sent, named: made.unit !== null && words.includes(made.unit.slice(15)) && words.includes(made.grid_name ?? made.grid!.slice(12)) });
    }
    await pages[0]!.waitForTimeout(300);
  }
  for (const [p, kind] of ["room", "wall"].entries()) {
    const took = rows[p]!.map(r => r.took);
    heard.push([`${name}, ${kind}`, at(took, 0.5).toFixed(0), at(took, 0.95).toFixed(0), Math.max(...took).toFixed(0), `${rows[p]!.filter(r => r.named).length} of ${POSTS}`]);
  }
  for (const page of pages) await page.context().close();
}

async function year(browser: Browser, service: Service, name: string): Promise<void> {
  const { page, context } = await visit(browser, service, {}, `/?view=room${YEAR}`, noteTasks), meter = await Meter.on(browser, context, page);
  const first = await firstPicture(page), open = await meter.cost(), tasks = await meter.tasks();
  const { filter, hot } = await watch(page), seen = await drawn(page);
  const count = async (more: string): Promise<number> => (await get<Listed>(service, `/api/incidents?limit=1&from=${encodeURIComponent(filter.from!)}&to=${encodeURIComponent(filter.to!)}${filter.region === null ? "" : `&region=${filter.region.replace(/(000)+$/, "")}`}${more}`)).number_matched;
  const all = await count("&bbox=-180,-90,180,90"), frames = await wander(page, (await page.locator("#map").boundingBox())!, STEPS), done = await meter.cost();
  const late = [...tasks, ...await meter.tasks()].filter(t => t > LONG_MS);
  city.push([name, first.toFixed(0), open.process_s.toFixed(2), at(frames, 0.5).toFixed(0), at(frames, 0.95).toFixed(0), done.heap_mib.toFixed(1), String(seen.borders + seen.cells + seen.incidents), String(seen.sum), String(hot?.incidents), String(hot?.outside), String(all),
    late.length === 0 ? "none" : `${late.length}, longest ${Math.max(...late).toFixed(0)}`]);
  await context.close();
}

afterAll(() => { console.log(`\n${table(wall)}\n\n${table(heard)}\n\n${table(city)}`); });

describe.each(WISHES)("the room on %s", wish => {
  it("is measured", { timeout: 7_200_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "lianhu-room-")), browser = await browse(), numbers = wish.split(":").map(Number);
    let store: string | undefined;
    if (numbers.every(n => n > 0)) ({ store } = countyOf(numbers[0]!, numbers[1] ?? 1, folder, numbers[2] ?? 0));
    else if (wish !== "demo") { copyFileSync(wish, join(folder, "store.gpkg")); store = `sqlite:${join(folder, "store.gpkg")}`; }
    const service = new Service(store);
    try {
      await service.start();
      await quiet(service);
      // the collections are in memory before anybody looks
      await (await enter(browser, service)).context.close();
      await walls(browser, service, wish);
      await news(browser, service, wish);
      if (wish !== "demo") await year(browser, service, wish);
    } finally {
      await browser.close();
      await service.end();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
