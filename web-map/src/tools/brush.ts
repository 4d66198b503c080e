// Paints buildings into the receiving grid: the one chosen, or the one where the hand came down.

import type { App } from "../app";
import type { MapView } from "../map/map";
import type { Tool, Where } from "./tool";

export class Brush implements Tool {
  readonly name = "brush";
  readonly pans = false;
  private last: Where | null = null;
  constructor(private readonly app: App, private readonly map: MapView) {}

  private get radius(): number { return this.app.state.brushM * this.map.pxPerM(); }

  down(at: Where): void {
    const { model, active } = this.app.state;
    if (model === null) return;
    const ground = model.find(at.x, at.y);
    const receiver = active >= 0 ? active : ground >= 0 ? model.grid[ground]! : -1;
    if (!this.app.hand.begin(receiver)) return;
    this.last = at;
    this.paint(at, [at]);
  }
  move(way: readonly Where[], pressed: boolean): void {
    const at = way.at(-1);
    if (at === undefined) return;
    this.map.sketch.show({ kind: "ring", x: at.x, y: at.y, radius: this.radius });
    if (!pressed || this.last === null) return;
    this.paint(this.last, way);
    this.last = at;
  }
  up(at: Where): void {
    if (this.last === null) return;
    this.move([at], true);
    this.last = null;
    this.app.hand.finish();
  }
  cancel(): void {
    this.last = null;
    this.map.sketch.show(null);
  }
  private paint(from: Where, way: readonly Where[]): void {
    const { model } = this.app.state, hit = new Set<number>(), { radius } = this;
    if (model === null) return;
    let last = from;
    for (const at of way) {
      for (const a of model.alongSegment(last.x, last.y, at.x, at.y, radius)) hit.add(a);
      const under = model.find(at.x, at.y);
      if (under >= 0 && model.isLived(under)) hit.add(under);
      last = at;
    }
    this.app.hand.extend(hit);
  }
}
