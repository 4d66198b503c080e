// M10: a day of the room in minutes. Thousands of incidents come in one by one while the wall goes from district to district and a reader plays
// windows, looks through layers and opens cards; what is kept in memory must not grow with it. Run by `make soak`.

import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Alert } from "../../src/room/api";
import { ago, countOf, dice, enter, get, places, post, quiet, report, until, watch } from "../journeys/room-hands";
import { browse, by, Service } from "../journeys/service";

const INCIDENTS = Number(process.env["LIANHU_SOAK_INCIDENTS"] ?? 3_000), ROTATIONS = Number(process.env["LIANHU_SOAK_ROTATIONS"] ?? 150);
/** Of all that comes, this much first: caches and compiled code are there when the first measure is taken. */
const WARM = 0.2;
const MOST_GROWTH_BYTES = 20 << 20, MOST_GROWTH_NODES = 3_000;
const EMERGENCY_EVERY = 250;

const service = new Service();
let browser: Browser, lived: [number, number][];
beforeAll(async () => {
  await service.start();
  browser = await browse();
  await quiet(service);
  lived = await places(service);
}, 600_000);
afterAll(async () => { await browser?.close(); await service.end(); });

interface Measure { bytes: number; nodes: number; listeners: number }

/** What a page keeps once everything that nobody holds is thrown away. */
async function kept(context: BrowserContext, page: Page): Promise<Measure> {
  const line = await context.newCDPSession(page);
  await line.send("HeapProfiler.enable");
  await line.send("Performance.enable");
  for (let k = 0; k < 4; k++) { await line.send("HeapProfiler.collectGarbage"); await page.waitForTimeout(250); }
  const { usedSize } = await line.send("Runtime.getHeapUsage"), { metrics } = await line.send("Performance.getMetrics");
  const of = (name: string): number => metrics.find(m => m.name === name)?.value ?? Number.NaN;
  await line.detach();
  return { bytes: usedSize, nodes: of("Nodes"), listeners: of("JSEventListeners") };
}

/** All that a page complains of, warnings too. */
function complaints(page: Page): string[] {
  const list: string[] = [];
  page.on("console", m => { if (m.type() === "error" || m.type() === "warning") list.push(m.text()); });
  page.on("pageerror", e => list.push(String(e)));
  return list;
}

describe("M10 a long watch", () => {
  it(`keeps no more after ${INCIDENTS} incidents and ${ROTATIONS} turns than before`, async () => {
    const wall = await enter(browser, service, "&wall=1&rotate=1&range=24h", { viewport: { width: 1920, height: 1080 } }), room = await enter(browser, service, "&range=24h");
    const said = [complaints(wall.page), complaints(room.page)];
    await wall.page.evaluate(() => {
      const seen = { turns: 0, last: "" as string | null };
      Object.defineProperty(window, "turns", { value: seen });
      setInterval(() => { const { district } = (window.lianhu as unknown as { state(): { district: string | null } }).state(); if (district !== seen.last) { seen.turns++; seen.last = district; } }, 100);
    });
    const turns = (): Promise<number> => wall.page.evaluate(() => (window as unknown as { turns: { turns: number } }).turns.turns);
    const roll = dice(10), kinds = ["livelihood", "dispute", "security", "opinion", "other"], layers = ["count", "rate", "gi", "density", "none"] as const;
    let made = 0;
    const one = async (): Promise<void> => {
      made++;
      const category = made % EMERGENCY_EVERY === 0 ? "emergency" : kinds[Math.floor(roll() * kinds.length)]!;
      const incident = await report(service, { category, occurred_at: ago(Math.floor(roll() * 600)), at: lived[Math.floor(roll() * lived.length)]!, summary: `第${made}件` });
      if (category !== "emergency") return;
      await wall.page.waitForSelector(by("emergency-where"));
      const { alerts } = await get<{ alerts: Alert[] }>(service, "/api/alerts?open=true");
      for (const a of alerts) if (a.incident === incident.id) await post(service, `/api/alerts/${encodeURIComponent(a.id)}/acknowledge`, {});
      await until(wall.page, "emergency", null);
    };
    /** What a reader does now and then. */
    const look = async (k: number): Promise<void> => {
      const { page } = room;
      await page.click(by(`layer-${layers[k % layers.length]!}`));
      if (k % 2 === 0) { await page.click(by("play")); await page.waitForTimeout(400); await page.click(by("whole")); await until(page, "slice", null); }
      const row = page.locator(`${by("incidents")} .incident`).nth(k % 5);
      if (await row.count() > 0) { await row.click({ timeout: 10_000 }).catch(() => undefined); await page.waitForTimeout(150); }
      if (await page.locator(by("unpick")).count() > 0) await page.click(by("unpick"));
    };
    const go = async (up_to: number, turned: number): Promise<void> => {
      for (let k = 0; made < up_to; k++) { await one(); if (k % 60 === 30) await look(k / 30); }
      for (let k = 0; await turns() < turned; k++) { await wall.page.waitForTimeout(1_000); if (k % 15 === 0) await look(k); }
    };
    await go(INCIDENTS * WARM, ROTATIONS * WARM);
    const before = [await kept(wall.context, wall.page), await kept(room.context, room.page)];
    await go(INCIDENTS, ROTATIONS);
    // nothing is missing after all that; a window that ends now moves on at the hour
    let shown = -1, there = -2;
    for (let k = 0; k < 30 && shown !== there; k++) {
      await room.page.waitForTimeout(1_000);
      const { filter, matched } = await watch(room.page);
      [shown, there] = [matched!, await countOf(service, `from=${encodeURIComponent(filter.from!)}&to=${encodeURIComponent(filter.to!)}`)];
    }
    expect(shown).toBe(there);
    const after = [await kept(wall.context, wall.page), await kept(room.context, room.page)];
    console.log(JSON.stringify({ incidents: made, turns: await turns(), before, after }));
    after.forEach((now, i) => {
      expect(now.bytes - before[i]!.bytes).toBeLessThan(MOST_GROWTH_BYTES);
      expect(now.nodes - before[i]!.nodes).toBeLessThan(MOST_GROWTH_NODES);
    });
    expect([...said.flat(), ...wall.faults, ...room.faults]).toEqual([]);
    expect([made, await turns() >= ROTATIONS]).toEqual([INCIDENTS, true]);
    await wall.context.close();
    await room.context.close();
  }, 3_600_000);
});
