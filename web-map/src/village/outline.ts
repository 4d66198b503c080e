// Which pieces of line separate which cells: found once, so that a border that moves costs nothing but drawing.

import { type Model, type Rows, rowsOf } from "./model";

/** Line pieces: ends in local pixels, the cell on either side (-1 outside); the pieces of every cell. */
export interface Outline { ends: Float64Array; left: Int32Array; right: Int32Array; of: Rows }

/** Ends closer than this are one: a fraction of a millimetre on the ground. */
const PER_PX = 512;

export function outlineOf(model: Model): Outline {
  const [w, n] = model.bounds();
  const vertex = new Map<number, number>();
  const idOf = (x: number, y: number): number => {
    const key = Math.round((x - w) * PER_PX) * 2 ** 26 + Math.round((y - n) * PER_PX);
    const known = vertex.get(key);
    if (known !== undefined) return known;
    vertex.set(key, vertex.size);
    return vertex.size - 1;
  };
  const pieces = new Map<number, number>();
  const ends: number[] = [], left: number[] = [], right: number[] = [];
  for (let a = 0; a < model.atoms; a++)
    for (let r = model.atomRings[a]!; r < model.atomRings[a + 1]!; r++) {
      const from = model.ringFirst[r]!, to = model.ringFirst[r + 1]!;
      for (let i = from, j = to - 1; i < to; j = i++) {
        const x0 = model.corner[2 * j]!, y0 = model.corner[2 * j + 1]!, x1 = model.corner[2 * i]!, y1 = model.corner[2 * i + 1]!;
        const p = idOf(x0, y0), q = idOf(x1, y1);
        if (p === q) continue;
        const key = Math.min(p, q) * 2 ** 26 + Math.max(p, q);
        const known = pieces.get(key);
        if (known === undefined) {
          pieces.set(key, left.length);
          ends.push(x0, y0, x1, y1);
          left.push(a);
          right.push(-1);
        } else if (right[known] === -1) right[known] = a;
      }
    }
  const sides = [...left.map((a, i) => [a, i] as const), ...right.map((a, i) => [a, i] as const)];
  return { ends: Float64Array.from(ends), left: Int32Array.from(left), right: Int32Array.from(right), of: rowsOf(model.atoms, sides) };
}
