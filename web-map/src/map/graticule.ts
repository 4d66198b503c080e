// Lines of longitude and latitude with their degrees: the ground when there is no other basemap.

import type L from "leaflet";
import { degrees } from "../style/palette";
import { CanvasLayer } from "./canvas-layer";

const STEPS_DEG = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
const APART_PX = 130;

export class Graticule extends CanvasLayer {
  constructor() { super(390); }

  protected override draw(pen: CanvasRenderingContext2D, map: L.Map, size: L.Point): void {
    const bounds = map.getBounds();
    const [w, e, s, n] = [bounds.getWest(), bounds.getEast(), bounds.getSouth(), bounds.getNorth()];
    const step = STEPS_DEG.find(d => d / (e - w) * size.x >= APART_PX) ?? 10;
    const digits = Math.max(0, Math.ceil(-Math.log10(step)));
    pen.strokeStyle = degrees.line;
    pen.fillStyle = degrees.ink;
    pen.font = "11px system-ui, sans-serif";
    pen.lineWidth = 1;
    pen.beginPath();
    for (let k = Math.ceil(w / step); k * step <= e; k++) {
      const x = Math.round(map.latLngToContainerPoint([n, k * step]).x) + 0.5;
      pen.moveTo(x, 0);
      pen.lineTo(x, size.y);
      pen.fillText(`${(k * step).toFixed(digits)}°E`, x + 4, 13);
    }
    for (let k = Math.ceil(s / step); k * step <= n; k++) {
      const y = Math.round(map.latLngToContainerPoint([k * step, w]).y) + 0.5;
      pen.moveTo(0, y);
      pen.lineTo(size.x, y);
      if (y > 30) pen.fillText(`${(k * step).toFixed(digits)}°N`, 4, y - 4);
    }
    pen.stroke();
  }
}
