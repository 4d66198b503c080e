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

/**
 * Who of the seeds is still together: a flood from each, a cell in turn, that join where they meet. Whatever ends before the last one
 * is a part of its own; the last is never walked to its end, so the price is that of the smaller parts.
 * Returns those parts, a cell of the one that is left, and how many cells were looked at.
 */
export function race(model: Model, grid: number, seeds: Iterable<number>): { parts: number[][]; rest: number; looked: number } {
  interface Runner { cells: number[]; queue: number[]; next: number; joined: Runner | null }
  const owner = new Map<number, Runner>(), parts: number[][] = [];
  let running: Runner[] = [], looked = 0;
  for (const seed of seeds) {
    if (owner.has(seed)) continue;
    const made: Runner = { cells: [seed], queue: [seed], next: 0, joined: null };
    owner.set(seed, made);
    running.push(made);
  }
  while (running.length > 1) {
    let open = running.length;
    const ended = new Set<Runner>();
    for (const one of running) {
      if (open === 1) break;
      if (one.joined !== null) continue;
      const cell = one.queue[one.next++];
      if (cell === undefined) { parts.push(one.cells); ended.add(one); open--; continue; }
      looked++;
      let mine = one;
      for (const b of row(model.near, cell)) {
        if (model.grid[b] !== grid) continue;
        let met = owner.get(b);
        if (met === undefined) { owner.set(b, mine); mine.cells.push(b); mine.queue.push(b); continue; }
        while (met.joined !== null) met = met.joined;
        if (met === mine) continue;
        const [into, from]: [Runner, Runner] = met.cells.length >= mine.cells.length ? [met, mine] : [mine, met];
        for (const a of from.cells) into.cells.push(a);
        for (const a of from.queue.slice(from.next)) into.queue.push(a);
        from.joined = into;
        mine = into;
        open--;
      }
    }
    running = running.filter(r => r.joined === null && !ended.has(r));
  }
  return { parts, rest: running[0]?.cells[0] ?? -1, looked };
}

export function lived(model: Model, atoms: readonly number[]): number {
  return atoms.reduce((sum, a) => sum + model.weight[a]!, 0);
}

/** A part and the households on it. */
export interface Part { atoms: readonly number[]; weight: number }
const least = (atoms: readonly number[]): number => atoms.reduce((a, b) => Math.min(a, b));

/** The part that counts as the grid comes first: more households, more cells, the cell that was listed first. */
export const heavier = (x: Part, y: Part): number => y.weight - x.weight || y.atoms.length - x.atoms.length || least(x.atoms) - least(y.atoms);

export function neighbourOf(model: Model, atoms: readonly number[], own: number): number {
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
    const parts = flood(model, grid, near).map(atoms => ({ atoms, weight: lived(model, atoms) })).sort(heavier);
    for (const part of parts.slice(1)) tell(grid, part.atoms);
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
