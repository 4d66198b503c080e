// How a village looks: ground in its grid's colour, borders, buildings, words. Draws what it is given and keeps nothing.

import type L from "leaflet";
import type { UnitRow } from "../api";
import type { App } from "../app";
import { count } from "../strings";
import type { Palette } from "../style/palette";
import { type Model, row } from "../village/model";
import type { Outline } from "../village/outline";
import type { Box } from "./boxes";
import { label, plate } from "./lettering";

/** A village on the screen: the part of it to be drawn, and the cells that reach into it. */
export interface Sight { model: Model; scale: number; X: (x: number) => number; Y: (y: number) => number; box: Box; cells: readonly number[]; seen: (atom: number) => boolean }

/** Lines, dots and figures reach this far beyond their cell, screen pixels. */
const REACH_PX = 26;

/** Below this scale a name is only its number. */
const SHORT = 0.12;

/** Screen places of local ones. */
export function placing(model: Model, map: L.Map) {
  const scale = 2 ** (map.getZoom() - 18), corner = map.project(map.containerPointToLatLng([0, 0]), 18);
  const dx = (model.origin[0] - corner.x) * scale, dy = (model.origin[1] - corner.y) * scale;
  return { scale, X: (x: number): number => x * scale + dx, Y: (y: number): number => y * scale + dy };
}

export function sightOf(model: Model, map: L.Map, box: Box): Sight {
  const place = placing(model, map), { scale } = place, x0 = place.X(0), y0 = place.Y(0);
  const w = (box[0] - REACH_PX - x0) / scale, n = (box[1] - REACH_PX - y0) / scale, e = (box[2] + REACH_PX - x0) / scale, s = (box[3] + REACH_PX - y0) / scale;
  const seen = (a: number): boolean => model.box[4 * a + 2]! >= w && model.box[4 * a]! <= e && model.box[4 * a + 3]! >= n && model.box[4 * a + 1]! <= s;
  return { model, ...place, box, cells: model.touching(w, n, e, s), seen };
}

/** For every grid, the building nearest to the middle of its households; NaN for one without ground of its own. */
export function middles(model: Model): Float64Array {
  const n = model.data.grids.length, sum = new Float64Array(3 * n), at = new Float64Array(2 * n).fill(NaN), least = new Float64Array(n).fill(Infinity);
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

/** The outlines of cells as the pen's path. */
export function trace(pen: CanvasRenderingContext2D, { model, X, Y, seen }: Sight, atoms: Iterable<number>): void {
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
}

export function paintGround(pen: CanvasRenderingContext2D, sight: Sight, colours: Int32Array, { fills }: Palette): void {
  const { model, cells } = sight, by = new Map<number, number[]>();
  for (const a of cells) {
    const c = colours[model.grid[a]!] ?? 0;
    (by.get(c) ?? by.set(c, []).get(c)!).push(a);
  }
  pen.globalAlpha = 0.78;
  for (const [c, atoms] of by) {
    trace(pen, sight, atoms);
    pen.fillStyle = fills[c] ?? fills[0]!;
    pen.fill("evenodd");
  }
  pen.globalAlpha = 1;
}

export function paintBorders(pen: CanvasRenderingContext2D, { model, cells, seen, X, Y }: Sight, outline: Outline, { line, outer }: Palette, active: number): void {
  // every piece once: of the left one of its cells, or of the one that is seen
  const inner: number[] = [], edge: number[] = [], chosen: number[] = [];
  for (const cell of cells) for (const i of row(outline.of, cell)) {
    const left = outline.left[i]!, right = outline.right[i]!;
    if (cell !== left && seen(left)) continue;
    const a = model.grid[left]!, b = right < 0 ? -1 : model.grid[right]!;
    if (a === b) continue;
    (b < 0 ? edge : inner).push(i);
    if (active >= 0 && (a === active || b === active)) chosen.push(i);
  }
  const draw = (width: number, ink: string, pieces: readonly number[]): void => {
    pen.beginPath();
    for (const i of pieces) {
      pen.moveTo(X(outline.ends[4 * i]!), Y(outline.ends[4 * i + 1]!));
      pen.lineTo(X(outline.ends[4 * i + 2]!), Y(outline.ends[4 * i + 3]!));
    }
    pen.lineWidth = width;
    pen.strokeStyle = ink;
    pen.stroke();
  };
  pen.lineCap = "round";
  draw(1.4, line, inner);
  draw(2.4, outer, edge);
  draw(3.6, "#0b5c8a", chosen);
  pen.lineCap = "butt";
}

/** The line round cells that belong together. */
export function paintRim(pen: CanvasRenderingContext2D, { X, Y }: Sight, outline: Outline, cells: readonly number[], isIn: (cell: number) => boolean): void {
  pen.beginPath();
  for (const cell of cells) for (const i of row(outline.of, cell)) {
    const left = outline.left[i]!, right = outline.right[i]!;
    if (isIn(left === cell ? right : left)) continue;
    pen.moveTo(X(outline.ends[4 * i]!), Y(outline.ends[4 * i + 1]!));
    pen.lineTo(X(outline.ends[4 * i + 2]!), Y(outline.ends[4 * i + 3]!));
  }
  pen.strokeStyle = "#0b3a57";
  pen.lineWidth = 2;
  pen.stroke();
}

/** A dot for every cell with buildings, larger for more households. */
export function paintBuildings(pen: CanvasRenderingContext2D, { model, scale, X, Y, cells }: Sight): void {
  pen.fillStyle = "rgba(22, 35, 45, .82)";
  pen.beginPath();
  for (const a of cells) {
    if (!model.isLived(a)) continue;
    const x = X(model.site[2 * a]!), y = Y(model.site[2 * a + 1]!);
    const r = Math.max(1, Math.min(1.3 + Math.sqrt(model.weight[a]!) * 0.9, 9) * Math.min(scale * 2.4, 1));
    pen.moveTo(x + r, y);
    pen.arc(x, y, r, 0, 2 * Math.PI);
  }
  pen.fill();
}

/** Cells where some households live. */
export function homesOf(model: Model, households: ReadonlySet<string>): Set<number> {
  const atoms = new Set<number>();
  for (const [id, b] of model.data.households) if (households.has(id)) atoms.add(model.data.buildings[b]!.atom);
  return atoms;
}

/** Circles round what stands on cells, and round further places, local pixels. */
export function paintRings(pen: CanvasRenderingContext2D, { cells, model, X, Y }: Sight, atoms: ReadonlySet<number>, others: readonly (readonly [number, number])[] = []): void {
  pen.strokeStyle = "#a1260d";
  pen.lineWidth = 2;
  for (const [x, y] of [...cells.filter(a => atoms.has(a)).map(a => [model.site[2 * a]!, model.site[2 * a + 1]!] as const), ...others]) {
    pen.beginPath();
    pen.arc(X(x), Y(y), 7, 0, 2 * Math.PI);
    pen.stroke();
  }
}

/** A label of a grid: where it stands in local pixels, and half of its width and height. */
export interface Sign { grid: number; x: number; y: number; w: number; h: number }

function wordsOf({ model, scale }: Pick<Sight, "model" | "scale">, grid: number, { t }: Pick<App, "t">): string[] {
  const g = model.data.grids[grid]!;
  const name = g.name === "" || scale < SHORT ? g.code.slice(12) : `${g.code.slice(12)} ${[...g.name].slice(0, 10).join("")}`;
  return [g.locked ? `${name} · ${t("lockMark")}` : name, t("householdsN", { n: count(model.total[grid]!) })];
}

/** Number of a unit, with what is locked of it. */
export function wordsOfUnit({ code, locked, officers_locked }: UnitRow, { t }: Pick<App, "t">): string {
  return [code.slice(15), ...locked ? [t("lockMark")] : [], ...officers_locked ? [t("officersMark")] : []].join(" · ");
}

/** Which grids have room for their words: the chosen one first, then the large ones; what would lie on another waits for room. */
export function signsOf(pen: CanvasRenderingContext2D, sight: Sight, at: Float64Array, active: number, app: Pick<App, "t">): Sign[] {
  const { grids } = sight.model.data, taken: Sign[] = [], { scale } = sight;
  const order = grids.map((_, i) => i).sort((a, b) => Number(b === active) - Number(a === active) || grids[b]!.households - grids[a]!.households || a - b);
  for (const grid of order) {
    if (grids[grid]!.buildings === 0 || Number.isNaN(at[2 * grid])) continue;
    const x = at[2 * grid]!, y = at[2 * grid + 1]!, [w, h] = plate(pen, wordsOf(sight, grid, app));
    if (taken.some(o => Math.abs(o.x - x) * scale < o.w + w && Math.abs(o.y - y) * scale < o.h + h)) continue;
    taken.push({ grid, x, y, w, h });
  }
  return taken;
}

/** Name and households of grids, as many as reach into what is drawn. */
export function paintLabels(pen: CanvasRenderingContext2D, sight: Sight, signs: readonly Sign[], active: number, app: Pick<App, "t">): void {
  const { X, Y, box } = sight;
  for (const { grid, x, y, w, h } of signs) {
    const at = X(x), on = Y(y), spare = 16;    // a total may get a digit more
    if (at + w + spare < box[0] || at - w - spare > box[2] || on + h + 2 < box[1] || on - h - 2 > box[3]) continue;
    label(pen, at, on, wordsOf(sight, grid, app), grid === active ? { mark: "#0b5c8a" } : {});
  }
}
