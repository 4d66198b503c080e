// A village in typed arrays: cells, who touches whom, who lives where, and whose ground each cell is.
// Places are pixels of zoom 18 relative to the village's first corner, so that single precision is enough to draw them.

import type { Village } from "../api";

/** Pixels of the whole world at zoom 18. */
export const WORLD_PX = 256 * 2 ** 18;

/** Web-Mercator pixels at zoom 18. */
export function project(lon: number, lat: number): [number, number] {
  const s = Math.min(Math.max(Math.sin(lat * Math.PI / 180), -0.9999), 0.9999);
  return [(lon + 180) / 360 * WORLD_PX, (0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)) * WORLD_PX];
}

/** Lists of u32 per row: row r is `of.subarray(first[r], first[r + 1])`. */
export interface Rows { first: Uint32Array; of: Uint32Array }

/** Rows from pairs (row, value), values in the order given. */
export function rowsOf(count: number, pairs: Iterable<readonly [number, number]>): Rows {
  const list = [...pairs].filter(([r]) => r >= 0 && r < count);
  const first = new Uint32Array(count + 1);
  for (const [r] of list) first[r + 1]! += 1;
  for (let r = 0; r < count; r++) first[r + 1]! += first[r]!;
  const at = first.slice();
  const of = new Uint32Array(list.length);
  for (const [r, v] of list) of[at[r]!++] = v;
  return { first, of };
}

export function row(rows: Rows, r: number): Uint32Array {
  return rows.of.subarray(rows.first[r] ?? 0, rows.first[r + 1] ?? 0);
}

export class Model {
  readonly atoms: number;
  /** Zoom-18 pixel of the local origin. */
  readonly origin: [number, number];
  /** Sites, x and y in turn. */
  readonly site: Float64Array;
  /** Corners of all rings, x and y in turn; rings of an atom follow each other. */
  readonly corner: Float64Array;
  /** First corner of each ring, and the end. */
  readonly ringFirst: Uint32Array;
  /** First ring of each atom, and the end. */
  readonly atomRings: Uint32Array;
  /** Bounds of each atom: w, n, e, s. */
  readonly box: Float64Array;
  /** Cells one can walk to. */
  readonly near: Rows;
  /** Cells that touch, barriers or not. */
  readonly touch: Rows;
  readonly buildingsOf: Rows;
  readonly householdsOf: Rows;
  /** Households living on each atom. */
  readonly weight: Uint32Array;
  /** Index of the grid whose ground each atom is. Changed by strokes and put back by them. */
  readonly grid: Int32Array;
  /** Households of each grid, kept with `grid`. */
  readonly total: Int32Array;
  /** 1 where no tool may move what lives here. */
  readonly fixed: Uint8Array;
  /** The search that came by each atom last. */
  private readonly asked: Uint32Array;
  private turn = 0;
  private readonly buckets: { size: number; cols: number; rows: number; boxes: Rows; sites: Rows; x0: number; y0: number };

  constructor(readonly data: Village) {
    const n = this.atoms = data.atoms.length;
    const start = data.atoms[0]?.at ?? [0, 0];
    this.origin = project(start[0], start[1]);
    const [ox, oy] = this.origin;
    this.site = new Float64Array(2 * n);
    this.box = new Float64Array(4 * n);
    this.asked = new Uint32Array(n);
    const ringFirst: number[] = [], corners: number[] = [];
    this.atomRings = new Uint32Array(n + 1);
    data.atoms.forEach((atom, a) => {
      const [sx, sy] = project(atom.at[0], atom.at[1]);
      this.site[2 * a] = sx - ox;
      this.site[2 * a + 1] = sy - oy;
      const box = [Infinity, Infinity, -Infinity, -Infinity];
      for (const ring of atom.parts.flat()) {
        ringFirst.push(corners.length / 2);
        const closed = ring.length > 1 && ring[0]![0] === ring.at(-1)![0] && ring[0]![1] === ring.at(-1)![1];
        for (const [lon, lat] of closed ? ring.slice(0, -1) : ring) {
          const [px, py] = project(lon, lat);
          const x = px - ox, y = py - oy;
          corners.push(x, y);
          box[0] = Math.min(box[0]!, x); box[1] = Math.min(box[1]!, y);
          box[2] = Math.max(box[2]!, x); box[3] = Math.max(box[3]!, y);
        }
      }
      this.atomRings[a + 1] = ringFirst.length;
      this.box.set(box[0]! <= box[2]! ? box : [this.site[2 * a]!, this.site[2 * a + 1]!, this.site[2 * a]!, this.site[2 * a + 1]!], 4 * a);
    });
    ringFirst.push(corners.length / 2);
    this.ringFirst = Uint32Array.from(ringFirst);
    this.corner = Float64Array.from(corners);
    const both = (edges: Village["edges"]): [number, number][] => edges.flatMap(([a, b]): [number, number][] => [[a, b], [b, a]]);
    this.touch = rowsOf(n, both(data.edges));
    this.near = rowsOf(n, both(data.edges.filter(e => e[3] === 1)));
    this.buildingsOf = rowsOf(n, data.buildings.map((b, i) => [b.atom, i] as const));
    this.householdsOf = rowsOf(n, data.households.map((h, i) => [data.buildings[h[1]]?.atom ?? -1, i] as const));
    this.weight = new Uint32Array(n);
    this.fixed = new Uint8Array(n);
    this.grid = Int32Array.from(data.atom_grid);
    for (const b of data.buildings) {
      this.weight[b.atom]! += b.households;
      if (b.locked || data.grids[b.grid]?.locked) this.fixed[b.atom] = 1;
    }
    data.households.forEach(([, b, u]) => {
      const atom = data.buildings[b]?.atom;
      if (atom !== undefined && data.units[u]?.locked) this.fixed[atom] = 1;
    });
    this.total = Int32Array.from(data.grids, g => g.households);
    this.buckets = this.index();
  }

  /** Bounds of all: w, n, e, s in local pixels. */
  bounds(): [number, number, number, number] {
    const b: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let a = 0; a < this.atoms; a++) {
      b[0] = Math.min(b[0], this.box[4 * a]!); b[1] = Math.min(b[1], this.box[4 * a + 1]!);
      b[2] = Math.max(b[2], this.box[4 * a + 2]!); b[3] = Math.max(b[3], this.box[4 * a + 3]!);
    }
    return b;
  }

  private index() {
    const [x0, y0, x1, y1] = this.bounds();
    const size = Math.max(Math.sqrt(Math.max((x1 - x0) * (y1 - y0), 1) / Math.max(this.atoms, 1)), 1);
    const cols = Math.max(Math.ceil((x1 - x0) / size) || 1, 1), rows = Math.max(Math.ceil((y1 - y0) / size) || 1, 1);
    const col = (x: number): number => Math.min(Math.max(Math.floor((x - x0) / size), 0), cols - 1);
    const line = (y: number): number => Math.min(Math.max(Math.floor((y - y0) / size), 0), rows - 1);
    const boxes: [number, number][] = [], sites: [number, number][] = [];
    for (let a = 0; a < this.atoms; a++) {
      for (let r = line(this.box[4 * a + 1]!); r <= line(this.box[4 * a + 3]!); r++)
        for (let c = col(this.box[4 * a]!); c <= col(this.box[4 * a + 2]!); c++) boxes.push([r * cols + c, a]);
      sites.push([line(this.site[2 * a + 1]!) * cols + col(this.site[2 * a]!), a]);
    }
    return { size, cols, rows, x0, y0, boxes: rowsOf(cols * rows, boxes), sites: rowsOf(cols * rows, sites) };
  }

  /** Local pixels of a place. */
  local([lon, lat]: readonly [number, number]): [number, number] {
    const [x, y] = project(lon, lat);
    return [x - this.origin[0], y - this.origin[1]];
  }

  /** Whether a place lies on an atom (even–odd over its rings). */
  contains(atom: number, x: number, y: number): boolean {
    let inside = false;
    for (let r = this.atomRings[atom]!; r < this.atomRings[atom + 1]!; r++) {
      const from = this.ringFirst[r]!, to = this.ringFirst[r + 1]!;
      for (let i = from, j = to - 1; i < to; j = i++) {
        const xi = this.corner[2 * i]!, yi = this.corner[2 * i + 1]!, xj = this.corner[2 * j]!, yj = this.corner[2 * j + 1]!;
        if ((yi > y) !== (yj > y) && x < (xj - xi) * (y - yi) / (yj - yi) + xi) inside = !inside;
      }
    }
    return inside;
  }

  /** The atom at a place, or -1. */
  find(x: number, y: number): number {
    const { size, cols, rows, boxes, x0, y0 } = this.buckets;
    const c = Math.floor((x - x0) / size), r = Math.floor((y - y0) / size);
    if (c < 0 || r < 0 || c >= cols || r >= rows) return -1;
    for (const a of row(boxes, r * cols + c)) if (this.contains(a, x, y)) return a;
    return -1;
  }

  /** The atom at a place, or the one whose site is nearest; -1 where there are none. */
  nearest(x: number, y: number): number {
    const off = (a: number): number => Math.hypot(this.site[2 * a]! - x, this.site[2 * a + 1]! - y);
    let best = this.find(x, y);
    if (best < 0) for (let a = 0; a < this.atoms; a++) if (best < 0 || off(a) < off(best)) best = a;
    return best;
  }

  /** Atoms whose bounds touch a box. */
  touching(w: number, n: number, e: number, s: number): number[] {
    const { size, cols, rows, boxes, x0, y0 } = this.buckets;
    const found: number[] = [], turn = ++this.turn;
    const clamp = (v: number, top: number): number => Math.min(Math.max(Math.floor(v), 0), top - 1);
    const [c0, c1] = [clamp((w - x0) / size, cols), clamp((e - x0) / size, cols)];
    for (let r = clamp((n - y0) / size, rows); r <= clamp((s - y0) / size, rows); r++)
      for (let c = c0; c <= c1; c++)
        for (const a of row(boxes, r * cols + c)) {
          // a cell stands in several buckets
          if (this.asked[a] === turn) continue;
          this.asked[a] = turn;
          if (this.box[4 * a]! <= e && this.box[4 * a + 2]! >= w && this.box[4 * a + 1]! <= s && this.box[4 * a + 3]! >= n) found.push(a);
        }
    return found;
  }

  /** Atoms with buildings whose site lies in a box. */
  inBox(w: number, n: number, e: number, s: number): number[] {
    const { size, cols, rows, sites, x0, y0 } = this.buckets;
    const found: number[] = [];
    const clamp = (v: number, top: number): number => Math.min(Math.max(v, 0), top - 1);
    for (let r = clamp(Math.floor((n - y0) / size), rows); r <= clamp(Math.floor((s - y0) / size), rows); r++)
      for (let c = clamp(Math.floor((w - x0) / size), cols); c <= clamp(Math.floor((e - x0) / size), cols); c++)
        for (const a of row(sites, r * cols + c)) {
          const x = this.site[2 * a]!, y = this.site[2 * a + 1]!;
          if (x >= w && x <= e && y >= n && y <= s && this.isLived(a)) found.push(a);
        }
    return found;
  }

  /** Atoms with buildings whose site is within a radius of the segment a–b. */
  alongSegment(ax: number, ay: number, bx: number, by: number, radius: number): number[] {
    const box = this.inBox(Math.min(ax, bx) - radius, Math.min(ay, by) - radius, Math.max(ax, bx) + radius, Math.max(ay, by) + radius);
    const dx = bx - ax, dy = by - ay, long = dx * dx + dy * dy;
    return box.filter(a => {
      const x = this.site[2 * a]! - ax, y = this.site[2 * a + 1]! - ay;
      const t = long === 0 ? 0 : Math.min(Math.max((x * dx + y * dy) / long, 0), 1);
      return (x - t * dx) ** 2 + (y - t * dy) ** 2 <= radius * radius;
    });
  }

  /** Whether buildings stand on it. */
  isLived(atom: number): boolean { return this.buildingsOf.first[atom + 1]! > this.buildingsOf.first[atom]!; }

  /** Changes whose ground an atom is, totals included. */
  assign(atom: number, to: number): void {
    const w = this.weight[atom]!;
    this.total[this.grid[atom]!]! -= w;
    this.total[to]! += w;
    this.grid[atom] = to;
  }

  /** Households ÷ target − 1 of a base grid at its present total. */
  deviation(grid: number): number | null {
    const g = this.data.grids[grid];
    const target = g?.target ?? null;
    return g === undefined || g.kind !== "base" || target === null || target === 0 ? null : this.total[grid]! / target - 1;
  }

  buildingIds(atoms: Iterable<number>): string[] {
    const ids: string[] = [];
    for (const a of atoms) for (const b of row(this.buildingsOf, a)) ids.push(this.data.buildings[b]!.id);
    return ids;
  }

  /** Of those who may be seen. */
  householdIds(atoms: Iterable<number>): string[] {
    const ids: string[] = [];
    for (const a of atoms) for (const h of row(this.householdsOf, a)) ids.push(this.data.households[h]![0]);
    return ids;
  }

  /** Whether a lock keeps an atom where it is: of its building, of a unit that lives there, of its grid. */
  isLocked(atom: number): boolean { return this.fixed[atom] === 1 || this.data.grids[this.grid[atom]!]?.locked === true; }
}
