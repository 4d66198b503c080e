// The village on the table: ground in its grid's colour, borders, buildings, what the hand is doing, what is wrong.

import type L from "leaflet";
import type { App } from "../app";
import type { State } from "../state";
import { palettes } from "../style/palette";
import { colour, neighbours } from "../village/colouring";
import type { Model } from "../village/model";
import { row } from "../village/model";
import { type Outline, outlineOf } from "../village/outline";
import { type Box, CanvasLayer } from "./canvas-layer";
import { label, plate } from "./lettering";
import { type Ink, inkOf } from "./patterns";

/** Sum of the places of a unit's households. */
interface Middle { x: number; y: number; n: number; atoms: number[] }

/** Widest line beside a cell. */
const MARGIN_PX = 6;
/** Half the width of the widest label. */
const LABEL_PX = 110;
/** Timings kept. */
const KEPT = 1_000;

/** Screen places of local ones. */
export function placing(model: Model, map: L.Map) {
  const scale = 2 ** (map.getZoom() - 18), corner = map.project(map.containerPointToLatLng([0, 0]), 18);
  const dx = (model.origin[0] - corner.x) * scale, dy = (model.origin[1] - corner.y) * scale;
  return { scale, X: (x: number): number => x * scale + dx, Y: (y: number): number => y * scale + dy };
}

/** For every grid, the building nearest to the middle of its households. */
function middles(model: Model): Float64Array {
  const n = model.data.grids.length, sum = new Float64Array(3 * n), at = new Float64Array(2 * n), least = new Float64Array(n).fill(Infinity);
  for (let a = 0; a < model.atoms; a++) {
    const g = model.grid[a]!, w = model.weight[a]! + (model.isLived(a) ? 1e-6 : 0);
    sum[3 * g]! += w * model.site[2 * a]!; sum[3 * g + 1]! += w * model.site[2 * a + 1]!; sum[3 * g + 2]! += w;
  }
  for (let a = 0; a < model.atoms; a++) {
    const g = model.grid[a]!, w = sum[3 * g + 2]!, x = model.site[2 * a]!, y = model.site[2 * a + 1]!;
    const far = w === 0 ? 0 : Math.hypot(x - sum[3 * g]! / w, y - sum[3 * g + 1]! / w);
    if (far < least[g]! && (w === 0 || model.isLived(a))) { least[g] = far; at[2 * g] = x; at[2 * g + 1] = y; }
  }
  return at;
}

export class VillageLayer extends CanvasLayer {
  private outline: Outline | null = null;
  private colours: Int32Array = new Int32Array();
  private readonly former = new Map<string, number>();
  private drawn: Model | null = null;
  private ink: Ink | null = null;
  /** Where each grid's words stand, local pixels: they do not move while the hand does. */
  private labelAt: Float64Array = new Float64Array();
  /** Cells shown as moved. */
  private shown = new Set<number>();
  /** When the hand last moved in a stroke (ms of the page), to be told how long its picture took. */
  stamp = 0;
  /** Milliseconds from a move of the hand to its picture, newest last. */
  readonly latencies: number[] = [];
  /** Milliseconds of the last drawings, newest last. */
  readonly timings: number[] = [];

  constructor(private readonly app: App) {
    super(410);
    app.store.subscribe((now, before) => {
      if (this.concerns(now, before)) this.redraw();
      else if (now.stroke !== before.stroke) this.follow(now, before);
    });
  }

  /** A stroke went on: what it moved and what it says is drawn again, nothing else. */
  private follow(now: State, before: State): void {
    const { map } = this, { model } = now;
    if (map === null || model === null || this.drawn !== model) { this.redraw(); return; }
    const { X, Y } = placing(model, map), moved = this.app.hand.moved;
    const apart = (state: State): number[] => (state.stroke?.stranded ?? []).flatMap(p => p.atoms);
    const [old, fresh] = [new Set(apart(before)), new Set(apart(now))];
    const other = [...this.shown].filter(a => !moved.has(a)).concat([...moved.keys()].filter(a => !this.shown.has(a)), [...old].filter(a => !fresh.has(a)), [...fresh].filter(a => !old.has(a)));
    const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const a of other) {
      box[0] = Math.min(box[0], X(model.box[4 * a]!)); box[1] = Math.min(box[1], Y(model.box[4 * a + 1]!));
      box[2] = Math.max(box[2], X(model.box[4 * a + 2]!)); box[3] = Math.max(box[3], Y(model.box[4 * a + 3]!));
    }
    if (other.length > 0) this.touch([box[0] - MARGIN_PX, box[1] - MARGIN_PX, box[2] + MARGIN_PX, box[3] + MARGIN_PX]);
    this.shown = new Set(moved.keys());
    const said = new Map(before.stroke?.totals.map(t => [t.grid, t.after]) ?? []);
    for (const { grid, after } of now.stroke?.totals ?? before.stroke?.totals ?? []) {
      if (now.stroke !== null && said.get(grid) === after) continue;
      const x = X(this.labelAt[2 * grid]!), y = Y(this.labelAt[2 * grid + 1]!);
      this.touch([x - LABEL_PX, y - 24, x + LABEL_PX, y + 24]);
    }
    // a move that changed nothing has no picture to wait for
    if (!this.isWaiting) this.stamp = 0;
  }

  private concerns(now: State, before: State): boolean {
    return now.model !== before.model || now.pending !== before.pending || now.selection !== before.selection || now.focus !== before.focus
      || now.active !== before.active || now.palette !== before.palette || now.compared !== before.compared || now.tab !== before.tab || now.lang !== before.lang;
  }

  /** Colour of a grid, for the panels. */
  colourOf(grid: number): string {
    const { fills } = palettes[this.app.state.palette];
    const { model } = this.app.state;
    if (model !== null) this.prepare(model);
    return fills[this.colours[grid] ?? 0] ?? fills[0]!;
  }

  private prepare(model: Model): void {
    if (this.drawn === model) return;
    if (this.drawn?.data.village !== model.data.village) this.former.clear();
    this.drawn = model;
    this.outline = outlineOf(model);
    const { grids } = model.data;
    this.colours = colour(neighbours(model), palettes.calm.fills.length, grids.map(g => this.former.get(g.code)));
    grids.forEach((g, i) => this.former.set(g.code, this.colours[i]!));
    this.labelAt = middles(model);
  }

  protected override draw(pen: CanvasRenderingContext2D, map: L.Map, _size: L.Point, boxes: readonly Box[]): void {
    const begun = performance.now();
    const { state } = this.app;
    const { model } = state;
    if (model === null) return;
    this.prepare(model);
    const { scale, X, Y } = placing(model, map);
    const seen = (a: number): boolean => {
      const w = X(model.box[4 * a]!), n = Y(model.box[4 * a + 1]!), e = X(model.box[4 * a + 2]!), s = Y(model.box[4 * a + 3]!);
      return boxes.some(b => e >= b[0] && w <= b[2] && s >= b[1] && n <= b[3]);
    };
    this.ink ??= inkOf(pen);
    const trace = (atoms: Iterable<number>): void => {
      pen.beginPath();
      for (const a of atoms) {
        if (!seen(a)) continue;
        for (let r = model.atomRings[a]!; r < model.atomRings[a + 1]!; r++) {
          const from = model.ringFirst[r]!, to = model.ringFirst[r + 1]!;
          pen.moveTo(X(model.corner[2 * from]!), Y(model.corner[2 * from + 1]!));
          for (let i = from + 1; i < to; i++) pen.lineTo(X(model.corner[2 * i]!), Y(model.corner[2 * i + 1]!));
          pen.closePath();
        }
      }
    };
    this.ground(pen, model, trace, seen);
    this.signs(pen, model, trace);
    this.borders(pen, model, X, Y);
    this.buildings(pen, model, scale, X, Y, seen);
    this.labels(pen, model, X, Y, scale);
    const now = performance.now();
    this.timings.push(now - begun);
    if (this.stamp > 0) this.latencies.push(now - this.stamp);
    this.stamp = 0;
    for (const list of [this.timings, this.latencies]) if (list.length > KEPT) list.shift();
  }

  private ground(pen: CanvasRenderingContext2D, model: Model, trace: (atoms: Iterable<number>) => void, seen: (a: number) => boolean): void {
    const { fills } = palettes[this.app.state.palette];
    const by = new Map<number, number[]>();
    for (let a = 0; a < model.atoms; a++) {
      if (!seen(a)) continue;
      const c = this.colours[model.grid[a]!] ?? 0;
      (by.get(c) ?? by.set(c, []).get(c)!).push(a);
    }
    pen.globalAlpha = 0.78;
    for (const [c, atoms] of by) {
      trace(atoms);
      pen.fillStyle = fills[c] ?? fills[0]!;
      pen.fill("evenodd");
    }
    pen.globalAlpha = 1;
  }

  /** Locks, dedicated grids, the selection, moved and stranded cells: by pattern, never by colour alone. */
  private signs(pen: CanvasRenderingContext2D, model: Model, trace: (atoms: Iterable<number>) => void): void {
    const { state } = this.app, ink = this.ink;
    if (ink === null) return;
    const where = (test: (g: number) => boolean): number[] => {
      const list: number[] = [];
      for (let a = 0; a < model.atoms; a++) if (test(model.grid[a]!)) list.push(a);
      return list;
    };
    const paint = (atoms: number[], fill: string | CanvasPattern): void => {
      if (atoms.length === 0) return;
      trace(atoms);
      pen.fillStyle = fill;
      pen.fill("evenodd");
    };
    const { grids } = model.data;
    if (grids.some(g => g.kind === "dedicated")) paint(where(g => grids[g]?.kind === "dedicated"), ink.dots);
    if (grids.some(g => g.locked)) paint(where(g => grids[g]?.locked === true), ink.lock);
    paint([...this.app.hand.moved.keys()], "rgba(255, 255, 255, .38)");
    for (const part of state.stroke?.stranded ?? []) paint(part.atoms, ink.hatch);
    if (state.selection.size > 0) {
      paint([...state.selection], "rgba(12, 74, 110, .28)");
      pen.strokeStyle = "#0b3a57";
      pen.lineWidth = 1.5;
      pen.stroke();
    }
    if (state.focus >= 0) {
      trace([state.focus]);
      pen.strokeStyle = "#ffffff";
      pen.lineWidth = 6;
      pen.stroke();
      pen.strokeStyle = "#0b3a57";
      pen.lineWidth = 3;
      pen.stroke();
    }
  }

  private borders(pen: CanvasRenderingContext2D, model: Model, X: (x: number) => number, Y: (y: number) => number): void {
    const { outline } = this;
    if (outline === null) return;
    const { line, outer } = palettes[this.app.state.palette];
    const { active } = this.app.state;
    const draw = (width: number, ink: string, test: (a: number, b: number) => boolean): void => {
      pen.beginPath();
      for (let i = 0; i < outline.left.length; i++) {
        const a = model.grid[outline.left[i]!]!, right = outline.right[i]!, b = right < 0 ? -1 : model.grid[right]!;
        if (!test(a, b)) continue;
        pen.moveTo(X(outline.ends[4 * i]!), Y(outline.ends[4 * i + 1]!));
        pen.lineTo(X(outline.ends[4 * i + 2]!), Y(outline.ends[4 * i + 3]!));
      }
      pen.lineWidth = width;
      pen.strokeStyle = ink;
      pen.stroke();
    };
    pen.lineCap = "round";
    draw(1.4, line, (a, b) => b >= 0 && a !== b);
    draw(2.4, outer, (_, b) => b < 0);
    if (active >= 0) draw(3.6, "#0b5c8a", (a, b) => a !== b && (a === active || b === active));
    pen.lineCap = "butt";
  }

  private buildings(pen: CanvasRenderingContext2D, model: Model, scale: number, X: (x: number) => number, Y: (y: number) => number, seen: (a: number) => boolean): void {
    const { state } = this.app, { data } = model;
    const middle = state.tab === "units" && state.active >= 0 ? this.units(pen, model, X, Y) : null;
    const compared = new Set<number>();
    if (state.compared !== null) for (const [id, b] of data.households) if (state.compared.households.has(id)) compared.add(data.buildings[b]!.atom);
    const close = scale >= 0.5;
    pen.fillStyle = "rgba(22, 35, 45, .82)";
    pen.beginPath();
    for (let a = 0; a < model.atoms; a++) {
      if (!model.isLived(a) || !seen(a)) continue;
      const x = X(model.site[2 * a]!), y = Y(model.site[2 * a + 1]!);
      const r = Math.max(1, Math.min(1.3 + Math.sqrt(model.weight[a]!) * 0.9, 9) * Math.min(scale * 2.4, 1));
      pen.moveTo(x + r, y);
      pen.arc(x, y, r, 0, 2 * Math.PI);
    }
    pen.fill();
    pen.strokeStyle = "#a1260d";
    pen.lineWidth = 2;
    for (const a of compared) {
      pen.beginPath();
      pen.arc(X(model.site[2 * a]!), Y(model.site[2 * a + 1]!), 7, 0, 2 * Math.PI);
      pen.stroke();
    }
    if (middle !== null) { this.unitLabels(pen, model, middle, X, Y); return; }
    if (!close) return;
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "center";
    for (let a = 0; a < model.atoms; a++) {
      if (!model.isLived(a) || !seen(a)) continue;
      const x = X(model.site[2 * a]!), y = Y(model.site[2 * a + 1]!);
      if (scale >= 1.4) pen.fillText(String(model.weight[a]), x, y + 20);
      if (row(model.buildingsOf, a).some(b => data.buildings[b]!.locked)) { pen.lineWidth = 1.5; pen.strokeStyle = "#16232d"; pen.strokeRect(x - 7, y - 7, 14, 14); }
    }
    pen.textAlign = "start";
  }

  /** Units of the chosen grid: every building tied to the middle of its unit. */
  private units(pen: CanvasRenderingContext2D, model: Model, X: (x: number) => number, Y: (y: number) => number): Map<number, Middle> {
    const middle = new Map<number, Middle>();
    for (const [, b, u] of model.data.households) {
      const atom = model.data.buildings[b]!.atom;
      if (model.grid[atom] !== this.app.state.active) continue;
      const m = middle.get(u) ?? { x: 0, y: 0, n: 0, atoms: [] };
      m.x += model.site[2 * atom]!; m.y += model.site[2 * atom + 1]!; m.n += 1;
      m.atoms.push(atom);
      middle.set(u, m);
    }
    pen.strokeStyle = "rgba(11, 58, 87, .75)";
    pen.lineWidth = 1.2;
    pen.beginPath();
    for (const m of middle.values()) for (const a of new Set(m.atoms)) {
      pen.moveTo(X(m.x / m.n), Y(m.y / m.n));
      pen.lineTo(X(model.site[2 * a]!), Y(model.site[2 * a + 1]!));
    }
    pen.stroke();
    return middle;
  }

  /** Numbers of units over everything else. Those that stand in one place share a plate; one that would lie on another waits for room. */
  private unitLabels(pen: CanvasRenderingContext2D, model: Model, middle: ReadonlyMap<number, Middle>, X: (x: number) => number, Y: (y: number) => number): void {
    const places = new Map<string, { x: number; y: number; codes: string[] }>();
    for (const [u, m] of middle) {
      const x = X(m.x / m.n), y = Y(m.y / m.n), key = `${Math.round(x / 4)} ${Math.round(y / 4)}`;
      const code = model.data.units[u]?.code.slice(15) ?? "?";
      (places.get(key) ?? places.set(key, { x, y, codes: [] }).get(key)!).codes.push(code);
    }
    const taken: [number, number, number, number][] = [];
    for (const { x, y, codes } of places.values()) {
      const lines = codes.length > 3 ? [`${codes[0]!}–${codes.at(-1)!}`] : codes, look = { size: 11 };
      const [w, h] = plate(pen, lines, look);
      if (taken.some(([tx, ty, tw, th]) => Math.abs(tx - x) < tw + w && Math.abs(ty - y) < th + h)) continue;
      taken.push([x, y, w, h]);
      label(pen, x, y, lines, look);
    }
  }

  private labels(pen: CanvasRenderingContext2D, model: Model, X: (x: number) => number, Y: (y: number) => number, scale: number): void {
    const { state } = this.app;
    if (state.tab === "units" && state.active >= 0) return;
    const short = scale < 0.12, taken: [number, number, number, number][] = [];
    // the chosen grid first, then the large ones; what would lie on another waits for room
    const order = model.data.grids.map((_, i) => i).sort((a, b) => Number(b === state.active) - Number(a === state.active) || model.data.grids[b]!.households - model.data.grids[a]!.households || a - b);
    for (const i of order) {
      const g = model.data.grids[i]!;
      if (g.buildings === 0) continue;
      const name = g.name === "" || short ? g.code.slice(12) : `${g.code.slice(12)} ${[...g.name].slice(0, 10).join("")}`;
      const lines = [g.locked ? `${name} · ${this.app.t("lockMark")}` : name, this.app.t("householdsN", { n: model.total[i]! })];
      const x = X(this.labelAt[2 * i]!), y = Y(this.labelAt[2 * i + 1]!), [w, h] = plate(pen, lines);
      if (taken.some(([tx, ty, tw, th]) => Math.abs(tx - x) < tw + w && Math.abs(ty - y) < th + h)) continue;
      taken.push([x, y, w, h]);
      label(pen, x, y, lines, i === state.active ? { mark: "#0b5c8a" } : {});
    }
  }
}
