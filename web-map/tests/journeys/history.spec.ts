// Fifty edits back and forth, through a reload and a power cut; and walking problems down to none.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeActive, paint, redAround, selectCells } from "./hands";
import { borderCells, browse, by, look, openDraft, openTownship, openVillage, picture, pocket, screen, Service, settled, visit } from "./service";

const service = new Service();
let browser: Browser;
beforeAll(async () => { await service.start(); browser = await browse(); }, 240_000);
afterAll(async () => { await browser?.close(); await service.end(); });

const EDITS = 50;

describe("P8 undo and redo", () => {
  it("walk fifty edits back and forth by the same hashes; a reload and a power cut lose nothing", { timeout: 900_000 }, async () => {
    const { page, context, faults } = await visit(browser, service);
    await openDraft(page, "P8");
    const hashes = [(await look(page)).hash];
    for (let k = 0; hashes.length <= EDITS && k < 4 * EDITS; k++) {
      const cells = await borderCells(page), cell = cells[(k * 7) % cells.length]!;
      await paint(page, cell.atom, cell.to);
      await page.waitForFunction(h => { const s = window.lianhu.state(); return (s.hash !== h && s.waiting === 0) || s.dialog !== null || s.pending; }, hashes.at(-1));
      const now = await look(page);
      if (now.dialog !== null || now.pending) {
        await page.click(now.pending ? by("stranded-cancel") : by("dialog-close"));
        await page.click(by("zoom-all"));    // the page came near to show what is stranded
        continue;
      }
      await settled(page);
      hashes.push(now.hash);
    }
    expect(hashes.length).toBe(EDITS + 1);
    // every state is another than the one before; a later one may be an earlier one again
    for (let k = 1; k < hashes.length; k++) expect(hashes[k]).not.toBe(hashes[k - 1]);
    const at = async (k: number): Promise<void> => { await page.waitForFunction(h => { const s = window.lianhu.state(); return s.hash === h && !s.busy; }, hashes[k]); };
    const again = async (): Promise<void> => {
      const before = (await look(page)).history;
      await page.reload();
      await page.waitForFunction(n => "lianhu" in window && window.lianhu.state().village !== null && window.lianhu.state().history.length >= n, before.length);
      expect((await look(page)).history).toEqual(before);
    };
    for (let k = EDITS - 1; k >= 0; k--) {
      await page.click(by("undo"));
      await at(k);
      if (k !== EDITS / 2) continue;
      await settled(page);
      if (service.isOurs) { await service.kill(); await service.start(); }
      await again();
      await at(k);
    }
    expect(await page.textContent(by("plan-status"))).toContain("版本");
    for (let k = 1; k <= EDITS; k++) {
      await page.keyboard.press("Control+Shift+Z");
      await at(k);
      if (k === EDITS / 2) { await settled(page); await again(); await at(k); }
    }
    await page.click(by("tab-history"));
    // what was done is named, also of what was undone and done again
    const told = (await page.locator(`${by("history")} li`).allTextContents()).slice(0, 3 * EDITS);
    for (const line of told) expect(line).toContain("划转楼栋");
    await picture(page, "p08-history");
    expect((await look(page)).hash).toBe(hashes.at(-1));
    expect(faults).toEqual([]);
    await context.close();
  });
});

/** How far two cells at the ends of the list are apart on the screen: how near one has come. */
const nearness = (page: Page): Promise<number> => page.evaluate(() => { const [a, b] = [0, window.lianhu.atoms().length - 1].map(i => window.lianhu.screen(i)!); return Math.hypot(a![0] - b![0], a![1] - b![1]); });

interface Step { problem: number; focus: string[] | null; said: string | null; closer: number; inView: boolean }

/** Walks the problems with a key; answers what was focused and said at each, by how much the map came nearer, and whether all that the problem is about is on it. Each may begin with the whole village on the map. */
async function walk(page: Page, key: "n" | "Shift+N", steps: number, fromAfar = false): Promise<Step[]> {
  const list: Step[] = [];
  for (let k = 0; k < steps; k++) {
    if (fromAfar) await page.click(by("zoom-all"));
    await page.focus(by("map"));
    const before = await nearness(page);
    await page.keyboard.press(key);
    const s = await look(page), box = (await page.locator(by("map")).boundingBox())!;
    const places = await page.evaluate(ids => window.lianhu.atoms().flatMap((a, i) => a.buildings.some(b => ids.includes(b)) ? [window.lianhu.screen(i)!] : []), s.focus ?? []);
    const inView = places.length > 0 && places.every(([x, y]) => x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height);
    list.push({ problem: s.problem, focus: s.focus, said: await page.textContent(by("spoken")), closer: await nearness(page) / before, inView });
  }
  return list;
}

describe("P9 problems", () => {
  it("are walked forth and back, each zoomed to, focused and told, and fall to none when mended", async () => {
    const { page, context, faults } = await visit(browser, service);
    await openDraft(page, "P9");
    expect((await look(page)).problems).toEqual([]);
    const cut: NonNullable<Awaited<ReturnType<typeof pocket>>>[] = [];
    for (let k = 0; k < 2; k++) {
      const found = await pocket(page, cut.flatMap(c => [c.from, c.to])), { hash } = await look(page);
      expect(found).not.toBeNull();
      await page.keyboard.press("Escape");
      await page.click(by("zoom-all"));
      await selectCells(page, found!.ring);
      await makeActive(page, found!.to);
      await page.click(by("assign"));
      await page.waitForSelector(by("stranded"));
      await page.focus(by("map"));
      await page.keyboard.press("k");
      await page.waitForFunction(h => { const s = window.lianhu.state(); return s.hash !== h && s.waiting === 0; }, hash);
      await settled(page);
      cut.push(found!);
    }
    const { problems } = await look(page), many = problems.length;
    expect(many).toBeGreaterThan(1);
    const forth = await walk(page, "n", many + 1, true);
    expect(forth.map(w => w.problem)).toEqual([...problems.keys(), 0]);
    const back = await walk(page, "Shift+N", many, true);
    expect(back.map(w => w.problem)).toEqual([...problems.keys()].reverse());
    for (const w of [...forth, ...back]) {
      expect(w.focus).not.toBeNull();
      expect(w.said).toContain(`问题 ${w.problem + 1}/${many}`);
      // a few cells of a village: the map comes much nearer, and what is focused is on it
      expect([w.closer > 1.5, w.inView], `${w.problem}: ${w.closer}`).toEqual([true, true]);
    }
    // and from one to the next it goes there
    for (const w of await walk(page, "n", many)) expect(w.inView, `${w.problem}`).toBe(true);
    await picture(page, "p09-problem");
    let left = many;
    for (const { ring, from } of cut.reverse()) {
      const { hash } = await look(page);
      await page.keyboard.press("Escape");
      await page.click(by("zoom-all"));
      await selectCells(page, ring);
      await makeActive(page, from);
      await page.click(by("assign"));
      await page.waitForFunction(h => { const s = window.lianhu.state(); return (s.hash !== h && s.waiting === 0) || s.dialog !== null || s.pending; }, hash);
      const now = await look(page);
      expect([now.dialog, now.pending]).toEqual([null, false]);
      expect(now.problems.length).toBeLessThan(left);
      left = now.problems.length;
    }
    expect(left).toBe(0);
    const [end] = await walk(page, "n", 1);
    expect(end!.problem).toBe(-1);
    expect(end!.said).toContain("没有问题");
    await page.click(by("tab-problems"));
    await page.waitForSelector(by("no-problems"));
    await picture(page, "p09-none");
    expect(faults).toEqual([]);
    await context.close();
  });

  it("of balance are told where grids are made by balance", async () => {
    const { page, context } = await visit(browser, service);
    await openTownship(page);
    await page.click(by("tab-plan"));
    await page.click(by("generate"));
    await page.waitForSelector(`${by("generate-profile")} option[value=pingba]`, { state: "attached" });
    await page.selectOption(by("generate-profile"), "pingba");
    await page.fill(by("generate-name"), "P9 balance");
    await page.fill(by("generate-budget"), "4");
    await page.click(by("generate-go"));
    await page.waitForSelector(by("job-open"), { timeout: 120_000 });
    await page.click(by("job-open"));
    await page.waitForFunction(() => window.lianhu.state().plan?.name === "P9 balance");
    await page.click(by("tab-grids"));
    await openVillage(page);
    const heard = await page.textContent(by("spoken")), before = await look(page), soft = before.problems.filter(p => !p.hard).length;
    expect(Object.values(before.totals).some(t => t.deviation !== null)).toBe(true);
    // households, target and deviation of every grid, as the service has them
    const there = await page.evaluate(async () => {
      const { plan, village } = window.lianhu.state();
      return await (await fetch(`/api/plans/${plan!.id}/villages/${village}`)).json() as { rules: { grid: { tolerance: number } }; buildings: { households: number }[]; grids: { code: string; kind: string; households: number; target: number | null; deviation: number | null }[] };
    });
    const thin = (n: number): string => n.toLocaleString("en-US").replace(/,/g, "\u2009"), share = (p: number, sign = ""): string => `${p < 0 ? "−" : p > 0 ? sign : ""}${Math.abs(p * 100).toFixed(1)}%`;
    expect(await page.locator(`${by("grids")} thead th`).allTextContents()).toEqual(["键", "编码", "户数", "目标", "偏差"]);
    const targets = there.grids.map(g => g.target).filter(t => t !== null);
    expect(targets.length).toBeGreaterThan(1);
    for (const g of there.grids) {
      const shown = (await page.locator(`${by(`grid-${g.code}`)} td.number`).allTextContents()).map(c => c.trim());
      // an institution has no target, nor has a grid of grids
      if (g.target === null) { expect([g.kind === "base", ...shown]).toEqual([false, thin(g.households), "—", g.kind === "dedicated" ? "专属" : "—"]); continue; }
      const off = g.households / g.target - 1;
      expect(off).toBeCloseTo(g.deviation!, 3);
      expect(before.totals[g.code]).toMatchObject({ households: g.households, deviation: off });
      expect(shown).toEqual([thin(g.households), thin(Math.round(g.target)), share(off, "+")]);
      expect(await page.locator(`${by(`grid-${g.code}`)} .deviation`).evaluate(e => e.classList.contains("out"))).toBe(Math.abs(off) > there.rules.grid.tolerance);
    }
    // households are counted once, though a grid of grids counts them too
    const all = there.buildings.reduce((n, b) => n + b.households, 0);
    expect(heard).toMatch(new RegExp(`，${all} 户$`));
    const facts = (await page.locator(`${by("panel")} p`).allTextContents()).join();
    expect(facts).toContain(`${thin(all)} 户`);
    expect(facts).toContain(`每网格目标 ${thin(Math.round(targets[0]! * 10) / 10)} 户，容差 ±${share(there.rules.grid.tolerance)}`);
    // the grid of the grids takes no building itself
    const whole = there.grids.find(g => g.kind === "level1")!, some = (await borderCells(page))[0]!;
    await makeActive(page, whole.code);
    await page.click(by("tool-brush"));
    const spot = (await screen(page, some.atom))!;
    await page.mouse.move(spot[0], spot[1]);
    await page.mouse.down();
    await page.mouse.move(spot[0] + 2, spot[1], { steps: 2 });
    await page.waitForFunction(() => document.querySelector("[data-testid=notice]")?.textContent?.includes("一级网格由下级网格组成"));
    await page.mouse.up();
    expect([(await look(page)).stroke, (await look(page)).hash]).toEqual([null, before.hash]);
    // cell after cell goes to one grid until it has too many
    let now = before;
    for (let k = 0; k < 12 && now.problems.filter(p => !p.hard).length <= soft; k++) {
      const cells = (await borderCells(page)).sort((a, b) => b.households - a.households), cell = cells.find(c => c.to === cells[0]!.to)!;
      await paint(page, cell.atom, cell.to);
      await page.waitForFunction(h => { const s = window.lianhu.state(); return (s.hash !== h && s.waiting === 0) || s.dialog !== null || s.pending; }, now.hash);
      now = await look(page);
      expect([now.dialog, now.pending]).toEqual([null, false]);
      await settled(page);
    }
    const told = now.problems.findIndex(p => !p.hard);
    expect(now.problems.filter(p => !p.hard).length).toBeGreaterThan(soft);
    const steps = await walk(page, "n", told + 1);
    expect(steps.at(-1)!.said).toContain("超出容差");
    expect((await look(page)).active).toBe(now.problems[told]!.ids[0]);
    await picture(page, "p09-balance");
    await context.close();
  });

  it("of units are walked, named with their rule, and mended on the Units tab", async () => {
    const { page, context, faults } = await visit(browser, service);
    await openDraft(page, "P9 units");
    expect((await look(page)).problems.filter(p => p.hard)).toEqual([]);
    interface Told { units: { code: string; households: number; leader: string; deputies: string[] }[]; households: [string, number, number][] }
    const told = await page.evaluate(async () => { const { plan, village } = window.lianhu.state(); return await (await fetch(`/api/plans/${plan!.id}/villages/${village}`)).json() as Told; });
    const gridOf = (code: string): string => code.slice(0, 15), membersOf = (code: string): string[] => told.households.filter(([, , u]) => told.units[u]!.code === code).map(([id]) => id);
    // three grids: a unit that becomes too small, a household in a unit of another grid, a unit with too few deputies
    const small = told.units.find(u => u.households === 7)!, large = told.units.find(u => u.code !== small.code && gridOf(u.code) === gridOf(small.code) && u.households > 7 && u.households < 13)!;
    const others = told.units.filter(u => u.households > 8 && u.households < 12 && gridOf(u.code) !== gridOf(small.code)), here = others[0]!, there = others.find(u => gridOf(u.code) !== gridOf(here.code))!;
    const bare = others.find(u => ![here, there].some(x => gridOf(x.code) === gridOf(u.code)))!, guest = membersOf(here.code).find(m => m !== here.leader && !here.deputies.includes(m))!;
    const lost = membersOf(small.code).find(m => m !== small.leader && !small.deputies.includes(m))!;
    const { plan } = await look(page);
    expect(await page.evaluate(async operations => {
      const { plan, village } = window.lianhu.state();
      return (await fetch(`/api/plans/${plan!.id}/edits`, { method: "POST", headers: { "content-type": "application/json", "idempotency-key": `faults-${plan!.id}` }, body: JSON.stringify({ village, base_version: plan!.version, policy: "keep_as_draft_problem", operations }) })).status;
    }, [{ operation: "move_household", household: lost, unit: large.code }, { operation: "move_household", household: guest, unit: there.code }, { operation: "set_officers", unit: bare.code, leader: bare.leader, deputies: [] }])).toBe(200);
    // the page hears of it by itself
    await page.waitForFunction(v => window.lianhu.state().plan!.version > v, plan!.version);
    const { problems } = await look(page), rules = problems.map(p => p.rule);
    expect([...new Set(rules)].sort()).toEqual(["H6", "H7", "H8"]);
    const steps = await walk(page, "n", problems.length, true);
    for (const [k, step] of steps.entries()) {
      expect(step.problem).toBe(k);
      expect(step.focus).not.toBeNull();
      expect([step.closer > 1, step.inView], `${k}: ${step.closer}`).toEqual([true, true]);
      expect(step.said).toContain(problems[k]!.message.split(" / ")[0]!.trim());
      expect(await page.textContent(by(`problem-${k}`))).toContain(problems[k]!.rule);
    }
    for (const [rule, unit] of [["H7", small.code], ["H6", there.code], ["H8", bare.code]]) expect(problems.some(p => p.rule === rule && p.ids.includes(unit!)), rule).toBe(true);
    await picture(page, "p09-units");

    /** Opens a unit's card and does something there that is stored. */
    const mend = async (unit: string, act: () => Promise<unknown>): Promise<void> => {
      const { hash, problems: before } = await look(page);
      await page.keyboard.press("Escape");
      await makeActive(page, gridOf(unit));
      await page.click(by("tab-units"));
      await page.evaluate(id => { document.querySelector<HTMLDetailsElement>(id)!.open = true; }, by(`unit-${unit}`));
      await act();
      await page.waitForFunction(h => { const s = window.lianhu.state(); return (s.hash !== h && s.waiting === 0) || s.dialog !== null; }, hash);
      await settled(page);
      const now = await look(page);
      expect(now.dialog).toBeNull();
      expect(now.problems.length).toBeLessThan(before.length);
    };
    await mend(bare.code, async () => {
      for (const [k, m] of bare.deputies.entries()) await page.selectOption(by(`deputy${k}-${bare.code}`), m);
      await page.click(by(`officers-${bare.code}`));
    });
    await mend(large.code, () => page.selectOption(by(`move-${lost}`), small.code));
    // who is in a unit of another grid, with what was done to the rest, goes back by undoing
    const { hash } = await look(page);
    expect((await look(page)).problems.map(p => p.rule)).toEqual(["H6"]);
    for (let k = 0; k < 3; k++) { await page.click(by("undo")); await settled(page); }
    await page.waitForFunction(h => window.lianhu.state().hash !== h, hash);
    expect((await look(page)).problems.filter(p => p.hard)).toEqual([]);
    expect((await walk(page, "n", 1))[0]!.said).toContain("没有问题");
    expect(faults).toEqual([]);
    await context.close();
  });

  it("of newcomers, whom no plan has yet, are walked where they live, and fall to none when the plan follows the register", async () => {
    const { page: before, context: first } = await visit(browser, service);
    await openVillage(before);
    const { village } = await look(before), [lon, lat] = await before.evaluate(async v => {
      const { features } = await (await fetch(`/ogc/collections/buildings/items?limit=10000`)).json() as { features: { properties: { village: string }; geometry: { coordinates: [number, number] } }[] };
      return features.find(f => f.properties.village === v)!.geometry.coordinates;
    }, village!);
    await first.close();
    await service.kill();
    service.bringIn("households", "newcomers.csv", `id,lon,lat,building,village\nNEW1,${lon + 2e-5},${lat + 2e-5},NEWHOUSE,${village}\n`);
    await service.start();
    const { page, context, faults } = await visit(browser, service);
    await openTownship(page);
    await page.click(by(`village-${village}`));
    await page.waitForFunction(v => window.lianhu.state().village === v, village);
    expect(await page.textContent(by("behind"))).toContain("1 户未编入单元，0 户、0 栋楼已不在本村");
    const { problems, hash } = await look(page);
    expect(problems).toEqual([{ rule: "H4", hard: true, ids: ["NEWHOUSE", "NEW1"], message: problems[0]!.message }]);
    const step = (await walk(page, "n", 1, true))[0]!;
    expect([step.problem, step.focus === null, step.closer > 1, step.inView]).toEqual([0, false, true, true]);
    for (const word of ["新楼 1 户", "NEWHOUSE", "NEW1"]) expect(step.said).toContain(word);
    // the house is circled where it stands, not where the nearest one that has a grid does
    const middle = async (): Promise<[number, number]> => {
      await page.evaluate(([x, y]) => window.lianhu.look(x!, y!, 19), [lon + 2e-5, lat + 2e-5]);
      const box = (await page.locator(by("map")).boundingBox())!;
      return [box.x + box.width / 2, box.y + box.height / 2];
    };
    await page.keyboard.press("Escape");
    expect(await redAround(page, await middle())).toBeGreaterThan(20);
    await picture(page, "p09-newcomers");
    await page.click(by("tab-problems"));
    expect(await page.locator(`${by("problems")} li`).allTextContents()).toEqual([expect.stringContaining("NEW1")]);
    // nothing is moved before the plan has followed
    const { atom, to } = (await borderCells(page))[0]!;
    await paint(page, atom, to);
    await page.waitForFunction(() => document.querySelector("[data-testid=notice]")?.textContent?.includes("请先跟随名册"));
    expect([(await look(page)).hash, (await look(page)).dialog, (await look(page)).stroke]).toEqual([hash, null, null]);
    await page.click(by("tab-plan"));
    await page.click(by("check"));
    await page.waitForSelector(by("checked"));
    const breaches = await page.locator(`${by("checked")} li`).allTextContents();
    expect(breaches.some(b => b.includes("H4") && b.includes("NEW1"))).toBe(true);
    await page.click(by("follow"));
    await page.waitForFunction(() => document.querySelector("[data-testid=notice]")?.textContent?.includes("迁入 1 户"));
    await page.waitForSelector(by("behind"), { state: "detached" });
    expect((await look(page)).problems.filter(p => p.hard)).toEqual([]);
    expect(await redAround(page, await middle())).toBe(0);
    const { plan } = await look(page);
    const members = await page.evaluate(async ([id, v]) => (await fetch(`/api/plans/${id}/villages/${v}`)).text(), [plan!.id, village!] as const);
    expect(members).toContain("NEW1");
    await page.click(by("check"));
    await page.waitForFunction(() => document.querySelector("[data-testid=checked]")?.textContent?.includes("检查通过"));
    expect(faults).toEqual([]);
    await context.close();
  });
});
