// For everybody: without a mouse, on a telephone, with a screen reader, at twice the size; and names that would be code.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { judge, moving } from "./eyes";
import { changed, comeTo, makeActive, paint, receive, tabTo, touch, walkTo, way } from "./hands";
import { borderCells, browse, by, look, openDraft, openTownship, openVillage, picture, screen, Service, settled, visit } from "./service";

const service = new Service();
let browser: Browser;
beforeAll(async () => { await service.start(); browser = await browse(); }, 240_000);
afterAll(async () => { await browser?.close(); await service.end(); });

describe("A14 names are text", () => {
  it("wherever they stand", async () => {
    const { page, context, faults } = await visit(browser, service);
    await openDraft(page, `<svg onload=window.__xss=1>`);
    const { hash, totals } = await look(page), [code] = Object.keys(totals);
    await makeActive(page, code!);
    await page.fill(by("rename-name"), `"><img src=x onerror=window.__xss=1>`);
    await page.click(by("rename"));
    await changed(page, hash);
    for (const tab of ["units", "problems", "history", "plan", "grids"]) await page.click(by(`tab-${tab}`));
    expect(await page.textContent(by(`grid-${code}`))).toContain("onerror=");
    expect(await page.evaluate(() => window.__xss)).toBeUndefined();
    expect(await page.evaluate(() => window.__csp)).toEqual([]);
    expect(await page.locator("main img, aside img, header img").count()).toBe(0);
    expect(faults).toEqual([]);
    await context.close();
  });
});

describe("P17 by keyboard alone", () => {
  it("opens a township and a village and chooses a grid", async () => {
    const { page, context } = await visit(browser, service);
    await page.locator(`${by("panel")} [data-testid^="village-"]`).first().waitFor();
    const township = await tabTo(page, /^village-\d{9}$/);
    await page.keyboard.press("Enter");
    await page.waitForSelector(by("plan-status"));
    await page.waitForSelector(`${by("panel")} [data-testid^="${township}0"]`);
    const village = await tabTo(page, /^village-\d{12}$/);
    await page.keyboard.press("Enter");
    await page.waitForFunction(v => window.lianhu.state().village === v, village.slice("village-".length));
    expect(await page.textContent(by("spoken"))).toMatch(/\d+ 个网格/);
    const grid = await tabTo(page, /^pick-/);
    await page.keyboard.press("Enter");
    expect((await look(page)).active).toBe(grid.slice("pick-".length));
    expect(await page.textContent(by("spoken"))).toContain("接收网格");
    // and a tab with its arrow keys
    await tabTo(page, /^tab-/);
    await page.keyboard.press("ArrowRight");
    expect((await look(page)).tab).toBe("units");
    await context.close();
  });

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
    const before = await look(page), [cell] = await borderCells(page);
    await walkTo(page, cell!.atom);
    await page.keyboard.press("a");
    expect((await look(page)).active).toBe(cell!.from);
    await receive(page, cell!.to);
    expect(await page.textContent(by("spoken"))).toContain(`${before.totals[cell!.to]!.households} 户`);
    await picture(page, "p17-keyboard");
    await page.keyboard.press("Enter");
    await changed(page, before.hash);
    await settled(page);
    const after = await look(page);
    expect([after.dialog, after.pending]).toEqual([null, false]);
    expect(after.totals[cell!.to]!.households).toBe(before.totals[cell!.to]!.households + cell!.households);
    expect(after.totals[cell!.from]!.households).toBe(before.totals[cell!.from]!.households - cell!.households);
    const spoken = (await page.textContent(by("spoken")))!;
    expect(spoken).toContain(`${cell!.households} 户`);
    // and the new totals of both grids
    for (const code of [cell!.from, cell!.to]) expect(spoken).toMatch(new RegExp(`网格 ${code.slice(12)}[^；]*：${after.totals[code]!.households} 户`));
    await context.close();
  });
});

describe("P17 with a screen reader", () => {
  it("has no serious fault that axe knows, in both languages", async () => {
    const { page, context } = await visit(browser, service);
    await openTownship(page);
    expect(await judge(page)).toEqual([]);
    await openVillage(page);
    const [code] = Object.keys((await look(page)).totals);
    await makeActive(page, code!);
    for (const tab of ["units", "problems", "history", "plan", "grids"]) { await page.click(by(`tab-${tab}`)); expect(await judge(page), tab).toEqual([]); }
    await page.click(by("language"));
    expect(await judge(page)).toEqual([]);
    await context.close();
  });

  it("nor in any dialog or question", async () => {
    const { page, context } = await visit(browser, service);
    await openVillage(page);
    /** A dialog holds the focus, has a name, and is left with Escape. */
    const dialog = async (name: string): Promise<void> => {
      await page.waitForSelector(by("dialog"));
      expect(await judge(page), name).toEqual([]);
      expect(await page.evaluate(() => document.activeElement?.closest("dialog") !== null), name).toBe(true);
      expect(await page.locator("dialog h2").textContent(), name).not.toBe("");
      await page.keyboard.press("Escape");
      await page.waitForSelector(by("dialog"), { state: "detached" });
    };
    await page.click(by("fork-here"));
    await dialog("fork");
    await page.click(by("keys"));
    await dialog("keys");
    await page.click(by("import"));
    await dialog("import");
    await page.click(by("tab-plan"));
    await page.click(by("generate"));
    await page.waitForSelector(`${by("generate-profile")} option[value=pingba]`, { state: "attached" });
    await dialog("generate");
    await openDraft(page, "P17 dialogs");
    await page.click(by("publish"));
    await dialog("publish");
    // a proposal
    await page.click(by("tab-grids"));
    await makeActive(page, Object.keys((await look(page)).totals)[0]!);
    await page.click(by("split"));
    await page.waitForSelector(by("proposal"));
    expect(await judge(page), "proposal").toEqual([]);
    await page.click(by("drop"));
    // an edit that was refused
    const village = await page.evaluate(async () => { const { plan, village } = window.lianhu.state(); return await (await fetch(`/api/plans/${plan!.id}/villages/${village}`)).json() as { units: { code: string; households: number }[]; households: [string, number, number][] }; });
    const small = village.units.find(u => u.households === 7)!, grid = small.code.slice(0, 15), member = village.households.find(([, , u]) => village.units[u] === small)![0];
    await makeActive(page, grid);
    await page.click(by("tab-units"));
    await page.evaluate(id => { document.querySelector<HTMLDetailsElement>(id)!.open = true; }, by(`unit-${small.code}`));
    await page.selectOption(by(`move-${member}`), village.units.find(u => u.code.startsWith(grid) && u !== small && u.households < 13 && u.households > 0)!.code);
    await page.waitForSelector(by("refused-detail"));
    await dialog("refused");
    // another planner was faster
    const start = await look(page), [theirs, ...rest] = await borderCells(page), mine = rest.find(c => c.from === theirs!.from && c.to === theirs!.to)!;
    await paint(page, mine.atom, mine.to, false);
    await page.evaluate(([plan, v, b, to, base]) => fetch(`/api/plans/${plan}/edits`, {
      method: "POST", headers: { "content-type": "application/json", "idempotency-key": `faster-${plan}` },
      body: JSON.stringify({ village: v, base_version: base, policy: "refuse", operations: [{ operation: "transfer_buildings", buildings: [b], to }] }),
    }), [start.plan!.id, start.village!, theirs!.buildings[0]!, theirs!.to, start.plan!.version] as const);
    await page.mouse.up();
    await page.waitForSelector(by("conflict"));
    expect(await judge(page), "conflict").toEqual([]);
    await picture(page, "p17-conflict");
    await context.close();
  });
});

describe("P17 at twice the size", () => {
  it("cuts nothing off: every control is reached and the page does not run to the side", async () => {
    // 200 % of zoom on a screen of 1280 × 800 is a page of 640 × 400 with two device pixels each
    const { page, context } = await visit(browser, service, { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2, reducedMotion: "reduce" });
    /** Controls that no scrolling brings wholly before the eye. */
    const hidden = (): Promise<string[]> => page.evaluate(() => {
      const wrong: string[] = [];
      for (const e of document.querySelectorAll<HTMLElement>("button, select, input, summary, a[href]")) {
        const name = e.dataset["testid"] ?? e.textContent ?? "", style = getComputedStyle(e);
        if (e.closest("dialog") === null && document.querySelector("dialog[open]") !== null) continue;
        if (style.visibility === "hidden" || e.offsetParent === null || e.classList.contains("skip") || (e.closest("details") !== null && !e.closest("details")!.open && e.closest("summary") === null)) continue;
        e.scrollIntoView({ block: "center", inline: "center" });
        const box = e.getBoundingClientRect();
        if (box.width < 1 || box.left < -1 || box.right > innerWidth + 1 || box.top < -1 || box.bottom > innerHeight + 1) { wrong.push(`${name} ${[box.left, box.top, box.right, box.bottom].map(Math.round).join(" ")}`); continue; }
        const top = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
        if (top === null || !(e.contains(top) || top.contains(e) || e.closest("label")?.contains(top))) wrong.push(`${name} under ${top?.outerHTML.slice(0, 60)}`);
      }
      scrollTo(0, 0);
      if (document.documentElement.scrollWidth > innerWidth) wrong.push(`the page is ${document.documentElement.scrollWidth} wide`);
      return wrong;
    });
    await openTownship(page);
    expect(await hidden()).toEqual([]);
    await openDraft(page, "P17 large");
    await makeActive(page, Object.keys((await look(page)).totals)[0]!);
    await picture(page, "p17-twice");
    for (const tab of ["units", "problems", "history", "plan", "grids"]) { await page.click(by(`tab-${tab}`)); expect(await hidden(), tab).toEqual([]); }
    for (const [opener, name] of [["publish", "publish"], ["import", "import"], ["keys", "keys"]] as const) {
      await page.click(by(opener));
      await page.waitForSelector(by("dialog"));
      expect([await hidden(), await moving(page)], name).toEqual([[], []]);
      await picture(page, `p17-twice-${name}`);
      await page.keyboard.press("Escape");
      await page.waitForSelector(by("dialog"), { state: "detached" });
    }
    // and it works: a building goes to the neighbour
    const before = await look(page), [cell] = await borderCells(page);
    await walkTo(page, cell!.atom);
    await receive(page, cell!.to);
    await page.keyboard.press("Enter");
    await changed(page, before.hash);
    await settled(page);
    expect((await look(page)).totals[cell!.to]!.households).toBe(before.totals[cell!.to]!.households + cell!.households);
    await context.close();
  });
});

describe("P18 on a telephone", () => {
  it("works by touch: view, select, assign", async () => {
    const { page, context } = await visit(browser, service, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
    await openDraft(page, "P18");
    const before = await look(page), box = (await page.locator(by("map")).boundingBox())!;
    const cells = await borderCells(page);
    let chosen: (typeof cells)[number] | null = null;
    for (const cell of cells) {
      const at = await screen(page, cell.atom);
      if (at === null || at[1] > box.y + box.height - 8 || at[1] < box.y + 70) continue;
      await page.touchscreen.tap(at[0], at[1]);
      if ((await look(page)).selection.join() === cell.buildings.join()) { chosen = cell; break; }
    }
    expect(chosen).not.toBeNull();
    await picture(page, "p18-phone");
    await makeActive(page, chosen!.to);
    await page.click(by("assign"));
    await changed(page, before.hash);
    await settled(page);
    const after = await look(page);
    expect([after.dialog, after.pending]).toEqual([null, false]);
    expect(after.totals[chosen!.to]!.households).toBe(before.totals[chosen!.to]!.households + chosen!.households);
    expect(after.totals[chosen!.from]!.households).toBe(before.totals[chosen!.from]!.households - chosen!.households);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
    await picture(page, "p18-assigned");

    // one finger moves the map, two bring it nearer; neither chooses or paints
    /** The middle of the map once all of the village is on it. */
    const settle = async (tool: string): Promise<readonly [number, number]> => {
      await page.click(by(`tool-${tool}`));
      await page.click(by("zoom-all"));
      await page.locator(by("map")).scrollIntoViewIfNeeded();
      const { x, y, width, height } = (await page.locator(by("map")).boundingBox())!;
      return [Math.round(x + width / 2), Math.round(y + height / 2)];
    };
    const ends = (): Promise<[number, number][]> => page.evaluate(() => [0, window.lianhu.atoms().length - 1].map(a => window.lianhu.screen(a)!));
    const wide = ([a, b]: [number, number][]): number => Math.hypot(a![0] - b![0], a![1] - b![1]);
    const [mx, my] = await settle("select"), far = await ends();
    await touch(page, way([mx, my], [mx + 60, my - 40]));
    const panned = await ends();
    for (const k of [0, 1]) { expect(Math.abs(panned[k]![0] - far[k]![0] - 60)).toBeLessThan(8); expect(Math.abs(panned[k]![1] - far[k]![1] + 40)).toBeLessThan(8); }
    expect((await look(page)).selection).toEqual([]);
    for (const tool of ["select", "brush"]) {
      const [x, y] = await settle(tool), least = 2 * wide(await ends());
      await touch(page, way([x - 25, y], [x - 75, y]), way([x + 25, y], [x + 75, y]));
      await page.waitForFunction(w => { const [a, b] = [0, window.lianhu.atoms().length - 1].map(i => window.lianhu.screen(i)!); return Math.hypot(a![0] - b![0], a![1] - b![1]) > w; }, least);
    }
    const still = await look(page);
    expect([still.hash, still.stroke, still.waiting, still.selection]).toEqual([after.hash, null, 0, []]);

    // and one paints with the brush, on a way long enough for the browser to take it for a drag of the page: from the neighbour's ground to the cell
    await settle("brush");
    await page.locator(by("brush-size")).fill("5");
    /** From a building of the neighbour to the cell, on the screen. */
    const wayOf = (cell: { atom: number; to: string }): Promise<readonly [[number, number], [number, number]]> => page.evaluate(([a, grid]) => {
      const atoms = window.lianhu.atoms(), b = atoms[a]!.near.find(n => atoms[n]!.grid === grid && atoms[n]!.buildings.length > 0)!;
      return [window.lianhu.screen(b)!, window.lianhu.screen(a)!] as const;
    }, [cell.atom, cell.to] as const);
    let cell: (typeof cells)[number] | undefined;
    for (const one of await borderCells(page)) {
      await comeTo(page, one.atom, 19);
      const [from, to] = await wayOf(one), far = Math.hypot(from[0] - to[0], from[1] - to[1]);
      if (far > 40 && far < 120) { cell = one; break; }
    }
    if (cell === undefined) throw new Error("no cell of a border that is far enough from the next");
    await makeActive(page, cell.to);
    await settle("brush");
    await comeTo(page, cell.atom, 19);
    const [begin, end] = await wayOf(cell);
    await touch(page, way(begin, end, 12));
    await changed(page, after.hash);
    await settled(page);
    const painted = await look(page);
    expect([painted.dialog, painted.pending, painted.plan!.version]).toEqual([null, false, after.plan!.version + 1]);
    expect(await page.evaluate(a => window.lianhu.atoms()[a]!.grid, cell.atom)).toBe(cell.to);
    expect(painted.totals[cell.to]!.households).toBeGreaterThan(after.totals[cell.to]!.households);
    await picture(page, "p18-painted");
    await context.close();
  });
});
