// The monitoring room's journeys about many incidents: emergencies, hotspots, figures, the scan.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Alert, Detail, Hotspots, NewIncident, Statistics } from "../../src/room/api";
import { moving } from "./eyes";
import { rowsOfCsv, unzip } from "./offices";
import { ago, countOf, dice, drawn, enter, get, getAs, names, places, post, quiet, report, screenOf, until, watch } from "./room-hands";
import { browse, by, picture, Service } from "./service";

const service = new Service();
const DAY = 24 * 60, AUDITOR = ["auditor", "an-auditor's-long-password"] as const;
let browser: Browser, lived: [number, number][], planted: [number, number];

beforeAll(async () => {
  await service.start();
  if (service.isOurs) {
    await service.kill();
    service.addUser(AUDITOR[0], "auditor", AUDITOR[1]);
    await service.start();
  }
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
    const { hot } = await watch(page), there = await get<Hotspots>(service, `/api/hotspots?view=gi&resolution=${hot!.resolution}&${await window_(page)}`);
    // more cells than are drawn at once are shown coarser
    expect([8, 9]).toContain(hot!.resolution);
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
    const chosen = (await watch(page)).pick!, { incident } = await get<Detail>(service, `/api/incidents/${chosen.id}`);
    expect(chosen.kind).toBe("incident");
    expect(await page.textContent(by("incident-where"))).toContain(` · ${incident.grid_name} · 单元 ${incident.unit!.slice(15)}`);
    await names(service, page, by("panel"), chosen.id);
    await picture(page, "m07-from-hotspot");
    expect(faults).toEqual([]);
    await context.close();
  });

  it("says that it is too few to judge", async () => {
    const { page, context } = await enter(browser, service, "&range=7d&layer=gi&res=6&tab=hot");
    await page.waitForSelector(`${by("panel")} .note, ${by("no-hotspots")}`);
    const { cells } = (await watch(page)).hot!;
    expect(cells.length).toBeGreaterThan(0);
    expect(cells.map(c => c.z)).toEqual(cells.map(() => null));
    expect((await page.locator(`${by("panel")} .note`).allTextContents()).join()).toMatch(/只有 \d+ 个六边形（少于 30）.*只按排列检验/);
    // and so does the card of a cell
    await page.locator(by("map")).click();
    await page.waitForSelector(by("why"));
    expect((await page.locator(`${by("panel")} .note`).allTextContents()).join()).toContain("只按排列检验");
    expect(await page.textContent(`${by("panel")} .explain`)).toContain("太少，不给出");
    await context.close();
  });
});

/** How each key of the legend looks inside: its shades, and where it is lighter than its middle shade: the pattern, whatever its colours. */
const keysOf = (page: Page): Promise<Record<string, { shades: number; pattern: string }>> => page.evaluate(() => Object.fromEntries([...document.querySelectorAll<HTMLElement>("[data-testid=legend] [data-testid^=key-]")].map(li => {
  const canvas = li.querySelector("canvas")!, n = Math.round(canvas.width / 3), at = Math.round(canvas.width / 3), { data } = canvas.getContext("2d")!.getImageData(at, at, n, n);
  const light = Array.from({ length: n * n }, (_, i) => data[4 * i]! + data[4 * i + 1]! + data[4 * i + 2]!), [least, most] = [Math.min(...light), Math.max(...light)];
  return [li.dataset["testid"]!.slice(4), { shades: new Set(light).size, pattern: most - least < 12 ? "" : light.map(v => v > (least + most) / 2 ? "1" : "0").join("") }];
})));

/** How far apart the shades of the map are at a place, beside where a number would stand. */
const textureAt = (page: Page, at: readonly [number, number][]): Promise<number[]> => page.evaluate(places => {
  const canvas = document.querySelectorAll<HTMLCanvasElement>("[data-testid=map] canvas")[3]!, box = canvas.getBoundingClientRect(), ratio = canvas.width / box.width, pen = canvas.getContext("2d")!;
  return places.map(([x, y]) => {
    const { data } = pen.getImageData(Math.round((x - box.left - 4) * ratio), Math.round((y - box.top - 4) * ratio), Math.round(8 * ratio), Math.round(8 * ratio));
    const light = Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]! + data[4 * i + 1]! + data[4 * i + 2]!);
    return Math.max(...light) - Math.min(...light);
  });
}, at);

describe("M5 layers", () => {
  it("have a legend each, signs beside colours, and three palettes", async () => {
    const { page, context, faults } = await enter(browser, service, "&range=30d&tab=hot");
    for (const layer of ["count", "rate", "gi", "emerging", "density"] as const) {
      await page.click(by(`layer-${layer}`));
      await page.waitForFunction(l => { const s = (window.lianhu as unknown as { state(): { hot: { view: string } | null; busy: boolean } }).state(); return s.hot?.view === l && !s.busy; }, layer);
      expect((await drawn(page)).cells).toBeGreaterThan(3);
      const keys = await keysOf(page), { cells, resolution } = (await watch(page)).hot!, there = await get<Hotspots>(service, `/api/hotspots?view=${layer}&resolution=${resolution}&${await window_(page)}`);
      // whatever a cell may be found to be has its key, and nothing has one that is not there
      const silent = layer === "gi" || layer === "rate" ? ["island", "no_households", ...layer === "gi" ? ["constant"] : []].filter(c => cells.some(x => x.class === c && x.count > 0)) : [];
      if (layer === "rate" && there.cells.some(c => c.count > 0 && c.households === 0 && c.class !== "island" && c.class !== "no_households")) silent.push("no_rate");
      expect(Object.keys(keys).filter(k => ["island", "no_households", "constant", "no_rate"].includes(k)).sort(), layer).toEqual(silent.sort());
      if (layer === "gi") {
        expect(Object.keys(keys)).toEqual(expect.arrayContaining(["hot", "cold", "none"]));
        // told apart without colour: lines, dots, nothing
        expect([keys["none"]!.pattern, keys["hot"]!.pattern === "", keys["cold"]!.pattern === ""]).toEqual(["", false, false]);
        expect(keys["hot"]!.pattern).not.toBe(keys["cold"]!.pattern);
      } else if (layer === "emerging") {
        const courses = [...new Set(there.cells.map(c => c.emerging).filter(e => e !== null && e !== "none"))];
        expect(courses.length).toBeGreaterThan(0);
        for (const e of courses) expect(Object.keys(keys)).toContain(e!.endsWith("_hot") ? e!.slice(0, -4) : "cold");
        // eight letters and the dots of what is cold
        expect(new Set(Object.values(keys).map(k => k.pattern)).size).toBe(9);
      } else {
        const steps = Object.keys(keys).filter(k => k.startsWith("step"));
        expect(steps.length).toBeGreaterThan(2);
        // the highest has a pattern, the lowest none
        expect([keys[steps[0]!]!.pattern, keys[steps.at(-1)!]!.pattern === ""]).toEqual(["", false]);
      }
      await picture(page, `m05-${layer}`);
    }
    await page.click(by("layer-gi"));
    await page.waitForFunction(() => { const s = (window.lianhu as unknown as { state(): { hot: { view: string } | null; busy: boolean } }).state(); return s.hot?.view === "gi" && !s.busy; });
    // on the map as in the legend: in hot and cold cells there is a pattern, in the others none
    const gi = await get<Hotspots>(service, `/api/hotspots?view=gi&resolution=${(await watch(page)).hot!.resolution}&${await window_(page)}`), panel = (await page.locator(by("legend")).boundingBox())!;
    for (const [kind, isPatterned] of [["hot", true], ["none", false]] as const) {
      const beside: [number, number][] = [];
      for (const c of gi.cells.filter(x => x.class === kind && x.count > 0)) {
        const open = c.ring.slice(1), middle = open.reduce<[number, number]>((m, p) => [m[0] + p[0] / open.length, m[1] + p[1] / open.length], [0, 0]), corner = open.reduce((a, p) => p[1] > a[1] ? p : a);
        const [x, y] = await screenOf(page, [middle[0] + 0.62 * (corner[0] - middle[0]), middle[1] + 0.62 * (corner[1] - middle[1])]), box = (await page.locator(by("map")).boundingBox())!;
        if (x > box.x + 8 && y > box.y + 8 && x < box.x + box.width - 8 && y < panel.y - 8) beside.push([x, y]);
      }
      expect(beside.length, kind).toBeGreaterThan(0);
      const spread = (await textureAt(page, beside)).sort((a, b) => a - b)[Math.floor(beside.length / 2)]!;
      if (isPatterned) expect(spread, kind).toBeGreaterThan(60); else expect(spread, kind).toBeLessThan(30);
    }
    const pictures = new Set<string>();
    for (const palette of ["calm", "strong", "grey"]) {
      await page.selectOption(by("palette"), palette);
      await until(page, "palette", palette);
      await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
      pictures.add((await page.locator(`${by("map")} canvas`).nth(2).screenshot()).toString("base64"));
    }
    expect(pictures.size).toBe(3);
    await page.focus(by("layer-gi"));
    await page.keyboard.press("ArrowRight");
    await until(page, "layer", "emerging");
    expect(faults).toEqual([]);
    await context.close();
  });
});

describe("M5 cells that are not judged", () => {
  it("look so, and the legend says why", async () => {
    const { page, context } = await enter(browser, service, "&range=30d&tab=hot&layer=count&res=8");
    // what is rare in one township, put into the service's answer
    const reasons = ["island", "no_households", "constant"] as const;
    await page.route("**/api/hotspots?*", async route => {
      const answer = await route.fetch(), said = await answer.json() as Hotspots;
      said.cells.filter(c => c.count > 0).forEach((c, k) => { if (said.view === "gi") c.class = reasons[k % 3]!; else if (said.view === "rate") Object.assign(c, [{ class: "island" }, { class: "no_households", households: 0 }, { class: "hot", households: 0 }, { class: "constant", households: 5 }][k % 4]!); });
      await route.fulfill({ response: answer, json: said });
    });
    const words = { island: "没有邻格，不作判断", no_households: "周围无住户，不作判断", constant: "各格数值相同，不作判断", no_rate: "本格无住户，不算户均" };
    for (const [layer, here] of [["gi", ["island", "constant", "no_households"]], ["rate", ["island", "no_households", "no_rate"]]] as const) {
      await page.click(by(`layer-${layer}`));
      await page.waitForSelector(by(`key-${here[0]}`));
      await page.waitForFunction(l => { const s = (window.lianhu as unknown as { state(): { hot: { view: string } | null; busy: boolean } }).state(); return s.hot?.view === l && !s.busy; }, layer);
      const keys = await keysOf(page), others = Object.entries(keys).filter(([k]) => !(k in words)).map(([, v]) => v.pattern);
      expect(Object.keys(keys).filter(k => k in words)).toEqual(here);
      for (const why of here) {
        expect(await page.textContent(by(`key-${why}`))).toBe(words[why]);
        expect(keys[why]!.pattern).not.toBe("");
        expect(others).not.toContain(keys[why]!.pattern);
      }
      // nor does one look like another, but for a field that is the same everywhere
      expect(new Set(here.map(w => keys[w]!.pattern)).size).toBe(layer === "gi" ? 2 : 3);
      // none is left out of the map for it
      expect((await drawn(page)).sum).toBe((await watch(page)).hot!.cells.reduce((s, c) => s + c.count, 0));
      await picture(page, `m05-not-judged-${layer}`);
    }
    await page.click(by("layer-count"));
    await page.waitForSelector(by("key-island"), { state: "detached" });
    await page.unrouteAll({ behavior: "ignoreErrors" });
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
    const placed = await countOf(service, `${await window_(page)}&bbox=-180,-90,180,90`);
    expect(placed).toBeGreaterThan(1_000);
    expect([seen.sum, hot!.outside]).toEqual([placed, 0]);
    await picture(page, "m08-region");
    // all of these happened inside the outline: every way to look at them draws every one
    for (const layer of ["count", "rate", "gi", "emerging", "density"] as const) {
      await page.click(by(`layer-${layer}`));
      await page.waitForFunction(l => { const s = (window.lianhu as unknown as { state(): { hot: { view: string } | null; busy: boolean } }).state(); return s.hot?.view === l && !s.busy; }, layer);
      const { hot: now } = await watch(page), on = await drawn(page);
      expect([now!.incidents, now!.outside, on.sum], layer).toEqual([placed, 0, placed]);
      expect(on.borders + on.cells + on.incidents, layer).toBeLessThanOrEqual(500);
    }
    await context.close();
  });

  it("holds for a village in large cells, most of which reach over its border", async () => {
    const most = (await get<Statistics>(service, "/api/statistics?by=region")).rows.filter(r => r.key.length === 12).sort((a, b) => b.count - a.count)[0]!;
    const { page, context } = await enter(browser, service, `&range=30d&layer=count&res=7&region=${most.key}`);
    await page.waitForFunction(() => { const s = (window.lianhu as unknown as { state(): { hot: { view: string } | null; busy: boolean } }).state(); return s.hot?.view === "count" && !s.busy; });
    const { hot } = await watch(page), placed = await countOf(service, `${await window_(page)}&bbox=-180,-90,180,90`);
    expect(placed).toBeGreaterThan(0);
    expect([hot!.resolution, hot!.incidents, hot!.outside]).toEqual([7, placed, 0]);
    expect(hot!.cells.reduce((s, c) => s + c.count, 0)).toBe(placed);
    await context.close();
  });
});

/** The cells of the first sheet of a workbook, row by row from column A. */
function cellsOf(workbook: Buffer): string[][] {
  const xml = unzip(workbook).get("xl/worksheets/sheet1.xml")!.toString(), plain = (s: string): string => s.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"').replace(/&amp;/g, "&");
  return [...xml.matchAll(/<row [^>]*>(.*?)<\/row>/gs)].map(([, row]) => {
    const cells: string[] = [];
    for (const [, column, inside] of row!.matchAll(/<c r="([A-Z])\d+"[^>]*>(.*?)<\/c>/gs)) cells[column!.charCodeAt(0) - 65] = plain(/<(?:t|v)[^>]*>(.*?)<\/(?:t|v)>/s.exec(inside!)?.[1] ?? "");
    return Array.from(cells, c => c ?? "");
  });
}

describe("M11 figures", () => {
  it("are the service's, as table and as files, and the report of a day prints", async () => {
    const { page, context, faults } = await enter(browser, service, "&range=7d&tab=figures");
    await page.waitForSelector(by("stats-total"));
    const query = await window_(page), count = await countOf(service, query);
    // the window narrows tables and files: they are not simply of all that is known
    expect([count > 100, count < await countOf(service, "")]).toEqual([true, true]);
    for (const kind of ["category", "state", "region", "grid", "day"] as const) {
      await page.selectOption(by("by"), kind);
      await page.waitForFunction(k => document.querySelector<HTMLSelectElement>("[data-testid=by]")?.value === k && document.querySelector("[data-testid=stats-total]") !== null, kind);
      const there = await get<Statistics>(service, `/api/statistics?by=${kind}&${query}`);
      await page.waitForFunction(n => document.querySelector("[data-testid=stats-total]")?.textContent?.replace(/\D/g, "") === n, String(there.rows.reduce((s, r) => s + r.count, 0)));
      expect(there.rows.reduce((s, r) => s + r.count, 0), kind).toBe(count);
      // row by row: what the files say is what the service says
      const mine = there.rows.map(r => [r.key, String(r.count), String(r.open), String(r.overdue)]), file = async (format: "csv" | "xlsx"): Promise<Buffer> => Buffer.from(await (await fetch(service.url + (await page.getAttribute(by(`stats-${format}`), "href"))!)).arrayBuffer());
      const csv = rowsOfCsv((await file("csv")).toString()).map(r => Object.values(r)), sheet = cellsOf((await file("xlsx")));
      for (const [format, rows] of [["csv", csv], ["xlsx", sheet.slice(1)]] as const) {
        const end = rows.findIndex(r => r[1] === "合计");
        expect(rows.slice(0, end).map(r => [r[0], ...r.slice(2)]), `${format} ${kind}`).toEqual(mine);
        expect(rows[end]!.slice(2), `${format} ${kind}`).toEqual([count, there.rows.reduce((s, r) => s + r.open, 0), there.rows.reduce((s, r) => s + r.overdue, 0)].map(String));
      }
    }
    await page.waitForSelector(`${by("chart")} canvas`);
    await picture(page, "m11-figures");
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
    const a = await enter(browser, service), b = await enter(browser, service, "&wall=1&rotate=0", { viewport: { width: 1920, height: 1080 }, reducedMotion: "reduce" });
    await a.page.click(by("sound"));
    await until(a.page, "sound", true);
    const before = (await watch(a.page)).tones, made = await report(service, { category: "emergency", occurred_at: ago(0), at: planted, summary: "民房起火" });
    for (const { page } of [a, b]) {
      await page.waitForSelector(by("emergency-where"));
      expect(await page.textContent(by("emergency-where"))).toContain(` · ${made.grid_name} · 单元 ${made.unit!.slice(15)}`);
      await names(service, page, by("emergency"), made.id);
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
    // it flashes, but for whoever asked for less motion nothing does
    expect(await moving(a.page)).toEqual(expect.arrayContaining([expect.stringMatching(/middle.*::after$/), expect.stringMatching(/^running/)]));
    expect(await moving(b.page)).toEqual([]);
    await picture(a.page, "m03-emergency");
    await picture(b.page, "m03-wall");
    // a telephone is shown for a purpose; those of the demonstration ring nowhere
    const asked: unknown[] = [], looks = async (): Promise<number> => (await getAs<{ entries: object[] }>(service, ...AUDITOR, "/api/audit?operation=officers.reveal&limit=1000")).entries.length;
    a.page.on("request", r => { if (r.url().endsWith("/reveal")) asked.push(r.postDataJSON()); });
    const looked = service.isOurs ? await looks() : 0;
    await a.page.locator(`${by("emergency")} [data-testid^="reveal-demo-leader-"]`).first().click();
    // not without a purpose
    await a.page.fill(by("ask-purpose"), "");
    await a.page.click(by("ask-go"));
    expect([await a.page.locator(by("ask-purpose")).count(), asked]).toEqual([1, []]);
    await a.page.fill(by("ask-purpose"), "通知联户长带人疏散");
    await a.page.click(by("ask-go"));
    await a.page.waitForSelector(by("phone"));
    expect(await a.page.textContent(by("phone"))).toMatch(/^000-0000-\d{4}（示例 example）$/);
    await picture(a.page, "m03-phone");
    expect(asked).toEqual([{ purpose: "通知联户长带人疏散" }]);
    expect(await b.page.locator(by("phone")).count()).toBe(0);
    if (service.isOurs) expect(await looks()).toBe(looked + 1);
    const alert = (await get<{ alerts: Alert[] }>(service, "/api/alerts?open=true")).alerts.find(x => x.incident === made.id)!;
    expect(alert.acknowledged).toBeNull();
    await a.page.click(by("acknowledge"));
    for (const { page } of [a, b]) {
      await page.waitForSelector(by("emergency"), { state: "detached" });
      await until(page, "emergency", null);
      expect(await page.evaluate(() => document.documentElement.classList.contains("alarmed"))).toBe(false);
    }
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
