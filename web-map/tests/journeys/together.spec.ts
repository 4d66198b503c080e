// Planners with names of their own: they sign in, find their village, work on one plan, lose the line or their session.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { judge } from "./eyes";
import { changed, makeActive, paint } from "./hands";
import { borderCells, browse, by, look, openDraft, picture, Service, settled, visit, type Visit } from "./service";

const service = new Service(), PASSWORD = "a-planner's-long-password";
let browser: Browser;
beforeAll(async () => {
  await service.start();
  await service.kill();
  for (const name of ["zhang", "li"]) service.addUser(name, "planner", PASSWORD);
  const square = (code: string, name: string, level: string, [w, s, e, n]: readonly [number, number, number, number]) =>
    ({ type: "Feature", properties: { code, name, level }, geometry: { type: "Polygon", coordinates: [[[w, s], [e, s], [e, n], [w, n], [w, s]]] } });
  service.bringIn("regions", "above.geojson", JSON.stringify({ type: "FeatureCollection", features: [
    square("520400", "安顺市", "city", [105.2, 25.6, 106.6, 26.6]), square("520423", "镇宁县", "county", [105.55, 25.6, 105.72, 26.1]), square("520424", "关岭县", "county", [105.2, 25.6, 105.55, 26.1]),
    square("520300", "遵义市", "city", [105.6, 27.2, 107.6, 28.6]),
  ] }));
  await service.start(false);
  browser = await browse();
}, 300_000);
afterAll(async () => { await browser?.close(); await service.end(); });

async function fillIn(page: Page, name: string, password: string): Promise<void> {
  await page.fill(by("sign-in-name"), name);
  await page.fill(by("sign-in-password"), password);
  await page.click(by("sign-in-go"));
}
const choose = async (page: Page, level: number, code: string): Promise<void> => { await page.selectOption(by(`region-${level}`), code); };

/** The page as one of the planners sees it, a township chosen. */
async function as(name: string, path = ""): Promise<Visit> {
  const made = await visit(browser, service, {}, path);
  await fillIn(made.page, name, PASSWORD);
  await made.page.waitForSelector(by("sign-out"));
  if (path === "") {
    await made.page.waitForSelector(by("region-0"));
    await choose(made.page, 0, "520400");
    await choose(made.page, 1, "520423");
    await made.page.waitForSelector(by("plan-status"));
  } else await made.page.waitForFunction(() => window.lianhu.state().village !== null);
  return made;
}

describe("P1 sign in", () => {
  it("shows the way to the organisation's accounts where the service has one, in every view", async () => {
    for (const [path, there] of [["/", "/api/session/oidc"], ["/?view=room", "/api/session/oidc?view=room"], ["/?view=room&wall=1", "/api/session/oidc?view=wall"], ["/?view=report", "/api/session/oidc?view=report"]] as const) {
      const { page, context } = await visit(browser, service, {}, path);
      // this service has no such place
      expect(await page.locator(by("sign-in-elsewhere")).count()).toBe(0);
      const body = JSON.stringify({ type: "about:blank", title: "", status: 401, code: "unauthenticated", detail: "请登录 / sign in", request_id: "1", sign_in_at: "/api/session/oidc" });
      await page.route("**/api/**", (route, request) => request.url().endsWith("/api/session/oidc") ? route.continue() : route.fulfill({ status: 401, contentType: "application/problem+json", body }));
      await page.reload();
      const link = page.locator(by("sign-in-elsewhere"));
      await link.waitFor();
      expect([await link.getAttribute("href"), await link.textContent()]).toEqual([there, "统一身份认证登录"]);
      await picture(page, `p01-elsewhere-${there.slice(22) || "planner"}`);
      await context.close();
    }
  });

  it("refuses a wrong password in words, and leads from the city to the village", async () => {
    const { page, context, requests, faults } = await visit(browser, service);
    await page.waitForSelector(by("sign-in"));
    expect((await look(page)).plan).toBeNull();
    expect(requests.filter(r => /\/api\/(plans|villages)/.test(r))).toEqual([]);
    await fillIn(page, "zhang", "not-the-password");
    await page.waitForSelector(by("dialog-wrong"));
    expect((await page.textContent(by("dialog-wrong")))!.length).toBeGreaterThan(4);
    expect(await page.locator(by("sign-in")).count()).toBe(1);
    expect(await judge(page), "sign in").toEqual([]);
    await picture(page, "p01-sign-in");
    await fillIn(page, "zhang", PASSWORD);
    await page.waitForSelector(by("sign-out"));
    expect(await page.locator(by("dialog")).count()).toBe(0);
    expect(await page.textContent(by("user"))).toBe("zhang");

    await page.waitForSelector(by("region-0"));
    const options = (level: number): Promise<string[]> => page.locator(`${by(`region-${level}`)} option`).evaluateAll(list => (list as HTMLOptionElement[]).map(o => o.value).filter(v => v !== ""));
    const rows = (): Promise<string[]> => page.locator(`${by("panel")} [data-testid^="village-"]`).evaluateAll(list => list.map(e => e.getAttribute("data-testid")!.slice("village-".length)));
    expect(await options(0)).toEqual(["520300", "520400"]);
    await choose(page, 0, "520400");
    expect(await options(1)).toEqual(["520423", "520424"]);
    await picture(page, "p01-city");
    // the only township of a county is not asked for
    await choose(page, 1, "520423");
    await page.waitForSelector(by("plan-status"));
    expect(await page.inputValue(by("region-2"))).toBe("520423102");
    const villages = await options(3);
    expect(villages.length).toBe(10);
    expect([...await rows()].sort()).toEqual(villages);
    await choose(page, 3, villages[2]!);
    await page.waitForFunction(v => window.lianhu.state().village === v, villages[2]!);
    expect(await page.locator(`${by("grids")} tbody tr`).count()).toBe(Object.keys((await look(page)).totals).length);
    await picture(page, "p01-signed-in");
    // and back up again
    await choose(page, 1, "520424");
    await page.waitForFunction(() => window.lianhu.state().village === null);
    const origin = new URL(service.url).origin;
    expect(requests.filter(r => !r.startsWith(origin) && !r.startsWith("data:"))).toEqual([]);
    await page.click(by("sign-out"));
    await page.waitForSelector(by("sign-in"));
    expect(faults).toEqual([]);
    await context.close();
  });
});

describe("P1 sign in to the room", () => {
  it("says that the password is wrong, and asks again", async () => {
    const { page, context } = await visit(browser, service, {}, "/?view=room");
    const answer = async (password: string): Promise<void> => {
      await page.fill(by("ask-name"), "li");
      await page.fill(by("ask-password"), password);
      await page.click(by("ask-go"));
    };
    await answer("not-the-password");
    await page.waitForSelector(`${by("notice")}.bad`);
    await page.waitForSelector(by("ask-password"));
    expect(await page.inputValue(by("ask-password"))).toBe("");
    await answer(PASSWORD);
    await page.waitForFunction(() => (window.lianhu as unknown as { state(): { signed_in: boolean } }).state().signed_in);
    expect(await page.locator(by("ask")).count()).toBe(0);
    await context.close();
  });
});

/** Whose grid some buildings are in, as the service has it. */
const owners = (page: Page, buildings: readonly string[]): Promise<(string | undefined)[]> => page.evaluate(async ids => {
  const { plan, village } = window.lianhu.state(), told = await (await fetch(`/api/plans/${plan!.id}/villages/${village}`)).json() as { grids: { code: string }[]; buildings: { id: string; grid: number }[] };
  return ids.map(id => told.grids[told.buildings.find(b => b.id === id)!.grid]?.code);
}, buildings);

/** Two planners before the same village of one draft. */
async function both(name: string): Promise<[Visit, Visit]> {
  const one = await as("zhang");
  await openDraft(one.page, name);
  const two = await as("li", `/${new URL(one.page.url()).hash}`);
  expect((await look(two.page)).plan!.id).toBe((await look(one.page)).plan!.id);
  return [one, two];
}

const version = async (page: Page, least: number): Promise<void> => { await page.waitForFunction(v => { const s = window.lianhu.state(); return s.plan!.version >= v && s.waiting === 0; }, least); };

describe("P14 two planners", () => {
  it("on different grids are merged without a word", async () => {
    const [one, two] = await both("P14 merge"), start = await look(one.page), cells = await borderCells(one.page);
    const mine = cells[0]!, theirs = cells.find(c => ![mine.from, mine.to].includes(c.from) && ![mine.from, mine.to].includes(c.to))!;
    // both hands are down before either is up: neither has seen the other's
    await paint(one.page, mine.atom, mine.to, false);
    await paint(two.page, theirs.atom, theirs.to, false);
    await one.page.mouse.up();
    await version(one.page, start.plan!.version + 1);
    expect((await look(two.page)).stroke).not.toBeNull();
    await two.page.mouse.up();
    await version(two.page, start.plan!.version + 2);
    await version(one.page, start.plan!.version + 2);
    for (const { page, faults } of [one, two]) {
      const now = await look(page);
      expect([now.conflict, now.dialog, now.pending]).toEqual([false, null, false]);
      expect(await owners(page, [mine.buildings[0]!, theirs.buildings[0]!])).toEqual([mine.to, theirs.to]);
      expect(now.totals[mine.to]!.households).toBe(start.totals[mine.to]!.households + mine.households);
      expect(now.totals[theirs.to]!.households).toBe(start.totals[theirs.to]!.households + theirs.households);
      expect(faults).toEqual([]);
    }
    await one.context.close();
    await two.context.close();
  });

  it.each(["mine", "theirs"] as const)("on the same grid are asked, and “%s” does what it says", async how => {
    const [one, two] = await both(`P14 ${how}`), start = await look(one.page), cells = await borderCells(one.page);
    const theirs = cells[0]!, mine = cells.find(c => c.from === theirs.from && c.to === theirs.to && c.atom !== theirs.atom)!;
    await paint(one.page, mine.atom, mine.to, false);
    await paint(two.page, theirs.atom, theirs.to);
    await version(two.page, start.plan!.version + 1);
    await one.page.mouse.up();
    await one.page.waitForSelector(by("conflict"));
    const said = (await one.page.textContent(by("conflict")))!, { name } = await two.page.evaluate(async () => await (await fetch("/api/session")).json() as { id: string; name: string });
    // by the name people know, and when
    expect(said).toMatch(new RegExp(`${name} 于 \\d\\d/\\d\\d \\d\\d:\\d\\d 改了`));
    expect([theirs.from, theirs.to].some(g => said.includes(g.slice(12)))).toBe(true);
    expect(await owners(one.page, [mine.buildings[0]!, theirs.buildings[0]!])).toEqual([mine.from, theirs.to]);
    await picture(one.page, `p14-${how}`);
    await one.page.click(by(`conflict-${how}`));
    await one.page.waitForFunction(() => !window.lianhu.state().conflict);
    await version(one.page, start.plan!.version + (how === "mine" ? 2 : 1));
    await settled(one.page);
    expect(await owners(one.page, [mine.buildings[0]!, theirs.buildings[0]!])).toEqual([how === "mine" ? mine.to : mine.from, theirs.to]);
    const after = await look(one.page);
    expect([after.dialog, after.pending, after.plan!.version]).toEqual([null, false, start.plan!.version + (how === "mine" ? 2 : 1)]);
    expect(after.totals[theirs.to]!.households).toBe(start.totals[theirs.to]!.households + theirs.households + (how === "mine" ? mine.households : 0));
    expect(after.selection).toEqual([]);
    await version(two.page, after.plan!.version);
    for (const { faults, context } of [one, two]) { expect(faults).toEqual([]); await context.close(); }
  });

  it("loses nothing of two edits that met another's: who looks first has both, and does each again as it was or gives it up", async () => {
    const [one, two] = await both("P14 look"), { page } = one, start = await look(page), cells = await borderCells(page), v = start.plan!.version;
    const theirs = cells[0]!, mine = cells.find(c => c.from === theirs.from && c.to === theirs.to && c.atom !== theirs.atom)!;
    await makeActive(page, mine.to);
    await one.context.setOffline(true);
    await paint(page, mine.atom, mine.to);
    await page.fill(by("rename-name"), "东街一格");
    await page.click(by("rename"));
    await page.waitForFunction(() => window.lianhu.state().waiting === 2);
    await paint(two.page, theirs.atom, theirs.to);
    await version(two.page, v + 1);
    await one.context.setOffline(false);
    await page.waitForSelector(by("conflict"), { timeout: 30_000 });
    // the second stands behind the first
    expect(await page.textContent(by("conflict"))).toMatch(/您的修改没有写入：划入/);
    expect(await page.textContent(by("conflict-behind"))).toContain("还有 1 处修改");
    await page.click(by("conflict-look"));
    await page.waitForFunction(() => { const s = window.lianhu.state(); return s.conflict && s.aside.length === 1; });
    // what was to be moved is chosen and on the map; the name is asked about in its turn
    expect([...(await look(page)).selection].sort()).toEqual([...mine.buildings].sort());
    expect(await page.textContent(by("conflict"))).toMatch(/您的修改没有写入：改名/);
    await page.click(by("conflict-look"));
    await version(page, v + 1);
    await settled(page);
    await picture(page, "p14-look");
    const looked = await look(page);
    expect([looked.conflict, looked.aside.length, looked.plan!.version, looked.dialog]).toEqual([false, 2, v + 1, null]);
    expect(await owners(page, [mine.buildings[0]!, theirs.buildings[0]!])).toEqual([mine.from, theirs.to]);
    await page.click(by("aside-again-1"));
    await version(page, v + 2);
    expect(await page.textContent(by(`grid-${mine.to}`))).toContain("东街一格");
    await page.click(by("aside-again-0"));
    await version(page, v + 3);
    expect(await owners(page, [mine.buildings[0]!, theirs.buildings[0]!])).toEqual([mine.to, theirs.to]);
    const after = await look(page);
    expect([after.aside, after.dialog, after.pending]).toEqual([[], null, false]);
    expect(after.totals[theirs.to]!.households).toBe(start.totals[theirs.to]!.households + theirs.households + mine.households);
    for (const { faults, context } of [one, two]) { expect(faults).toEqual([]); await context.close(); }
  });
});

describe("P19 trouble in the middle of an edit", () => {
  it("starts when the line is back where there was none when the page was opened", async () => {
    const { page, context } = await as("zhang");
    await page.route("**/api/**", route => route.abort());
    await page.reload();
    await page.click(by("retry"));
    await page.waitForSelector(by("offline"));
    await page.unroute("**/api/**");
    await page.click(by("retry"));
    await page.waitForSelector(by("sign-out"));
    await page.waitForSelector(`${by("region-0")} option[value="520400"]`, { state: "attached" });
    expect(await page.locator(by("offline")).count()).toBe(0);
    await context.close();
  });

  it("says what could not be read, and reads it when asked again or when the line is back", async () => {
    const { page, context } = await as("zhang");
    await page.waitForSelector(`${by("region-0")} option[value="520400"]`, { state: "attached" });
    // the service says no, once
    await page.route("**/api/plans?*", route => route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify({ type: "about:blank", title: "x", status: 503, code: "busy", detail: "忙 / busy" }) }));
    await page.selectOption(by("region-0"), "520400");
    await page.waitForSelector(by("not-read"));
    expect(await page.textContent(by("not-read"))).toContain("没有读到");
    await page.unroute("**/api/plans?*");
    await page.click(by("again"));
    await page.waitForSelector(by("not-read"), { state: "detached" });
    expect(await page.textContent(by("panel"))).not.toContain("正在读取");
    // nobody answers, and then somebody does
    await page.route("**/api/plans?*", route => route.abort());
    await page.selectOption(by("region-1"), { index: 1 });
    await page.waitForSelector(by("not-read"));
    await page.unroute("**/api/plans?*");
    await page.click(by("retry"));
    await page.waitForSelector(by("not-read"), { state: "detached" });
    expect(await page.locator(by("offline")).count()).toBe(0);
    await context.close();
  });

  it("keeps the edit while the line is down, says so, and sends it once", async () => {
    const { page, context } = await as("zhang");
    await openDraft(page, "P19");
    const before = await look(page), cell = (await borderCells(page))[0]!;
    await makeActive(page, cell.to);
    await context.setOffline(true);
    await paint(page, cell.atom, cell.to);
    await page.waitForSelector(by("offline"));
    expect((await look(page)).waiting).toBe(1);
    expect((await look(page)).totals[cell.to]!.households).toBe(before.totals[cell.to]!.households + cell.households);
    expect(await judge(page), "offline").toEqual([]);
    await picture(page, "p19-offline");
    // whoever leaves now would lose it: the browser asks
    const asked: string[] = [];
    page.once("dialog", d => { asked.push(d.type()); void d.dismiss(); });
    await page.close({ runBeforeUnload: true });
    await expect.poll(() => asked).toEqual(["beforeunload"]);
    expect(page.isClosed()).toBe(false);
    await context.setOffline(false);
    await page.waitForFunction(() => { const s = window.lianhu.state(); return s.waiting === 0 && !s.offline && s.history.length > 0; }, undefined, { timeout: 20_000 });
    const after = await look(page);
    expect(after.history.length).toBe(1);
    expect(after.totals[cell.to]!.households).toBe(before.totals[cell.to]!.households + cell.households);
    // nothing waits any more: nobody is asked
    page.once("dialog", d => { asked.push("again"); void d.accept(); });
    await page.reload();
    await page.waitForFunction(() => "lianhu" in window && window.lianhu.state().village !== null);
    expect(asked).toEqual(["beforeunload"]);
    await context.close();
  });

  it("keeps the edit while one signs in again, and sends it once", async () => {
    const { page, context, faults } = await as("zhang");
    await openDraft(page, "P19 session");
    const before = await look(page), cell = (await borderCells(page))[0]!;
    await makeActive(page, cell.to);
    const posts: string[] = [];
    page.on("request", r => { if (r.method() === "POST" && r.url().endsWith("/edits")) posts.push(r.headers()["idempotency-key"]!); });
    expect(await page.evaluate(async () => (await fetch("/api/session", { method: "DELETE" })).status)).toBe(204);
    await paint(page, cell.atom, cell.to);
    await page.waitForSelector(by("sign-in"));
    const during = await look(page);
    expect([during.waiting, during.plan!.version]).toEqual([1, before.plan!.version]);
    expect(during.totals[cell.to]!.households).toBe(before.totals[cell.to]!.households + cell.households);
    expect(await page.textContent(by("dialog"))).toContain("未保存的修改仍在");
    await picture(page, "p19-session");
    await fillIn(page, "zhang", "wrong-this-time");
    await page.waitForSelector(by("dialog-wrong"));
    expect((await look(page)).waiting).toBe(1);
    await fillIn(page, "zhang", PASSWORD);
    await changed(page, before.hash);
    await settled(page);
    await page.waitForFunction(() => window.lianhu.state().history.length > 0);
    const after = await look(page);
    expect([after.plan!.version, after.history.length, after.dialog]).toEqual([before.plan!.version + 1, 1, null]);
    expect(await owners(page, [cell.buildings[0]!])).toEqual([cell.to]);
    // the same edit by the same key: it was never another
    expect(posts.length).toBeGreaterThan(1);
    expect(new Set(posts).size).toBe(1);
    expect(await page.locator(by("dialog")).count()).toBe(0);
    expect(faults).toEqual([]);
    await context.close();
  });
});
