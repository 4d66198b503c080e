// A village of square cells in rows, for tests: every cell one building, weights and grids as given.

import type { Village } from "../../src/api";
import { Model } from "../../src/village/model";

export function random(seed: number): () => number {
  let s = seed >>> 0;
  return () => (s = (Math.imul(s, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

const STEP_DEG = 0.0003;

/** `grids` is the grid index of each cell, row by row; cells with weight 0 are ground without a building. */
export function village(columns: number, grids: readonly number[], weights: readonly number[] = grids.map(() => 1), barrier: readonly (readonly [number, number])[] = []): Model {
  const rows = grids.length / columns, many = Math.max(...grids) + 1;
  const at = (i: number): [number, number] => [105.9 + (i % columns) * STEP_DEG, 26 - Math.floor(i / columns) * STEP_DEG];
  const ring = (i: number): [number, number][] => {
    const [x, y] = at(i), h = STEP_DEG / 2;
    return [[x - h, y - h], [x + h, y - h], [x + h, y + h], [x - h, y + h], [x - h, y - h]];
  };
  const edges: Village["edges"] = [];
  const isBarred = (a: number, b: number): boolean => barrier.some(([p, q]) => (p === a && q === b) || (p === b && q === a));
  for (let i = 0; i < grids.length; i++) {
    if (i % columns + 1 < columns) edges.push([i, i + 1, 30, isBarred(i, i + 1) ? 0 : 1]);
    if (Math.floor(i / columns) + 1 < rows) edges.push([i, i + columns, 30, isBarred(i, i + columns) ? 0 : 1]);
  }
  const lived = grids.map((_, i) => i).filter(i => weights[i]! > 0);
  const total = (g: number): number => lived.reduce((sum, i) => sum + (grids[i] === g ? weights[i]! : 0), 0);
  const mean = lived.reduce((sum, i) => sum + weights[i]!, 0) / many;
  const plan = { id: "p", name: "p", region: "520423102000", status: "draft" as const, version: 1, seed: 1, valid_from: null, valid_to: null, profile: "pingba", input_version: 1 };
  const figures = { base_grids: many, dedicated_grids: 0, deviation: 0, mean_polsby_popper: 0, min_polsby_popper: 0, units: many, households_in_exceptions: 0, sse_m2: 0 };
  const code = (g: number): string => `520423102001${String(g + 1).padStart(3, "0")}`;
  return new Model({
    plan, village: "520423102001", name: "试验村", hash: "", behind: null, figures, problems: [],
    rules: { unit: { min: 1, max: 99, deputies: 0 }, grid: { target_households: 100, tolerance: 0.05, max_persons: null } },
    grids: Array.from({ length: many }, (_, g) => ({ code: code(g), name: "", kind: "base" as const, locked: false, households: total(g), buildings: 1, persons: null, deviation: total(g) / mean - 1, target: mean, version: 1 })),
    units: Array.from({ length: many }, (_, g) => ({ code: `${code(g)}001`, locked: false, officers_locked: false, leader: null, deputies: [], exception: null, households: total(g) })),
    buildings: lived.map(i => ({ id: `B${i}`, atom: i, households: weights[i]!, grid: grids[i]!, locked: false })),
    households: lived.flatMap((i, b) => Array.from({ length: weights[i]! }, (_, k): [string, number, number, boolean] => [`H${i}-${k}`, b, grids[i]!, k === 0])),
    atoms: grids.map((_, i) => ({ at: at(i), parts: [[ring(i)]] })), edges, atom_grid: [...grids],
  });
}
