// The planner's journeys, in headless Chromium against the real program.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { households, makeActive, paint, selectCells } from "./hands";
import { borderCells, browse, by, look, openDraft, openTownship, openVillage, picture, pocket, screen, Service, settled, visit } from "./service";

const service = new Service();
let browser: Browser;
beforeAll(async () => { await service.start(); browser = await browse(); }, 240_000);
afterAll(async () => { await browser?.close(); await service.end(); });

describe("P1 from the region to the village", () => {
  it("shows borders, coloured grids and their list, and asks nobody else", async () => {
    const { page, context, requests, faults } = await visit(browser, service);
    await openTownship(page);
    await picture(page, "p01-township");
    // figures of every village, and nothing of a single house until one comes near
    const rows = page.locator(`${by("panel")} [data-testid^="village-"]`);
    expect(await rows.first().textContent()).toMatch(/\d 户 · \d+ 个网格/);
    const far = await look(page);
    expect(far.overview.buildings).toBe(0);
    expect(far.overview.grids).toBeLessThanOrEqual(500);
    const [lon, lat] = await page.evaluate(async () => {
      const found = await (await fetch("/ogc/collections/buildings/items?limit=1")).json() as { features: { geometry: { coordinates: [number, number] } }[] };
      return found.features[0]!.geometry.coordinates;
    });
    await page.evaluate(([x, y]) => window.lianhu.look(x!, y!, 15.5), [lon, lat]);
    await page.waitForFunction(() => window.lianhu.state().overview.buildings > 0 && window.lianhu.state().overview.grids > 0);
    await picture(page, "p01-near");
    await openVillage(page);
    const state = await look(page), atoms = await page.evaluate(() => window.lianhu.atoms());
    expect(Object.keys(state.totals).length).toBeGreaterThan(1);
    for (const atom of atoms) for (const b of atom.near) {
      const other = atoms[b]!.grid;
      if (atom.grid !== null && other !== null && other !== atom.grid) expect(state.colours[atom.grid]).not.toBe(state.colours[other]);
    }
    const [code, total] = Object.entries(state.totals)[0]!;
    expect(await page.textContent(`${by(`grid-${code}`)} .households`)).toBe(total.households.toLocaleString("en-US").replace(/,/g, "\u2009"));
    // hamlets are the grids here: none has a target to miss
    expect(await page.locator(`${by("grids")} .deviation`).count()).toBe(0);
    expect(state.problems).toEqual([]);
    expect(await page.locator(by("no-target")).count()).toBe(1);
    await picture(page, "p01-village");
    await page.click(by("language"));
    await page.waitForFunction(() => document.documentElement.lang === "en");
    await picture(page, "p01-english");
    await page.click(by("language"));
    const origin = new URL(service.url).origin;
    expect(requests.filter(r => !r.startsWith(origin) && !r.startsWith("data:"))).toEqual([]);
    expect(faults).toEqual([]);
    expect(await page.evaluate(() => window.__csp)).toEqual([]);
    await context.close();
  });
});

describe("P4 the brush", () => {
  it("tells totals and units while it paints; Esc leaves all as it was; release applies", async () => {
    const { page, context, faults } = await visit(browser, service);
    await openDraft(page, "P4");
    const before = await look(page), [cell] = await borderCells(page);
    await paint(page, cell!.atom, cell!.to, false);
    const during = await look(page);
    const words = await page.textContent(by("stroke-totals"));
    expect(words).toMatch(/^\d[\d\u2009]* → \d[\d\u2009]* \| \d[\d\u2009]* → \d[\d\u2009]*$/);
    expect(during.stroke!.totals.at(-1)!.after - during.stroke!.totals.at(-1)!.before).toBe(during.stroke!.households);
    await picture(page, "p04-stroke");
    await page.keyboard.press("Escape");
    await page.mouse.up();
    expect(households(await look(page))).toEqual(households(before));
    expect((await look(page)).hash).toBe(before.hash);

    await paint(page, cell!.atom, cell!.to);
    await page.waitForFunction(h => window.lianhu.state().hash !== h, before.hash);
    const after = await look(page);
    expect(after.totals[cell!.to]!.households - before.totals[cell!.to]!.households).toBe(before.totals[cell!.from]!.households - after.totals[cell!.from]!.households);
    expect(after.plan!.version).toBeGreaterThan(before.plan!.version);
    await page.waitForFunction(() => window.lianhu.state().history.length === 1);
    await picture(page, "p04-applied");
    expect(faults).toEqual([]);
    await context.close();
  });

  it("on the plan in force offers a draft first", async () => {
    const { page, context } = await visit(browser, service);
    await openVillage(page);
    const before = await look(page), [cell] = await borderCells(page);
    await paint(page, cell!.atom, cell!.to);
    await page.waitForSelector(by("fork-go"));
    await picture(page, "p04-fork");
    await page.click(by("fork-go"));
    await page.waitForFunction(h => { const s = window.lianhu.state(); return s.plan?.status === "draft" && s.hash !== h && s.waiting === 0; }, before.hash);
    const after = await look(page);
    expect(after.plan!.id).not.toBe(before.plan!.id);
    expect(after.totals[cell!.to]!.households).toBeGreaterThan(before.totals[cell!.to]!.households);
    await context.close();
  });
});

describe("P7 a stroke that splits a grid", () => {
  it("hatches and names the stranded part; one key each gives, cancels or keeps", async () => {
    const { page, context, faults } = await visit(browser, service);
    await openDraft(page, "P7");
    const before = await look(page), found = await pocket(page);
    expect(found).not.toBeNull();
    const stroke = async (): Promise<void> => {
      await selectCells(page, found!.ring);
      await makeActive(page, found!.to);
      await page.click(by("assign"));
      await page.waitForSelector(by("stranded"));
    };
    await stroke();
    const pending = await look(page);
    const part = pending.stroke!.stranded.find(p => p.grid === found!.from)!;
    expect(part.buildings.length).toBeGreaterThan(0);
    expect(await page.textContent(by("stranded"))).toContain(part.buildings[0]!);
    await picture(page, "p07-stranded");
    await page.keyboard.press("Escape");
    expect(households(await look(page))).toEqual(households(before));
    await stroke();
    await page.keyboard.press("k");
    await page.waitForFunction(h => window.lianhu.state().hash !== h, before.hash);
    await settled(page);
    const kept = await look(page);
    expect(kept.problems.filter(p => p.hard).length).toBeGreaterThan(0);
    await page.focus(by("map"));
    await page.keyboard.press("n");
    expect((await look(page)).problem).toBe(0);
    expect(await page.textContent(by("spoken"))).not.toBe("");
    await picture(page, "p09-problem");
    await page.click(by("undo"));
    await page.waitForFunction(h => window.lianhu.state().hash === h, before.hash);
    await settled(page);
    await stroke();
    await page.keyboard.press("g");
    await page.waitForFunction(h => window.lianhu.state().hash !== h || window.lianhu.state().dialog !== null, before.hash);
    const given = await look(page);
    expect(given.dialog).toBeNull();
    expect(given.problems.filter(p => p.hard)).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });
});

describe("P5 and P6 areas and locks", () => {
  it("select by rectangle and lasso, add with Shift, subtract with Alt; a lock holds", async () => {
    const { page, context } = await visit(browser, service);
    await openDraft(page, "P6");
    const box = (await page.locator(by("map")).boundingBox())!;
    const drag = async (points: [number, number][]): Promise<void> => {
      const at = points.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height] as const);
      await page.mouse.move(...at[0]!);
      await page.mouse.down();
      for (const p of at.slice(1)) await page.mouse.move(...p, { steps: 4 });
      await page.mouse.up();
    };
    await page.click(by("tool-rectangle"));
    await drag([[0.3, 0.3], [0.6, 0.6]]);
    const first = (await look(page)).selection.length;
    expect(first).toBeGreaterThan(0);
    await page.click(by("tool-lasso"));
    await page.keyboard.down("Shift");
    await drag([[0.6, 0.3], [0.85, 0.35], [0.8, 0.7], [0.6, 0.65]]);
    await page.keyboard.up("Shift");
    const more = (await look(page)).selection.length;
    expect(more).toBeGreaterThan(first);
    await picture(page, "p05-selection");
    await page.keyboard.down("Alt");
    await drag([[0.3, 0.3], [0.6, 0.3], [0.6, 0.6], [0.3, 0.6]]);
    await page.keyboard.up("Alt");
    expect((await look(page)).selection.length).toBeLessThan(more);
    await page.keyboard.press("Escape");

    const before = await look(page), cells = await borderCells(page), cell = cells[0]!;
    await makeActive(page, cell.from);
    await page.click(by("lock-grid"));
    await page.waitForFunction(c => window.lianhu.state().totals[c]!.locked, cell.from);
    await picture(page, "p06-locked");
    await makeActive(page, cell.to);
    await page.click(by("tool-brush"));
    const at = await screen(page, cell.atom);
    await page.mouse.move(at![0], at![1]);
    await page.mouse.down();
    await page.mouse.move(at![0] + 1, at![1] + 1);
    await page.waitForFunction(() => (window.lianhu.state().stroke?.held ?? 0) > 0);
    await page.mouse.up();
    expect(households(await look(page))).toEqual(households(before));
    const refused = await page.evaluate(async ([plan, village, version, building, to]) => (await fetch(`/api/plans/${plan}/edits`, {
      method: "POST", headers: { "content-type": "application/json", "idempotency-key": "lock-holds" },
      body: JSON.stringify({ village, base_version: version, policy: "refuse", operations: [{ operation: "transfer_buildings", buildings: [building], to }] }),
    })).status, [before.plan!.id, before.village!, (await look(page)).plan!.version, cell.buildings[0]!, cell.to] as const);
    if (service.isOurs) expect(refused).toBe(422);
    await context.close();
  });
});

describe("P17 by keyboard alone", () => {
  it("walks, assigns and hears totals", async () => {
    const { page, context } = await visit(browser, service);
    await openDraft(page, "P17");
    await page.focus(by("map"));
    await page.keyboard.press("ArrowRight");
    const seen = new Set<string>();
    for (const key of ["ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowUp", "ArrowRight", "ArrowRight"]) {
      await page.keyboard.press(key);
      const { focus } = await look(page);
      if (focus !== null) seen.add(focus.join());
    }
    expect(seen.size).toBeGreaterThan(2);
    expect(await page.textContent(by("spoken"))).toMatch(/户/);
    // A makes the grid of the focused building the receiver; a walk over the border and Enter assigns
    await page.keyboard.press("a");
    const start = await look(page);
    expect(start.active).not.toBeNull();
    let crossed = false;
    for (const key of ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"]) {
      for (let k = 0; k < 40 && !crossed; k++) {
        const focus = (await look(page)).focus;
        await page.keyboard.press(key);
        const now = (await look(page)).focus;
        if (now === null || String(now) === String(focus)) break;
        crossed = await page.evaluate(([id, grid]) => window.lianhu.atoms().find(x => x.buildings.includes(id!))?.grid !== grid, [now[0], start.active] as const);
      }
      if (crossed) break;
    }
    expect(crossed).toBe(true);
    await picture(page, "p17-keyboard");
    await page.keyboard.press("Enter");
    await page.waitForFunction(h => { const s = window.lianhu.state(); return s.hash !== h || s.pending || s.dialog !== null; }, start.hash);
    expect(await page.textContent(by("spoken"))).not.toBe("");
    await context.close();
  });
});
