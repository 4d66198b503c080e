// What falls off when cells change hands. Looks only at the grids concerned, never at all of them.

import { type Model, row } from "./model";

/** A part of a grid that nothing connects to the rest of it. */
export interface Stranded {
  /** Grid it belongs to now. */
  grid: number;
  atoms: number[];
  households: number;
  /** Grid with the longest common border, or -1: the one that can take it. */
  neighbour: number;
}

/** Components of a grid that contain the given cells. */
export function flood(model: Model, grid: number, seeds: Iterable<number>): number[][] {
  const seen = new Set<number>(), parts: number[][] = [];
  for (const seed of seeds) {
    if (seen.has(seed) || model.grid[seed] !== grid) continue;
    const part = [seed];
    seen.add(seed);
    for (let i = 0; i < part.length; i++)
      for (const b of row(model.near, part[i]!))
        if (model.grid[b] === grid && !seen.has(b)) { seen.add(b); part.push(b); }
    parts.push(part);
  }
  return parts;
}

function lived(model: Model, atoms: readonly number[]): number {
  return atoms.reduce((sum, a) => sum + model.weight[a]!, 0);
}

function neighbourOf(model: Model, atoms: readonly number[], own: number): number {
  const mine = new Set(atoms), count = new Map<number, number>();
  for (const a of atoms) for (const b of row(model.near, a)) {
    const g = model.grid[b]!;
    if (!mine.has(b) && g !== own) count.set(g, (count.get(g) ?? 0) + 1);
  }
  return [...count].sort((x, y) => y[1] - x[1] || x[0] - y[0])[0]?.[0] ?? -1;
}

/**
 * Parts that the moves (cell → grid it came from) left without connection: of the givers, what was held together only by the
 * moved cells; of the receivers, moved cells that reach none of their old ground. Ground without buildings is not told: it joins
 * whoever is beside it.
 */
export function findStranded(model: Model, moved: ReadonlyMap<number, number>): Stranded[] {
  const left = new Map<number, number[]>(), got = new Map<number, number[]>();
  const list = (of: Map<number, number[]>, grid: number): number[] => of.get(grid) ?? of.set(grid, []).get(grid)!;
  for (const [a, from] of moved) {
    list(got, model.grid[a]!).push(a);
    for (const b of row(model.near, a)) if (model.grid[b] === from && !moved.has(b)) list(left, from).push(b);
  }
  const found: Stranded[] = [];
  const tell = (grid: number, atoms: number[]): void => {
    if (!atoms.some(a => model.isLived(a))) return;
    found.push({ grid, atoms, households: lived(model, atoms), neighbour: neighbourOf(model, atoms, grid) });
  };
  for (const [grid, near] of left) {
    const parts = flood(model, grid, near);
    parts.sort((x, y) => lived(model, y) - lived(model, x) || y.length - x.length);
    for (const part of parts.slice(1)) tell(grid, part);
  }
  for (const [grid, atoms] of got) {
    const isNew = (part: readonly number[]): boolean => part.every(a => moved.has(a));
    const parts = flood(model, grid, atoms);
    // a grid that had no ground at all begins with what it gets
    const begins = model.data.grids[grid]?.buildings === 0 ? 1 : 0;
    for (const part of parts.filter(isNew).slice(begins)) tell(grid, part);
  }
  return found;
}
