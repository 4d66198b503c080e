// A small map with a cross in its middle: the place that is meant.

import type L from "leaflet";
import { api, type LonLat } from "../api";
import { palettes, type PaletteName } from "../style/palette";
import type { Box } from "../room/cells";
import { CanvasLayer } from "./canvas-layer";
import { label, plate } from "./lettering";
import { Screen, worldRing, type WorldRing } from "./outlines";
import { middle, ringsOf } from "./region-layer";
import { ground } from "./room-map";

const NEAR_ZOOM = 17;
const STEP_PX = 20;

/** Borders and names, for orientation. */
class Outlines extends CanvasLayer {
  private shapes: { name: string; rings: WorldRing[]; at: [number, number] }[] = [];
  constructor(private readonly short: (name: string) => string) { super(400); }

  async load(box: Box): Promise<void> {
    const found = await api.outlines(box, "village");
    this.shapes = found.features.map(f => {
      const rings = ringsOf(f.geometry);
      return { name: String(f.properties["name"] ?? ""), rings: rings.map(worldRing), at: middle(rings, [0, 0, 0, 0]) };
    });
    this.redraw();
  }

  protected override draw(pen: CanvasRenderingContext2D, map: L.Map): void {
    const screen = new Screen(map);
    for (const { rings } of this.shapes) {
      screen.trace(pen, rings);
      pen.fillStyle = "rgba(255, 255, 255, .5)";
      pen.fill("evenodd");
      pen.strokeStyle = "#6d7f8b";
      pen.lineWidth = 1.2;
      pen.stroke();
    }
    const taken: [number, number, number, number][] = [];
    for (const { name, at } of this.shapes) {
      const p = map.latLngToContainerPoint([at[1], at[0]]), words = [this.short(name)], [w, h] = plate(pen, words, { size: 11 });
      // a name over another one is none
      if (taken.some(([x, y, ow, oh]) => Math.abs(x - p.x) < w + ow && Math.abs(y - p.y) < h + oh)) continue;
      taken.push([p.x, p.y, w, h]);
      label(pen, p.x, p.y, words, { size: 11 });
    }
  }
}

export class PlaceMap {
  private readonly leaflet: L.Map;
  private readonly outlines: Outlines;
  isMoved = false;

  constructor(box: HTMLElement, palette: PaletteName, name: () => string, short: (name: string) => string) {
    box.style.backgroundColor = palettes[palette].ground;
    box.setAttribute("aria-label", name());
    this.leaflet = ground(box, { scrollWheelZoom: "center", touchZoom: "center" });
    this.outlines = new Outlines(short).addTo(this.leaflet);
    this.leaflet.on("dragstart", () => { this.isMoved = true; });
    box.addEventListener("keydown", e => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
      if (by !== undefined) { this.isMoved = true; this.leaflet.panBy([by[0]! * STEP_PX, by[1]! * STEP_PX], { animate: false }); }
      else if (e.key === "+" || e.key === "=") this.leaflet.zoomIn(0.75, { animate: false });
      else if (e.key === "-") this.leaflet.zoomOut(0.75, { animate: false });
      else return;
      e.preventDefault();
    });
  }

  place(): LonLat { const c = this.leaflet.getCenter().wrap(); return [c.lng, c.lat]; }
  show([lon, lat]: LonLat): void { this.isMoved = true; this.leaflet.setView([lat, lon], Math.max(this.leaflet.getZoom(), NEAR_ZOOM), { animate: false }); }
  showBox(box: Box): void {
    this.leaflet.invalidateSize({ pan: false });
    this.leaflet.fitBounds([[box[1], box[0]], [box[3], box[2]]], { animate: false });
    void this.outlines.load(box).catch(() => undefined);
  }
}
