// What the page costs the browser: told, never asserted. `npm run measure`, with the release program for figures worth keeping.
// MEASURE="households:villages …" names other stores; the stroke is drawn in the largest village of each.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CDPSession, Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { paint } from "../journeys/hands";
import { borderCells, browse, by, openVillage, programme, Service, visit } from "../journeys/service";

const STORES = (process.env["MEASURE"] ?? "3000:1").split(/\s+/).map(s => s.split(":").map(Number) as [number, number]);
/** Moves of the hand in the stroke, and steps of the view. */
const MOVES = 400, STEPS = 60;
/** A task that takes longer than this is felt. */
const LONG_MS = 200;

function storeOf(households: number, villages: number, folder: string): string {
  const run = (...args: string[]): string => execFileSync(programme(), args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 28 });
  const data = join(folder, "data"), store = `sqlite:${join(folder, "store.gpkg")}`;
  run("synth", "--households", String(households), "--villages", String(villages), "--incidents", "0", "--out", data);
  run("import", "--store", store, "--layer", "regions", join(data, "regions.geojson"));
  run("import", "--store", store, "--layer", "households", join(data, "households.csv"));
  return store;
}

const at = (list: readonly number[], share: number): string => ([...list].sort((a, b) => a - b)[Math.floor(list.length * share)] ?? NaN).toFixed(1);

/** Renderer seconds and heap since the page began. */
async function cost(cdp: CDPSession): Promise<{ cpu_s: number; heap_mib: number }> {
  await cdp.send("HeapProfiler.collectGarbage");
  const { metrics } = await cdp.send("Performance.getMetrics");
  const value = (name: string): number => metrics.find(m => m.name === name)?.value ?? NaN;
  return { cpu_s: value("TaskDuration"), heap_mib: value("JSHeapUsedSize") / 2 ** 20 };
}

const long = (page: Page): Promise<number[]> => page.evaluate(() => (window as unknown as { __tasks: number[] }).__tasks.splice(0));
const told = (tasks: readonly number[]): string => `${tasks.filter(t => t > LONG_MS).length} over ${LONG_MS} ms, longest ${Math.max(0, ...tasks).toFixed(0)} ms`;

describe.each(STORES)("%i households in %i villages", (households, villages) => {
  it("is measured", { timeout: 3_600_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "lianhu-measure-"));
    const service = new Service(storeOf(households, villages, folder)), browser = await browse();
    try {
      await service.start();
      const { page, context } = await visit(browser, service, {}, "", () => {
        const tasks: number[] = [];
        Object.assign(window, { __tasks: tasks });
        new PerformanceObserver(list => tasks.push(...list.getEntries().map(e => e.duration))).observe({ type: "longtask", buffered: true });
      });
      const cdp = await context.newCDPSession(page);
      await cdp.send("Performance.enable");
      context.setDefaultTimeout(240_000);
      await page.waitForSelector(`${by("panel")} [data-testid^="village-"], ${by("grids")}`);
      const first = await page.evaluate(() => performance.now()), open = await cost(cdp);
      console.log(`${households}/${villages} first map ${first.toFixed(0)} ms, renderer ${open.cpu_s.toFixed(2)} s, heap ${open.heap_mib.toFixed(1)} MiB; tasks: ${told(await long(page))}`);

      const box = (await page.locator(by("map")).boundingBox())!, frames: number[] = [];
      for (let k = 0; k < STEPS; k++) {
        const step = page.evaluate(() => new Promise<number>(done => { const from = performance.now(); requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - from))); }));
        if (k % 3 === 2) await page.mouse.wheel(0, k % 6 === 2 ? -240 : 240);
        else { await page.mouse.move(box.x + 400, box.y + 300); await page.mouse.down(); await page.mouse.move(box.x + 430, box.y + 320); await page.mouse.up(); }
        frames.push(await step);
      }
      const panned = await cost(cdp);
      console.log(`${households}/${villages} pan and zoom p50 ${at(frames, 0.5)} ms, p95 ${at(frames, 0.95)} ms of ${STEPS}, renderer ${(panned.cpu_s - open.cpu_s).toFixed(2)} s, heap ${panned.heap_mib.toFixed(1)} MiB; tasks: ${told(await long(page))}`);

      if (await page.locator(by("plan-status")).count() === 0) {
        await page.click(by("tab-plan"));
        // a plan is made of a region: of the first where none is open
        if (await page.isDisabled(by("generate"))) { await page.click(by("tab-grids")); await page.locator(`${by("panel")} [data-testid^="village-"]`).first().click(); await page.click(by("tab-plan")); }
        await page.click(by("generate"));
        await page.waitForSelector(`${by("generate-profile")} option[value=pingba]`, { state: "attached" });
        await page.selectOption(by("generate-profile"), "pingba");
        await page.click(by("generate-go"));
        await page.click(by("job-open"));
        await page.click(by("tab-grids"));
      }
      await long(page);
      const before = await cost(cdp);
      await openVillage(page);
      await page.waitForTimeout(500);
      const opened = await cost(cdp);
      console.log(`${households}/${villages} village opened: renderer ${(opened.cpu_s - before.cpu_s).toFixed(2)} s, heap ${opened.heap_mib.toFixed(1)} MiB; tasks: ${told(await long(page))}`);
      const [cell] = await borderCells(page);
      await paint(page, cell!.atom, cell!.to, false);
      const begun = await cost(cdp);
      for (let k = 0; k < MOVES; k++) {
        const t = k / MOVES * 4 * Math.PI;
        await page.mouse.move(box.x + box.width * (0.5 + 0.25 * Math.cos(t)), box.y + box.height * (0.5 + 0.25 * Math.sin(t)));
      }
      const done = await cost(cdp);
      await page.keyboard.press("Escape");
      await page.mouse.up();
      const { draw_ms, stroke_ms } = await page.evaluate(() => window.lianhu.timings());
      console.log(`${households}/${villages} stroke: hand to picture p50 ${at(stroke_ms, 0.5)} ms, p95 ${at(stroke_ms, 0.95)} ms of ${stroke_ms.length}; drawing p95 ${at(draw_ms, 0.95)} ms; renderer ${(done.cpu_s - begun.cpu_s).toFixed(2)} s for ${MOVES} moves, heap ${done.heap_mib.toFixed(1)} MiB; tasks: ${told(await long(page))}`);
      expect(stroke_ms.length).toBeGreaterThan(20);
      await context.close();
    } finally {
      await browser.close();
      await service.end();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
