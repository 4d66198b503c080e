// The planner's journeys, in headless Chromium against the real program.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apart, ground, isBare, isPlain, judge, over, rgbOf } from "./eyes";
import { changed, comeTo, households, makeActive, paint, receive, selectCells, walkTo } from "./hands";
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
    // the ground is filled: where nothing is written over it, each grid shows its own colour
    const lived = atoms.flatMap((a, i) => a.buildings.length > 0 && a.grid !== null ? [{ i, grid: a.grid }] : []), filled = await ground(page, lived.map(a => a.i)), shown = new Set<string>();
    lived.forEach(({ i, grid }, k) => {
      if (!isPlain(filled[k]!)) return;
      shown.add(grid);
      expect(apart(filled[k]!.mean, rgbOf(state.colours[grid]!)), `cell ${i} of ${grid}`).toBeLessThan(4);
    });
    expect(shown.size).toBeGreaterThan(Object.keys(state.totals).length / 2);
    expect(new Set([...shown].map(g => state.colours[g])).size).toBeGreaterThan(1);
    // the list says of every grid how many households it has, as the service counts them
    const told = await page.evaluate(async () => { const { plan, village } = window.lianhu.state(); return await (await fetch(`/api/plans/${plan!.id}/villages/${village}`)).json() as { grids: { code: string; households: number }[] }; });
    const thin = (n: number): string => n.toLocaleString("en-US").replace(/,/g, "\u2009");
    expect(await page.locator(`${by("grids")} thead th`).allTextContents()).toEqual(["键", "编码", "户数"]);
    expect(told.grids.map(g => g.code)).toEqual(Object.keys(state.totals));
    for (const g of told.grids) {
      expect([g.households, await page.textContent(`${by(`grid-${g.code}`)} .households`)]).toEqual([state.totals[g.code]!.households, thin(g.households)]);
      expect(await page.textContent(by(`grid-${g.code}`))).toContain(g.code.slice(12));
    }
    expect(await page.locator(`${by("panel")} .facts span`).allTextContents()).toEqual(expect.arrayContaining([`${thin(told.grids.reduce((n, g) => n + g.households, 0))} 户`, `${told.grids.length} 个网格`]));
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
  it("tells totals and units while it paints eight buildings; Esc leaves all as it was; release applies", async () => {
    const { page, context, faults } = await visit(browser, service);
    await openDraft(page, "P4");
    const before = await look(page);
    // a border along which eight buildings can go, one after the other, and both grids stay whole
    const chain = await page.evaluate(least => {
      const atoms = window.lianhu.atoms(), codes = Object.keys(window.lianhu.state().totals);
      const whole = (grid: string, gone: ReadonlySet<number>): boolean => {
        const mine = atoms.flatMap((x, i) => x.grid === grid && !gone.has(i) ? [i] : []), seen = new Set([mine[0]!]);
        for (const a of seen) for (const b of atoms[a]!.near) if (atoms[b]!.grid === grid && !gone.has(b)) seen.add(b);
        return mine.every(i => seen.has(i) || atoms[i]!.buildings.length === 0);
      };
      for (const from of codes) for (const to of codes) {
        if (from === to) continue;
        const gone = new Set<number>(), count = (): number => [...gone].reduce((n, i) => n + atoms[i]!.buildings.length, 0);
        for (let grew = true; grew && count() < least;) {
          grew = false;
          for (let i = 0; i < atoms.length && count() < least; i++) {
            const x = atoms[i]!;
            if (x.grid !== from || gone.has(i) || x.buildings.length === 0 || !x.near.some(b => gone.has(b) || (atoms[b]!.grid === to && atoms[b]!.buildings.length > 0))) continue;
            gone.add(i);
            if (whole(from, gone)) grew = true; else gone.delete(i);
          }
        }
        if (count() >= least) return { from, to, cells: [...gone] };
      }
      return null;
    }, 8);
    expect(chain).not.toBeNull();
    const { from, to, cells } = chain!;
    const cellsOf = await page.evaluate(() => window.lianhu.atoms().filter(a => a.buildings.length > 0).map(a => ({ grid: a.grid!, buildings: a.buildings, households: a.households })));
    const village = await page.evaluate(async () => { const { plan, village } = window.lianhu.state(); return await (await fetch(`/api/plans/${plan!.id}/villages/${village}`)).json() as { units: { code: string }[]; buildings: { id: string }[]; households: [string, number, number][] }; });
    await page.click(by("zoom-all"));
    const bare = await ground(page, cells), at = cells.findIndex((_, k) => isPlain(bare[k]!)), [mine, theirs] = [rgbOf(before.colours[from]!), rgbOf(before.colours[to]!)];
    expect(at).toBeGreaterThanOrEqual(0);
    expect(apart(bare[at]!.mean, mine)).toBeLessThan(4);
    const stroke = async (): Promise<void> => {
      await page.click(by("zoom-all"));
      await paint(page, cells[0]!, to, false);
      for (const c of cells.slice(1)) { const at = await screen(page, c); await page.mouse.move(at![0], at![1]); }
      await page.waitForFunction(n => (window.lianhu.state().stroke?.buildings.length ?? 0) >= n, 8);
    };
    await stroke();
    const during = (await look(page)).stroke!, moved = new Set(during.buildings);
    // what is painted has the receiver's colour at once, and lighter than what was the receiver's before
    const [wet] = await ground(page, [cells[at]!]);
    expect(apart(wet!.mean, over(theirs, [255, 255, 255], 0.38))).toBeLessThan(6);
    expect(apart(wet!.mean, theirs)).toBeGreaterThan(10);
    expect(during.stranded).toEqual([]);
    for (const b of await page.evaluate(list => list.flatMap(i => window.lianhu.atoms()[i]!.buildings), cells)) expect(moved.has(b)).toBe(true);
    // counted here from what stood where before: what every grid has now, and whose units lose members
    const gone = cellsOf.filter(x => x.grid !== to && x.buildings.some(b => moved.has(b))), sum = (list: typeof gone): number => list.reduce((n, x) => n + x.households, 0);
    expect(moved.size).toBe(gone.reduce((n, x) => n + x.buildings.length, 0));
    const givers = Object.keys(before.totals).filter(c => gone.some(x => x.grid === c));
    expect(givers).toContain(from);
    const lines = [...givers.map(c => [before.totals[c]!.households, before.totals[c]!.households - sum(gone.filter(x => x.grid === c))]), [before.totals[to]!.households, before.totals[to]!.households + sum(gone)]];
    expect((await page.textContent(by("stroke-totals")))!.replace(/\u2009/g, "")).toBe(lines.map(([a, b]) => `${a} → ${b}`).join(" | "));
    const units = [...new Set(village.households.filter(([, b]) => moved.has(village.buildings[b]!.id)).map(([, , u]) => village.units[u]!.code))].sort();
    expect([...during.units].sort()).toEqual(units);
    expect(await page.textContent(by("stroke-units"))).toContain(`影响 ${units.length} 个单元`);
    await picture(page, "p04-stroke");
    await page.keyboard.press("Escape");
    await page.mouse.up();
    expect(households(await look(page))).toEqual(households(before));
    expect((await look(page)).hash).toBe(before.hash);
    expect(apart((await ground(page, [cells[at]!]))[0]!.mean, mine)).toBeLessThan(4);

    await stroke();
    await page.mouse.up();
    await changed(page, before.hash);
    await settled(page);
    const after = await look(page);
    expect([after.dialog, after.pending]).toEqual([null, false]);
    expect(after.totals[to]!.households).toBe(before.totals[to]!.households + sum(gone));
    for (const c of givers) expect(after.totals[c]!.households).toBe(before.totals[c]!.households - sum(gone.filter(x => x.grid === c)));
    expect(after.plan!.version).toBe(before.plan!.version + 1);
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
    const homes = await page.evaluate(async ids => {
      const { plan, village } = window.lianhu.state(), { buildings, households } = await (await fetch(`/api/plans/${plan!.id}/villages/${village}`)).json() as { buildings: { id: string }[]; households: [string, number][] };
      return households.filter(([, b]) => ids.includes(buildings[b]!.id)).map(([id]) => id);
    }, part.buildings);
    expect(homes.length).toBe(part.households);
    const told = (await page.textContent(by("stranded")))!;
    for (const id of homes.slice(0, 6)) expect(told).toContain(id);
    expect(await page.textContent(by("stranded"))).toContain(part.buildings[0]!);
    // hatched is what would be cut off, and nothing else
    const hatching = async (): Promise<boolean[]> => (await ground(page, [found!.cell, ...found!.ring])).map(g => g.pixels > 0 && g.hatched / g.pixels > 0.08);
    expect(await hatching()).toEqual([true, ...found!.ring.map(() => false)]);
    expect(await judge(page), "stranded").toEqual([]);
    await picture(page, "p07-stranded");
    await page.keyboard.press("Escape");
    expect(await hatching()).toEqual([false, ...found!.ring.map(() => false)]);
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
    if (kept.problems[0]!.rule === "H3") expect((await hatching())[0]).toBe(true);
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

  it("is made and answered with the keyboard alone", async () => {
    const { page, context, faults } = await visit(browser, service);
    await openDraft(page, "P7 keys");
    const before = await look(page), found = (await pocket(page))!;
    const stroke = async (): Promise<void> => {
      for (const cell of found.ring) { await walkTo(page, cell); await page.keyboard.press("Space"); }
      expect((await look(page)).selection.length).toBeGreaterThanOrEqual(found.ring.length);
      await receive(page, found.to);
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => window.lianhu.state().pending);
      await page.waitForFunction(() => document.querySelector("[data-testid=spoken]")?.textContent?.includes("不相连"));
    };
    await stroke();
    const part = (await look(page)).stroke!.stranded.find(p => p.grid === found.from)!;
    expect(await page.textContent(by("spoken"))).toContain(part.buildings[0]!);
    await page.keyboard.press("Escape");
    expect(households(await look(page))).toEqual(households(before));
    // the choice is still there; Escape gives it up as well
    await page.keyboard.press("Escape");
    expect((await look(page)).selection).toEqual([]);
    await stroke();
    await page.keyboard.press("g");
    await changed(page, before.hash);
    await settled(page);
    const given = await look(page);
    expect([given.dialog, given.pending, given.problems.filter(p => p.hard)]).toEqual([null, false, []]);
    expect(await page.evaluate(b => window.lianhu.atoms().find(a => a.buildings.includes(b))!.grid, part.buildings[0]!)).not.toBe(found.from);
    await page.keyboard.press("Control+z");
    await page.waitForFunction(h => window.lianhu.state().hash === h, before.hash);
    expect(faults).toEqual([]);
    await context.close();
  });
});

describe("P5 and P6 areas and locks", () => {
  it("select by rectangle and lasso, add with Shift, subtract with Alt; a number gives them to its grid", async () => {
    const { page, context } = await visit(browser, service);
    await openDraft(page, "P5");
    const box = (await page.locator(by("map")).boundingBox())!;
    const drag = async (points: [number, number][]): Promise<void> => {
      const at = points.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height] as const);
      await page.mouse.move(...at[0]!);
      await page.mouse.down();
      for (const p of at.slice(1)) await page.mouse.move(...p, { steps: 4 });
      await page.mouse.up();
    };
    // what an outline holds, counted here from where each building stands on the screen; a building on the line itself may fall to either side
    const houses = await page.evaluate(() => window.lianhu.atoms().flatMap((a, i) => a.buildings.map(id => ({ id, atom: i, at: window.lianhu.screen(i)! })))), unsure = new Set<string>();
    const held = (outline: [number, number][]): Set<string> => {
      const line = outline.map(([x, y]) => [Math.floor(box.x + x * box.width), Math.floor(box.y + y * box.height)] as const), inside = new Set<string>();
      for (const { id, at: [x, y] } of houses) {
        let odd = false;
        line.forEach(([u, v], k) => {
          const [s, t] = line.at(k - 1)!, along = Math.min(Math.max(((x - s) * (u - s) + (y - t) * (v - t)) / ((u - s) ** 2 + (v - t) ** 2), 0), 1);
          if (Math.hypot(x - s - along * (u - s), y - t - along * (v - t)) < 2) unsure.add(id);
          if ((t > y) !== (v > y) && x < (s - u) * (y - v) / (t - v) + u) odd = !odd;
        });
        if (odd) inside.add(id);
      }
      return inside;
    };
    const sure = (ids: Iterable<string>): string[] => [...ids].filter(id => !unsure.has(id)).sort();
    const chosen = async (): Promise<string[]> => (await look(page)).selection;
    const square: [number, number][] = [[0.3, 0.3], [0.6, 0.3], [0.6, 0.6], [0.3, 0.6]], loop: [number, number][] = [[0.6, 0.3], [0.85, 0.35], [0.8, 0.7], [0.6, 0.65]];
    const plain = await ground(page, houses.map(b => b.atom));
    await page.click(by("tool-rectangle"));
    await drag([square[0]!, square[2]!]);
    const first = held(square);
    expect(sure(await chosen())).toEqual(sure(first));
    expect(sure(first).length).toBeGreaterThan(3);
    // and it is to be seen which
    const shaded = await ground(page, houses.map(b => b.atom)), { colours } = await look(page), grids = await page.evaluate(() => window.lianhu.atoms().map(a => a.grid));
    let seen = 0;
    houses.forEach(({ id, atom }, k) => {
      if (unsure.has(id) || !isPlain(plain[k]!) || !isPlain(shaded[k]!)) return;
      seen++;
      const fill = rgbOf(colours[grids[atom]!]!);
      expect(apart(shaded[k]!.mean, first.has(id) ? over(fill, [12, 74, 110], 0.28) : fill), id).toBeLessThan(6);
    });
    expect(seen).toBeGreaterThan(3);
    await page.click(by("tool-lasso"));
    await page.keyboard.down("Shift");
    await drag(loop);
    await page.keyboard.up("Shift");
    const second = held(loop);
    expect(sure(second).some(id => !first.has(id))).toBe(true);
    expect(sure(await chosen())).toEqual(sure(new Set([...first, ...second])));
    await picture(page, "p05-selection");
    await page.keyboard.down("Alt");
    await drag(square);
    await page.keyboard.up("Alt");
    expect(sure(await chosen())).toEqual(sure([...second].filter(id => !first.has(id))));
    await page.keyboard.press("Escape");
    // a small rectangle round one cell of the border, then the number of the grid beside it
    const before = await look(page), numbers = Object.keys(before.totals).slice(0, 9);
    for (const cell of (await borderCells(page)).filter(c => numbers.includes(c.to))) {
      const at = (await screen(page, cell.atom))!;
      await page.click(by("tool-rectangle"));
      await drag([[-2, -2], [2, 2]].map(([x, y]) => [(at[0] + x! - box.x) / box.width, (at[1] + y! - box.y) / box.height]));
      if ((await look(page)).selection.join() !== cell.buildings.join()) continue;
      await page.focus(by("map"));
      await page.keyboard.press(String(numbers.indexOf(cell.to) + 1));
      await changed(page, before.hash);
      await settled(page);
      const after = await look(page);
      expect(after.dialog).toBeNull();
      expect(after.totals[cell.to]!.households).toBe(before.totals[cell.to]!.households + cell.households);
      expect(after.totals[cell.from]!.households).toBe(before.totals[cell.from]!.households - cell.households);
      await context.close();
      return;
    }
    throw new Error("no cell of a border that stands alone");
  });

  it("are locked grid, unit, building, officers and all, against every tool and the API", async () => {
    const { page, context } = await visit(browser, service);
    await openDraft(page, "P6");
    interface Told { units: { code: string; locked: boolean; officers_locked: boolean; leader: string; deputies: string[] }[]; buildings: { id: string; locked: boolean }[]; households: [string, number, number][] }
    const told = (): Promise<Told> => page.evaluate(async () => { const { plan, village } = window.lianhu.state(); return await (await fetch(`/api/plans/${plan!.id}/villages/${village}`)).json() as Told; });
    let sent = 0;
    /** What the service says to an operation sent past the page. */
    const refused = (operation: object): Promise<{ status: number; kinds: string[] }> => page.evaluate(async ([o, k]) => {
      const { plan, village } = window.lianhu.state(), answer = await fetch(`/api/plans/${plan!.id}/edits`, {
        method: "POST", headers: { "content-type": "application/json", "idempotency-key": `${plan!.id}-${k}` }, body: JSON.stringify({ village, base_version: plan!.version, policy: "keep_as_draft_problem", operations: [o] }),
      });
      return { status: answer.status, kinds: ((await answer.json() as { refusal?: { reasons: { kind: string }[] } }).refusal?.reasons ?? []).map(r => r.kind) };
    }, [operation, sent++] as const);
    const locked = { status: 422, kinds: ["locked"] };
    /** Does something, and waits for the page to say anew that a lock held it. */
    const heldBack = async (act: () => Promise<void>): Promise<void> => {
      await page.evaluate(() => document.querySelectorAll<HTMLElement>("[data-testid=notice]").forEach(n => { n.dataset["old"] = ""; }));
      await act();
      await page.waitForFunction(() => document.querySelector("[data-testid=notice]:not([data-old])")?.textContent?.includes("被锁定"));
    };
    /** The brush, the button, Enter and a number, on a cell that does not move. */
    const holds = async (cell: { atom: number; from: string; to: string }): Promise<void> => {
      const was = await look(page);
      await page.keyboard.press("Escape");
      await makeActive(page, cell.to);
      await page.click(by("tool-brush"));
      await page.locator(by("brush-size")).fill("5");
      const at = (await screen(page, cell.atom))!;
      await page.mouse.move(at[0], at[1]);
      await page.mouse.down();
      await page.mouse.move(at[0] + 1, at[1] + 1);
      await page.waitForFunction(() => (window.lianhu.state().stroke?.held ?? 0) > 0);
      await heldBack(() => page.mouse.up());
      await selectCells(page, [cell.atom]);
      await makeActive(page, cell.to);
      await heldBack(() => page.click(by("assign")));
      await page.focus(by("map"));
      await heldBack(() => page.keyboard.press("Enter"));
      const other = Object.keys(was.totals).slice(0, 9).findIndex(g => g !== cell.from) + 1;
      await heldBack(() => page.keyboard.press(String(other)));
      expect((await look(page)).selection.length).toBeGreaterThan(0);
      await page.keyboard.press("Escape");
      const is = await look(page);
      expect([is.hash, households(is), is.waiting]).toEqual([was.hash, households(was), 0]);
    };
    /** Clicks a lock and waits until it holds. */
    const turn = async (testid: string): Promise<void> => {
      const { hash, plan } = await look(page);
      await page.click(by(testid));
      await page.waitForFunction(([h, v]) => { const s = window.lianhu.state(); return (s.hash !== h || s.plan!.version > v) && s.waiting === 0; }, [hash, plan!.version] as const);
      await settled(page);
      expect((await look(page)).dialog).toBeNull();
    };
    const [cell] = await borderCells(page), { from, to } = cell!;

    // a grid: neither painted, nor assigned, split or merged
    await makeActive(page, from);
    // from near, so that there is ground between the dots
    await comeTo(page, cell!.atom, 18.25);
    const cells = await page.evaluate(() => window.lianhu.atoms().flatMap((a, i) => a.buildings.length > 0 ? [{ i, grid: a.grid }] : [])), bare = await ground(page, cells.map(c => c.i));
    await turn("lock-grid");
    expect((await look(page)).totals[from]!.locked).toBe(true);
    // a pattern lies on its ground, and on no other
    const locks = await ground(page, cells.map(c => c.i)), changes = cells.flatMap(({ grid }, k) => isPlain(bare[k]!) && isBare(locks[k]!) ? [{ grid, isPatterned: locks[k]!.least < bare[k]!.least - 40 && locks[k]!.most - locks[k]!.least > 40 }] : []);
    const inside = changes.filter(c => c.grid === from), outside = changes.filter(c => c.grid !== from);
    expect([inside.length > 3, outside.length > 3]).toEqual([true, true]);
    expect(inside.filter(c => c.isPatterned).length).toBeGreaterThan(inside.length / 2);
    expect(outside.filter(c => c.isPatterned)).toEqual([]);
    await picture(page, "p06-locked");
    await page.click(by("zoom-all"));
    await holds(cell!);
    await page.keyboard.press("Escape");
    // nor cut by a line through it
    const ground_ = await page.evaluate(c => window.lianhu.atoms().flatMap((a, i) => a.grid === c && a.buildings.length > 0 ? [window.lianhu.screen(i)!] : []), from);
    const middle = ground_.map(p => p[1]).sort((a, b) => a - b)[Math.floor(ground_.length / 2)]!, xs = ground_.map(p => p[0]);
    await makeActive(page, from);
    await page.click(by("tool-cut"));
    const cutting = page.waitForResponse(r => r.url().endsWith("/preview"));
    await page.mouse.move(Math.min(...xs) - 4, middle);
    await page.mouse.down();
    await page.mouse.move(Math.max(...xs) + 4, middle, { steps: 12 });
    await page.mouse.up();
    const uncut = await cutting, { operations } = uncut.request().postDataJSON() as { operations: { operation: string; grid: string }[] };
    expect([uncut.status(), operations[0]!.operation, operations[0]!.grid]).toEqual([422, "split_grid", from]);
    expect(await page.locator(by("proposal")).count()).toBe(0);
    // nor does any of it become a dedicated grid
    const whole = await look(page);
    await selectCells(page, [cell!.atom]);
    await page.fill(by("dedicate-name"), "镇中心小学");
    await page.click(by("dedicate"));
    await page.waitForSelector(by("refused-detail"));
    expect(await page.textContent(by("dialog"))).toContain("锁定");
    await page.click(by("dialog-close"));
    const intact = await look(page);
    expect([intact.hash, households(intact), intact.waiting]).toEqual([whole.hash, households(whole), 0]);
    await page.focus(by("map"));
    await page.keyboard.press("Escape");
    for (const act of ["split", "merge"]) {
      await makeActive(page, from);
      const answer = page.waitForResponse(r => r.url().endsWith("/preview"));
      await page.click(by(act));
      expect((await answer).status(), act).toBe(422);
      expect(await page.locator(by("proposal")).count()).toBe(0);
    }
    expect(await refused({ operation: "transfer_buildings", buildings: cell!.buildings, to })).toMatchObject(locked);
    await makeActive(page, from);
    await turn("lock-grid");

    // a building: it stays where it is, whoever asks
    await selectCells(page, [cell!.atom]);
    await turn("lock-buildings");
    expect((await told()).buildings.filter(b => b.locked).map(b => b.id)).toEqual(cell!.buildings);
    await holds(cell!);
    expect(await refused({ operation: "transfer_buildings", buildings: cell!.buildings, to })).toMatchObject(locked);
    await selectCells(page, [cell!.atom]);
    await turn("unlock-buildings");
    expect((await told()).buildings.filter(b => b.locked)).toEqual([]);

    // a unit: its members stay, and so do the buildings they live in
    const village = await told(), building = cell!.buildings[0]!, [member, , u] = village.households.find(([, b]) => village.buildings[b]!.id === building)!, unit = village.units[u]!;
    const other = village.units.find(x => x.code.startsWith(from) && x.code !== unit.code)!;
    const openUnit = async (): Promise<void> => {
      await page.keyboard.press("Escape");
      await makeActive(page, from);
      await page.click(by("tab-units"));
      await page.evaluate(id => { document.querySelector<HTMLDetailsElement>(id)!.open = true; }, by(`unit-${unit.code}`));
    };
    await openUnit();
    await turn(`lock-unit-${unit.code}`);
    expect(await page.isDisabled(by(`move-${member}`))).toBe(true);
    await holds(cell!);
    expect(await refused({ operation: "move_household", household: member, unit: other.code })).toMatchObject(locked);
    await openUnit();
    await turn(`lock-unit-${unit.code}`);

    // officers: the form is shut, an election goes past it no more than the API
    await openUnit();
    await turn(`lock-officers-${unit.code}`);
    for (const field of [`leader-${unit.code}`, `deputy0-${unit.code}`, `officers-${unit.code}`]) expect(await page.isDisabled(by(field)), field).toBe(true);
    await page.evaluate(id => { const list = document.querySelector<HTMLSelectElement>(id)!; list.disabled = false; list.form!.requestSubmit(); }, by(`leader-${unit.code}`));
    await page.waitForSelector(by("refused-detail"));
    await page.click(by("dialog-close"));
    expect(await refused({ operation: "set_officers", unit: unit.code, leader: unit.deputies[0]!, deputies: [unit.leader, unit.deputies[1]!] })).toMatchObject(locked);
    await openUnit();
    await turn(`lock-officers-${unit.code}`);

    // all: nothing is left to do, for the hand or for the solver
    await page.click(by("tab-grids"));
    await turn("lock-all");
    expect(Object.values((await look(page)).totals).every(t => t.locked)).toBe(true);
    await holds(cell!);
    const was = await look(page), answer = page.waitForResponse(r => r.url().endsWith("/preview"));
    await page.keyboard.press("Escape");
    await page.click(by("rebalance"));
    const said = await answer, effect = await said.json() as { moved?: { grid: number; unit: number } };
    expect(said.status() === 422 || (effect.moved!.grid === 0 && effect.moved!.unit === 0)).toBe(true);
    expect((await look(page)).hash).toBe(was.hash);
    expect((await refused({ operation: "transfer_buildings", buildings: cell!.buildings, to })).kinds).toContain("locked");
    await picture(page, "p06-all");
    await context.close();
  });
});
