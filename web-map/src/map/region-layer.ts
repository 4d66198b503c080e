// Outlines of the regions below the chosen one, with their names; a click opens one.

import L from "leaflet";
import { api, type Geometry, type LonLat, type Region } from "../api";
import type { App } from "../app";
import type { State } from "../state";
import { boxAround } from "../regions";
import { CanvasLayer } from "./canvas-layer";
import { label, plate } from "./lettering";
import { Screen, within, worldRing, worldX, worldY, type WorldRing } from "./outlines";
import { BUILDINGS_ZOOM } from "./overview-layer";

interface Shape { region: Region; rings: WorldRing[]; at: readonly [number, number] }

export function ringsOf(geometry: Geometry | null): LonLat[][] {
  return geometry?.type === "Polygon" ? geometry.coordinates : geometry?.type === "MultiPolygon" ? geometry.coordinates.flat() : [];
}

/** Where a name stands, degrees: the centroid of the largest ring. */
export function middle(rings: readonly LonLat[][], [w, s, e, n]: readonly [number, number, number, number]): [number, number] {
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
    const box = boxAround(state.children);
    if (box !== null) {
      const by = await this.app.guard(() => api.outlinesOf(state.children));
      if (state.children !== this.asked) return;
      this.shapes = state.children.map(region => {
        const rings = ringsOf(by?.get(region.code) ?? null), [lon, lat] = middle(rings, region.bbox ?? [0, 0, 0, 0]);
        return { region, rings: rings.map(worldRing), at: [worldX(lon), worldY(lat)] };
      });
      if (this.app.state.model === null) this.app.view?.showBox(box);
    }
    this.redraw();
  }

  /** Regions drawn. */
  get shown(): number { return this.isBlank() ? 0 : this.shapes.length; }

  private at(place: L.LatLng): number {
    if (this.app.state.model !== null) return -1;
    const { lng, lat } = place, [x, y] = [worldX(lng), worldY(lat)];
    return this.shapes.findIndex(({ rings }) => within(rings, x, y));
  }

  protected override isBlank(): boolean { return this.app.state.model !== null || this.shapes.length === 0; }

  protected override draw(pen: CanvasRenderingContext2D, map: L.Map, size: L.Point): void {
    // from near, the ground itself is looked at
    const near = map.getZoom() >= BUILDINGS_ZOOM, screen = new Screen(map);
    this.shapes.forEach(({ rings }, i) => {
      screen.trace(pen, rings);
      if (near) pen.fillStyle = "rgba(28, 99, 140, .04)";
      else pen.fillStyle = i === this.hovered ? "rgba(28, 99, 140, .22)" : "rgba(28, 99, 140, .09)";
      pen.fill("evenodd");
      pen.strokeStyle = "#1c638c";
      pen.lineWidth = i === this.hovered ? 2.5 : 1.4;
      pen.stroke();
    });
    const taken: [number, number, number, number][] = [], order = this.hovered < 0 ? this.shapes : [this.shapes[this.hovered]!, ...this.shapes.filter((_, i) => i !== this.hovered)];
    for (const { region, at } of order) {
      const x = screen.x(at[0]), y = screen.y(at[1]);
      if (x < -200 || y < -60 || x > size.x + 200 || y > size.y + 60) continue;
      const figures = this.app.atlas.figures(region.code);
      // the committee's full title is for the list
      const name = region.name.replace(new RegExp(`(${this.app.t("committee")})$`), "");
      const lines = figures === null ? [name] : [name, figures];
      const [w, h] = plate(pen, lines);
      // a name over another one is none; the list has them all
      if (taken.some(([ox, oy, ow, oh]) => Math.abs(x - ox) < w + ow && Math.abs(y - oy) < h + oh)) continue;
      taken.push([x, y, w, h]);
      label(pen, x, y, lines);
    }
    if (this.shapes.length > 0) this.first_ms ??= performance.now();
  }
}
