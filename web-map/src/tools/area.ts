// Selects what a rectangle or a drawn loop encloses.

import type { App } from "../app";
import type { MapView } from "../map/map";
import { howOf, type Tool, type Where } from "./tool";

type Point = [number, number];

/** Whether a place lies in a loop (even–odd). */
export function encloses(loop: readonly Point[], x: number, y: number): boolean {
  let inside = false;
  for (let i = 0, j = loop.length - 1; i < loop.length; j = i++) {
    const [xi, yi] = loop[i]!, [xj, yj] = loop[j]!;
    if ((yi > y) !== (yj > y) && x < (xj - xi) * (y - yi) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

export class Area implements Tool {
  readonly pans = false;
  private loop: Point[] = [];
  constructor(private readonly app: App, private readonly map: MapView, readonly name: "rectangle" | "lasso") {}

  down(at: Where): void { this.loop = [[at.x, at.y]]; }
  move(way: readonly Where[], pressed: boolean): void {
    const [first] = this.loop, at = way.at(-1);
    if (!pressed || first === undefined || at === undefined) return;
    if (this.name === "rectangle") this.loop = [first, [at.x, first[1]], [at.x, at.y], [first[0], at.y]];
    else for (const { x, y } of way) this.loop.push([x, y]);
    this.map.sketch.show({ kind: "path", points: this.loop, closed: true });
  }
  up(at: Where): void {
    const { model } = this.app.state;
    const xs = this.loop.map(p => p[0]), ys = this.loop.map(p => p[1]);
    this.map.sketch.show(null);
    if (model !== null && this.loop.length > 2) {
      const box = model.inBox(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys));
      this.app.store.dispatch({ type: "select", atoms: box.filter(a => encloses(this.loop, model.site[2 * a]!, model.site[2 * a + 1]!)), how: howOf(at) });
      this.app.looks.speakSelection();
    }
    this.loop = [];
  }
  cancel(): void { this.loop = []; this.map.sketch.show(null); }
}
