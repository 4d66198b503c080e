// Takes the place of the package "@mapbox/point-geometry" (vite.config.ts): all that the reader of vector tiles asks of a point.
export default class Point {
  constructor(x, y) { this.x = x; this.y = y; }
  clone() { return new Point(this.x, this.y); }
}
