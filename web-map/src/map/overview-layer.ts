// Between the region and the village: grids in force, and from near their buildings, out of vector tiles.

import type L from "leaflet";
import { api } from "../api";
import type { App } from "../app";
import { palettes } from "../style/palette";
import { CanvasLayer } from "./canvas-layer";
import { cornerOf, decode, type Drawing, EXTENT, type Place, tilesOf } from "./tiles";

/** From here grids are drawn, from there single buildings; farther away the regions' figures say more. */
const GRIDS_ZOOM = 13;
export const BUILDINGS_ZOOM = 15;
/** More grids than this in one view are left to the regions. */
const MOST = 500;
/** Tiles kept. */
const KEPT = 160;
/** A tile covers this many pixels at its own level. */
const TILE_PX = 512;

type Collection = "grids" | "buildings";

export class OverviewLayer extends CanvasLayer {
  private readonly tiles = new Map<string, Drawing | "asked">();
  private era = 0;
  /** Features of the last view. */
  counts: Record<Collection, number> = { grids: 0, buildings: 0 };

  constructor(private readonly app: App) {
    super(395);
    app.store.subscribe((now, before) => {
      if (now.changes !== before.changes) { this.era++; this.tiles.clear(); }
      if (now.changes !== before.changes || now.model !== before.model || now.palette !== before.palette) this.redraw();
    });
  }

  private tile(collection: Collection, place: Place): Drawing | null {
    const key = `${collection} ${place.z} ${place.x} ${place.y}`, known = this.tiles.get(key);
    if (known !== undefined) {
      this.tiles.delete(key);    // the one asked for last goes last
      this.tiles.set(key, known);
      return known === "asked" ? null : known;
    }
    this.tiles.set(key, "asked");
    void this.bring(collection, place, key, this.era);
    return null;
  }

  private async bring(collection: Collection, place: Place, key: string, era: number): Promise<void> {
    const bytes = await this.app.guard(() => api.tile(collection, place));
    if (era !== this.era) return;
    if (bytes === undefined) { this.tiles.delete(key); return; }
    this.tiles.set(key, decode(bytes, collection));
    for (const old of this.tiles.keys()) { if (this.tiles.size <= KEPT) break; this.tiles.delete(old); }
    this.redraw();
  }

  protected override isBlank(): boolean {
    const { state } = this.app;
    this.counts = { grids: 0, buildings: 0 };
    return state.model !== null || state.who === null || (this.map?.getZoom() ?? 0) < GRIDS_ZOOM;
  }

  protected override draw(pen: CanvasRenderingContext2D, map: L.Map): void {
    const zoom = map.getZoom(), { state } = this.app;
    const bounds = map.getBounds(), box = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()] as const;
    const places = tilesOf(box, Math.floor(zoom) - 1), ratio = window.devicePixelRatio || 1;
    const size = TILE_PX * 2 ** (zoom - Math.floor(zoom));
    const show = (collection: Collection, paint: (drawing: Drawing, scale: number) => void): void => {
      const ready = places.map(place => ({ place, drawing: this.tile(collection, place) })).filter(r => r.drawing !== null);
      this.counts[collection] = new Set(ready.flatMap(r => r.drawing!.ids)).size;
      if (collection === "grids" && this.counts.grids > MOST) { this.counts.grids = 0; return; }
      for (const { place, drawing } of ready) {
        const [lon, lat] = cornerOf(place), at = map.latLngToContainerPoint([lat, lon]), scale = size / EXTENT;
        pen.save();
        pen.beginPath();
        pen.rect(at.x, at.y, size, size);
        pen.clip();
        pen.setTransform(scale * ratio, 0, 0, scale * ratio, at.x * ratio, at.y * ratio);
        paint(drawing!, scale);
        pen.restore();
      }
    };
    const { line } = palettes[state.palette];
    show("grids", ({ areas }, scale) => {
      if (areas === null) return;
      pen.strokeStyle = line;
      pen.lineWidth = 1.2 / scale;
      pen.stroke(areas);
    });
    if (zoom < BUILDINGS_ZOOM) return;
    show("buildings", ({ areas, points }, scale) => {
      pen.fillStyle = "rgba(22, 35, 45, .82)";
      if (areas !== null) pen.fill(areas, "evenodd");
      pen.beginPath();
      for (let i = 0; i < points.length; i += 3) {
        const r = Math.min(1.3 + Math.sqrt(points[i + 2]!) * 0.9, 9) / scale;
        pen.moveTo(points[i]! + r, points[i + 1]!);
        pen.arc(points[i]!, points[i + 1]!, r, 0, 2 * Math.PI);
      }
      pen.fill();
    });
  }
}
