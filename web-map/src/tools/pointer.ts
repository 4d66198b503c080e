// Looks and selects: a building by its point, a grid by its ground.

import type { App } from "../app";
import { howOf, type Tool, type Where } from "./tool";

/** Reach of a click, screen pixels. */
const REACH_PX = 12;
/** A press that moved further was a drag. */
const STILL_PX = 4;

export class Pointer implements Tool {
  readonly name = "select";
  readonly pans = true;
  private from: Where | null = null;
  constructor(private readonly app: App) {}

  down(at: Where): void { this.from = at; }
  move(way: readonly Where[]): void {
    for (const at of way) if (this.from !== null && Math.hypot(at.x - this.from.x, at.y - this.from.y) > STILL_PX * at.perScreenPx) this.from = null;
  }
  up(at: Where): void {
    const { model } = this.app.state;
    if (this.from === null || model === null) return;
    this.from = null;
    const reach = REACH_PX * at.perScreenPx;
    const far = (a: number): number => Math.hypot(model.site[2 * a]! - at.x, model.site[2 * a + 1]! - at.y);
    const near = model.inBox(at.x - reach, at.y - reach, at.x + reach, at.y + reach).sort((a, b) => far(a) - far(b))[0];
    const ground = model.find(at.x, at.y);
    if (near !== undefined && far(near) <= reach) {
      this.app.store.dispatch({ type: "select", atoms: [near], how: howOf(at) });
      this.app.store.set({ focus: near });
    } else if (!at.add && !at.subtract) this.app.store.dispatch({ type: "select", atoms: [], how: "set" });
    if (ground >= 0 && !at.add && !at.subtract && this.app.state.pending === null) this.app.looks.setActive(model.grid[ground]!);
  }
  cancel(): void { this.from = null; }
}
