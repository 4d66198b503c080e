// What the page costs the browser, beside plain Leaflet doing the same: told, never asserted. `npm run measure`, with the release program
// for figures worth keeping. MEASURE="households:villages …" names other stores; the stroke is drawn in the first village of each, and in
// the same village in a store of its own.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, describe, expect, it } from "vitest";
import { makeActive } from "../journeys/hands";
import { browse, by, look, Service, settled, visit } from "../journeys/service";
import { at, type Cost, less, LONG_MS, Meter, noteTasks, spiral, table, wander } from "./cost";
import { plainPage } from "./plain";
import { aloneOf, clustersOf, countyOf, type County, placesOf } from "./stores";

const STORES = (process.env["MEASURE"] ?? "3000:1").split(/\s+/).map(s => s.split(":").map(Number) as [number, number]);
/** Moves of the hand in a stroke, steps of the view, reach of the brush. */
const MOVES = 400, STEPS = 60, BRUSH_M = 25;
/** Into so many pieces every grid is cut to see whether their number matters. */
const PIECES = 6;
/** Longer than this nobody waits for circles. */
const PATIENCE_MS = 300_000;

const city: string[][] = [["city view", "first map ms", "CPU s", "main busy s", "pan p50 ms", "p95 ms", "CPU s", "heap MiB", "features", `tasks > ${LONG_MS} ms`]];
const strokes: string[][] = [[`stroke of ${MOVES} moves`, "p50 ms", "p95 ms", "drawing p95 ms", "CPU s", "main busy s", "heap MiB", "buildings", `tasks > ${LONG_MS} ms`]];
const told = (tasks: readonly number[]): string => tasks.every(t => t <= LONG_MS) ? "none" : `${tasks.filter(t => t > LONG_MS).length}, longest ${Math.max(...tasks).toFixed(0)}`;
const seconds = ({ process_s, main_s }: Cost): string[] => [process_s.toFixed(2), main_s.toFixed(2)];

async function viewCity(meter: Meter, page: Page, name: string, first_ms: number, features: number, steps: number): Promise<void> {
  const open = await meter.cost(), tasks = await meter.tasks(), box = (await page.locator("#map").boundingBox())!;
  const frames = await wander(page, box, steps), panned = await meter.cost();
  city.push([name, first_ms.toFixed(0), ...seconds(open), at(frames, 0.5).toFixed(0), at(frames, 0.95).toFixed(0), less(panned, open).process_s.toFixed(2), panned.heap_mib.toFixed(1), String(features), told([...tasks, ...await meter.tasks()])]);
}

/** A village as the service tells it, which of its grids received, and how it was looked at: longitude, latitude, level; pixels. */
interface Told { village: string; grids: number; receiver: number; view: [number, number, number]; size: [number, number] }

/** The cells of a village that are looked for, in a box. */
function viewOf(village: string, { width, height }: { width: number; height: number }, isWanted: (atom: number) => boolean = () => true): [number, number, number] {
  const atoms = (JSON.parse(village) as { atoms: { at: [number, number] }[] }).atoms.filter((_, a) => isWanted(a));
  const range = (list: number[]): [number, number] => [Math.min(...list), Math.max(...list)];
  const [w, e] = range(atoms.map(a => a.at[0])), [s, n] = range(atoms.map(a => a.at[1])), lat = (s + n) / 2;
  const level = Math.log2(Math.min(width / (e - w), height / (n - s) * Math.cos(lat * Math.PI / 180)) * 360 / 256);
  return [(w + e) / 2, lat, Math.floor((level - 0.15) * 4) / 4];
}

/** Plans the township of a village where there is no plan, and opens the village. */
async function openPlanned(page: Page, code: string): Promise<void> {
  const township = by(`village-${code.slice(0, 9)}`), row = by(`village-${code}`);
  await page.locator(`${township}, ${row}`).first().waitFor();
  if (await page.locator(row).count() === 0) { await page.click(township); await page.locator(row).waitFor(); }
  if (await page.locator(by("plan-status")).count() === 0) {
    await page.click(by("tab-plan"));
    await page.click(by("generate"));
    await page.waitForSelector(`${by("generate-profile")} option[value=pingba]`, { state: "attached" });
    await page.selectOption(by("generate-profile"), "pingba");
    await page.click(by("generate-go"));
    await page.click(by("job-open"));
    await page.click(by("tab-grids"));
  }
  await page.click(row);
  await page.waitForFunction(() => window.lianhu.state().village !== null);
  await settled(page);
}

const drawn = (page: Page, plan: string, village: string): Promise<string> =>
  page.evaluate(async ([id, code]) => (await fetch(`/api/plans/${id}/villages/${code}`)).text(), [plan, village] as const);

/** The first grid that can receive. */
const receiverOf = (page: Page): Promise<string> => page.evaluate(() => { const held = new Set(window.lianhu.atoms().map(a => a.grid)); return Object.keys(window.lianhu.state().totals).find(c => held.has(c))!; });

/** A stroke into the first grid: over the whole village, or over one neighbour of that grid and no farther than its box. */
async function stroke(meter: Meter, page: Page, name: string, neighbour?: string): Promise<Told & { touched: string[] }> {
  const { totals, plan, village } = await look(page), to = await receiverOf(page), box = (await page.locator(by("map")).boundingBox())!;
  const whole = await drawn(page, plan!.id, village!), ground = (await page.evaluate(() => window.lianhu.atoms().map(a => a.grid)));
  const view = viewOf(whole, box, a => neighbour === undefined || ground[a] === neighbour);
  await page.evaluate(([lon, lat, zoom]) => { window.lianhu.look(lon, lat, zoom); }, view);
  await makeActive(page, to);
  await page.click(by("tool-brush"));
  await page.locator(by("brush-size")).fill(String(BRUSH_M));
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.waitForTimeout(300);
  const timings = () => page.evaluate(() => window.lianhu.timings()), then = await timings();
  const begun = await meter.cost();
  await meter.tasks();
  await spiral(page, box, MOVES);
  await page.waitForTimeout(100);
  const done = await meter.cost(), tasks = await meter.tasks(), now = await timings();
  const painted = (await look(page)).stroke, moved = painted?.buildings.length ?? 0, touched = painted?.totals.map(t => t.grid!) ?? [];
  await page.keyboard.press("Escape");
  await page.mouse.up();
  const stroke_ms = now.stroke_ms.slice(then.stroke_ms.length), draw_ms = now.draw_ms.slice(then.draw_ms.length), spent = less(done, begun);
  expect(stroke_ms.length).toBeGreaterThan(20);
  const grids = Object.keys(totals).length;
  strokes.push([`${name}, ${grids} grids${neighbour === undefined ? "" : `, ${touched.length} of them under the hand`}`, at(stroke_ms, 0.5).toFixed(1), at(stroke_ms, 0.95).toFixed(1), at(draw_ms, 0.95).toFixed(1), ...seconds(spent), spent.heap_mib.toFixed(1), String(moved), told(tasks)]);
  return { village: whole, grids, receiver: Object.keys(totals).indexOf(to), view, size: [box.width, box.height], touched };
}

/** A neighbour of the first grid of the village that is open, the one with most cells. */
const neighbourOf = async (page: Page): Promise<string> => page.evaluate(to => {
  const atoms = window.lianhu.atoms(), size = new Map<string, number>();
  for (const { grid } of atoms) if (grid !== null) size.set(grid, (size.get(grid) ?? 0) + 1);
  const beside = new Set(atoms.filter(a => a.grid === to).flatMap(a => a.near.map(n => atoms[n]!.grid!)).filter(g => g !== to));
  return [...beside].sort((a, b) => size.get(b)! - size.get(a)!)[0]!;
}, await receiverOf(page));

/** Cuts grids of the village that is open. */
async function cutUp(page: Page, codes: readonly string[]): Promise<void> {
  const { plan, village } = await look(page);
  await page.evaluate(async ([id, code, pieces, codes]) => {
    const asked = await fetch(`/api/plans/${id}/villages/${code}`), { grids } = await asked.json() as { grids: { code: string; kind: string }[] };
    for (const grid of grids.filter(g => g.kind === "base" && codes.includes(g.code))) {
      const head = await (await fetch(`/api/plans/${id}`)).json() as { plan: { version: number } };
      await fetch(`/api/plans/${id}/edits`, { method: "POST", headers: { "content-type": "application/json", "idempotency-key": crypto.getRandomValues(new Uint32Array(4)).join("") },
        body: JSON.stringify({ village: code, base_version: head.plan.version, policy: "keep_as_draft_problem", operations: [{ operation: "split_grid", grid: grid.code, by: { count: pieces } }] }) });
    }
  }, [plan!.id, village!, PIECES, codes] as const);
  await page.reload();
  await page.waitForFunction(() => "lianhu" in window && window.lianhu.state().village !== null);
  await settled(page);
}


/** Our page on a store: the city view, a stroke in the village, a stroke in the village cut up. Answers the village, for others to draw. */
async function ours(browser: Browser, county: County, name: string, isCut: boolean): Promise<Told> {
  const service = new Service(county.store);
  await service.start();
  const { page, context } = await visit(browser, service, {}, "", noteTasks), meter = await Meter.on(browser, context, page);
  try {
    context.setDefaultTimeout(600_000);
    await page.waitForFunction(() => window.lianhu.timings().first_ms !== null);
    const first = await page.evaluate(() => window.lianhu.timings().first_ms!);
    const features = await page.evaluate(() => { const { overview } = window.lianhu.state(); return overview.regions + overview.grids + overview.buildings; });
    await viewCity(meter, page, name, first, features, STEPS);
    await openPlanned(page, county.village);
    await page.waitForTimeout(500);
    const tasks = await meter.tasks();
    console.log(`${name}: village opened; tasks > ${LONG_MS} ms: ${told(tasks)}`);
    const shown = await stroke(meter, page, name);
    if (isCut) {
      // first the others alone, so that the hand goes over the same grids among many more; then these as well
      const neighbour = await neighbourOf(page), { touched } = await stroke(meter, page, name, neighbour), all = Object.keys((await look(page)).totals);
      await cutUp(page, all.filter(code => !touched.includes(code)));
      await stroke(meter, page, name, neighbour);
      await cutUp(page, touched);
      await stroke(meter, page, name);
    }
    return shown;
  } finally {
    await context.close();
    await service.end();
  }
}

async function plain(browser: Browser, county: County, name: string, ours: Told): Promise<void> {
  const server = await plainPage({ "/village.json": ours.village, "/places.json": placesOf(county), "/clusters.json": clustersOf(county) });
  const open = async (query: string) => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage(), meter = await Meter.on(browser, context, page);
    await page.addInitScript(noteTasks);
    await page.goto(`${server.url}/?${query}`);
    return { context, page, meter };
  };
  const first = (page: Page): Promise<number | null> =>
    page.waitForFunction(() => (window as unknown as { plain: { first_ms: number | null } }).plain.first_ms, null, { timeout: PATIENCE_MS }).then(h => h.jsonValue(), () => null);
  try {
    for (const renderer of ["canvas", "svg"]) {
      const { context, page, meter } = await open(`show=village&with=${renderer}&to=${ours.receiver}&reach=${BRUSH_M}&view=${ours.view.join(",")}&size=${ours.size.join(",")}`);
      if (await first(page) !== null) {
        const box = (await page.locator("#map").boundingBox())!;
        await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
        await page.mouse.down();
        await page.waitForTimeout(300);
        const begun = await meter.cost();
        await meter.tasks();
        await spiral(page, box, MOVES);
        await page.waitForTimeout(100);
        const spent = less(await meter.cost(), begun), tasks = await meter.tasks();
        const { stroke_ms, moved } = await page.evaluate(() => (window as unknown as { plain: { stroke_ms: number[]; moved: number } }).plain);
        strokes.push([`plain Leaflet, ${renderer}, ${ours.grids} grids`, at(stroke_ms, 0.5).toFixed(1), at(stroke_ms, 0.95).toFixed(1), "", ...seconds(spent), spent.heap_mib.toFixed(1), String(moved), told(tasks)]);
      }
      await context.close();
    }
    // the same sums that our city view draws, as Leaflet draws them
    const summed = await open("show=clusters"), sums_ms = await first(summed.page);
    if (sums_ms !== null) await viewCity(summed.meter, summed.page, `plain Leaflet, ${name} summed by village`, sums_ms, (JSON.parse(clustersOf(county)) as unknown[]).length, STEPS);
    await summed.context.close();
    const { context, page, meter } = await open("show=city");
    const first_ms = await first(page);
    if (first_ms === null) city.push([`plain Leaflet, ${name}`, `none in ${PATIENCE_MS / 1000} s`, "", "", "", "", "", "", "", ""]);
    else await viewCity(meter, page, `plain Leaflet, ${name}`, first_ms, (JSON.parse(placesOf(county)) as unknown[]).length, 12);
    await context.close().catch(() => undefined);
  } finally {
    await server.end();
  }
}

afterAll(() => { console.log(`\n${table(city)}\n\n${table(strokes)}`); });

describe.each(STORES)("%i households in %i villages", (households, villages) => {
  it("is measured", { timeout: 7_200_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "lianhu-measure-")), browser = await browse();
    try {
      const county = countyOf(households, villages, folder), name = `${households.toLocaleString("en")} households`;
      const drawn = await ours(browser, county, name, villages === 1);
      await plain(browser, county, name, drawn);
      if (villages > 1) {
        mkdirSync(join(folder, "alone"));
        await ours(browser, aloneOf(county, join(folder, "alone")), `its village alone`, false);
      }
    } finally {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
