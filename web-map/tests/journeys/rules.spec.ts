// The rules that alarm, as an administrator changes them in the room; others have no part in it.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ago, enter, get, places, quiet, report, until } from "./room-hands";
import { browse, by, picture, Service, type Visit } from "./service";

const service = new Service();
const PASSWORD = "long enough for a test 7";
let browser: Browser, lived: [number, number][];
beforeAll(async () => {
  if (!service.isOurs) return;
  await service.start();
  browser = await browse();
  await quiet(service);
  lived = await places(service);
  // visitors of the demonstration plan; rules are for administrators
  await service.kill();
  for (const role of ["admin", "viewer"]) service.addUser(role, role, PASSWORD);
  await service.start();
}, 300_000);
afterAll(async () => { await browser?.close(); await service.end(); });

/** The room as one of the users sees it. */
async function as(role: string): Promise<Visit> {
  const made = await enter(browser, service);
  await made.page.evaluate(body => fetch("/api/session", { method: "POST", headers: { "content-type": "application/json" }, body }), JSON.stringify({ name: role, password: PASSWORD }));
  await made.page.reload();
  await until(made.page, "signed_in", true);
  return made;
}

describe.skipIf(!service.isOurs)("the rules that alarm", () => {
  interface Opened { id: string; kind: string; incident: string | null; opened_at: string; escalates_at: string | null }
  const alertOf = async (incident: string): Promise<Opened | undefined> => (await get<{ alerts: Opened[] }>(service, "/api/alerts?open=true")).alerts.find(a => a.incident === incident);
  const openRules = async (page: Page): Promise<void> => { await page.click(by("tab-alerts")); await page.click(by("rules-open")); await page.waitForSelector(by("rule-emergency")); };
  const minutes = ({ opened_at, escalates_at }: Opened): number => Math.round((Date.parse(escalates_at!) - Date.parse(opened_at)) / 60_000);

  it("are changed by the keyboard, and what they say holds for the next emergency; a reload shows them as they stand", async () => {
    const { page, context, faults } = await as("admin");
    await page.focus(by("tab-alerts"));
    await page.keyboard.press("Enter");
    await page.focus(by("rules-open"));
    await page.keyboard.press("Enter");
    await page.waitForSelector(by("rule-emergency"));
    // what the service refuses it says beside the field, and what was typed stays
    const patience = by("rule-emergency-escalate_after_min");
    await page.focus(patience);
    await page.keyboard.press("Control+A");
    await page.keyboard.type("0");
    await page.keyboard.press("Enter");
    await page.waitForSelector(by("rule-problem-emergency"));
    expect(await page.textContent(by("rule-problem-emergency"))).toBe("应为 1–10080");
    expect([await page.inputValue(patience), await page.getAttribute(patience, "aria-invalid")]).toEqual(["0", "true"]);
    await picture(page, "m03-rules");
    await page.focus(patience);
    await page.keyboard.press("Control+A");
    await page.keyboard.type("25");
    await page.keyboard.press("Enter");
    await page.waitForSelector(by("rule-reset-emergency"));
    expect(await page.locator(by("rule-problem-emergency")).count()).toBe(0);

    const made = await report(service, { category: "emergency", occurred_at: ago(0), at: lived[5]!, summary: "屋顶冒烟" });
    await page.waitForFunction(() => /2[45]:\d\d 内无人确认则上报.+综治中心/.test(document.querySelector("[data-testid=escalation]")?.textContent ?? ""));
    expect(minutes((await alertOf(made.id))!)).toBe(25);
    await quiet(service);
    await page.reload();
    await openRules(page);
    expect(await page.inputValue(patience)).toBe("25");

    // switched off, nothing rings
    await page.uncheck(by("rule-emergency-enabled"));
    await page.click(by("rule-save-emergency"));
    await page.waitForSelector(`${by("rule-emergency")} .chip.draft`);
    const silent = await report(service, { category: "emergency", occurred_at: ago(0), at: lived[6]!, summary: "路面塌陷" });
    await until(page, "emergency", null);
    expect(await alertOf(silent.id)).toBeUndefined();

    // a page that read it before is told that somebody was faster, and keeps what was written
    const late = await as("admin");
    await openRules(late.page);
    await page.click(by("rule-reset-emergency"));
    await page.waitForSelector(by("rule-reset-emergency"), { state: "detached" });
    await late.page.fill(patience, "30");
    await late.page.click(by("rule-save-emergency"));
    await late.page.waitForSelector(by("rule-problem-emergency"));
    expect(await late.page.textContent(by("rule-problem-emergency"))).toContain("已被他人修改");
    expect(await late.page.inputValue(patience)).toBe("30");
    const { rules } = await page.evaluate(async () => await (await fetch("/api/alert-rules")).json() as { rules: { id: string; escalate_after_min: number; enabled: boolean; version: number }[] });
    expect(rules.find(r => r.id === "emergency")).toMatchObject({ escalate_after_min: 10, enabled: true, version: 0 });
    expect([...faults, ...late.faults]).toEqual([]);
    await context.close();
    await late.context.close();
  });

  it("are made for a region by the keyboard, changed and deleted", async () => {
    const { page, context, faults } = await as("admin");
    await openRules(page);
    const before = await page.locator("form.rule").count();
    await page.focus(by("rule-new"));
    await page.keyboard.press("Enter");
    await page.waitForSelector(by("ask"));
    await page.selectOption(by("ask-kind"), "hot_and_growing");
    await page.selectOption(by("ask-region"), { index: 1 });
    const region = await page.inputValue(by("ask-region"));
    await page.fill(by("ask-minutes"), "0");
    await page.keyboard.press("Enter");
    // the service says what cannot be, and nothing is made
    await page.waitForSelector(`${by("notice")}.bad`);
    expect(await page.locator("form.rule").count()).toBe(before);
    await page.click(by("rule-new"));
    await page.selectOption(by("ask-kind"), "hot_and_growing");
    await page.selectOption(by("ask-region"), region);
    await page.fill(by("ask-minutes"), "45");
    await picture(page, "m03-new-rule");
    await page.keyboard.press("Enter");
    await page.waitForFunction(n => document.querySelectorAll("form.rule").length === n, before + 1);
    interface Rule { id: string; kind: string; region: string; escalate_after_min: number; ships: boolean; version: number }
    const own = async (): Promise<Rule | undefined> => (await page.evaluate(async () => (await (await fetch("/api/alert-rules")).json() as { rules: Rule[] }).rules)).find(r => !r.ships);
    const rule = (await own())!;
    expect(rule).toMatchObject({ kind: "hot_and_growing", region, escalate_after_min: 45 });
    await page.fill(by(`rule-${rule.id}-days`), "60");
    await page.click(by(`rule-save-${rule.id}`));
    await page.waitForFunction(async ({ id, v }) => ((await (await fetch("/api/alert-rules")).json() as { rules: Rule[] }).rules.find(r => r.id === id)?.version ?? 0) > v, { id: rule.id, v: rule.version });
    await page.click(by(`rule-reset-${rule.id}`));
    await page.waitForSelector(by(`rule-${rule.id}`), { state: "detached" });
    expect(await own()).toBeUndefined();
    expect(faults).toEqual([]);
    await context.close();
  });

  it("are not for those who only watch", async () => {
    const { page, context } = await as("viewer");
    await page.click(by("tab-alerts"));
    await page.waitForSelector(`${by("alerts")}, ${by("no-alerts")}`);
    expect(await page.locator(by("rules-open")).count()).toBe(0);
    const refused = await page.evaluate(async () => {
      const wish = JSON.stringify({ kind: "emergency", escalate_after_min: 60, enabled: false });
      return [(await fetch("/api/alert-rules")).status, (await fetch("/api/alert-rules/emergency", { method: "PUT", headers: { "content-type": "application/json", "if-match": '"0"' }, body: wish })).status];
    });
    expect(refused).toEqual([403, 403]);
    await context.close();
  });
});
