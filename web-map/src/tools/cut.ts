// A line that splits the grid it runs through.

import type { App } from "../app";
import type { MapView } from "../map/map";
import type { Tool, Where } from "./tool";

export class Cut implements Tool {
  readonly name = "cut";
  readonly pans = false;
  private line: [number, number][] = [];
  constructor(private readonly app: App, private readonly map: MapView) {}

  down(at: Where): void { this.line = [[at.x, at.y]]; }
  move(way: readonly Where[], pressed: boolean): void {
    if (!pressed) return;
    for (const at of way) {
      const last = this.line.at(-1);
      if (last !== undefined && Math.hypot(at.x - last[0], at.y - last[1]) >= 3 * at.perScreenPx) this.line.push([at.x, at.y]);
    }
    this.map.sketch.show({ kind: "path", points: this.line, closed: false });
  }
  up(): void {
    const { model, active } = this.app.state, { line } = this;
    this.cancel();
    if (model === null || line.length < 2) return;
    const count = new Map<number, number>();
    for (const [x, y] of line) { const a = model.find(x, y); if (a >= 0) count.set(model.grid[a]!, (count.get(model.grid[a]!) ?? 0) + 1); }
    const through = count.has(active) ? active : [...count].sort((a, b) => b[1] - a[1])[0]?.[0] ?? -1;
    const grid = model.data.grids[through];
    if (grid === undefined) return;
    void this.app.planning.propose({ operation: "split_grid", grid: grid.code, by: { line: line.map(([x, y]) => this.map.lonLat(x, y)) } },
      `${this.app.t("tool_cut")} ${this.app.gridName(through)}`);
  }
  cancel(): void { this.line = []; this.map.sketch.show(null); }
}
