// Files from offices: as they come, with their faults; and old nets that become one.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toGcj02 } from "../../src/map/gcj";
import { judge } from "./eyes";
import { tabTo } from "./hands";
import { gbk, pmtiles } from "./offices";
import { browse, by, look, openTownship, picture, Service, visit } from "./service";
import { tianditu, type Tianditu } from "./tianditu";

const KEY = "0123456789abcdef0123456789abcdef";
const service = new Service(undefined, { LIANHU_TIANDITU_KEY: KEY }), folder = mkdtempSync(join(tmpdir(), "lianhu-import-"));
let browser: Browser, upstream: Tianditu;
beforeAll(async () => {
  upstream = await tianditu();
  service.settings["LIANHU_TIANDITU_BASE"] = upstream.url;
  await service.start();
  browser = await browse();
}, 240_000);
afterAll(async () => { await browser?.close(); await service.end(); upstream?.end(); rmSync(folder, { recursive: true, force: true }); });

/** A picture of one pixel. */
const GROUND = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mN4+e4OAAV3ArTlSlcvAAAAAElFTkSuQmCC";

interface Feature { id: string; properties: Record<string, unknown>; geometry: { coordinates: [number, number] } }
const items = (page: Page, query: string): Promise<Feature[]> => page.evaluate(async q => (await (await fetch(`/ogc/collections/${q}`)).json() as { features: Feature[] }).features, query);

async function choose(page: Page, layer: string, file: string): Promise<void> {
  await page.click(by("import"));
  await page.selectOption(by("import-layer"), layer);
  await page.setInputFiles(by("import-file"), file);
  await page.click(by("import-read"));
  await page.waitForSelector(by("import-judge"));
}

describe("P2 import", () => {
  it("names encoding, datum, columns and every bad row before anything is stored", async () => {
    const { page, context, faults } = await visit(browser, service);
    await openTownship(page);
    // some that Chinese web maps put outside their village, so that the datum can be told, and some that they do not
    const houses = await items(page, "buildings/items?limit=10000");
    const outlines = new Map((await items(page, "regions/items?limit=500&level=village")).map(r => [r.id, r.geometry as unknown as { type: string; coordinates: never[] }]));
    const isIn = (village: string, [x, y]: [number, number]): boolean => {
      const { type, coordinates } = outlines.get(village)!, rings = (type === "Polygon" ? coordinates : (coordinates as [number, number][][][]).flat()) as [number, number][][];
      return rings.reduce((odd, ring) => ring.reduce((o, [xi, yi], i) => { const [xj, yj] = ring.at(i - 1)!; return (yi > y) !== (yj > y) && x < (xj - xi) * (y - yi) / (yj - yi) + xi ? !o : o; }, odd), false);
    };
    const placed = houses.map(b => ({ at: b.geometry.coordinates, village: String(b.properties["village"]) }));
    const beside = placed.filter(p => !isIn(p.village, toGcj02(...p.at))), chosen = [...beside.slice(0, 60), ...placed.filter(p => !beside.includes(p)).slice(0, 60)];
    expect(beside.length).toBeGreaterThan(30);
    const places = chosen.map(p => p.at);
    const rows = places.map(([lon, lat], i) => {
      const [x, y] = toGcj02(lon + 2e-5, lat + 2e-5);
      return [`N${String(i).padStart(4, "0")}`, x.toFixed(7), y.toFixed(7), `NB${i}`, chosen[i]!.village, "3", "52040219900101123X", "无"];
    });
    rows[10]![5] = "三人";
    [rows[20]![1], rows[20]![2]] = [rows[20]![2]!, rows[20]![1]!];
    rows[30]![0] = rows[29]![0]!;
    const file = join(folder, "住户.csv");
    writeFileSync(file, gbk([["户号", "经度", "纬度", "楼栋编号", "所属村", "常住人数", "身份证号", "备注<img src=x onerror=window.__xss=1>"], ...rows].map(r => r.join(",")).join("\r\n")));
    const count = async (): Promise<number> => (await items(page, "households/items?limit=10000")).length;
    const before = await count();
    await choose(page, "households", file);
    expect(await page.textContent(by("import-facts"))).toMatch(/编码 GB/);
    expect(await page.textContent(by("import-dropped"))).toContain("身份证号");
    // the file speaks of people in words the register does not know: the planner says what they are
    await page.selectOption(by("map-常住人数"), "persons");
    expect(await page.isDisabled(by("import-commit"))).toBe(true);
    expect(await judge(page), "preview").toEqual([]);
    await picture(page, "p02-preview");
    expect(await page.evaluate(() => window.__xss)).toBeUndefined();
    expect(await page.locator("dialog img").count()).toBe(0);
    await page.click(by("import-again"));
    await page.waitForSelector(by("import-datum"));
    await page.waitForFunction(id => document.querySelector<HTMLSelectElement>(id)?.value === "persons", by("map-常住人数"));
    expect(await page.isDisabled(by("import-commit"))).toBe(true);
    await page.click(by("datum-shift"));
    await page.waitForFunction(id => document.querySelector<HTMLSelectElement>(id)?.value === "gcj02", by("import-crs"));
    expect(await page.locator(by("import-datum")).count()).toBe(0);
    const errors = await page.locator(`${by("import-errors")} tbody tr`).allTextContents();
    // row 1 is the header
    expect(errors.map(e => /^\d+/.exec(e)?.[0]).sort()).toEqual(["12", "22", "32"]);
    expect(errors.find(e => e.startsWith("12"))).toContain("常住人数");
    expect(await judge(page), "faults").toEqual([]);
    await picture(page, "p02-faults");
    const href = await page.getAttribute(by("bad-rows-csv"), "href");
    const bad = await page.evaluate(async url => await (await fetch(url)).text(), href!);
    expect(bad.trim().split(/\r?\n/).length).toBe(4);
    expect(bad).toContain("三人");
    expect(bad).not.toContain("52040219900101123X");
    expect(await count()).toBe(before);
    expect(await page.isDisabled(by("import-commit"))).toBe(true);
    await page.check(by("import-partial"));
    await page.click(by("import-commit"));
    await page.waitForSelector(by("import-written"));
    await picture(page, "p02-done");
    await page.click(by("dialog-close"));
    // a write is seen in the layers within a second, not at once
    await expect.poll(count, { timeout: 20_000 }).toBe(before + rows.length - 3);
    const after = await items(page, "households/items?limit=10000");
    const [lon, lat] = after.find(h => h.id === "N0000" || h.properties["id"] === "N0000")!.geometry.coordinates;
    // a metre is 1e-5 of a degree
    expect(Math.hypot(lon - places[0]![0] - 2e-5, lat - places[0]![1] - 2e-5)).toBeLessThan(2e-5);
    expect(faults).toEqual([]);
    await context.close();
  });

  it("forgets a file that is given up, and stores nothing of it", async () => {
    const { page, context } = await visit(browser, service);
    await openTownship(page);
    const file = join(folder, "barriers.geojson");
    writeFileSync(file, JSON.stringify({ type: "FeatureCollection", features: [{ type: "Feature", properties: { id: "R1", kind: "river" }, geometry: { type: "LineString", coordinates: [[105.6, 25.98], [105.61, 25.99]] } }] }));
    await choose(page, "barriers", file);
    const href = await page.getAttribute(by("import-judge"), "data-testid");
    expect(href).toBe("import-judge");
    const gone = page.waitForResponse(r => r.request().method() === "DELETE" && r.url().includes("/api/imports/"));
    await page.click(by("dialog-cancel"));
    expect((await gone).status()).toBeLessThan(300);
    expect((await look(page)).dialog).toBeNull();
    await context.close();
  });
});

describe("P2 what a county brings of its own", () => {
  it("zones, rules and words are judged with faults that can be read, stored, and there at once where they are used", async () => {
    const { page, context, faults } = await visit(browser, service);
    await openTownship(page);
    const room = await context.newPage();
    room.on("pageerror", e => faults.push(String(e)));
    await room.goto(`${service.url}/?view=room`);
    await room.waitForSelector(`${by("category")} option[value=emergency]`, { state: "attached" });
    const township = (await items(page, "regions/items?limit=1&level=village"))[0]!.id.slice(0, 9);
    const bring = async (layer: string, name: string, text: string): Promise<void> => {
      const file = join(folder, name);
      writeFileSync(file, text);
      await choose(page, layer, file);
    };
    /** Faults as they stand in the table: row, column, reason in the reader's language alone. */
    const told = async (): Promise<string[][]> => {
      const rows = await page.locator(`${by("import-errors")} tbody tr`).evaluateAll(list => list.map(tr => [...tr.children].map(td => td.textContent ?? "")));
      for (const [, , reason = ""] of rows) {
        expect(reason).toMatch(/[\u4e00-\u9fff]{3}/);
        expect(reason).not.toMatch(/ \/ |\n/);
      }
      expect(await page.isDisabled(by("import-commit"))).toBe(true);
      return rows;
    };
    const giveUp = async (): Promise<void> => { await page.click(by("dialog-cancel")); await page.waitForSelector(by("dialog"), { state: "detached" }); };
    const store = async (): Promise<number[]> => {
      expect(await page.locator(by("import-errors")).count()).toBe(0);
      await page.click(by("import-commit"));
      await page.waitForSelector(by("import-written"));
      const written = (await page.locator(`${by("import-written")} dd`).allTextContents()).map(Number);
      await page.click(by("dialog-close"));
      return written;
    };

    await bring("zones", "功能区.csv", "功能区编号,名称,所辖乡镇\nCZ1,旅游区,52042\n");
    expect(await page.inputValue(by("map-功能区编号"))).toBe("id");
    const [[row, column, reason] = []] = await told();
    expect([row, column]).toEqual(["2", "所辖乡镇"]);
    expect(reason).toContain("52042");
    await giveUp();
    await bring("zones", "功能区.csv", `功能区编号,名称,所辖乡镇\nCZ1,旅游区,${township}\n`);
    expect(await page.textContent(by("import-facts"))).toContain("功能区");
    // what lies nowhere is in no reference system
    expect(await page.locator(by("import-crs")).count()).toBe(0);
    expect(await store()).toEqual([1, 0, 0, 0, 0]);
    // the same file again changes nothing and says so
    await bring("zones", "功能区.csv", `功能区编号,名称,所辖乡镇\nCZ1,旅游区,${township}\n`);
    expect([await page.textContent(by("import-unchanged")), await page.isDisabled(by("import-commit"))]).toEqual(["1", true]);
    await giveUp();

    const rules = "name = \"county-own\"\ntitle = \"本县规则\"\n[unit]\nmin = 8\nmax = 12\n[grid]\ndivide = \"balance\"\n";
    await bring("profiles", "本县.toml", rules.replace("min = 8", "min = 18"));
    expect((await told())[0]?.[2]).toContain("unit.min 18");
    await giveUp();
    // what is no TOML at all has no rows: it is said why, and nothing can be stored
    await bring("profiles", "不是规则.toml", "name = ");
    expect(await page.textContent(by("import-trouble"))).toMatch(/不是规则\.toml.*TOML.*等号后面没有值/s);
    expect(await page.isDisabled(by("import-commit"))).toBe(true);
    await giveUp();
    await bring("profiles", "本县.toml", rules);
    expect(await store()).toEqual([1, 0, 0, 0, 0]);
    await page.click(by("tab-plan"));
    await page.click(by("generate"));
    await page.waitForSelector(`${by("generate-profile")} option[value=county-own]`, { state: "attached" });
    expect(await page.textContent(`${by("generate-profile")} option[value=county-own]`)).toBe("本县规则");
    await giveUp();

    await bring("dictionaries", "字典.csv", "字典,键,名称\n状态,lost,丢失\n");
    expect((await told()).length).toBe(1);
    await giveUp();
    await bring("dictionaries", "字典.csv", "字典,键,名称,启用,办理时限\n事件类别,county_flood,内涝积水,是,2/3/4/5\n状态,closed,已销号,是,\n");
    await picture(page, "p02-county");
    expect(await store()).toEqual([2, 0, 0, 0, 0]);
    // the room was open all the time
    await room.waitForFunction(id => document.querySelector(id)?.textContent === "内涝积水", `${by("category")} option[value=county_flood]`, { timeout: 30_000 });
    expect(await room.textContent(`${by("status")} option[value=closed]`)).toBe("已销号");
    await room.click(by("language"));
    expect([await room.textContent(`${by("category")} option[value=county_flood]`), await room.textContent(`${by("status")} option[value=closed]`)]).toEqual(["内涝积水", "Closed"]);
    // what is in use does not vanish: that is to be looked at, and keeps nothing out
    await bring("dictionaries", "字典.csv", "字典,键,名称,启用\n事件类别,dispute,矛盾劝解,否\n");
    expect(await page.textContent(by("import-notes"))).toMatch(/[\u4e00-\u9fff]{4}/);
    expect(await page.isDisabled(by("import-commit"))).toBe(false);
    await giveUp();
    expect(faults).toEqual([]);
    await context.close();
  });
});

describe("P2 import of a large file", () => {
  it("is stopped while it is read and while it is written, and leaves nothing", async () => {
    const { page, context, faults } = await visit(browser, service);
    await openTownship(page);
    const houses = await items(page, "buildings/items?limit=400");
    const file = join(folder, "many.csv"), rows = Array.from({ length: 80_000 }, (_, i) => {
      const { geometry: { coordinates: [lon, lat] }, properties } = houses[i % houses.length]!;
      return `C${i},${lon},${lat},CB${i % houses.length},${String(properties["village"])}`;
    });
    writeFileSync(file, ["id,lon,lat,building,village", ...rows, ""].join("\n"));
    const count = (): Promise<number> => page.evaluate(async () => (await (await fetch("/ogc/collections/households/items?limit=1")).json() as { numberMatched: number }).numberMatched);
    const before = await count();
    await page.click(by("import"));
    await page.selectOption(by("import-layer"), "households");
    await page.setInputFiles(by("import-file"), file);
    const isGone = () => page.waitForResponse(r => r.request().method() === "DELETE" && r.url().includes("/api/imports/") && r.status() === 204);
    const given = isGone();
    await page.click(by("import-read"));
    await page.click(`${by("import-stop")}:enabled`);
    await page.waitForSelector(by("import-read"));
    await given;
    expect(await page.locator(by("import-judge")).count()).toBe(0);

    await page.setInputFiles(by("import-file"), file);
    await page.click(by("import-read"));
    await page.waitForSelector(by("import-judge"));
    expect(Number((await page.textContent(by("import-insert")))!.replace(/\D/g, ""))).toBeGreaterThan(70_000);
    if (await page.locator(by("import-partial")).count() > 0) await page.check(by("import-partial"));
    await page.click(by("import-commit"));
    await page.click(`${by("import-stop")}:enabled`);
    await picture(page, "p02-stopping");
    await page.waitForSelector(by("import-judge"));
    expect(await count()).toBe(before);
    expect(await page.evaluate(async () => (await fetch("/ogc/collections/households/items/C0")).status)).toBe(404);
    const forgotten = isGone();
    await page.click(by("dialog-cancel"));
    const id = /\/api\/imports\/([^/?]+)/.exec((await forgotten).url())![1]!;
    // the file is not there any more
    const again = await page.evaluate(async it => (await fetch(`/api/imports/${it}/preview`, { method: "POST", headers: { "content-type": "application/json", "idempotency-key": "once-more-after-all" }, body: "{}" })).status, id);
    expect(again).toBe(404);
    expect(faults).toEqual([]);
    await context.close();
  });
});

describe("a basemap", () => {
  it("is a file of this computer: read in the page, sent nowhere, moved where it is in GCJ-02", async () => {
    const { page, context, requests, faults } = await visit(browser, service);
    await openTownship(page);
    const picture_ = await page.evaluate(() => {
      const canvas = document.createElement("canvas"), pen = canvas.getContext("2d")!;
      canvas.width = canvas.height = 256;
      pen.fillStyle = "#dfe7d8";
      pen.fillRect(0, 0, 256, 256);
      return canvas.toDataURL("image/png").split(",")[1]!;
    });
    const file = join(folder, "world.pmtiles"), bad = join(folder, "bad.pmtiles");
    writeFileSync(file, pmtiles(Buffer.from(picture_, "base64")));
    writeFileSync(bad, "no tiles at all");
    await page.locator(`${by("basemap")} summary`).click();
    const before = requests.length;
    await page.setInputFiles(by("basemap-file"), bad);
    await page.waitForFunction(() => document.querySelector("[data-testid=notice]")?.textContent?.includes("bad.pmtiles"));
    expect((await look(page)).basemap).toBeNull();
    await page.setInputFiles(by("basemap-file"), file);
    await page.waitForFunction(() => (window.lianhu.state().basemap?.tiles ?? 0) > 0);
    await page.check(by("basemap-shift"));
    await page.waitForFunction(() => window.lianhu.state().basemap?.isShifted === true);
    await picture(page, "basemap");
    expect(requests.slice(before).filter(r => !/\/assets\//.test(r))).toEqual([]);
    await page.click(by("basemap-off"));
    expect((await look(page)).basemap).toBeNull();
    const other = join(folder, "world.mbtiles");
    execFileSync("python3", [join("tests", "mbtiles.py"), other, "view", "4096", "3"], { input: Buffer.from(picture_, "base64") });
    await page.setInputFiles(by("basemap-file"), other);
    await page.waitForFunction(() => (window.lianhu.state().basemap?.tiles ?? 0) > 0);
    expect((await look(page)).basemap?.name).toBe("world.mbtiles");
    expect(await judge(page), "basemap").toEqual([]);
    expect(requests.slice(before).filter(r => !/\/assets\//.test(r))).toEqual([]);

    // one tile of four colours: where they meet is the middle of the tile as it was drawn, and in GCJ-02 that is another place
    const [z, x, y] = [14, Math.floor((105.65 + 180) / 360 * 2 ** 14), 6970], lon = (x + 0.5) / 2 ** z * 360 - 180, lat = Math.atan(Math.sinh(Math.PI * (1 - 2 * (y + 0.5) / 2 ** z))) * 180 / Math.PI;
    const four = await page.evaluate(() => {
      const canvas = document.createElement("canvas"), pen = canvas.getContext("2d")!;
      canvas.width = canvas.height = 256;
      ["#ff0000", "#00ff00", "#0000ff", "#ffffff"].forEach((ink, k) => { pen.fillStyle = ink; pen.fillRect(k % 2 * 128, Math.floor(k / 2) * 128, 128, 128); });
      return canvas.toDataURL("image/png").split(",")[1]!;
    });
    const cross = join(folder, "cross.mbtiles");
    execFileSync("python3", [join("tests", "mbtiles.py"), cross, "index", "4096", `${z}/${x}/${y}`], { input: Buffer.from(four, "base64") });
    await page.setInputFiles(by("basemap-file"), cross);
    await page.evaluate(([u, v]) => window.lianhu.look(u!, v!, 16), [lon, lat]);
    await page.waitForFunction(() => { const { basemap } = window.lianhu.state(); return basemap?.name === "cross.mbtiles" && basemap.tiles > 0; });
    /** Where the four colours meet, pixels from the middle of the map. */
    const meeting = (): Promise<[number, number]> => page.evaluate(async () => {
      await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
      const canvas = [...document.querySelectorAll<HTMLCanvasElement>("[data-testid=map] canvas")].find(c => c.style.zIndex === "380")!, { width, height } = canvas, { data } = canvas.getContext("2d")!.getImageData(0, 0, width, height);
      const red: [number, number] = [0, 0];
      for (let i = 0; i < data.length; i += 4) if (data[i]! > 200 && data[i + 1]! < 60 && data[i + 2]! < 60) { red[0] = Math.max(red[0], i / 4 % width); red[1] = Math.max(red[1], Math.floor(i / 4 / width)); }
      return [red[0] + 1 - width / 2, red[1] + 1 - height / 2];
    });
    const off = (a: readonly number[], b: readonly number[]): number => Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!);
    await expect.poll(async () => off(await meeting(), [0, 0]), { timeout: 60_000 }).toBeLessThan(3);
    await page.check(by("basemap-shift"));
    await page.waitForFunction(() => window.lianhu.state().basemap?.isShifted === true);
    // the place that its makers drew there
    let place: [number, number] = [lon, lat];
    for (let k = 0; k < 5; k++) { const [u, v] = toGcj02(...place); place = [place[0] + lon - u, place[1] + lat - v]; }
    const px = 256 * 2 ** 16 / 360, wanted = [(place[0] - lon) * px, (lat - place[1]) * px / Math.cos(lat * Math.PI / 180)];
    expect(wanted.map(Math.sign)).toEqual([-1, -1]);
    expect(off(wanted, [0, 0])).toBeGreaterThan(150);
    await expect.poll(async () => off(await meeting(), wanted), { timeout: 60_000 }).toBeLessThan(4);
    expect(faults).toEqual([]);
    await context.close();
  });
});

describe("Tianditu", () => {
  it.runIf(service.isOurs)("comes through the service, with its labels and its name; the key stays there, and what does not come leaves the ground as it was", async () => {
    const { page, context, requests, faults } = await visit(browser, service);
    const heads: string[] = [], statuses: number[] = [];
    page.on("response", r => { heads.push(JSON.stringify(r.headers())); if (r.url().includes("/tianditu/")) statuses.push(r.status()); });
    await openTownship(page);
    expect(upstream.asked).toEqual([]);
    await page.locator(`${by("basemap")} summary`).click();
    await page.click(by("basemap-vec"));
    await page.waitForFunction(() => (window.lianhu.state().basemap?.tiles ?? 0) > 8);
    // the labels come after the ground
    await expect.poll(() => upstream.asked.some(u => u.pathname === "/cva_w/wmts"), { timeout: 60_000 }).toBe(true);
    expect(new Set(upstream.asked.map(u => u.pathname))).toEqual(new Set(["/vec_w/wmts", "/cva_w/wmts"]));
    expect(upstream.asked.every(u => u.searchParams.get("tk") === KEY)).toBe(true);
    expect(await page.textContent(by("basemap-credit"))).toBe("© 天地图");
    expect(await page.locator(by("basemap-shift")).count()).toBe(0);
    await picture(page, "basemap-tianditu");
    expect(statuses.length).toBeGreaterThan(8);
    expect(statuses.every(s => s === 200)).toBe(true);
    await page.click(by("basemap-img"));
    await page.waitForFunction(() => window.lianhu.state().basemap?.tianditu === "img");
    await expect.poll(() => statuses.includes(502), { timeout: 60_000 }).toBe(true);
    expect((await look(page)).basemap?.tiles).toBe(0);
    expect(requests.filter(r => /^https?:/.test(r) && !r.startsWith(service.url))).toEqual([]);
    expect([...requests, ...heads, await page.content()].filter(text => text.includes(KEY))).toEqual([]);
    await page.click(by("basemap-off"));
    expect(await page.locator(by("basemap-credit")).count()).toBe(0);
    expect(faults).toEqual([]);
    await context.close();
  });
});

describe("a basemap in the room", () => {
  interface Seen { basemap: { name: string; tianditu?: string; tiles: number } | null; signed_in: boolean }
  const ground = (page: Page): Promise<Seen["basemap"]> => page.evaluate(() => (window.lianhu as unknown as { state(): Seen }).state().basemap);
  const drawn = (page: Page, name: string) => page.waitForFunction(n => { const { basemap } = "lianhu" in window ? (window.lianhu as unknown as { state(): Seen }).state() : { basemap: null }; return basemap?.name === n && basemap.tiles > 0; }, name);
  const enter = async (page: Page, path: string): Promise<void> => {
    await page.goto(service.url + path);
    await page.waitForFunction(() => "lianhu" in window && (window.lianhu as unknown as { state(): Seen }).state().signed_in);
  };

  it.runIf(service.isOurs)("is chosen by keys as on the planner's map, lies under the wall too, and is there again until it is taken away", async () => {
    const { page, context, requests, faults } = await visit(browser, service, {}, "/?view=room");
    await enter(page, "/?view=room");
    expect(await ground(page)).toBeNull();
    await tabTo(page, /^basemap-open$/);
    await page.keyboard.press("Enter");
    await tabTo(page, /^basemap-vec$/);
    await page.keyboard.press("Enter");
    await drawn(page, "vec");
    expect(await page.textContent(by("basemap-credit"))).toBe("© 天地图");
    await picture(page, "m-basemap");
    await enter(page, "/?view=room");
    await drawn(page, "vec");
    // nothing is to be pressed on the wall
    await enter(page, "/?view=room&wall=1");
    await drawn(page, "vec");
    expect([await page.locator(by("basemap-open")).count(), await page.textContent(by("basemap-credit"))]).toEqual([0, "© 天地图"]);
    await picture(page, "m-basemap-wall");

    const file = join(folder, "room.pmtiles");
    writeFileSync(file, pmtiles(Buffer.from(GROUND, "base64")));
    await enter(page, "/?view=room");
    await drawn(page, "vec");
    await page.locator(by("basemap-open")).click();
    await page.setInputFiles(by("basemap-file"), file);
    await drawn(page, "room.pmtiles");
    // tiles that were on their way for the map before may still come
    let before = 0;
    do { before = requests.length; await page.waitForTimeout(500); } while (requests.slice(before).some(r => r.includes("/tianditu/")));
    await page.check(by("basemap-shift"));
    await page.click(by("zoom-in"));
    await drawn(page, "room.pmtiles");
    expect(requests.slice(before).filter(r => r.includes("/basemaps/"))).toEqual([]);
    await enter(page, "/?view=room");
    await drawn(page, "room.pmtiles");
    // one choice for the browser: the planner's map has it too
    await page.goto(service.url);
    await page.waitForFunction(() => "lianhu" in window && window.lianhu.state().basemap?.isShifted === true);
    expect((await look(page)).basemap?.name).toBe("room.pmtiles");
    await enter(page, "/?view=room");
    await drawn(page, "room.pmtiles");
    await page.locator(by("basemap-open")).click();
    await page.click(by("basemap-off"));
    expect(await ground(page)).toBeNull();
    await enter(page, "/?view=room");
    await page.waitForFunction(() => (window.lianhu as unknown as { drawn(): { borders: number } }).drawn().borders > 0);
    expect(await ground(page)).toBeNull();
    expect(faults).toEqual([]);
    await context.close();
  });
});

describe("P20 old nets become one", () => {
  it("says what each net keeps and loses", async () => {
    const { page, context } = await visit(browser, service);
    await openTownship(page);
    const regions = await page.evaluate(async () => (await (await fetch("/api/regions?level=village")).json() as { regions: { code: string; bbox: [number, number, number, number] }[] }).regions);
    const region = regions[0]!.code.slice(0, 9), boxes = regions.filter(r => r.code.startsWith(region)).map(r => r.bbox);
    const [w, s, e, n] = [0, 1, 2, 3].map(k => (k < 2 ? Math.min : Math.max)(...boxes.map(b => b[k]!))) as [number, number, number, number];
    const strips = (net: string, many: number, tall: boolean) => Array.from({ length: many }, (_, k) => {
      const [a, b] = [k / many, (k + 1) / many], [x0, x1, y0, y1] = tall ? [w + (e - w) * a, w + (e - w) * b, s, n] : [w, e, s + (n - s) * a, s + (n - s) * b];
      return { type: "Feature", properties: { id: `${net}${k}`, net, region, name: `${net}${k}` }, geometry: { type: "Polygon", coordinates: [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]] } };
    });
    const file = join(folder, "old.geojson");
    const old = [...strips("公安", 12, true), ...strips("城管", 9, false)];
    writeFileSync(file, JSON.stringify({ type: "FeatureCollection", features: old }));
    await choose(page, "old_nets", file);
    // a strip whose middle lies outside the township is a bad row
    let bad = new Set<string>();
    if (await page.locator(by("import-partial")).count() > 0) {
      const rows = await page.evaluate(async url => await (await fetch(url)).text(), (await page.getAttribute(by("bad-rows-csv"), "href"))!);
      bad = new Set(rows.match(/(公安|城管)\d+/g));
      await page.check(by("import-partial"));
    }
    await page.click(by("import-commit"));
    await page.waitForSelector(by("import-written"));
    expect(Number(await page.locator(`${by("import-written")} dd`).first().textContent())).toBe(old.length - bad.size);
    await page.click(by("dialog-close"));
    await page.click(by("tab-plan"));
    await page.click(by("generate"));
    await page.waitForSelector(`${by("generate-profile")} option[value=puding]`, { state: "attached" });
    await page.selectOption(by("generate-profile"), "puding");
    await page.fill(by("generate-name"), "P20");
    await page.fill(by("generate-budget"), "4");
    await page.check(by("generate-old"));
    await page.click(by("generate-go"));
    await page.waitForSelector(by("job-open"), { timeout: 120_000 });
    const told = await page.locator(`${by("nets")} tbody tr`).evaluateAll(list => list.map(r => [...r.children].map(c => (c.textContent ?? "").replace(/\u2009/g, ""))));
    expect(told.map(([net]) => net).sort()).toEqual(["公安", "城管"].sort());
    await picture(page, "p20-nets");
    await page.click(by("job-open"));
    await page.waitForFunction(() => window.lianhu.state().plan?.name === "P20");

    // the same counted here: from the strips of the file, where the buildings stand, and how long the borders of their cells are in the new plan
    interface Told { buildings: { id: string; atom: number; households: number; grid: number }[]; atoms: { at: [number, number] }[]; edges: [number, number, number, number][]; atom_grid: number[] }
    const villages = await page.evaluate(async codes => {
      const { plan } = window.lianhu.state();
      return Promise.all(codes.map(async v => await (await fetch(`/api/plans/${plan!.id}/villages/${v}`)).json() as Told));
    }, regions.map(r => r.code).filter(c => c.startsWith(region)));
    for (const [net, border, lost, changed] of told) {
      const kept = old.filter(f => f.properties.net === net && !bad.has(f.properties.id));
      const stripAt = ([x, y]: [number, number]): string | undefined => kept.filter(({ geometry: { coordinates: [ring] } }) => { const [[x0, y0], , [x1, y1]] = ring as [[number, number], unknown, [number, number]]; return x >= x0 && x <= x1 && y >= y0 && y <= y1; }).map(f => f.properties.id).sort()[0];
      // strips by the order of the buildings' names: where two overlap alike, the earlier is carried on
      const numbers = new Map<string, number>();
      for (const { at } of villages.flatMap(v => v.buildings.map(b => ({ id: b.id, at: v.atoms[b.atom]!.at }))).sort((a, b) => a.id < b.id ? -1 : 1)) { const s = stripAt(at); if (s !== undefined && !numbers.has(s)) numbers.set(s, numbers.size); }
      let old_m = 0, kept_m = 0, households = 0, stayed = 0;
      for (const v of villages) {
        const strip = new Map(v.buildings.flatMap(b => { const s = stripAt(v.atoms[b.atom]!.at); return s === undefined ? [] : [[b.atom, numbers.get(s)!] as const]; }));
        for (const [a, b, m] of v.edges) {
          if (!strip.has(a) || !strip.has(b) || strip.get(a) === strip.get(b)) continue;
          old_m += m;
          if (v.atom_grid[a] !== v.atom_grid[b]) kept_m += m;
        }
        const common = new Map<string, { from: number; to: number; n: number }>(), from = new Set<number>(), to = new Set<number>();
        for (const b of v.buildings) {
          const s = strip.get(b.atom);
          if (s === undefined) continue;
          households += b.households;
          const key = `${s} ${b.grid}`, one = common.get(key) ?? { from: s, to: b.grid, n: 0 };
          common.set(key, { ...one, n: one.n + b.households });
        }
        for (const one of [...common.values()].sort((a, b) => b.n - a.n || a.from - b.from || a.to - b.to)) {
          if (from.has(one.from) || to.has(one.to)) continue;
          from.add(one.from);
          to.add(one.to);
          stayed += one.n;
        }
      }
      const [is_km, of_km, percent] = /^([\d.]+) \/ ([\d.]+) 公里（([\d.]+)%）$/.exec(border!)!.slice(1).map(Number) as [number, number, number], lost_km = Number(/^([\d.]+) 公里$/.exec(lost!)![1]);
      expect(old_m).toBeGreaterThan(1_000);
      // lengths come rounded to a centimetre, and are shown to ten metres
      for (const [shown, metres] of [[is_km, kept_m], [of_km, old_m], [lost_km, old_m - kept_m]] as const) expect(Math.abs(shown * 1_000 - metres), `${net}: ${shown} km`).toBeLessThan(6);
      expect(Math.abs(percent - kept_m / old_m * 100)).toBeLessThan(0.06);
      expect(changed).toBe(`${households - stayed} / ${households} 户`);
    }
    await context.close();
  });
});
