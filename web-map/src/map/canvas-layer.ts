// A canvas over the map's view, drawn anew at most once a frame: all of it, or only where something changed.

import L from "leaflet";
import { apart, type Box } from "./boxes";

export abstract class CanvasLayer extends L.Layer {
  protected readonly canvas = document.createElement("canvas");
  protected map: L.Map | null = null;
  private frame = 0;
  /** What is stale: all, or boxes. */
  private stale: "all" | Box[] = [];
  /** Whether what the canvas shows is ours to draw upon. */
  private isCleared = false;

  constructor(private readonly order: number) { super(); }

  override onAdd(map: L.Map): this {
    this.map = map;
    this.canvas.className = "layer";
    this.canvas.setAttribute("aria-hidden", "true");
    this.canvas.style.zIndex = String(this.order);
    map.getContainer().appendChild(this.canvas);
    map.on("move zoom resize viewreset", this.redraw, this);
    this.redraw();
    return this;
  }

  override onRemove(map: L.Map): this {
    map.off("move zoom resize viewreset", this.redraw, this);
    this.canvas.remove();
    this.map = null;
    return this;
  }

  /** Whether a drawing is on its way. */
  get isWaiting(): boolean { return this.frame !== 0; }

  redraw(): void {
    this.stale = "all";
    this.frame ||= requestAnimationFrame(() => this.paint());
  }

  /** Draws a part of the screen again. */
  touch(box: Box): void {
    if (this.stale !== "all") this.stale.push(box);
    this.frame ||= requestAnimationFrame(() => this.paint());
  }

  private paint(): void {
    this.frame = 0;
    if (this.map === null) return;
    // an empty canvas over the whole map costs every frame below it
    const isBlank = this.isBlank();
    this.canvas.style.display = isBlank ? "none" : "";
    if (isBlank) { this.stale = []; this.isCleared = false; return; }
    const size = this.map.getSize(), ratio = window.devicePixelRatio || 1;
    const w = Math.round(size.x * ratio), h = Math.round(size.y * ratio);
    let stale: readonly Box[] = this.stale === "all" ? [[0, 0, size.x, size.y]] : this.stale;
    this.stale = [];
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w;
      this.canvas.height = h;
      this.canvas.style.width = `${size.x}px`;
      this.canvas.style.height = `${size.y}px`;
      stale = [[0, 0, size.x, size.y]];
    }
    if (!this.isCleared) { this.isCleared = true; stale = [[0, 0, size.x, size.y]]; }
    const pen = this.canvas.getContext("2d");
    const boxes = stale
      .map((b): Box => [Math.max(Math.floor(b[0]), 0), Math.max(Math.floor(b[1]), 0), Math.min(Math.ceil(b[2]), size.x), Math.min(Math.ceil(b[3]), size.y)])
      .filter(b => b[2] > b[0] && b[3] > b[1]);
    if (pen === null) return;
    for (const box of apart(boxes)) {
      const [x, y] = box, w = box[2] - x, h = box[3] - y;
      pen.save();
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(x, y, w, h);
      pen.beginPath();
      pen.rect(x, y, w, h);
      pen.clip();
      this.draw(pen, this.map, size, box);
      pen.restore();
    }
    this.painted();
  }

  /** Whether there is nothing to draw at all. */
  protected isBlank(): boolean { return false; }
  /** Called when everything that was stale is drawn. */
  protected painted(): void { /* nothing to do */ }

  protected abstract draw(pen: CanvasRenderingContext2D, map: L.Map, size: L.Point, box: Box): void;
}
