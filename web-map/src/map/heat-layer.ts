// Hexagons of the room: how many, how many for the households, whether more than chance. What a colour says a pattern, a number or a sign says too.

import type L from "leaflet";
import { breaks, brief, classOf, drawables, meets, silenceOf, type Drawable } from "../room/cells";
import type { Room } from "../room/room";
import type { Cell, HotView, Hotspots } from "../room/api";
import { heats, type PaletteName } from "../style/palette";
import { CanvasLayer } from "./canvas-layer";
import { slanted, tile } from "./patterns";

/** Below this width of a hexagon nothing is written into it. */
const WRITTEN_PX = 30;
const FONT = `"Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", system-ui, sans-serif`;

type Pattern = CanvasPattern | string;

/** Patterns of the cells and of their legend. */
export class Textures {
  private readonly made = new Map<string, Pattern>();
  constructor(private readonly pen: CanvasRenderingContext2D) {}

  private keep(name: string, make: () => Pattern): Pattern {
    const had = this.made.get(name);
    if (had !== undefined) return had;
    const fresh = make();
    this.made.set(name, fresh);
    return fresh;
  }
  /** More than chance: lines. */
  get hot(): Pattern { return this.keep("hot", () => tile(this.pen, 8, on => slanted(on, 8, "rgba(255, 255, 255, .75)", 2), "transparent")); }
  /** Fewer than chance: dots. */
  get cold(): Pattern {
    return this.keep("cold", () => tile(this.pen, 8, on => { on.fillStyle = "rgba(255, 255, 255, .9)"; on.beginPath(); on.arc(4, 4, 1.5, 0, 2 * Math.PI); on.fill(); }, "transparent"));
  }
  /** Nothing is said of it: upright lines; where nobody lives in it level ones, where nobody lives around either both. */
  silent(why: string): Pattern {
    return this.keep(why, () => tile(this.pen, 6, on => {
      on.fillStyle = "rgba(22, 35, 45, .45)";
      if (why !== "no_rate") on.fillRect(0, 0, 1, 6);
      if (why.startsWith("no_")) on.fillRect(0, 0, 6, 1);
    }, "transparent"));
  }
  /** The denser the more, from the third step on. */
  step(k: number): Pattern | null {
    if (k < 2) return null;
    const size = [0, 0, 11, 8, 6][k] ?? 6;
    return this.keep(`step${k}`, () => tile(this.pen, size, on => slanted(on, size, k === 4 ? "rgba(255, 255, 255, .5)" : "rgba(22, 35, 45, .35)", 1), "transparent"));
  }
}

/** A sign on whatever colour: dark letters with a light rim. */
export function letterInto(pen: CanvasRenderingContext2D, said: string, x: number, y: number, size: number): void {
  pen.font = `600 ${size}px ${FONT}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineWidth = size / 5;
  pen.strokeStyle = "rgba(255, 255, 255, .92)";
  pen.lineJoin = "round";
  pen.strokeText(said, x, y);
  pen.fillStyle = "#16232d";
  pen.fillText(said, x, y);
  pen.textAlign = "start";
  pen.textBaseline = "alphabetic";
}

export interface Fill { colour: string; pattern: Pattern | null; alpha: number; edge: string }

/** How a cell looks. `k` is its step where the view has steps. */
export function fillOf(view: HotView, palette: PaletteName, textures: Textures, cell: Pick<Cell, "class" | "emerging" | "households">, k: number): Fill {
  const heat = heats[palette], edge = "rgba(22, 35, 45, .5)";
  const plain: Fill = { colour: heat.plain, pattern: null, alpha: 0.6, edge: "rgba(22, 35, 45, .3)" };
  const silence = silenceOf(cell, view);
  if (silence !== null) return { ...plain, pattern: textures.silent(silence) };
  if (view === "gi") {
    return cell.class === "hot" ? { colour: heat.hot, pattern: textures.hot, alpha: 0.82, edge: "#16232d" }
      : cell.class === "cold" ? { colour: heat.cold, pattern: textures.cold, alpha: 0.75, edge } : plain;
  }
  if (view === "emerging") {
    if (cell.emerging === null || cell.emerging === "none") return plain;
    const course = cell.emerging.replace(/_(hot|cold)$/, "");
    const strength = course === "historical" || course === "sporadic" ? 0.42 : course === "diminishing" || course === "oscillating" ? 0.6 : 0.85;
    return cell.emerging.endsWith("_hot")
      ? { colour: heat.hot, pattern: course === "new" || course === "intensifying" ? textures.hot : null, alpha: strength, edge: "#16232d" }
      : { colour: heat.cold, pattern: textures.cold, alpha: strength, edge };
  }
  return { colour: heat.steps[Math.min(Math.max(k, 0), 4)]!, pattern: textures.step(k), alpha: 0.78, edge };
}

/** Steps a class of k of n takes on the scale of five. */
export const stepOf = (k: number, n: number): number => n <= 1 ? 2 : Math.round(k * 4 / (n - 1));

export class HeatLayer extends CanvasLayer {
  private of: Hotspots | null = null;
  private cells: Drawable[] = [];
  private bounds: number[] = [];
  private textures: Textures | null = null;
  /** Cells on the screen at the last drawing. */
  drawn = 0;
  /** Where discs and signs stand in the last drawing: x, y, radius. */
  discs: [number, number, number][] = [];

  constructor(private readonly room: Room) {
    super(405);
    room.store.subscribe((now, before) => {
      if (now.hot !== before.hot || now.layer !== before.layer || now.palette !== before.palette || now.pick !== before.pick || now.lang !== before.lang || now.points !== before.points) this.redraw();
    });
  }

  private prepare(): void {
    const { hot } = this.room.state;
    if (hot === this.of) return;
    this.of = hot;
    this.cells = hot === null ? [] : drawables(hot.cells, hot.view);
    this.bounds = hot !== null && hot.view !== "gi" && hot.view !== "emerging" ? breaks(this.cells.map(c => c.value).filter(v => !Number.isNaN(v))) : [];
  }

  /** Upper bounds of the steps, for the legend. */
  get scale(): readonly number[] { this.prepare(); return this.bounds; }

  /** Why nothing is said of some of the cells. */
  get silences(): ReadonlySet<string> {
    this.prepare();
    const { hot } = this.room.state;
    return new Set(hot === null ? [] : this.cells.map(c => silenceOf(c.cell, hot.view)).filter(w => w !== null));
  }

  at(lon: number, lat: number, inside: (ring: Drawable["cell"]["ring"]) => boolean): string | null {
    if (this.room.state.layer === "none") return null;
    return this.cells.find(c => c.box[0] <= lon && lon <= c.box[2] && c.box[1] <= lat && lat <= c.box[3] && inside(c.cell.ring))?.cell.h3 ?? null;
  }

  /** The cells in view: all of them, so that what is drawn sums to what is there. */
  inView(map: L.Map): Drawable[] {
    this.prepare();
    const b = map.getBounds(), box = [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()] as const;
    return this.cells.filter(c => meets(c.box, box));
  }

  protected override isBlank(): boolean {
    const { hot, layer, points } = this.room.state;
    this.drawn = 0;
    this.discs = [];
    return hot === null || (layer === "none" && points.length > 0);
  }

  protected override draw(pen: CanvasRenderingContext2D, map: L.Map): void {
    const { hot, layer, palette, pick, lang } = this.room.state;
    this.prepare();
    if (hot === null) return;
    const cells = this.inView(map);
    if (layer === "none") { this.drawn = cells.length; this.bubbles(pen, map, cells); return; }
    this.textures ??= new Textures(pen);
    this.drawn = cells.length;
    for (const { cell, value, middle } of cells) {
      const k = this.bounds.length === 0 ? 0 : stepOf(classOf(value, this.bounds), this.bounds.length);
      const look = fillOf(hot.view, palette, this.textures, cell, k), chosen = pick?.kind === "cell" && pick.id === cell.h3;
      let [w, e] = [Infinity, -Infinity];
      pen.beginPath();
      cell.ring.forEach(([lon, lat], i) => {
        const p = map.latLngToContainerPoint([lat, lon]);
        w = Math.min(w, p.x); e = Math.max(e, p.x);
        if (i === 0) pen.moveTo(p.x, p.y); else pen.lineTo(p.x, p.y);
      });
      pen.closePath();
      pen.globalAlpha = look.alpha;
      pen.fillStyle = look.colour;
      pen.fill();
      if (look.pattern !== null) { pen.fillStyle = look.pattern; pen.fill(); }
      pen.globalAlpha = 1;
      pen.strokeStyle = chosen ? heats[palette].mark : look.edge;
      pen.lineWidth = chosen ? 4 : cell.class === "hot" ? 2 : 0.8;
      pen.stroke();
      if (e - w >= WRITTEN_PX) this.write(pen, map, hot.view, cell, middle, e - w, lang);
    }
  }

  /** The number or sign of a cell. */
  private write(pen: CanvasRenderingContext2D, map: L.Map, view: HotView, cell: Drawable["cell"], middle: readonly [number, number], width: number, lang: "zh" | "en"): void {
    const said = view === "emerging" ? cell.emerging === null || cell.emerging === "none" ? "" : this.room.sign(cell.emerging, lang)
      : view === "rate" ? cell.households === null || cell.households === 0 ? "" : brief(cell.count / cell.households * 1_000)
        : view === "density" ? brief(cell.density ?? 0) : cell.count > 0 ? String(cell.count) : "";
    if (said === "") return;
    const p = map.latLngToContainerPoint([middle[1], middle[0]]);
    this.discs.push([p.x, p.y, 10]);
    letterInto(pen, said, p.x, p.y, Math.min(Math.max(width / 3.4, 11), 22));
  }

  /** Where single incidents would be too many: how many are where, as discs whose area is the number. */
  private bubbles(pen: CanvasRenderingContext2D, map: L.Map, cells: readonly Drawable[]): void {
    const most = Math.max(1, ...cells.map(c => c.cell.count)), { wall } = this.room.state;
    for (const { cell, middle } of cells) {
      const p = map.latLngToContainerPoint([middle[1], middle[0]]), r = 7 + (wall ? 26 : 15) * Math.sqrt(cell.count / most), size = Math.max(11, r * 0.72);
      pen.beginPath();
      this.discs.push([p.x, p.y, r]);
      pen.arc(p.x, p.y, r, 0, 2 * Math.PI);
      pen.fillStyle = "rgba(11, 92, 138, .80)";
      pen.fill();
      pen.strokeStyle = "#ffffff";
      pen.lineWidth = 1.5;
      pen.stroke();
      pen.font = `600 ${size}px ${FONT}`;
      pen.fillStyle = "#ffffff";
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.fillText(cell.count >= 1_000 ? `${(cell.count / 1_000).toFixed(1)}k` : String(cell.count), p.x, p.y + 0.5);
    }
    pen.textAlign = "start";
    pen.textBaseline = "alphabetic";
  }
}
