// What a planner does with the mouse, in words.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { by, look, screen } from "./service";

const axeText = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const households = (s: Awaited<ReturnType<typeof look>>): Record<string, number> => Object.fromEntries(Object.entries(s.totals).map(([code, t]) => [code, t.households]));

export async function makeActive(page: Page, code: string): Promise<void> {
  await page.click(by("tab-grids"));
  if ((await look(page)).active === code) return;
  await page.click(by(`pick-${code}`));
  await page.waitForFunction(c => window.lianhu.state().active === c, code);
}

/** Paints one cell into a grid with the brush. */
export async function paint(page: Page, atom: number, to: string, release = true): Promise<void> {
  if ((await look(page)).active !== to) await makeActive(page, to);
  await page.click(by("tool-brush"));
  await page.locator(by("brush-size")).fill("5");
  const at = await screen(page, atom);
  await page.mouse.move(at![0] + 1, at![1] + 1);
  await page.mouse.down();
  await page.mouse.move(at![0], at![1], { steps: 3 });
  await page.waitForFunction(() => (window.lianhu.state().stroke?.buildings.length ?? 0) > 0);
  if (release) await page.mouse.up();
}

export async function selectCells(page: Page, atoms: readonly number[]): Promise<void> {
  await page.click(by("tool-select"));
  for (const [i, atom] of atoms.entries()) {
    const at = await screen(page, atom);
    if (i > 0) await page.keyboard.down("Shift");
    await page.mouse.click(at![0], at![1]);
    if (i > 0) await page.keyboard.up("Shift");
  }
}

/** Waits for an edit that was stored, or for the page to say why it was not. */
export const changed = (page: Page, hash: string | null): Promise<unknown> =>
  page.waitForFunction(h => { const s = window.lianhu.state(); return (s.hash !== h && s.waiting === 0) || s.dialog !== null; }, hash);

/** Takes the ring of a cell away from its grid, so that the page asks about what would be cut off; the keyboard stands on the map then. */
export async function strand(page: Page, { ring, to }: { ring: readonly number[]; to: string }): Promise<void> {
  await page.keyboard.press("Escape");
  await page.click(by("zoom-all"));
  await selectCells(page, ring);
  await makeActive(page, to);
  await page.click(by("assign"));
  await page.waitForSelector(by("stranded"));
  await page.focus(by("map"));
}

/** Presses Tab until the focus is on something whose test id fits. */
export async function tabTo(page: Page, fits: RegExp): Promise<string> {
  for (let k = 0; k < 200; k++) {
    const at = await page.evaluate(() => document.activeElement?.getAttribute("data-testid") ?? "");
    if (fits.test(at)) return at;
    await page.keyboard.press("Tab");
  }
  throw new Error(`no way by Tab to ${fits}`);
}

/** Walks with the arrow keys to a cell, keys that lead nearer first. */
export async function walkTo(page: Page, atom: number): Promise<void> {
  const goal = (await screen(page, atom))!, tried = new Map<number, number>();
  const stand = (): Promise<{ at: number; place: [number, number] | null }> => page.evaluate(() => {
    const { focus } = window.lianhu.state(), at = focus === null ? -1 : window.lianhu.atoms().findIndex(a => a.buildings.includes(focus[0]!));
    return { at, place: at < 0 ? null : window.lianhu.screen(at) };
  });
  await page.focus(by("map"));
  let now = await stand();
  for (let k = 0; k < 600 && now.at !== atom; k++) {
    // the view may have followed the focus
    const aim = (await screen(page, atom)) ?? goal, [dx, dy] = now.place === null ? [1, 0] : [aim[0] - now.place[0], aim[1] - now.place[1]];
    const keys = ([["ArrowRight", dx], ["ArrowLeft", -dx], ["ArrowDown", dy], ["ArrowUp", -dy]] as [string, number][]).sort((a, b) => b[1] - a[1]), turn = (tried.get(now.at) ?? 0);
    tried.set(now.at, turn + 1);
    await page.keyboard.press(keys[turn % 4]![0]);
    now = await stand();
  }
  if (now.at !== atom) throw new Error(`no way by arrow keys to cell ${atom}`);
}

/** Makes a grid the receiver with the bracket keys. */
export async function receive(page: Page, code: string): Promise<void> {
  await page.focus(by("map"));
  for (let k = 0; k < 100 && (await look(page)).active !== code; k++) await page.keyboard.press("]");
}

/** What axe finds of serious and critical faults. */
export async function judge(page: Page): Promise<string[]> {
  if (!await page.evaluate(() => "axe" in window)) await page.evaluate(axeText);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> } };
    return (await axe.run()).violations.filter(v => v.impact === "serious" || v.impact === "critical").map(v => `${v.id}: ${v.nodes[0]?.html}`);
  });
}

type Place = readonly [number, number];

/** Fingers on the glass, one a way: where they come down, go by, and are lifted. */
export async function touch(page: Page, ...ways: readonly (readonly Place[])[]): Promise<void> {
  const glass = await page.context().newCDPSession(page), at = (k: number) => ways.map((way, id) => ({ x: way[k]![0], y: way[k]![1], id }));
  await glass.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at(0) });
  for (let k = 1; k < ways[0]!.length; k++) await glass.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: at(k) });
  await glass.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await glass.detach();
}

/** Places from one to another in equal steps. */
export const way = ([x, y]: Place, [u, v]: Place, steps = 8): Place[] => Array.from({ length: steps + 1 }, (_, k) => [x + (u - x) * k / steps, y + (v - y) * k / steps]);

export type Rgb = [number, number, number];
/** The ground of a cell on the map: how many pixels were looked at, their mean, the least and the most light of one (of 765), how many have the colour of the hatching. */
export interface Ground { pixels: number; mean: Rgb; least: number; most: number; hatched: number }

/** The ground of cells as the map shows it: pixels nearer to a cell's site than to any other, without borders and without the dots of buildings. */
export const ground = (page: Page, wanted: readonly number[]): Promise<Ground[]> => page.evaluate(async list => {
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  const canvas = [...document.querySelectorAll<HTMLCanvasElement>("[data-testid=map] canvas")].find(c => c.style.zIndex === "410")!, box = canvas.getBoundingClientRect();
  const { width, height } = canvas, ratio = width / box.width, { data } = canvas.getContext("2d")!.getImageData(0, 0, width, height);
  const EDGE = 3.5 * ratio, REACH = Math.round(28 * ratio);
  const sites = window.lianhu.atoms().map((a, i) => { const [x, y] = window.lianhu.screen(i)!; return { x: (x - box.left) * ratio, y: (y - box.top) * ratio, dot: a.buildings.length === 0 ? 0 : (Math.min(1.3 + Math.sqrt(a.households) * 0.9, 9) + 1.5) * ratio }; });
  return list.map(atom => {
    const { x: sx, y: sy } = sites[atom]!, near = sites.filter(s => Math.hypot(s.x - sx, s.y - sy) < 3 * REACH), rivals = near.filter(s => s.x !== sx || s.y !== sy);
    const found: Ground = { pixels: 0, mean: [0, 0, 0], least: 765, most: 0, hatched: 0 };
    for (let y = Math.max(Math.round(sy) - REACH, 0); y < Math.min(Math.round(sy) + REACH, height); y++) for (let x = Math.max(Math.round(sx) - REACH, 0); x < Math.min(Math.round(sx) + REACH, width); x++) {
      const own = (x - sx) ** 2 + (y - sy) ** 2, i = 4 * (y * width + x);
      if (data[i + 3] === 0 || near.some(s => Math.hypot(x - s.x, y - s.y) < s.dot) || rivals.some(s => ((x - s.x) ** 2 + (y - s.y) ** 2 - own) / (2 * Math.hypot(s.x - sx, s.y - sy)) < EDGE)) continue;
      const rgb = [data[i]!, data[i + 1]!, data[i + 2]!] as const, light = rgb[0] + rgb[1] + rgb[2];
      found.pixels++;
      rgb.forEach((v, k) => { found.mean[k]! += v; });
      found.least = Math.min(found.least, light);
      found.most = Math.max(found.most, light);
      if (Math.abs(rgb[0] - 161) + Math.abs(rgb[1] - 38) + Math.abs(rgb[2] - 13) < 40) found.hatched++;
    }
    found.mean = found.mean.map(v => v / Math.max(found.pixels, 1)) as Rgb;
    return found;
  });
}, [...wanted]);

/** Of one shade, and enough of it to be sure: nothing is written over it. */
export const isPlain = (g: Ground): boolean => g.pixels >= 12 && g.most - g.least < 24;
export const rgbOf = (hex: string): Rgb => [1, 3, 5].map(k => parseInt(hex.slice(k, k + 2), 16)) as Rgb;
/** How far two colours are apart in the channel where they are farthest. */
export const apart = (a: Rgb, b: Rgb): number => Math.max(...a.map((v, k) => Math.abs(v - b[k]!)));
/** A colour with another one, of a share, over the ground's 78 %. */
export const over = (ground_: Rgb, ink: Rgb, share: number): Rgb => ground_.map((v, k) => (ink[k]! * share + v * 0.78 * (1 - share)) / (share + 0.78 * (1 - share))) as Rgb;
