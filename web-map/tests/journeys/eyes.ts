// What is seen of a page: faults that axe finds, what moves, and the pixels of the planner's map.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const axeText = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds of serious and critical faults. */
export async function judge(page: Page): Promise<string[]> {
  if (!await page.evaluate(() => "axe" in window)) await page.evaluate(axeText);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> } };
    return (await axe.run()).violations.filter(v => v.impact === "serious" || v.impact === "critical").map(v => `${v.id}: ${v.nodes[0]?.html}`);
  });
}

/** What moves by itself, or would when it changes: elements, and what stands before and after them, with an animation or a transition that lasts. */
export const moving = (page: Page): Promise<string[]> => page.evaluate(() => {
  const lasts = (times: string): boolean => times.split(",").some(t => parseFloat(t) > 0);
  const styled = [...document.querySelectorAll("*")].flatMap(e => ["", "::before", "::after"].filter(part => {
    const s = getComputedStyle(e, part === "" ? null : part);
    return (s.animationName !== "none" && lasts(s.animationDuration)) || (s.transitionProperty !== "none" && lasts(s.transitionDuration));
  }).map(part => `${e.tagName.toLowerCase()}.${e.getAttribute("class") ?? ""}${part}`));
  return [...styled, ...document.getAnimations().filter(a => a.playState === "running").map(a => `running: ${a.id || a.constructor.name}`)];
});

export type Rgb = [number, number, number];
/** The ground of a cell on the map: how many pixels were looked at, their mean, the least and the most light of one (of 765), how many have the colour of the hatching. */
export interface Ground { pixels: number; mean: Rgb; least: number; most: number; hatched: number }

/** The ground of cells as the map shows it: pixels nearer to a cell's site than to any other, without borders and without the dots of buildings. */
export const ground = (page: Page, wanted: readonly number[]): Promise<Ground[]> => page.evaluate(async list => {
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  const canvas = [...document.querySelectorAll<HTMLCanvasElement>("[data-testid=map] canvas")].find(c => c.style.zIndex === "410")!, box = canvas.getBoundingClientRect();
  const { width, height } = canvas, ratio = width / box.width, { data } = canvas.getContext("2d")!.getImageData(0, 0, width, height);
  const EDGE = 3.5 * ratio, REACH = Math.round(28 * ratio), MOST_DOT = 11 * ratio;
  const sites = window.lianhu.atoms().map((a, i) => { const [x, y] = window.lianhu.screen(i)!; return { x: (x - box.left) * ratio, y: (y - box.top) * ratio, dot: a.buildings.length === 0 ? 0 : (Math.min(1.3 + Math.sqrt(a.households) * 0.9, 9) + 1.5) * ratio }; });
  return list.map(atom => {
    const { x: sx, y: sy } = sites[atom]!, far = (s: { x: number; y: number }): number => Math.hypot(s.x - sx, s.y - sy);
    const near = sites.filter(s => Math.abs(s.x - sx) < 3 * REACH && Math.abs(s.y - sy) < 3 * REACH).sort((a, b) => far(a) - far(b)), dots = near.filter(s => s.dot > 0 && far(s) < 2 * REACH + MOST_DOT);
    // a place is on this side of the line between two sites when its scalar product with the way across is small enough
    const rivals = near.filter(s => far(s) > 0).map(s => ({ x: (s.x - sx) / far(s), y: (s.y - sy) / far(s), most: far(s) / 2 - EDGE }));
    const found: Ground = { pixels: 0, mean: [0, 0, 0], least: 765, most: 0, hatched: 0 };
    for (let y = Math.max(Math.round(sy) - REACH, 0); y < Math.min(Math.round(sy) + REACH, height); y++) for (let x = Math.max(Math.round(sx) - REACH, 0); x < Math.min(Math.round(sx) + REACH, width); x++) {
      const i = 4 * (y * width + x);
      if (data[i + 3] === 0 || rivals.some(r => (x - sx) * r.x + (y - sy) * r.y > r.most) || dots.some(s => (x - s.x) ** 2 + (y - s.y) ** 2 < s.dot ** 2)) continue;
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

/** Light of a pixel of the plate that a grid's name stands on; no ground has as much. */
const PLATE = 700;
/** Whether no name stands there. */
export const isBare = (g: Ground): boolean => g.pixels >= 8 && g.most < PLATE;
/** And of one shade. */
export const isPlain = (g: Ground): boolean => isBare(g) && g.most - g.least < 24;
export const rgbOf = (hex: string): Rgb => [1, 3, 5].map(k => parseInt(hex.slice(k, k + 2), 16)) as Rgb;
/** How far two colours are apart in the channel where they are farthest. */
export const apart = (a: Rgb, b: Rgb): number => Math.max(...a.map((v, k) => Math.abs(v - b[k]!)));
/** A colour with another one, of a share, over the ground's 78 %. */
export const over = (ground_: Rgb, ink: Rgb, share: number): Rgb => ground_.map((v, k) => (ink[k]! * share + v * 0.78 * (1 - share)) / (share + 0.78 * (1 - share))) as Rgb;
