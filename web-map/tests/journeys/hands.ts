// What a planner does with the mouse, in words.

import type { Page } from "playwright-core";
import { by, look, screen } from "./service";

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

/** Puts a cell in the middle of the map, from near. */
export const comeTo = (page: Page, atom: number, zoom: number): Promise<void> => page.evaluate(async ([a, z]) => {
  const { plan, village } = window.lianhu.state(), { atoms } = await (await fetch(`/api/plans/${plan!.id}/villages/${village}`)).json() as { atoms: { at: [number, number] }[] };
  window.lianhu.look(...atoms[a!]!.at, z!);
}, [atom, zoom]);

/** Points of the picture with the red of a circle round a building, within ten CSS pixels of a place on the page. */
export async function redAround(page: Page, [x, y]: readonly [number, number]): Promise<number> {
  const cut = (await page.screenshot({ clip: { x: Math.round(x) - 10, y: Math.round(y) - 10, width: 20, height: 20 } })).toString("base64");
  return page.evaluate(async png => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(png), c => c.charCodeAt(0))])), glass = new OffscreenCanvas(image.width, image.height), pen = glass.getContext("2d")!;
    pen.drawImage(image, 0, 0);
    const { data } = pen.getImageData(0, 0, image.width, image.height);
    let n = 0;
    for (let k = 0; k < data.length; k += 4) if (Math.abs(data[k]! - 161) < 40 && data[k + 1]! < 90 && data[k + 2]! < 80) n++;
    return n;
  }, cut);
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
