// Outlines of divisions as the screen wants them: projected once, drawn with the points that can be seen apart.

import type L from "leaflet";

/** Points of a ring on the unit square of Web Mercator: x, y, x, y … */
export type WorldRing = Float64Array;

export const worldX = (lon: number): number => lon / 360 + 0.5;
export function worldY(lat: number): number {
  const s = Math.sin(Math.max(-85.0511287798, Math.min(85.0511287798, lat)) * Math.PI / 180);
  return 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
}

export function worldRing(ring: readonly (readonly [number, number])[]): WorldRing {
  const world = new Float64Array(2 * ring.length);
  ring.forEach(([lon, lat], i) => { world[2 * i] = worldX(lon); world[2 * i + 1] = worldY(lat); });
  return world;
}

/** Nearer points than this are one on the screen, px. */
const APART_PX = 0.75;

/** From the unit square to pixels of the map's container. */
export class Screen {
  private readonly scale: number;
  private readonly dx: number;
  private readonly dy: number;

  constructor(map: L.Map) {
    this.scale = map.options.crs!.scale(map.getZoom());
    const corner = map.getPixelOrigin().add(map.containerPointToLayerPoint([0, 0]));
    this.dx = corner.x;
    this.dy = corner.y;
  }

  x(world: number): number { return world * this.scale - this.dx; }
  y(world: number): number { return world * this.scale - this.dy; }

  /** A path of rings; of points that fall together only the first. */
  trace(pen: CanvasRenderingContext2D, rings: readonly WorldRing[]): void {
    pen.beginPath();
    for (const ring of rings) {
      let [lx, ly] = [Infinity, Infinity];
      for (let i = 0; i < ring.length; i += 2) {
        const x = ring[i]! * this.scale - this.dx, y = ring[i + 1]! * this.scale - this.dy;
        if (i === 0) pen.moveTo(x, y);
        else if (Math.abs(x - lx) + Math.abs(y - ly) < APART_PX) continue;
        else pen.lineTo(x, y);
        lx = x;
        ly = y;
      }
      pen.closePath();
    }
  }
}

/** Whether a place of the unit square lies within rings, holes left out. */
export function within(rings: readonly WorldRing[], x: number, y: number): boolean {
  let inside = false;
  for (const ring of rings) for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    const yi = ring[i + 1]!, yj = ring[j + 1]!;
    if ((yi > y) !== (yj > y) && x < (ring[j]! - ring[i]!) * (y - yi) / (yj - yi) + ring[i]!) inside = !inside;
  }
  return inside;
}
