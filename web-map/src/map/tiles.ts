// Which vector tiles a view needs, and what is in one. Knows neither Leaflet nor the screen.

import { VectorTile } from "@mapbox/vector-tile";
import { PbfReader } from "pbf";

/** Units along a tile's side. */
export const EXTENT = 4096;

export interface Place { z: number; x: number; y: number }

/** Degrees to tile units of a level, counted from the world's north-west corner. */
function column(lon: number, z: number): number { return (lon + 180) / 360 * 2 ** z; }
function line(lat: number, z: number): number {
  const s = Math.min(Math.max(Math.sin(lat * Math.PI / 180), -0.9999), 0.9999);
  return (0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)) * 2 ** z;
}

/** Tiles of a level that touch a box of degrees (w, s, e, n). */
export function tilesOf([w, s, e, n]: readonly [number, number, number, number], z: number): Place[] {
  const top = 2 ** z - 1, clamp = (v: number): number => Math.min(Math.max(Math.floor(v), 0), top);
  const list: Place[] = [];
  for (let y = clamp(line(n, z)); y <= clamp(line(s, z)); y++) for (let x = clamp(column(w, z)); x <= clamp(column(e, z)); x++) list.push({ z, x, y });
  return list;
}

/** North-west corner of a tile, degrees: longitude, latitude. */
export function cornerOf({ z, x, y }: Place): [number, number] {
  return [x / 2 ** z * 360 - 180, Math.atan(Math.sinh(Math.PI * (1 - 2 * y / 2 ** z))) * 180 / Math.PI];
}

export interface Drawing {
  /** Lines and areas in tile units. */
  areas: Path2D | null;
  /** Points in tile units and households: x, y, n in turn. */
  points: Float32Array;
  /** Ids of the features, a feature in two tiles has one id. */
  ids: string[];
}

export function decode(bytes: ArrayBuffer, collection: string): Drawing {
  const layer = bytes.byteLength === 0 ? undefined : new VectorTile(new PbfReader(bytes)).layers[collection];
  const points: number[] = [], ids: string[] = [];
  let areas: Path2D | null = null;
  for (let i = 0; i < (layer?.length ?? 0); i++) {
    const feature = layer!.feature(i), { id, code, households } = feature.properties, per = EXTENT / layer!.extent;
    ids.push(String(code ?? id ?? feature.id ?? i));
    for (const ring of feature.loadGeometry()) {
      if (feature.type === 1) { for (const p of ring) points.push(p.x * per, p.y * per, Number(households ?? 1)); continue; }
      areas ??= new Path2D();
      ring.forEach((p, k) => { if (k === 0) areas!.moveTo(p.x * per, p.y * per); else areas!.lineTo(p.x * per, p.y * per); });
      if (feature.type === 3) areas.closePath();
    }
  }
  return { areas, points: Float32Array.from(points), ids };
}

/** Areas and lines of a basemap's tile, by the name of their layer. */
export interface Strokes { areas: Map<string, Path2D>; lines: Map<string, Path2D> }

export function decodeGround(bytes: ArrayBuffer): Strokes {
  const found: Strokes = { areas: new Map(), lines: new Map() };
  for (const [name, layer] of Object.entries(new VectorTile(new PbfReader(bytes)).layers)) {
    const per = EXTENT / layer.extent;
    for (let i = 0; i < layer.length; i++) {
      const feature = layer.feature(i);
      if (feature.type !== 2 && feature.type !== 3) continue;
      const list = feature.type === 3 ? found.areas : found.lines, path = list.get(name) ?? list.set(name, new Path2D()).get(name)!;
      for (const ring of feature.loadGeometry()) {
        ring.forEach((p, k) => { if (k === 0) path.moveTo(p.x * per, p.y * per); else path.lineTo(p.x * per, p.y * per); });
        if (feature.type === 3) path.closePath();
      }
    }
  }
  return found;
}
