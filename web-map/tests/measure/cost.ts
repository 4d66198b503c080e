// What a page costs the browser: processor seconds of its process and of its main thread, heap, tasks that are felt, frames.

import type { Browser, BrowserContext, CDPSession, Page } from "playwright-core";

/** A task that takes longer than this is felt. */
export const LONG_MS = 200;

/** Seconds since the page began: of the renderer's process with all its threads, of its main thread; heap after a collection. */
export interface Cost { process_s: number; main_s: number; heap_mib: number }

export class Meter {
  private constructor(private readonly browser: CDPSession, private readonly page: CDPSession, private readonly of: Page) {}

  static async on(browser: Browser, context: BrowserContext, page: Page): Promise<Meter> {
    const [whole, one] = [await browser.newBrowserCDPSession(), await context.newCDPSession(page)];
    await one.send("Performance.enable");
    return new Meter(whole, one, page);
  }

  async cost(): Promise<Cost> {
    await this.page.send("HeapProfiler.collectGarbage");
    const { metrics } = await this.page.send("Performance.getMetrics"), { processInfo } = await this.browser.send("SystemInfo.getProcessInfo");
    const value = (name: string): number => metrics.find(m => m.name === name)?.value ?? NaN;
    return {
      process_s: processInfo.filter(p => p.type === "renderer").reduce((sum, p) => sum + p.cpuTime, 0),
      main_s: value("TaskDuration"), heap_mib: value("JSHeapUsedSize") / 2 ** 20,
    };
  }

  /** Long tasks since the last call, ms. */
  tasks(): Promise<number[]> { return this.of.evaluate(() => (window as unknown as { __tasks: number[] }).__tasks.splice(0)); }
}

/** To run in a page before anything else: notes its long tasks. */
export function noteTasks(): void {
  const tasks: number[] = [];
  Object.assign(window, { __tasks: tasks });
  new PerformanceObserver(list => tasks.push(...list.getEntries().map(e => e.duration))).observe({ type: "longtask", buffered: true });
}

export const at = (list: readonly number[], share: number): number => [...list].sort((a, b) => a - b)[Math.floor(list.length * share)] ?? NaN;
export const less = (now: Cost, then: Cost): Cost => ({ process_s: now.process_s - then.process_s, main_s: now.main_s - then.main_s, heap_mib: now.heap_mib });

interface Place { x: number; y: number; width: number; height: number }

/** Drags and turns the wheel over the map; milliseconds to the second frame after each. */
export async function wander(page: Page, box: Place, steps: number): Promise<number[]> {
  const frames: number[] = [], [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  for (let k = 0; k < steps; k++) {
    const step = page.evaluate(() => new Promise<number>(done => { const from = performance.now(); requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - from))); }));
    if (k % 3 === 2) { await page.mouse.move(x, y); await page.mouse.wheel(0, k % 6 === 2 ? -240 : 240); }
    else { await page.mouse.move(x, y); await page.mouse.down(); await page.mouse.move(x + 30, y + 20); await page.mouse.up(); }
    frames.push(await step);
  }
  return frames;
}

/** Moves the pressed hand outwards in a spiral: always over new ground. */
export async function spiral(page: Page, box: Place, moves: number): Promise<void> {
  for (let k = 0; k <= moves; k++) {
    const t = k / moves, r = 0.02 + 0.3 * t, turn = t * 8 * Math.PI;
    await page.mouse.move(box.x + box.width * 0.5 + box.height * r * Math.cos(turn), box.y + box.height * (0.5 + r * Math.sin(turn)));
  }
}

/** Lines of a table, columns as wide as they need. */
export function table(rows: readonly (readonly string[])[]): string {
  const wide = (rows[0] ?? []).map((_, c) => Math.max(...rows.map(r => r[c]?.length ?? 0)));
  return rows.map(r => r.map((cell, c) => c === 0 ? cell.padEnd(wide[c]!) : cell.padStart(wide[c]!)).join("  ")).join("\n");
}
