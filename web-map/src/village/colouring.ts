// Colours of grids: neighbours differ, and a grid keeps its colour through edits where it can.

import { type Model, row } from "./model";

/** Grids that touch each grid, by index. */
export function neighbours(model: Model): Set<number>[] {
  const list = model.data.grids.map(() => new Set<number>());
  for (let a = 0; a < model.atoms; a++) {
    const g = model.grid[a]!;
    for (const b of row(model.touch, a)) {
      const o = model.grid[b]!;
      if (o !== g) list[g]?.add(o);
    }
  }
  return list;
}

/**
 * A colour index for every grid. The most constrained grid goes first (fewest colours left, then most neighbours); of the
 * colours left it takes its former one, or the one that fewest grids have so far.
 */
export function colour(near: readonly ReadonlySet<number>[], colours: number, former: readonly (number | undefined)[] = []): Int32Array {
  const given = new Int32Array(near.length).fill(-1);
  const used = new Array<number>(colours).fill(0);
  const taken = (g: number): Set<number> => new Set([...near[g]!].map(o => given[o]!).filter(c => c >= 0));
  const keep = (g: number): boolean => former[g] !== undefined && former[g]! < colours;
  for (let left = near.length; left > 0; left--) {
    let best = -1, bestKey = -Infinity;
    for (let g = 0; g < near.length; g++) {
      if (given[g] !== -1) continue;
      const key = (keep(g) ? 1e6 : 0) + taken(g).size * 1e3 + near[g]!.size;
      if (key > bestKey) { best = g; bestKey = key; }
    }
    const not = taken(best);
    const free = used.map((count, c) => ({ c, count })).filter(({ c }) => !not.has(c));
    const wished = keep(best) && !not.has(former[best]!) ? former[best]! : undefined;
    const choice = wished ?? free.sort((x, y) => x.count - y.count || x.c - y.c)[0]?.c ?? best % colours;
    given[best] = choice;
    used[choice]! += 1;
  }
  return given;
}
