// A canvas over the map's view, drawn anew at most once a frame: all of it, or only where something changed.

import L from "leaflet";

/** Screen pixels: w, n, e, s. */
export type Box = readonly [number, number, number, number];

export abstract class CanvasLayer extends L.Layer {
  protected readonly canvas = document.createElement("canvas");
  protected map: L.Map | null = null;
  private frame = 0;
  /** What is stale: all, or a box. */
  private stale: "all" | Box | null = null;

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

  redraw(): void {
    this.stale = "all";
    this.frame ||= requestAnimationFrame(() => this.paint());
  }

  /** Draws a part of the screen again. */
  touch([w, n, e, s]: Box): void {
    const old = this.stale;
    if (old !== "all") this.stale = old === null ? [w, n, e, s] : [Math.min(old[0], w), Math.min(old[1], n), Math.max(old[2], e), Math.max(old[3], s)];
    this.frame ||= requestAnimationFrame(() => this.paint());
  }

  private paint(): void {
    this.frame = 0;
    if (this.map === null || this.stale === null) return;
    const size = this.map.getSize(), ratio = window.devicePixelRatio || 1;
    const w = Math.round(size.x * ratio), h = Math.round(size.y * ratio);
    let box: Box = this.stale === "all" ? [0, 0, size.x, size.y] : this.stale;
    this.stale = null;
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w;
      this.canvas.height = h;
      this.canvas.style.width = `${size.x}px`;
      this.canvas.style.height = `${size.y}px`;
      box = [0, 0, size.x, size.y];
    }
    const pen = this.canvas.getContext("2d");
    if (pen === null) return;
    box = [Math.max(Math.floor(box[0]), 0), Math.max(Math.floor(box[1]), 0), Math.min(Math.ceil(box[2]), size.x), Math.min(Math.ceil(box[3]), size.y)];
    if (box[2] <= box[0] || box[3] <= box[1]) return;
    pen.save();
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.beginPath();
    pen.rect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
    pen.clip();
    pen.clearRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
    this.draw(pen, this.map, size, box);
    pen.restore();
  }

  protected abstract draw(pen: CanvasRenderingContext2D, map: L.Map, size: L.Point, box: Box): void;
}
