// Outlines of the regions below the chosen one, with their names; a click opens one.

import L from "leaflet";
import { api, type Region } from "../api";
import type { App } from "../app";
import type { State } from "../state";
import { CanvasLayer } from "./canvas-layer";
import { label } from "./lettering";
import { BUILDINGS_ZOOM } from "./overview-layer";

interface Shape { region: Region; rings: [number, number][][]; at: [number, number] }

export function ringsOf(geometry: GeoJSON.Geometry | null): [number, number][][] {
  if (geometry?.type === "Polygon") return geometry.coordinates as [number, number][][];
  if (geometry?.type === "MultiPolygon") return geometry.coordinates.flat() as [number, number][][];
  return [];
}

/** Where a name stands: the centroid of the largest ring. */
export function middle(rings: readonly [number, number][][], [w, s, e, n]: readonly [number, number, number, number]): [number, number] {
  let best: [number, number] = [(w + e) / 2, (s + n) / 2], most = 0;
  for (const ring of rings) {
    let area = 0, x = 0, y = 0;
    const [ox, oy] = ring[0] ?? [0, 0];
    for (let i = 1; i < ring.length; i++) {
      const [x0, y0] = [ring[i - 1]![0] - ox, ring[i - 1]![1] - oy], [x1, y1] = [ring[i]![0] - ox, ring[i]![1] - oy], cross = x0 * y1 - x1 * y0;
      area += cross;
      x += (x0 + x1) * cross;
      y += (y0 + y1) * cross;
    }
    if (Math.abs(area) > most) { most = Math.abs(area); best = [ox + x / (3 * area), oy + y / (3 * area)]; }
  }
  return best;
}

export class RegionLayer extends CanvasLayer {
  private shapes: Shape[] = [];
  private asked: readonly Region[] | null = null;
  private hovered = -1;
  /** When outlines stood on the screen for the first time, ms of the page. */
  first_ms: number | null = null;

  constructor(private readonly app: App) {
    super(400);
    app.store.subscribe((now, before) => { if (now.model !== before.model || now.lang !== before.lang) this.redraw(); });
  }

  override onAdd(map: L.Map): this {
    map.on("click", e => { const hit = this.at(e.latlng); if (hit >= 0) void this.app.atlas.chooseRegion(this.shapes[hit]!.region.code); });
    map.on("mousemove", e => {
      const hit = this.at(e.latlng);
      if (hit !== this.hovered) { this.hovered = hit; map.getContainer().classList.toggle("pointing", hit >= 0); this.redraw(); }
    });
    return super.onAdd(map);
  }

  /** Brings the outlines of what the state shows. */
  async load(state: State): Promise<void> {
    if (state.children === this.asked) { this.redraw(); return; }
    this.asked = state.children;
    this.shapes = [];
    const boxes = state.children.map(r => r.bbox).filter(b => b !== null);
    if (boxes.length > 0) {
      const box = [Math.min(...boxes.map(b => b[0])), Math.min(...boxes.map(b => b[1])), Math.max(...boxes.map(b => b[2])), Math.max(...boxes.map(b => b[3]))] as const;
      const levels = [...new Set(state.children.map(r => r.level))];
      const found = await this.app.guard(() => Promise.all(levels.map(level => api.outlines(box, level))));
      if (state.children !== this.asked) return;
      const by = new Map((found ?? []).flatMap(f => f.features).map(f => [String(f.properties?.["code"] ?? f.id), f.geometry]));
      this.shapes = state.children.map(region => {
        const rings = ringsOf(by.get(region.code) ?? null);
        return { region, rings, at: middle(rings, region.bbox ?? [0, 0, 0, 0]) };
      });
      if (this.app.state.model === null) this.app.view?.showBox(box);
    }
    this.redraw();
  }

  /** Regions drawn. */
  get shown(): number { return this.isBlank() ? 0 : this.shapes.length; }

  private at(place: L.LatLng): number {
    if (this.app.state.model !== null) return -1;
    return this.shapes.findIndex(({ rings }) => {
      let inside = false;
      for (const ring of rings) for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
        const [xi, yi] = ring[i]!, [xj, yj] = ring[j]!;
        if ((yi > place.lat) !== (yj > place.lat) && place.lng < (xj - xi) * (place.lat - yi) / (yj - yi) + xi) inside = !inside;
      }
      return inside;
    });
  }

  protected override isBlank(): boolean { return this.app.state.model !== null; }

  protected override draw(pen: CanvasRenderingContext2D, map: L.Map): void {
    // from near, the ground itself is looked at
    const near = map.getZoom() >= BUILDINGS_ZOOM;
    this.shapes.forEach(({ rings }, i) => {
      pen.beginPath();
      for (const ring of rings) {
        ring.forEach(([lon, lat], k) => {
          const p = map.latLngToContainerPoint([lat, lon]);
          if (k === 0) pen.moveTo(p.x, p.y); else pen.lineTo(p.x, p.y);
        });
        pen.closePath();
      }
      if (near) pen.fillStyle = "rgba(28, 99, 140, .04)";
      else pen.fillStyle = i === this.hovered ? "rgba(28, 99, 140, .22)" : "rgba(28, 99, 140, .09)";
      pen.fill("evenodd");
      pen.strokeStyle = "#1c638c";
      pen.lineWidth = i === this.hovered ? 2.5 : 1.4;
      pen.stroke();
    });
    for (const { region, at } of this.shapes) {
      const p = map.latLngToContainerPoint([at[1], at[0]]);
      const figures = this.app.atlas.figures(region.code);
      // the committee's full title is for the list
      const name = region.name.replace(new RegExp(`(${this.app.t("committee")})$`), "");
      const lines = figures === null ? [name] : [name, figures];
      label(pen, p.x, p.y, lines, { strong: true });
    }
    if (this.shapes.length > 0) this.first_ms ??= performance.now();
  }
}
