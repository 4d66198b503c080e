// What a tool shows besides the ground: the ring of the brush, a rectangle, a loop, a line.

import type L from "leaflet";
import type { App } from "../app";
import type { Box } from "./boxes";
import { CanvasLayer } from "./canvas-layer";
import { placing } from "./paint";

/** In local pixels. */
export type Sketch = { kind: "path"; points: readonly (readonly [number, number])[]; closed: boolean } | { kind: "ring"; x: number; y: number; radius: number };

export class SketchLayer extends CanvasLayer {
  private sketch: Sketch | null = null;

  constructor(private readonly app: App) { super(420); }

  show(sketch: Sketch | null): void {
    for (const one of [this.sketch, sketch]) {
      const box = one === null ? null : this.boxOf(one);
      if (box !== null) this.touch(box);
    }
    this.sketch = sketch;
  }

  /** What a sketch takes up on the screen. */
  private boxOf(sketch: Sketch): Box | null {
    const { map } = this, { model } = this.app.state;
    if (map === null || model === null) return null;
    const { X, Y, scale } = placing(model, map), edge = 4;
    if (sketch.kind === "ring") {
      const r = Math.max(sketch.radius * scale, 3) + edge, x = X(sketch.x), y = Y(sketch.y);
      return [x - r, y - r, x + r, y + r];
    }
    const xs = sketch.points.map(p => X(p[0])), ys = sketch.points.map(p => Y(p[1]));
    return [Math.min(...xs) - edge, Math.min(...ys) - edge, Math.max(...xs) + edge, Math.max(...ys) + edge];
  }

  protected override isBlank(): boolean { return this.sketch === null; }

  protected override draw(pen: CanvasRenderingContext2D, map: L.Map): void {
    const { sketch } = this, { model } = this.app.state;
    if (sketch === null || model === null) return;
    const { X, Y, scale } = placing(model, map);
    const closed = sketch.kind === "path" && sketch.closed;
    pen.beginPath();
    if (sketch.kind === "ring") pen.arc(X(sketch.x), Y(sketch.y), Math.max(sketch.radius * scale, 3), 0, 2 * Math.PI);
    else sketch.points.forEach(([x, y], i) => { if (i === 0) pen.moveTo(X(x), Y(y)); else pen.lineTo(X(x), Y(y)); });
    if (closed) { pen.closePath(); pen.fillStyle = "rgba(11, 92, 138, .10)"; pen.fill(); }
    pen.strokeStyle = "#ffffff";
    pen.lineWidth = 4;
    pen.stroke();
    pen.strokeStyle = "#0b3a57";
    pen.lineWidth = 2;
    pen.setLineDash(closed ? [6, 4] : []);
    pen.stroke();
  }
}
