// Where words may stand on a map: beside each other and clear of signs. Knows neither Leaflet nor the canvas.

/** Where words stand: their middle, half their width and height. */
export type Plate = readonly [x: number, y: number, halfW: number, halfH: number];
/** Where a sign stands: its middle and radius. */
export type Sign = readonly [x: number, y: number, r: number];

export const overlaps = ([ax, ay, aw, ah]: Plate, [bx, by, bw, bh]: Plate): boolean => Math.abs(ax - bx) < aw + bw && Math.abs(ay - by) < ah + bh;

/** Signs under words. */
export const covered = ([x, y, w, h]: Plate, signs: readonly Sign[]): number => signs.filter(([sx, sy, r]) => Math.abs(sx - x) < w + r && Math.abs(sy - y) < h + r).length;

/** The first of some places that is clear of other words and of all signs. */
export const clearOf = (places: readonly Plate[], taken: readonly Plate[], signs: readonly Sign[]): Plate | undefined =>
  places.find(p => !taken.some(t => overlaps(p, t)) && covered(p, signs) === 0);
