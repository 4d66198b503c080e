// Borders of the room's map: districts below the chosen one with their names, and the grids in force where one is near enough.

import type L from "leaflet";
import { api, type Geometry, type Region } from "../api";
import { MOST_FEATURES } from "../room/cells";
import type { Room } from "../room/room";
import { CanvasLayer } from "./canvas-layer";
import { label, plate } from "./lettering";
import { Screen, within, worldRing, worldX, worldY, type WorldRing } from "./outlines";
import { clearOf, covered, overlaps, type Plate, type Sign } from "./places";
import { middle, ringsOf } from "./region-layer";

interface Shape { code: string; name: string; rings: WorldRing[]; at: readonly [number, number] }

function shapeOf(code: string, name: string, geometry: Geometry | null, bbox: Region["bbox"]): Shape {
  const rings = ringsOf(geometry), [lon, lat] = middle(rings, bbox ?? [0, 0, 0, 0]);
  return { code, name, rings: rings.map(worldRing), at: [worldX(lon), worldY(lat)] };
}

/** Rows tried above and below a name's own place. */
const ROWS = 8;
/** From here on grids are drawn. */
const GRIDS_FROM_ZOOM = 12.5;
/** From here on they are named. */
const NAMES_FROM_ZOOM = 14;
const MOST_GRIDS = 80;
/** Lines above and below its place where a grid's name may stand. */
const NEAR_ROWS = [0, -1, 1, -2, 2];

export class BorderLayer extends CanvasLayer {
  private districts: Shape[] = [];
  private grids: Shape[] = [];
  private asked: readonly Region[] | null = null;
  private askedBox = "";
  /** Outlines came: whoever draws the names draws them anew. */
  changed: () => void = () => undefined;

  constructor(private readonly room: Room) {
    super(400);
    room.store.subscribe((now, before) => {
      if (now.children !== before.children) void this.load();
      else if (now.lang !== before.lang || now.district !== before.district || now.layer !== before.layer || now.basemap !== before.basemap) this.redraw();
    });
  }

  override onAdd(map: L.Map): this {
    map.on("moveend", () => void this.loadGrids(map));
    return super.onAdd(map);
  }

  get drawn(): number { return this.districts.length + this.grids.length; }

  private async load(): Promise<void> {
    const { children } = this.room.state;
    if (children === this.asked) return;
    this.asked = children;
    this.districts = [];
    const by = await this.room.guard(() => api.outlinesOf(children));
    if (children !== this.asked) return;
    this.districts = children.slice(0, MOST_FEATURES).map(r => shapeOf(r.code, r.name, by?.get(r.code) ?? null, r.bbox));
    this.redraw();
    this.changed();
    if (this.map !== null) void this.loadGrids(this.map);
  }

  private async loadGrids(map: L.Map): Promise<void> {
    if (map.getZoom() < GRIDS_FROM_ZOOM) { if (this.grids.length > 0) { this.grids = []; this.redraw(); } return; }
    const b = map.getBounds(), box = [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()] as const, key = box.map(v => v.toFixed(4)).join();
    if (key === this.askedBox) return;
    this.askedBox = key;
    const found = await this.room.guard(() => api.gridsInForce(box));
    if (key !== this.askedBox || found === undefined) return;
    this.grids = found.features.length > MOST_GRIDS ? [] : found.features.map(f => {
      const code = String(f.properties["code"] ?? f.id), name = String(f.properties["name"] ?? "");
      return shapeOf(code, name === "" ? code.slice(12) : name, f.geometry, null);
    });
    this.redraw();
  }

  protected override isBlank(): boolean { return this.drawn === 0; }

  protected override draw(pen: CanvasRenderingContext2D, map: L.Map): void {
    const { district, basemap } = this.room.state, screen = new Screen(map);
    pen.strokeStyle = "rgba(70, 86, 98, .45)";
    pen.lineWidth = 1;
    for (const grid of this.grids) { screen.trace(pen, grid.rings); pen.stroke(); }
    for (const d of this.districts) {
      const now = d.code === district?.region.code;
      screen.trace(pen, d.rings);
      // what lies below is to be seen
      pen.fillStyle = now ? "rgba(11, 92, 138, .13)" : `rgba(255, 255, 255, ${basemap === null ? 0.55 : 0.15})`;
      pen.fill("evenodd");
      pen.strokeStyle = now ? "#0b5c8a" : "#6d7f8b";
      pen.lineWidth = now ? 3.5 : 1.4;
      pen.stroke();
    }
  }

  /** Names stand above what happens, beside discs and signs (x, y, radius) where there is room, and clear of labels (x, y, half width, half height). */
  drawNames(pen: CanvasRenderingContext2D, map: L.Map, signs: readonly Sign[], labels: readonly Plate[]): void {
    const { wall } = this.room.state, taken: Plate[] = [...labels], size = wall ? 22 : 12, screen = new Screen(map);
    for (const { name, at, rings } of this.districts) {
      const p = { x: screen.x(at[0]), y: screen.y(at[1]) }, words = [this.room.shortName(name)], [w, h] = plate(pen, words, { size });
      const inside = (x: number, y: number): boolean => { const { lng, lat } = map.containerPointToLatLng([x, y]); return within(rings, worldX(lng), worldY(lat)); };
      const isFree = (x: number, y: number): boolean => !taken.some(other => overlaps([x, y, w, h], other));
      const worth = (x: number, y: number): number => covered([x, y, w, h], signs) + (isFree(x, y) ? 0 : signs.length + 1);
      let [x, y, least] = [p.x, p.y, worth(p.x, p.y)];
      for (let k = 2; k < 2 * ROWS && least > 0; k++) for (const j of [0, -1, 1]) {
        const qx = p.x + j * w * 0.8, qy = p.y + (k >> 1) * (k & 1 ? -h : h) * 1.6, n = worth(qx, qy);
        if (n < least && inside(qx, qy)) [x, y, least] = [qx, qy, n];
      }
      // a name over another one is none
      if (!isFree(x, y)) continue;
      taken.push([x, y, w, h]);
      label(pen, x, y, words, { size });
    }
    if (map.getZoom() < NAMES_FROM_ZOOM) return;
    const small = wall ? 18 : 11, h = small * 0.7;
    pen.font = `${small}px system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    for (const { name, at } of this.grids) {
      const x = screen.x(at[0]), w = pen.measureText(name).width / 2 + 2;
      // a grid's name gives way a little, or is not there
      const place = clearOf(NEAR_ROWS.map(k => [x, screen.y(at[1]) + k * h * 2, w, h]), taken, signs);
      if (place === undefined) continue;
      taken.push(place);
      const [, y] = place;
      pen.strokeStyle = "rgba(255, 255, 255, .85)";
      pen.lineWidth = 3;
      pen.strokeText(name, x, y);
      pen.fillStyle = "#465662";
      pen.fillText(name, x, y);
    }
    pen.textAlign = "start";
    pen.textBaseline = "alphabetic";
  }
}
