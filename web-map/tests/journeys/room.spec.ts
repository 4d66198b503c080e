// The monitoring room's journeys, in headless Chromium against the real program: incidents, time, the wall, the form.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Incident, Statistics } from "../../src/room/api";
import { ago, countOf, drawn, enter, feedOf, get, names, places, quiet, report, silentFeed, until, watch, withPlace } from "./room-hands";
import { browse, by, picture, Service, visit } from "./service";

const service = new Service();
let browser: Browser, lived: [number, number][];
beforeAll(async () => {
  await service.start();
  browser = await browse();
  await quiet(service);
  lived = await places(service);
  const kinds = ["livelihood", "dispute", "security", "opinion", "other"];
  for (let k = 0; k < 14; k++) await report(service, { category: kinds[k % kinds.length]!, occurred_at: ago(20 + 37 * k), at: lived[(k * 7) % lived.length]!, summary: "路灯不亮" });
}, 300_000);
afterAll(async () => { await browser?.close(); await service.end(); });

describe("M1 the wall", () => {
  it("shows the figures, the last ten, how old the data is and the time in Shanghai, large enough for five metres, and goes from district to district", async () => {
    const { page, context, requests, faults } = await enter(browser, service, "&wall=1&rotate=2", { viewport: { width: 1920, height: 1080 }, timezoneId: "America/New_York" });
    await page.waitForSelector(`${by("incidents")} li`);
    expect(await page.locator(`${by("incidents")} li`).count()).toBe(10);
    const newest = await get<{ incidents: Incident[] }>(service, "/api/incidents?limit=10");
    expect((await watch(page)).incidents.map(i => i.id)).toEqual(newest.incidents.map(i => i.id));
    const shanghai = new Date(Date.now() + 8 * 3_600_000).toISOString();
    expect(Math.abs(Number((await page.textContent(by("clock")))!.slice(0, 2)) - Number(shanghai.slice(11, 13))) % 23).toBeLessThanOrEqual(1);
    expect(await page.locator(by("age")).getAttribute("class")).toBe("age");
    const { totals } = await get<Statistics>(service, `/api/statistics?by=category&region=${(await watch(page)).region ?? ""}`);
    for (const name of ["today", "days7", "open", "overdue"] as const) expect((await page.textContent(by(`total-${name}`)))!.replace(/\D/g, ""), name).toBe(String(totals[name]));
    expect(totals.days7).toBeGreaterThanOrEqual(14);
    // a 55-inch screen is 685 mm high: a fortieth of it is 17 mm, 12 minutes of arc from five metres, more than twice what an eye of 1.0 parts. Figures and clock are for a glance.
    const sizes = await page.evaluate(() => Object.fromEntries([".latest .line strong", ".latest .where", ".tile .value", ".tile .name", ".clock strong"].map(s => [s, [...document.querySelectorAll(s)].map(e => innerHeight / parseFloat(getComputedStyle(e).fontSize))])));
    for (const [what, parts] of Object.entries(sizes)) {
      expect(parts.length, what).toBeGreaterThan(0);
      expect(Math.max(...parts), what).toBeLessThanOrEqual(what === ".tile .value" ? 20 : what === ".clock strong" ? 27 : 40);
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight)).toBe(true);
    const first = (await watch(page)).district;
    await until(page, "district", first, true);
    await picture(page, "m01-wall");
    await page.click(by("turning"));
    const origin = new URL(service.url).origin;
    expect(requests.filter(r => !r.startsWith(origin) && !r.startsWith("data:"))).toEqual([]);
    expect(faults).toEqual([]);
    expect(await page.evaluate(() => window.__csp)).toEqual([]);
    await context.close();
  });
});

describe("M1 how old the data is", () => {
  it("is said in red once the feed was silent for more than a minute, though it is open", async () => {
    const { page, context, faults } = await visit(browser, service, {}, "/?view=room&wall=1&rotate=0", silentFeed);
    await until(page, "connected", true);
    await page.clock.install();
    await page.reload();
    await until(page, "connected", true);
    const badge = async (): Promise<[boolean, boolean, string]> => {
      // the badge is drawn anew each second
      await page.clock.runFor(1_100);
      const { connected } = await watch(page);
      return page.evaluate(c => { const b = document.querySelector<HTMLElement>("[data-testid=age]")!; return [c, b.classList.contains("old"), getComputedStyle(b).backgroundColor] as [boolean, boolean, string]; }, connected);
    };
    const [, , calm] = await badge();
    // a line that was silent for three signs of life is given up: red at once
    await feedOf(page, { up: false });
    await page.clock.fastForward(48_000);
    await until(page, "connected", false);
    const [, isCut, red] = await badge();
    expect([isCut, await page.textContent(by("age"))]).toEqual([true, expect.stringContaining("已断开")]);
    expect(red).not.toBe(calm);
    // and it comes again
    await feedOf(page, { up: true, deaf: true });
    await page.clock.fastForward(6_000);
    await until(page, "connected", true);
    expect(await badge()).toEqual([true, false, calm]);
    // one that neither speaks nor ends: 55 s are not old, more than 60 s are
    await page.clock.fastForward(53_000);
    expect(await badge()).toEqual([true, false, calm]);
    await page.clock.fastForward(7_000);
    expect(await badge()).toEqual([true, true, red]);
    expect((await watch(page)).age_s).toBeGreaterThan(60);
    expect(await page.textContent(by("age"))).toMatch(/数据 6\d 秒前/);
    await picture(page, "m01-old");
    await feedOf(page, {}, true);
    await page.waitForFunction(() => document.querySelector(".age.old") === null);
    expect(await badge()).toEqual([true, false, calm]);
    expect(faults).toEqual([]);
    await context.close();
  });
});

describe("M2 a new incident", () => {
  it("appears on two open maps, with its grid and unit named", async () => {
    const a = await enter(browser, service), b = await enter(browser, service, "&wall=1&rotate=0");
    const made = await report(service, { category: "livelihood", occurred_at: ago(1), at: lived[3]!, summary: "饮用水管漏水" });
    expect(made.grid).not.toBeNull();
    expect(made.unit).not.toBeNull();
    for (const { page } of [a, b]) {
      const row = page.locator(by(`incident-${made.id}`));
      await row.waitFor();
      const words = (await row.textContent())!;
      // village · grid · unit
      expect(made.grid_name).toMatch(/\S/);
      expect(words).toContain(` · ${made.grid_name} · 单元 ${made.unit!.slice(15)}`);
      // on the map too, not in the list alone
      await page.waitForFunction(id => (window.lianhu as unknown as { state(): { points: string[] } }).state().points.includes(id), made.id);
      expect((await drawn(page)).incidents).toBeGreaterThan(0);
    }
    expect(await a.page.locator(by(`incident-${made.id}`)).getAttribute("class")).toContain("fresh");
    expect((await a.page.textContent(by("spoken")))!).toContain(made.unit!.slice(15));
    await picture(a.page, "m02-new-incident");
    expect((await watch(a.page)).incidents.filter(i => i.id === made.id).length).toBe(1);
    expect([...a.faults, ...b.faults]).toEqual([]);
    await a.context.close();
    await b.context.close();
  });

  it("outside of any grid is not dropped", async () => {
    const { page, context } = await enter(browser, service);
    const region = (await get<{ regions: { code: string; level: string }[] }>(service, "/api/regions")).regions.find(r => r.level === "village")!;
    const made = await report(service, { category: "other", occurred_at: ago(1), region: region.code });
    expect(made.grid).toBeNull();
    await page.locator(by(`incident-${made.id}`)).waitFor();
    expect(await page.textContent(by(`incident-${made.id}`))).toContain("未归格");
    await context.close();
  });
});

describe("M6 time and filters", () => {
  it("narrow the list as the service counts, and the address shows the same again", async () => {
    const { page, context, faults } = await enter(browser, service, "&range=24h");
    await page.selectOption(by("category"), "dispute");
    await until(page, "filter.category", "dispute");
    const f = (await watch(page)).filter, query = `category=dispute&from=${encodeURIComponent(f.from!)}&to=${encodeURIComponent(f.to!)}`;
    await until(page, "matched", await countOf(service, query));
    expect((await watch(page)).incidents.every(i => i.category === "dispute")).toBe(true);
    await page.selectOption(by("status"), "open");
    const open = await countOf(service, `${query}&open=true`);
    await until(page, "matched", open);
    await page.waitForFunction(n => (window.lianhu as unknown as { state(): { series: { counts: number[] } | null } }).state().series?.counts.reduce((s, c) => s + c, 0) === n, open);

    // by level: one that some of these have, and not all of the incidents
    const level = (await get<{ incidents: Incident[] }>(service, `/api/incidents?limit=1&${query}&open=true`)).incidents[0]!.level;
    await page.selectOption(by("level"), level);
    await until(page, "filter.level", level);
    const atLevel = await countOf(service, `${query}&open=true&level=${level}`);
    expect(atLevel).toBeGreaterThan(0);
    await until(page, "matched", atLevel);
    const other = ["grid", "village", "township", "county"].find(l => l !== level)!;
    await page.selectOption(by("level"), other);
    await until(page, "matched", await countOf(service, `${query}&open=true&level=${other}`));
    await page.selectOption(by("level"), level);
    await until(page, "matched", atLevel);
    await page.waitForFunction(n => (window.lianhu as unknown as { state(): { series: { counts: number[] } | null } }).state().series?.counts.reduce((s, c) => s + c, 0) === n, atLevel);

    // one hour alone: the keyboard walks the bars
    const series = (await watch(page)).series!;
    expect(series.counts.length).toBe(24);
    const at = series.counts.findLastIndex(n => n > 0);
    await page.focus(by("slider"));
    for (let k = -1; k < at; k++) await page.keyboard.press("ArrowRight");
    await until(page, "slice", null, true);
    await until(page, "matched", series.counts[at]!);
    await picture(page, "m06-hour");
    // the address follows what is looked at, a moment later
    await page.waitForURL(u => u.searchParams.get("slice") !== null && u.searchParams.get("status") === "open" && u.searchParams.get("level") === level && u.searchParams.get("category") === "dispute");
    const before = await watch(page), address = page.url();

    const again = await visit(browser, service, {}, address.slice(service.url.length));
    await until(again.page, "matched", before.matched);
    const after = await watch(again.page);
    expect(after.filter).toMatchObject({ category: "dispute", level, state: "open" });
    expect(await again.page.inputValue(by("level"))).toBe(level);
    for (const key of ["filter", "range", "slice", "layer", "tab", "incidents"] as const) expect(after[key], key).toEqual(before[key]);
    await again.context.close();

    await page.click(by("whole"));
    await until(page, "slice", null);
    await page.click(by("clear-filter"));
    await page.click(by("range-7d"));
    await until(page, "range.kind", "7d");
    await page.click(by("play"));
    await until(page, "playing", true);
    const first = (await watch(page)).slice;
    await until(page, "slice", first, true);
    await page.click(by("play"));
    await until(page, "playing", false);
    expect(faults).toEqual([]);
    await context.close();
  });

  it("refuse days that are no window", async () => {
    const { page, context } = await enter(browser, service);
    await page.click(by("range-custom"));
    await page.fill(by("from"), "2026-03-02");
    await page.fill(by("to"), "2026-03-01");
    await page.click(by("range-go"));
    await page.waitForSelector(".notice.bad");
    expect((await watch(page)).range).toEqual({ kind: "7d" });
    await page.fill(by("to"), "2026-03-09");
    await page.click(by("range-go"));
    await until(page, "range.kind", "custom");
    await page.waitForFunction(() => location.search.includes("range=2026-03-02..2026-03-09"));
    await context.close();
  });
});

describe("M7 an incident", () => {
  it("names who is near by role, and goes through its steps with reasons where they are wanted", async () => {
    const made = await report(service, { category: "dispute", occurred_at: ago(2), at: lived[11]!, summary: "两家因宅基地边界争执" });
    const { page, context, faults } = await enter(browser, service);
    await page.click(by(`incident-${made.id}`));
    await until(page, "detail", made.id);
    expect(await page.textContent(by("incident-where"))).toContain(` · ${made.grid_name} · 单元 ${made.unit!.slice(15)}`);
    await names(service, page, by("panel"), made.id);
    expect(await page.textContent(by("summary"))).toBe("两家因宅基地边界争执");
    await picture(page, "m07-incident");
    for (const [action, state] of [["accept", "accepted"], ["dispatch", "dispatched"], ["start", "handling"], ["handle", "handled"], ["verify", "verified"], ["close", "closed"]] as const) {
      await page.click(by(`act-${action}`));
      // some steps have a field or two
      const go = page.locator(by("ask-go"));
      await Promise.race([go.waitFor(), page.waitForFunction(s => document.querySelector(`.chips .state-${s}`) !== null, state)]);
      if (await go.count() > 0) await go.click();
      await page.waitForFunction(s => document.querySelector(`.chips .state-${s}`) !== null, state);
    }
    const { incident } = await get<{ incident: Incident }>(service, `/api/incidents/${made.id}`);
    expect(incident.state).toBe("closed");
    await picture(page, "m07-closed");

    const other = await report(service, { category: "other", occurred_at: ago(2), at: lived[12]! });
    await page.click(by("unpick"));
    await page.click(by(`incident-${other.id}`));
    await page.click(by("act-reject"));
    await page.click(by("ask-go"));
    // the browser holds an empty reason back
    expect(await page.locator(by("ask-reason")).count()).toBe(1);
    await page.fill(by("ask-reason"), "重复上报");
    await page.click(by("ask-go"));
    await page.waitForSelector(".chips .state-rejected");
    expect(await page.textContent(by("transitions"))).toContain("重复上报");
    expect(faults).toEqual([]);
    await context.close();
  });

  it("that somebody else moved meanwhile is read again", async () => {
    const made = await report(service, { category: "other", occurred_at: ago(2), at: lived[13]! });
    const { page, context } = await enter(browser, service, `&incident=${made.id}`);
    await page.waitForSelector(by("act-accept"));
    // this page hears nothing of what the other does
    await page.route("**/api/incidents/*", route => route.request().method() === "GET" ? route.abort() : route.continue());
    await fetch(`${service.url}/api/incidents/${made.id}/transitions`, { method: "POST", headers: { "content-type": "application/json", origin: new URL(service.url).origin, "idempotency-key": `other-${made.id}` }, body: JSON.stringify({ action: "accept", base_version: made.version }) });
    await page.click(by("act-accept"));
    await page.waitForSelector(".notice");
    await page.unroute("**/api/incidents/*");
    await page.reload();
    await page.waitForSelector(".chips .state-accepted");
    await context.close();
  });
});

describe("M9 the service goes and comes again", () => {
  it.skipIf(process.env["LIANHU_URL"] !== undefined)("the badge is red, then all incidents are there, each once", async () => {
    const { page, context } = await enter(browser, service, "&range=24h");
    await service.kill();
    await until(page, "connected", false);
    await page.waitForSelector(".age.old");
    await picture(page, "m09-cut-off");
    await service.start();
    const made = [await report(service, { category: "other", occurred_at: ago(1), at: lived[20]! }), await report(service, { category: "other", occurred_at: ago(1), at: lived[21]! })];
    await until(page, "connected", true);
    for (const i of made) await page.locator(by(`incident-${i.id}`)).waitFor();
    await page.waitForFunction(() => document.querySelector(".age.old") === null);
    const { incidents, filter } = await watch(page), ids = incidents.map(i => i.id);
    const there = await get<{ incidents: Incident[] }>(service, `/api/incidents?limit=100&from=${encodeURIComponent(filter.from!)}&to=${encodeURIComponent(filter.to!)}`);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(there.incidents.map(i => i.id).sort());
    await context.close();
  });
});

describe("M12 the form on a phone", () => {
  it("keeps a report while there is no line and sends it once, from where the phone is", async () => {
    const here = lived[30]!, { page, context, faults } = await visit(browser, service, { viewport: { width: 390, height: 844 }, hasTouch: true, geolocation: { longitude: here[0], latitude: here[1] }, permissions: ["geolocation"] }, "/?view=report");
    await page.waitForSelector(by("category-livelihood"));
    await page.click(by("locate"));
    await page.waitForFunction(() => document.querySelector("[data-testid=located]")!.textContent!.startsWith("已定位"));
    const before = await countOf(service, "");
    await context.setOffline(true);
    await page.check(by("category-livelihood"));
    await page.fill(by("report-summary"), "桥面有坑");
    await page.click(by("report-go"));
    await page.waitForSelector(by("reports-offline"));
    await picture(page, "m12-offline");
    expect(await countOf(service, "")).toBe(before);
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await context.setOffline(false);
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await page.waitForSelector(`${by("sent")} li`);
    expect(await countOf(service, "")).toBe(before + 1);
    const sent = await page.evaluate(() => (window.lianhu as unknown as { state(): { sent: { id: string; at: [number, number] }[]; waiting: number } }).state());
    expect(sent.waiting).toBe(0);
    expect(Math.hypot((sent.sent[0]!.at[0] - here[0]) * 100_000, (sent.sent[0]!.at[1] - here[1]) * 111_000)).toBeLessThan(15);
    await page.reload();
    await page.waitForSelector(by("category-livelihood"));
    expect(await countOf(service, "")).toBe(before + 1);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    await picture(page, "m12-form");
    expect(faults).toEqual([]);
    await context.close();
  });

  it("sends a photo after the report, small and without the place it was taken at, and the card shows it", async () => {
    const here = lived[31]!, { page, context, faults } = await visit(browser, service, { viewport: { width: 390, height: 844 }, hasTouch: true }, "/?view=report");
    await page.waitForSelector(by("category-livelihood"));
    const drawn = await page.evaluate(async () => {
      const canvas = document.createElement("canvas"), pen = canvas.getContext("2d")!;
      [canvas.width, canvas.height] = [2_400, 1_200];
      for (let k = 0; k < 24; k++) { pen.fillStyle = `hsl(${k * 15} 70% 50%)`; pen.fillRect(k * 100, 0, 100, 1_200); }
      const file = await new Promise<Blob>(done => canvas.toBlob(b => done(b!), "image/jpeg", 0.9));
      return [...new Uint8Array(await file.arrayBuffer())];
    });
    const taken = withPlace(Buffer.from(drawn));
    expect([taken.includes("Exif"), taken.includes("GPS-TEST")]).toEqual([true, true]);
    const before = await countOf(service, "");
    await page.setInputFiles(by("report-photo"), { name: "IMG_0001.jpg", mimeType: "image/jpeg", buffer: taken });
    await page.waitForSelector(by("photo-seen"));
    await page.check(by("category-livelihood"));
    await page.fill(by("report-summary"), "护栏断裂");
    await context.setOffline(true);
    await page.click(by("report-go"));
    await page.waitForSelector(by("reports-offline"));
    await picture(page, "m12-photo-offline");
    // kept in the browser over a reload, then sent once; until then the service is out of reach, or it would be sent before
    await page.route("**/api/incidents", route => route.request().method() === "POST" ? route.abort() : route.continue());
    await context.setOffline(false);
    await page.reload();
    await page.waitForFunction(() => "lianhu" in window && (window.lianhu as unknown as { state(): { waiting: number } }).state().waiting === 1);
    await page.unroute("**/api/incidents");
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await page.waitForFunction(() => { const s = (window.lianhu as unknown as { state(): { sent: object[]; waiting: number } }).state(); return s.sent.length === 1 && s.waiting === 0; });
    expect(await countOf(service, "")).toBe(before + 1);
    const [sent] = await page.evaluate(() => (window.lianhu as unknown as { state(): { sent: { id: string }[] } }).state().sent);
    const url = `${service.url}/api/incidents/${sent!.id}/photo`, answer = await fetch(url), kept = Buffer.from(await answer.arrayBuffer());
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "image/jpeg"]);
    expect([kept.includes("Exif"), kept.includes("GPS-TEST"), kept.length < taken.length]).toEqual([false, false, true]);
    await page.reload();
    await page.waitForSelector(by("category-livelihood"));
    expect([await countOf(service, ""), await page.evaluate(() => indexedDB.databases().then(l => l.length))]).toEqual([before + 1, 1]);
    expect(await page.evaluate(() => new Promise(done => { const r = indexedDB.open("lianhu.reports"); r.onsuccess = () => { const all = r.result.transaction("photos").objectStore("photos").count(); all.onsuccess = () => done(all.result); }; }))).toBe(0);
    expect(faults).toEqual([]);
    await context.close();

    // whoever sends the file as the camera wrote it leaves no more behind
    const other = await report(service, { category: "other", occurred_at: ago(1), at: here });
    const put = await fetch(`${service.url}/api/incidents/${other.id}/photo`, { method: "PUT", headers: { "content-type": "image/jpeg", origin: new URL(service.url).origin }, body: new Uint8Array(taken) });
    expect(put.status).toBe(201);
    const bare = Buffer.from(await (await fetch(`${service.url}/api/incidents/${other.id}/photo`)).arrayBuffer());
    expect([bare.includes("Exif"), bare.includes("GPS-TEST"), bare.length > 1_000]).toEqual([false, false, true]);

    const room = await enter(browser, service, `&incident=${sent!.id}`);
    await room.page.waitForFunction(id => { const i = document.querySelector<HTMLImageElement>(`[data-testid="${id}"]`); return i !== null && i.complete && i.naturalWidth > 0; }, "incident-photo");
    expect(await room.page.evaluate(() => { const i = document.querySelector<HTMLImageElement>("[data-testid=incident-photo]")!; return [i.naturalWidth, i.naturalHeight, i.alt]; })).toEqual([1_600, 800, "事件照片"]);
    await picture(room.page, "m12-photo-card");
    await room.page.click(by("photo-remove"));
    await room.page.click(by("ask-go"));
    await until(room.page, "photo", null);
    expect((await fetch(url)).status).toBe(404);
    expect(room.faults).toEqual([]);
    await room.context.close();
  });

  it("tells why the service refuses one", async () => {
    const { page, context } = await visit(browser, service, { viewport: { width: 390, height: 844 } }, "/?view=report");
    await page.waitForSelector(by("category-livelihood"));
    const before = await countOf(service, "");
    await page.fill(by("report-summary"), "请联系 13800138000");
    await page.click(by("report-go"));
    await page.waitForSelector(`${by("reports")} .banner.bad`);
    expect(await countOf(service, "")).toBe(before);
    await context.close();
  });
});

describe("M14 clocks", () => {
  it("a clock that is wrong is told of, and time follows the service's", async () => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: "UTC" }), page = await context.newPage();
    await page.clock.install({ time: Date.now() + 11 * 60_000 });
    await page.goto(`${service.url}/?view=room`);
    await page.waitForSelector(by("skew"));
    expect(await page.textContent(by("skew"))).toBe("本机时钟快 11 分钟");
    const shown = (await page.textContent(by("clock")))!, real = new Date(Date.now() + 8 * 3_600_000).toISOString();
    const minutes = (t: string): number => Number(t.slice(0, 2)) * 60 + Number(t.slice(3, 5));
    expect(Math.min(...[-1_440, 0, 1_440].map(d => Math.abs(minutes(shown) - minutes(real.slice(11)) + d)))).toBeLessThanOrEqual(1);
    await picture(page, "m14-skew");
    await context.close();
  });

  it("at midnight in Shanghai a day ends by itself: today begins at nothing, seven days keep what was", async () => {
    await report(service, { category: "other", occurred_at: ago(0), at: lived[5]! });
    const DAY = 86_400_000, AHEAD = 8 * 3_600_000, midnight = Math.floor((Date.now() + AHEAD) / DAY) * DAY - AHEAD + DAY;
    const said = (at: number): string => encodeURIComponent(`${new Date(at + AHEAD).toISOString().slice(0, 19)}+08:00`);
    const during = (from: number, to: number): Promise<number> => countOf(service, `from=${said(from)}&to=${said(to)}`);
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: "America/New_York" }), page = await context.newPage();
    // both clocks stand just before midnight; the service's own day is its clock's, so its counts are given for the day that the page has
    let day = midnight - DAY;
    await page.addInitScript(silentFeed);
    await page.route("**/api/statistics?by=category*", async route => {
      const answer = await route.fetch(), told = await answer.json() as Statistics;
      const [today, days7] = await Promise.all([during(day, day + DAY), during(day - 6 * DAY, day + DAY)]);
      await route.fulfill({ response: answer, json: { ...told, totals: { ...told.totals, today, days7 } } });
    });
    await page.clock.install({ time: midnight - 45_000 });
    await page.goto(`${service.url}/?view=room&range=7d`);
    await page.waitForFunction(() => "lianhu" in window);
    await until(page, "series", null, true);
    await until(page, "totals", null, true);
    const before = await watch(page), today = before.totals!.today, week = before.totals!.days7;
    expect([before.skew_ms, await page.locator(by("skew")).count()]).toEqual([0, 0]);
    expect(today).toBeGreaterThan(0);
    expect(today).toBe(await during(midnight - DAY, midnight));
    expect([before.series!.counts.length, before.series!.counts[6], before.filter.to]).toEqual([7, today, decodeURIComponent(said(midnight))]);
    expect(await page.textContent(by("total-today"))).toBe(String(today));
    expect(await page.textContent(by("clock"))).toMatch(/^23:59:/);

    // neither the feed, which would come again after its silence, nor what is renewed every minute has a hand in this
    await feedOf(page, { deaf: true });
    day = midnight;
    await page.clock.fastForward(46_000);
    await page.waitForFunction(() => document.querySelector("[data-testid=total-today]")?.textContent === "0");
    expect(await page.textContent(by("clock"))).toMatch(/^00:0/);
    // the window moved on by a day: the last bar is the new day's, the one before it holds what was today's
    await page.waitForFunction(n => { const c = (window.lianhu as unknown as { state(): { series: { counts: number[] } | null } }).state().series?.counts; return c !== undefined && c[6] === 0 && c[5] === n; }, today);
    const after = await watch(page);
    expect(after.filter.to).toBe(decodeURIComponent(said(midnight + DAY)));
    expect([after.totals!.today, after.totals!.days7]).toEqual([0, week - before.series!.counts[0]!]);
    expect(after.totals!.days7).toBeGreaterThanOrEqual(today);
    expect(after.series!.counts.reduce((s, n) => s + n, 0)).toBe(after.totals!.days7);
    await picture(page, "m14-midnight");
    await context.close();
  });
});
