// Arithmetic of what the map draws: which cells, how dark, what lies in one.

import type { LonLat } from "../api";
import type { Cell, Hotspots, HotView } from "./api";

/** What the map draws at most, of one kind and together. */
export const MOST_FEATURES = 500;
export const MOST_POINTS = 400;
export const MOST_CELLS = 360;

/** What comes by chance more often than this is no outbreak. */
export const BY_CHANCE = 0.05;

/** Mean edge of a hexagon, metres, by H3's table of resolutions. */
const EDGE_M: Readonly<Record<number, number>> = { 5: 9_854.09, 6: 3_724.53, 7: 1_406.48, 8: 531.41, 9: 200.79, 10: 75.86 };
export const edgeM = (resolution: number): number => EDGE_M[resolution] ?? Number.NaN;
/** Narrower hexagons cannot be read; discs want more room, on the wall most. */
export const NARROWEST_PX = { hexagon: 24, disc: 42, wall: 74 } as const;

/** The finest resolution whose hexagons are wide enough. */
export function resolutionAt(zoom: number, lat: number, narrowest: number): number {
  const mPerPx = 2 * Math.PI * 6_378_137 * Math.cos(lat * Math.PI / 180) / (256 * 2 ** zoom);
  return [9, 8, 7, 6].find(r => 2 * edgeM(r) / mPerPx >= narrowest) ?? COARSEST;
}

/** Coarser than this the service does not count. */
export const COARSEST = 5;

/** The finest cells, from a resolution downwards, of which the map has not too many to draw in a box. */
export async function fitting(ask: (resolution: number) => Promise<Hotspots>, finest: number, box: Box | undefined): Promise<Hotspots> {
  for (let r = finest; ; r--) {
    const hot = await ask(r);
    if (r <= COARSEST || box === undefined || drawables(hot.cells, hot.view).filter(c => meets(c.box, box)).length <= MOST_CELLS) return hot;
  }
}

/** Why a view says nothing of a cell that it shows; null where it says something. */
export function silenceOf(cell: Pick<Cell, "class" | "households">, view: HotView): "island" | "constant" | "no_households" | "no_rate" | null {
  if (view !== "gi" && view !== "rate") return null;
  if (cell.class === "island" || cell.class === "no_households") return cell.class;
  // where all rates are alike there still are rates
  return view === "gi" ? cell.class === "constant" ? cell.class : null : cell.households === null || cell.households === 0 ? "no_rate" : null;
}

/** What a cell shows in a view; null where it has nothing to show, and no number where incidents are all there is. */
export function valueOf(cell: Cell, view: HotView): number | null {
  switch (view) {
    case "count": return cell.count > 0 ? cell.count : null;
    case "rate": return cell.count === 0 ? null : cell.households !== null && cell.households > 0 ? cell.count / cell.households * 1_000 : Number.NaN;
    case "density": return cell.density !== null && cell.density > 0 ? cell.density : cell.count > 0 ? 0 : null;
    case "gi": return cell.class === "hot" || cell.class === "cold" || cell.count > 0 ? cell.z ?? 0 : null;
    case "emerging": return (cell.emerging !== null && cell.emerging !== "none") || cell.count > 0 ? 0 : null;
  }
}

/** Upper bounds of at most five classes with about equally many cells; different cells of one value never part. */
export function breaks(values: readonly number[], classes = 5): number[] {
  const sorted = [...values].sort((a, b) => a - b), list: number[] = [];
  for (let k = 1; k <= classes; k++) {
    const bound = sorted[Math.ceil(k * sorted.length / classes) - 1];
    if (bound !== undefined && bound > (list.at(-1) ?? -Infinity)) list.push(bound);
  }
  return list;
}
/** Class of a value: the first whose bound it does not exceed. */
export function classOf(value: number, bounds: readonly number[]): number {
  const k = bounds.findIndex(b => value <= b);
  return k < 0 ? bounds.length - 1 : k;
}

/** A number short enough for a cell. */
export const brief = (v: number): string => v >= 10_000 ? `${Math.round(v / 1_000)}k` : v >= 10 ? Math.round(v).toString() : Number.isInteger(v) ? String(v) : v.toPrecision(2);

/** A small positive number as a power of ten; below what floating point holds well there is a bound and no mantissa. */
export function power(v: number): { mantissa: string | null; exponent: string } {
  if (v < 1e-300) return { mantissa: null, exponent: "−300" };
  const [mantissa, exponent] = v.toExponential(1).split("e");
  return { mantissa: mantissa ?? "", exponent: String(Number(exponent)).replace("-", "−") };
}

export type Box = readonly [number, number, number, number];
export function boxOf(ring: readonly LonLat[]): Box {
  let [w, s, e, n] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of ring) { w = Math.min(w, x); s = Math.min(s, y); e = Math.max(e, x); n = Math.max(n, y); }
  return [w, s, e, n];
}
export const meets = (a: Box, b: Box): boolean => a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3];

/** Whether a place lies in a ring; a place on the border lies in one of two neighbours only. */
export function contains(ring: readonly LonLat[], [x, y]: LonLat): boolean {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi, yi] = ring[i]!, [xj, yj] = ring[j]!;
    if ((yi > y) !== (yj > y) && x < (xj - xi) * (y - yi) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}
export function middleOf(ring: readonly LonLat[]): LonLat {
  const open = ring.length > 1 && ring[0]![0] === ring.at(-1)![0] && ring[0]![1] === ring.at(-1)![1] ? ring.slice(0, -1) : ring;
  return [open.reduce((s, p) => s + p[0], 0) / open.length, open.reduce((s, p) => s + p[1], 0) / open.length];
}

export interface Drawable { cell: Cell; value: number; box: Box; middle: LonLat }
/** The cells with something to show. */
export const drawables = (cells: readonly Cell[], view: HotView): Drawable[] => cells.flatMap(cell => {
  const value = valueOf(cell, view);
  return value === null || cell.ring.length < 4 ? [] : [{ cell, value, box: boxOf(cell.ring), middle: middleOf(cell.ring) }];
});
