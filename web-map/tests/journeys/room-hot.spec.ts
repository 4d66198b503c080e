// The monitoring room's journeys about many incidents: emergencies, hotspots, figures, the scan.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Alert, Hotspots, NewIncident, Statistics } from "../../src/room/api";
import { ago, countOf, dice, drawn, enter, get, places, post, quiet, report, screenOf, until, watch } from "./room-hands";
import { browse, by, picture, Service } from "./service";

const service = new Service();
const DAY = 24 * 60;
let browser: Browser, lived: [number, number][], planted: [number, number];

beforeAll(async () => {
  await service.start();
  browser = await browse();
  await quiet(service);
  lived = await places(service);
  const roll = dice(7), kinds = ["livelihood", "dispute", "security", "opinion", "other"], made: NewIncident[] = [];
  const one = (at: [number, number], minutes: number): void => { made.push({ category: kinds[Math.floor(roll() * kinds.length)]!, occurred_at: ago(Math.round(minutes)), at }); };
  // what is usual: anywhere, any day of the month
  for (let k = 0; k < 900; k++) one(lived[Math.floor(roll() * lived.length)]!, 5 + roll() * 29 * DAY);
  // an outbreak of the last three days round one place
  planted = lived[Math.floor(lived.length / 2)]!;
  const near = lived.filter(p => Math.hypot((p[0] - planted[0]) * 100_000, (p[1] - planted[1]) * 111_000) < 250);
  for (let k = 0; k < 120; k++) one(near[k % near.length]!, 5 + roll() * 2.8 * DAY);
  const done = await post<{ created: number }>(service, "/api/incidents/bulk", { incidents: made });
  expect(done.created).toBe(made.length);
}, 300_000);
afterAll(async () => { await browser?.close(); await service.end(); });

const window_ = async (page: Parameters<typeof watch>[0]): Promise<string> => { const f = (await watch(page)).filter; return `from=${encodeURIComponent(f.from!)}&to=${encodeURIComponent(f.to!)}${f.region === null ? "" : `&region=${f.region.replace(/(000)+$/, "")}`}`; };

describe("M4 hotspots", () => {
  it("finds what was planted, and a cell explains itself and leads to its incidents, one of them to its unit", async () => {
    const { page, context, faults } = await enter(browser, service, "&range=7d&layer=gi&res=9&tab=hot");
    await page.waitForSelector(`${by("hotspots")} [data-testid^="cell-"]`);
    const { hot } = await watch(page), there = await get<Hotspots>(service, `/api/hotspots?view=gi&resolution=9&${await window_(page)}`);
    expect(hot!.cells.filter(c => c.class === "hot").map(c => c.h3).sort()).toEqual(there.cells.filter(c => c.class === "hot").map(c => c.h3).sort());
    const inside = there.cells.filter(c => c.class === "hot").some(c => { const [w, e] = [Math.min(...c.ring.map(p => p[0])), Math.max(...c.ring.map(p => p[0]))], [s, n] = [Math.min(...c.ring.map(p => p[1])), Math.max(...c.ring.map(p => p[1]))]; return planted[0] >= w && planted[0] <= e && planted[1] >= s && planted[1] <= n; });
    expect(inside).toBe(true);
    await picture(page, "m04-hotspots");

    await page.locator(`${by("hotspots")} [data-testid^="cell-"]`).first().click();
    await page.waitForSelector(by("why"));
    const { pick } = await watch(page), cell = there.cells.find(c => c.h3 === pick!.id)!;
    expect(await page.textContent(by("why"))).toContain(String(cell.count));
    expect(await page.textContent(by("cell-count"))).toBe(`${cell.count} 件`);
    if (cell.count > 0) {
      await page.waitForSelector(by("cell-incidents"));
      expect((await watch(page)).cell_incidents!.length).toBe(cell.count);
    }
    await picture(page, "m04-cell");
    // the same by the mouse on the map, for the cell with most incidents
    const most = [...there.cells].filter(c => c.class === "hot").sort((a, b) => b.count - a.count)[0]!, middle = most.ring.slice(1).reduce<[number, number]>((m, p) => [m[0] + p[0] / (most.ring.length - 1), m[1] + p[1] / (most.ring.length - 1)], [0, 0]);
    await page.mouse.click(...await screenOf(page, middle));
    await page.waitForSelector(`${by("cell-incidents")}, [data-testid=incident-where]`);
    if ((await watch(page)).pick!.kind === "cell") await page.locator(`${by("cell-incidents")} [data-testid^="incident-"]`).first().click();
    await page.waitForSelector(by("incident-where"));
    expect(await page.textContent(by("incident-where"))).toMatch(/网格|单元/);
    await picture(page, "m07-from-hotspot");
    expect(faults).toEqual([]);
    await context.close();
  });

  it("says that it is too few to judge", async () => {
    const { page, context } = await enter(browser, service, "&range=7d&layer=gi&res=6&tab=hot");
    await page.waitForSelector(`${by("panel")} .note, ${by("no-hotspots")}`);
    expect((await watch(page)).hot!.cells.every(c => c.z === null)).toBe(true);
    await context.close();
  });
});

describe("M5 layers", () => {
  it("have a legend each, signs beside colours, and three palettes", async () => {
    const { page, context, faults } = await enter(browser, service, "&range=30d&tab=hot");
    for (const layer of ["count", "rate", "gi", "emerging", "density"] as const) {
      await page.click(by(`layer-${layer}`));
      await page.waitForFunction(l => { const s = (window.lianhu as unknown as { state(): { hot: { view: string } | null; busy: boolean } }).state(); return s.hot?.view === l && !s.busy; }, layer);
      expect(await page.locator(`${by("legend")} .keys li`).count()).toBeGreaterThan(2);
      expect((await drawn(page)).cells).toBeGreaterThan(3);
      await picture(page, `m05-${layer}`);
    }
    await page.click(by("layer-gi"));
    const pictures = new Set<string>();
    for (const palette of ["calm", "strong", "grey"]) {
      await page.selectOption(by("palette"), palette);
      await until(page, "palette", palette);
      await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
      pictures.add((await page.locator(`${by("map")} canvas`).nth(2).screenshot()).toString("base64").slice(0, 20_000));
    }
    expect(pictures.size).toBe(3);
    await page.focus(by("layer-gi"));
    await page.keyboard.press("ArrowRight");
    await until(page, "layer", "emerging");
    expect(faults).toEqual([]);
    await context.close();
  });
});

describe("M8 the whole region", () => {
  it("draws few things, and their numbers are all the incidents", async () => {
    const { page, context } = await enter(browser, service, "&range=30d");
    await page.waitForFunction(() => { const s = (window.lianhu as unknown as { state(): { hot: object | null; busy: boolean; matched_here: number } }).state(); return s.hot !== null && !s.busy && s.matched_here > 400; });
    const seen = await drawn(page), { hot, matched } = await watch(page);
    expect(seen.borders + seen.cells + seen.incidents).toBeLessThanOrEqual(500);
    expect(seen.incidents).toBe(0);
    expect(seen.sum).toBe(hot!.incidents);
    expect(matched).toBe(await countOf(service, await window_(page)));
    // those without a position are counted in words only
    expect(hot!.incidents + hot!.outside).toBe(await countOf(service, `${await window_(page)}&bbox=-180,-90,180,90`));
    await picture(page, "m08-region");
    await context.close();
  });
});

describe("M11 figures", () => {
  it("are the service's, as table and as files, and the report of a day prints", async () => {
    const { page, context, faults } = await enter(browser, service, "&range=30d&tab=figures");
    await page.waitForSelector(by("stats-total"));
    const query = await window_(page), count = await countOf(service, query);
    for (const kind of ["category", "state", "region", "grid", "day"] as const) {
      await page.selectOption(by("by"), kind);
      await page.waitForFunction(k => document.querySelector<HTMLSelectElement>("[data-testid=by]")?.value === k && document.querySelector("[data-testid=stats-total]") !== null, kind);
      const there = await get<Statistics>(service, `/api/statistics?by=${kind}&${query}`);
      await page.waitForFunction(n => document.querySelector("[data-testid=stats-total]")?.textContent?.replace(/\D/g, "") === n, String(there.rows.reduce((s, r) => s + r.count, 0)));
      expect(there.rows.reduce((s, r) => s + r.count, 0), kind).toBe(count);
      const csv = await (await fetch(service.url + (await page.getAttribute(by("stats-csv"), "href"))!)).text();
      expect(Number(/^,合计,(\d+)/m.exec(csv)?.[1]), kind).toBe(count);
    }
    await page.waitForSelector(`${by("chart")} canvas`);
    await picture(page, "m11-figures");
    const xlsx = new Uint8Array(await (await fetch(service.url + (await page.getAttribute(by("stats-xlsx"), "href"))!)).arrayBuffer());
    expect([...xlsx.slice(0, 2)]).toEqual([0x50, 0x4b]);
    const sheet = await context.newPage();
    await sheet.goto(service.url + (await page.getAttribute(by("report"), "href"))!);
    await sheet.waitForSelector("svg");
    await picture(sheet, "m11-report");
    const pdf = await sheet.pdf({ format: "A4" });
    expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
    expect(faults).toEqual([]);
    await context.close();
  });
});

describe("M13 the scan", () => {
  it("finds the outbreak of the last days and says how often such a thing comes by chance", async () => {
    const { page, context } = await enter(browser, service, "&range=30d&tab=scan");
    await page.selectOption(by("scan-radius"), "1");
    await page.click(by("scan-go"));
    await page.waitForSelector(by("clusters"));
    const [first] = (await watch(page)).scan!.clusters!;
    expect(Math.hypot((first!.centre[0] - planted[0]) * 100_000, (first!.centre[1] - planted[1]) * 111_000)).toBeLessThan(900);
    expect(first!.p).toBeLessThanOrEqual(0.01);
    expect(first!.observed).toBeGreaterThan(first!.expected);
    expect(await page.textContent(by("recurrence-0"))).toMatch(/\d+ 天一次/);
    await page.click(by("cluster-0"));
    await picture(page, "m13-scan");
    await context.close();
  });
});

describe("M3 an emergency", () => {
  it("flashes and rings, names who is near by role, and is quiet everywhere once somebody has seen to it", async () => {
    const a = await enter(browser, service), b = await enter(browser, service, "&wall=1&rotate=0", { viewport: { width: 1920, height: 1080 } });
    await a.page.click(by("sound"));
    await until(a.page, "sound", true);
    const before = (await watch(a.page)).tones, made = await report(service, { category: "emergency", occurred_at: ago(0), at: planted, summary: "民房起火" });
    for (const { page } of [a, b]) {
      await page.waitForSelector(by("emergency-where"));
      expect(await page.textContent(by("emergency-where"))).toContain(made.unit!.slice(15));
      expect(await page.evaluate(() => getComputedStyle(document.querySelector(".middle")!, "::after").borderTopWidth)).not.toBe("0px");
      // who is next is named, and the map shows the place beside the card
      await page.waitForFunction(() => /^\d+:\d\d 内无人确认则上报.+综治中心$/.test(document.querySelector("[data-testid=escalation]")?.textContent ?? ""));
      const card = (await page.locator(by("emergency")).boundingBox())!, ground = (await page.locator(by("map")).boundingBox())!, [x, y] = await screenOf(page, planted);
      expect(card.x).toBeGreaterThanOrEqual(ground.x + ground.width - 1);
      expect([x > ground.x + 40, x < ground.x + ground.width - 40, y > ground.y + 40, y < ground.y + ground.height - 40]).toEqual([true, true, true, true]);
      await page.mouse.move(x, y);
      await page.mouse.down();
      await page.mouse.move(x + 60, y + 30, { steps: 3 });
      await page.mouse.up();
      const [nx, ny] = await screenOf(page, planted);
      expect(Math.hypot(nx - x - 60, ny - y - 30)).toBeLessThan(3);
    }
    await a.page.waitForFunction(n => (window.lianhu as unknown as { state(): { tones: number } }).state().tones > n + 1, before);
    await picture(a.page, "m03-emergency");
    await picture(b.page, "m03-wall");
    // a telephone is shown for a purpose; those of the demonstration ring nowhere
    await a.page.locator(`${by("emergency")} [data-testid^="reveal-demo-leader-"]`).first().click();
    await a.page.click(by("ask-go"));
    await a.page.waitForSelector(by("phone"));
    expect(await a.page.textContent(by("phone"))).toMatch(/^000-0000-\d{4}（示例 example）$/);
    await picture(a.page, "m03-phone");
    const alert = (await get<{ alerts: Alert[] }>(service, "/api/alerts?open=true")).alerts.find(x => x.incident === made.id)!;
    expect(alert.acknowledged).toBeNull();
    await a.page.click(by("acknowledge"));
    for (const { page } of [a, b]) await page.waitForSelector(by("emergency"), { state: "detached" });
    expect((await get<{ alerts: Alert[] }>(service, "/api/alerts")).alerts.find(x => x.id === alert.id)!.acknowledged).not.toBeNull();
    const rung = (await watch(a.page)).tones;
    await a.page.waitForTimeout(1_500);
    expect((await watch(a.page)).tones).toBe(rung);
    expect([...a.faults, ...b.faults]).toEqual([]);
    await a.context.close();
    await b.context.close();
  });
});

describe("the room for everybody", () => {
  it("has no serious fault that axe knows, in both languages", async () => {
    const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    for (const query of ["", "&layer=gi&tab=hot&lang=en", "&tab=figures", "&tab=alerts&lang=en", "&tab=scan", "&wall=1"]) {
      const { page, context } = await enter(browser, service, query, { bypassCSP: true });
      await page.waitForTimeout(500);
      await page.evaluate(axe);
      const faults = await page.evaluate(async () => {
        const { axe } = window as unknown as { axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> } };
        return (await axe.run()).violations.filter(v => v.impact === "serious" || v.impact === "critical").map(v => `${v.id}: ${v.nodes[0]?.html}`);
      });
      expect(faults, query).toEqual([]);
      await context.close();
    }
  });

  it("does not flash or ring for an emergency that was old before it was opened", async () => {
    const made = await report(service, { category: "emergency", occurred_at: ago(0), at: planted, summary: "围墙倒塌" });
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } }), page = await context.newPage();
    // hours ago, as far as this page is told
    await page.route("**/api/alerts?*", async route => {
      const answer = await route.fetch(), said = await answer.json() as { alerts: Alert[] };
      await route.fulfill({ response: answer, json: { alerts: said.alerts.map(a => ({ ...a, opened_at: ago(300) })) } });
    });
    await page.goto(`${service.url}/?view=room`);
    await page.waitForSelector(by("unseen"));
    expect(await page.textContent(by("unseen"))).toContain("1 件突发事件尚未确认");
    expect(await page.locator(by("emergency")).count()).toBe(0);
    expect(await page.evaluate(() => document.documentElement.classList.contains("alarmed"))).toBe(false);
    await picture(page, "m03-unseen");
    await page.click(by("unseen-open"));
    const { alerts } = await get<{ alerts: Alert[] }>(service, "/api/alerts?open=true"), own = alerts.find(a => a.incident === made.id && a.kind === "emergency")!;
    await page.click(by(`ack-${own.id}`));
    await page.waitForFunction(id => document.querySelector(`[data-testid="${id}"]`) === null, "unseen");
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await context.close();
  });

  it("is reached from the planner's page, and leads back", async () => {
    const { page, context } = await enter(browser, service);
    await page.click(by("to-planner"));
    await page.waitForSelector(by("to-room"));
    await page.click(by("to-room"));
    await page.waitForSelector(by("age"));
    await page.click(by("to-wall"));
    await page.waitForSelector(".latest");
    await page.click(by("from-wall"));
    await page.waitForSelector(by("legend"));
    await context.close();
  });
});
