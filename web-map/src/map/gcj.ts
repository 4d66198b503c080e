// The shift of Chinese web maps, by the published series: for basemaps drawn in it. Data is never moved.

/** WGS 84 to GCJ-02, degrees. */
export function toGcj02(lon: number, lat: number): [number, number] {
  const x = lon - 105, y = lat - 35, { sin, cos, sqrt, abs, PI } = Math;
  const wave = (v: number, parts: readonly [number, number][]): number => parts.reduce((sum, [size, of]) => sum + size * sin(of * v * PI), 0) * 2 / 3;
  const both = wave(x, [[20, 6], [20, 2]]);
  const dy = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + both + wave(y, [[20, 1], [40, 1 / 3], [160, 1 / 12], [320, 1 / 30]]);
  const dx = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + both + wave(x, [[20, 1], [40, 1 / 3], [150, 1 / 12], [300, 1 / 30]]);
  // Krasovsky's ellipsoid
  const a = 6_378_245, e2 = 0.006_693_421_622_965_943, phi = lat / 180 * PI, w = 1 - e2 * sin(phi) ** 2;
  return [lon + dx * 180 / (a / sqrt(w) * cos(phi) * PI), lat + dy * 180 / (a * (1 - e2) / (w * sqrt(w)) * PI)];
}

/** How tiles lie under a view: where their own middle is, in degrees from the view's, and how far they move on the screen, in pixels, so that the
 *  middle of the view shows what lies there. `at` gives the place of degrees on the screen. */
export function underlay(isShifted: boolean, lon: number, lat: number, at: (lon: number, lat: number) => { x: number; y: number }): { deg: [number, number]; px: [number, number] } {
  const [gx, gy] = isShifted ? toGcj02(lon, lat) : [lon, lat], here = at(lon, lat), there = at(gx, gy);
  return { deg: [gx - lon, gy - lat], px: [here.x - there.x, here.y - there.y] };
}
