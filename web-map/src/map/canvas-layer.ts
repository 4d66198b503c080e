// A canvas over the map's view, drawn anew at most once a frame.

import L from "leaflet";

export abstract class CanvasLayer extends L.Layer {
  protected readonly canvas = document.createElement("canvas");
  protected map: L.Map | null = null;
  private frame = 0;

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
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.map === null) return;
      const size = this.map.getSize(), ratio = window.devicePixelRatio || 1;
      const w = Math.round(size.x * ratio), h = Math.round(size.y * ratio);
      if (this.canvas.width !== w || this.canvas.height !== h) {
        this.canvas.width = w;
        this.canvas.height = h;
        this.canvas.style.width = `${size.x}px`;
        this.canvas.style.height = `${size.y}px`;
      }
      const pen = this.canvas.getContext("2d");
      if (pen === null) return;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, size.x, size.y);
      this.draw(pen, this.map, size);
    });
  }

  protected abstract draw(pen: CanvasRenderingContext2D, map: L.Map, size: L.Point): void;
}
