// How a village looks: ground in its grid's colour, borders, buildings, words. Draws what it is given and keeps nothing.

import type L from "leaflet";
import type { App } from "../app";
import type { Palette } from "../style/palette";
import type { Model } from "../village/model";
import type { Outline } from "../village/outline";
import type { Box } from "./canvas-layer";
import { label, plate } from "./lettering";

/** A village on the screen, and which of its cells are to be drawn. */
export interface Sight { model: Model; scale: number; X: (x: number) => number; Y: (y: number) => number; seen: (atom: number) => boolean }

/** Below this scale a name is only its number. */
const SHORT = 0.12;

/** Screen places of local ones. */
export function placing(model: Model, map: L.Map) {
  const scale = 2 ** (map.getZoom() - 18), corner = map.project(map.containerPointToLatLng([0, 0]), 18);
  const dx = (model.origin[0] - corner.x) * scale, dy = (model.origin[1] - corner.y) * scale;
  return { scale, X: (x: number): number => x * scale + dx, Y: (y: number): number => y * scale + dy };
}

export function sightOf(model: Model, map: L.Map, boxes: readonly Box[]): Sight {
  const place = placing(model, map), { X, Y } = place;
  const seen = (a: number): boolean => {
    const w = X(model.box[4 * a]!), n = Y(model.box[4 * a + 1]!), e = X(model.box[4 * a + 2]!), s = Y(model.box[4 * a + 3]!);
    return boxes.some(b => e >= b[0] && w <= b[2] && s >= b[1] && n <= b[3]);
  };
  return { model, ...place, seen };
}

/** For every grid, the building nearest to the middle of its households. */
export function middles(model: Model): Float64Array {
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
  const { model, seen } = sight, by = new Map<number, number[]>();
  for (let a = 0; a < model.atoms; a++) {
    if (!seen(a)) continue;
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

export function paintBorders(pen: CanvasRenderingContext2D, { model, X, Y }: Sight, outline: Outline, { line, outer }: Palette, active: number): void {
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

/** A dot for every cell with buildings, larger for more households. */
export function paintBuildings(pen: CanvasRenderingContext2D, { model, scale, X, Y, seen }: Sight): void {
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
}

/** Circles round the buildings of some households. */
export function paintRings(pen: CanvasRenderingContext2D, { model, X, Y }: Sight, households: ReadonlySet<string>): void {
  const atoms = new Set<number>();
  for (const [id, b] of model.data.households) if (households.has(id)) atoms.add(model.data.buildings[b]!.atom);
  pen.strokeStyle = "#a1260d";
  pen.lineWidth = 2;
  for (const a of atoms) {
    pen.beginPath();
    pen.arc(X(model.site[2 * a]!), Y(model.site[2 * a + 1]!), 7, 0, 2 * Math.PI);
    pen.stroke();
  }
}

/** Name and households of each grid: the chosen one first, then the large ones; what would lie on another waits for room. */
export function paintLabels(pen: CanvasRenderingContext2D, { model, scale, X, Y }: Sight, at: Float64Array, active: number, { t }: Pick<App, "t">): void {
  const { grids } = model.data, taken: [number, number, number, number][] = [];
  const order = grids.map((_, i) => i).sort((a, b) => Number(b === active) - Number(a === active) || grids[b]!.households - grids[a]!.households || a - b);
  for (const i of order) {
    const g = grids[i]!;
    if (g.buildings === 0) continue;
    const name = g.name === "" || scale < SHORT ? g.code.slice(12) : `${g.code.slice(12)} ${[...g.name].slice(0, 10).join("")}`;
    const lines = [g.locked ? `${name} · ${t("lockMark")}` : name, t("householdsN", { n: model.total[i]! })];
    const x = X(at[2 * i]!), y = Y(at[2 * i + 1]!), [w, h] = plate(pen, lines);
    if (taken.some(([tx, ty, tw, th]) => Math.abs(tx - x) < tw + w && Math.abs(ty - y) < th + h)) continue;
    taken.push([x, y, w, h]);
    label(pen, x, y, lines, i === active ? { mark: "#0b5c8a" } : {});
  }
}
