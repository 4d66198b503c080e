// Rectangles of the screen: w, n, e, s in pixels.

export type Box = readonly [number, number, number, number];

const meets = (a: Box, b: Box): boolean => a[2] >= b[0] && a[0] <= b[2] && a[3] >= b[1] && a[1] <= b[3];
const around = (a: Box, b: Box): Box => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];

/** Boxes that cover the same and have nothing in common. */
export function apart(boxes: readonly Box[]): Box[] {
  const made: Box[] = [];
  for (const box of boxes) {
    let whole = box;
    for (let i = made.findIndex(b => meets(b, whole)); i >= 0; i = made.findIndex(b => meets(b, whole))) whole = around(whole, made.splice(i, 1)[0]!);
    made.push(whole);
  }
  return made;
}
