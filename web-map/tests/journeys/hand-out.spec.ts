// A plan leaves the page: it is published, or refused; files and ledgers hold what the open plan says, not what is in force.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { changed, paint, strand } from "./hands";
import { rowsOfCsv, unzip } from "./offices";
import { borderCells, browse, by, look, openDraft, openVillage, picture, pocket, Service, settled, visit } from "./service";

const service = new Service();
let browser: Browser;
beforeAll(async () => { await service.start(); browser = await browse(); }, 240_000);
afterAll(async () => { await browser?.close(); await service.end(); });

describe("P15 publish", () => {
  it("checks, publishes with a date, and is read only from then on", async () => {
    const { page, context } = await visit(browser, service);
    await openDraft(page, "P15");
    await page.click(by("check"));
    await page.waitForSelector(by("checked"));
    // every check with its result, not only that all is well
    const checks = await page.locator(`${by("checks")} tr`).allTextContents();
    expect(checks.map(c => /^[HS]\d+/.exec(c)?.[0])).toEqual([...Array.from({ length: 11 }, (_, i) => `H${i + 1}`), "S1", "S4"]);
    for (const line of checks.slice(0, 11)) expect(line).toMatch(/^H\d+ .{4,}通过$/);
    await page.click(by("publish"));
    // and once more where one decides
    expect(await page.locator(`${by("dialog")} ${by("checks")} tr`).allTextContents()).toEqual(checks);
    await picture(page, "p15-publish");
    // what was looked at is older than what is there
    await page.route("**/publish", async (route, request) => {
      const body = request.postDataJSON() as { base_version: number };
      await route.continue({ postData: JSON.stringify({ ...body, base_version: body.base_version - 1 }) });
    }, { times: 1 });
    await page.click(by("publish-go"));
    await page.waitForSelector(`${by("notice")}.bad`);
    expect(await page.textContent(by("notice"))).toMatch(/现为第 \d+ 版，因此没有发布/);
    expect((await look(page)).dialog).toBeNull();
    expect((await look(page)).plan?.status).toBe("draft");
    await picture(page, "p15-stale");
    interface Row { id: string; status: string; valid_from: string | null; valid_to: string | null }
    const plans = (): Promise<Row[]> => page.evaluate(async () => (await (await fetch("/api/plans")).json() as { plans: Row[] }).plans);
    const codes = (): Promise<string[][]> => page.evaluate(async () => {
      const { plan, village } = window.lianhu.state(), told = await (await fetch(`/api/plans/${plan!.id}/villages/${village}`)).json() as Record<"grids" | "units", { code: string }[]>;
      return [told.grids, told.units].map(l => l.map(x => x.code));
    });
    const { plan } = await look(page), before = await plans(), named = await codes();
    expect(before.find(p => p.id === plan!.id)).toMatchObject({ status: "draft", valid_from: null });
    expect(named.map(l => l.length > 1)).toEqual([true, true]);
    await page.click(by("publish"));
    // not the day that is offered
    const day = new Date(Date.parse(await page.inputValue(by("publish-date"))) + 3 * 86_400_000).toISOString().slice(0, 10);
    await page.fill(by("publish-date"), day);
    await page.click(by("publish-go"));
    await page.waitForFunction(() => { const s = window.lianhu.state(); return s.plan?.status === "live" && s.dialog === null; });
    await page.waitForSelector(by("read-only"));
    expect(await page.textContent(by("read-only"))).toContain(`（${day} 起）`);
    const after = await plans(), until = before.find(p => p.status === "live")!;
    expect(after.find(p => p.id === plan!.id)).toMatchObject({ status: "live", valid_from: day, valid_to: null });
    expect(after.find(p => p.id === until.id)).toMatchObject({ status: "retired", valid_from: until.valid_from, valid_to: day });
    // what carries a code keeps it
    expect(await codes()).toEqual(named);
    expect(await page.isDisabled(by("undo"))).toBe(true);
    await page.click(by("tab-plan"));
    await picture(page, "p15-published");
    await context.close();
  });

  it("shows what was in force on any day, by the list and by a date, and lets nobody edit it", async () => {
    const { page, context, faults } = await visit(browser, service);
    await openVillage(page);
    await page.click(by("tab-plan"));
    const all = await page.evaluate(async () => (await (await fetch("/api/plans")).json() as { plans: { id: string; status: string; valid_from: string | null; valid_to: string | null }[] }).plans.filter(p => p.status !== "draft"));
    const [first] = [...all].sort((a, b) => a.valid_from!.localeCompare(b.valid_from!)), now = all.find(p => p.status === "live")!;
    expect(all.length).toBeGreaterThan(1);
    expect(await page.locator(`${by("published")} li`).count()).toBe(all.length);
    expect(await page.textContent(by(`published-${first!.id}`))).toContain(`${first!.valid_from} – ${first!.valid_to}`);
    // by the keyboard: the day the first one began
    const ask = async (day: string): Promise<void> => { await page.fill(by("day"), day); await page.focus(by("day-go")); await page.keyboard.press("Enter"); };
    await ask(first!.valid_from!);
    await page.waitForFunction(id => window.lianhu.state().plan?.id === id && location.hash.includes(id), first!.id);
    await page.waitForSelector(by("read-only"));
    expect(await page.textContent(by("read-only"))).toContain(`停用方案（${first!.valid_from} – ${first!.valid_to}）`);
    expect([await page.isDisabled(by("undo")), await page.isDisabled(by("publish")), (await look(page)).plan!.status]).toEqual([true, true, "retired"]);
    await picture(page, "p15-by-date");
    // the day one ends is the next one's first
    await ask(first!.valid_to!);
    await page.waitForFunction(id => window.lianhu.state().plan?.id !== id, first!.id);
    await page.waitForFunction(words => (document.querySelector("[data-testid=notice]")?.textContent ?? "").startsWith(words), `${first!.valid_to} 的现行方案`);
    await ask("1999-01-01");
    await page.waitForSelector(`${by("notice")}.bad`);
    expect(await page.textContent(by("notice"))).toContain("1999-01-01 还没有现行方案");
    await page.click(by(`published-${now.id}`));
    await page.waitForFunction(id => window.lianhu.state().plan?.id === id && location.hash.includes(id), now.id);
    expect(faults).toEqual([]);
    await context.close();
  });

  it("is refused with the list of what is wrong; a draft stays a draft", async () => {
    const { page, context } = await visit(browser, service);
    await openDraft(page, "P15 broken");
    const found = (await pocket(page))!, { hash } = await look(page);
    await strand(page, found);
    await page.keyboard.press("k");
    await changed(page, hash);
    await settled(page);
    const { plan } = await look(page);
    await page.click(by("publish"));
    const refused = page.waitForResponse(r => r.url().endsWith("/publish"));
    await page.click(by("publish-go"));
    const answer = await refused, { breaches } = await answer.json() as { breaches: { rule: string; ids: string[]; message: string }[] };
    expect(answer.status()).toBe(422);
    expect(breaches.length).toBeGreaterThan(0);
    await page.waitForSelector(by("checked"));
    const told = await page.locator(`${by("checked")} li`).allTextContents();
    expect(told.length).toBe(breaches.length);
    breaches.forEach((b, i) => { expect(told[i]).toContain(b.rule); expect(told[i]).toContain(b.message.split(" / ")[0]); });
    for (const rule of new Set(breaches.map(b => b.rule))) expect(await page.textContent(by(`check-${rule}`))).toContain(`${breaches.filter(b => b.rule === rule).length} 处违反`);
    expect(await page.textContent(by("check-H9"))).toContain("通过");
    expect(breaches.some(b => b.rule === "H3" && b.ids.includes(found.from))).toBe(true);
    const after = await look(page);
    expect([after.plan!.status, after.plan!.id, after.dialog, after.tab]).toEqual(["draft", plan!.id, null, "plan"]);
    await picture(page, "p15-refused");
    await context.close();
  });
});

/** What a download holds. */
async function take(page: Page, layer: string, format: string): Promise<Buffer> {
  await page.selectOption(by("export-layer"), layer);
  await page.selectOption(by("export-format"), format);
  const [file] = await Promise.all([page.waitForEvent("download"), page.click(by("export-go"))]);
  return readFileSync(await file.path());
}

const fetched = async (page: Page, testid: string, more = ""): Promise<Buffer> => {
  const answer = await page.request.get(new URL((await page.getAttribute(by(testid), "href"))! + more, page.url()).href);
  expect(answer.status(), testid).toBe(200);
  return answer.body();
};

describe("P16 hand out", () => {
  it("writes the plan that is open, in every format, and its ledgers for Excel", async () => {
    const { page, context, faults } = await visit(browser, service);
    await openDraft(page, "P16");
    const before = await look(page), cell = (await borderCells(page))[0]!;
    await paint(page, cell.atom, cell.to);
    await changed(page, before.hash);
    await settled(page);
    const own = await look(page);
    expect(own.totals[cell.to]!.households).toBe(before.totals[cell.to]!.households + cell.households);
    await page.click(by("tab-plan"));
    await picture(page, "p16-exports");
    const households = (of: typeof own): Record<string, number> => Object.fromEntries(Object.entries(of.totals).map(([code, t]) => [code, t.households]));

    const csv = Object.fromEntries(rowsOfCsv((await take(page, "grids", "csv")).toString()).map(r => [r["code"], Number(r["households"])]));
    expect(csv).toEqual(households(own));
    expect(csv).not.toEqual(households(before));
    const geojson = JSON.parse((await take(page, "grids", "geojson")).toString()) as { features: { geometry: { type: string }; properties: { code: string; households: number } }[] };
    expect(Object.fromEntries(geojson.features.map(f => [f.properties.code, f.properties.households]))).toEqual(csv);
    expect(geojson.features.every(f => /Polygon$/.test(f.geometry.type))).toBe(true);

    const village = await page.evaluate(async ([plan, v]) => await (await fetch(`/api/plans/${plan}/villages/${v}`)).json() as { units: { code: string; households: number; leader: string | null; deputies: string[] }[] }, [own.plan!.id, own.village!] as const);
    const units = village.units.filter(u => u.households > 0);
    expect(Object.fromEntries(rowsOfCsv((await take(page, "units", "csv")).toString()).map(r => [r["code"], Number(r["households"])]))).toEqual(Object.fromEntries(units.map(u => [u.code, u.households])));
    const leaders = rowsOfCsv((await take(page, "leaders", "csv")).toString());
    expect(leaders.map(l => `${l["unit"]} ${l["household"]}`).sort()).toEqual(units.flatMap(u => [u.leader, ...u.deputies].filter(p => p !== null).map(p => `${u.code} ${p}`)).sort());

    const begins: Record<string, (file: Buffer) => boolean> = {
      geojson: f => f.toString().startsWith("{"), geojsonseq: f => f.toString().trim().split("\n").every(line => JSON.parse(line.replace(/^\x1e/, "")) !== null), fgb: f => f.toString("latin1", 0, 3) === "fgb",
      gpkg: f => f.toString("latin1", 0, 15) === "SQLite format 3", shp: f => [...unzip(f).keys()].some(n => n.endsWith(".shp")), kml: f => f.toString().includes("<kml"), csv: f => f.toString().includes("\n"),
      xlsx: f => unzip(f).has("xl/worksheets/sheet1.xml"), geoparquet: f => f.toString("latin1", 0, 4) === "PAR1" && f.toString("latin1", f.length - 4) === "PAR1",
    };
    const formats = await page.locator(`${by("export-format")} option`).evaluateAll(list => (list as HTMLOptionElement[]).map(o => o.value));
    expect([...formats].sort()).toEqual(Object.keys(begins).sort());
    for (const layer of await page.locator(`${by("export-layer")} option`).evaluateAll(list => (list as HTMLOptionElement[]).map(o => o.value)))
      for (const format of formats) expect(begins[format]!(await take(page, layer, format)), `${layer} ${format}`).toBe(true);
    expect(await page.textContent(by("notice"))).toContain("100.0%");

    // an office opens the ledger: its sheet speaks of the grid, with the households of the draft
    const sheet = unzip(await fetched(page, "ledger-grids")).get("xl/worksheets/sheet1.xml")!.toString();
    expect(sheet).toContain(cell.to);
    const ledger = rowsOfCsv((await fetched(page, "ledger-grids", "&f=csv")).toString());
    expect(Object.fromEntries(ledger.map(r => [r["网格编码"], Number(r["户数"])]))).toEqual(csv);
    for (const l of ["units", "gaps", "summary"]) expect(unzip(await fetched(page, `ledger-${l}`)).get("xl/worksheets/sheet1.xml")!.length, l).toBeGreaterThan(200);
    expect(unzip(await fetched(page, "ledger-units")).get("xl/worksheets/sheet1.xml")!.toString()).toContain(units[0]!.code);
    expect(faults).toEqual([]);
    await context.close();
  });

  it("prints the wall map of the village, as the open plan has it", async () => {
    const { page, context } = await visit(browser, service);
    await openDraft(page, "P16 wall");
    const { hash } = await look(page), cell = (await borderCells(page))[0]!;
    await paint(page, cell.atom, cell.to);
    await changed(page, hash);
    await settled(page);
    await page.click(by("tab-plan"));
    const { plan, village, totals } = await look(page);
    expect(await page.getAttribute(by("wall-pdf"), "href")).toBe(`/api/plans/${plan!.id}/wall-map?f=pdf&village=${village}`);
    const svg = (await fetched(page, "wall-svg")).toString(), pdf = await fetched(page, "wall-pdf");
    expect(svg).toContain("<svg");
    for (const [code, { households }] of Object.entries(totals)) expect(svg).toMatch(new RegExp(`>${code}[^<]* ${households} 户<`));
    expect(pdf.toString("latin1", 0, 4)).toBe("%PDF");
    expect(execFileSync("pdftotext", ["-layout", "-", "-"], { input: pdf }).toString()).toContain("网格与十联户划分图");
    await context.close();
  });
});
