// A basemap out of one file (PMTiles, MBTiles) that the planner chooses. The file is read in the page, piece by piece, and goes nowhere.

import L from "leaflet";
import type { App } from "../app";
import { CanvasLayer } from "./canvas-layer";
import { toGcj02 } from "./gcj";
import type { TileFile } from "./mbtiles";
import { cornerOf, decodeGround, EXTENT, type Place, type Strokes, tilesOf } from "./tiles";

type Tile = ImageBitmap | Strokes;

/** How a file begins that is an MBTiles. */
const SQLITE = "SQLite format 3";
/** Tiles kept. */
const KEPT = 200;
/** Quiet inks, so that grids stay in front. */
const AREAS = [[/water|ocean/, "#cfdde5"], [/park|wood|forest|green|landcover|landuse/, "#e4e9df"], [/building/, "#dcd7cd"]] as const;
const LINES = [[/water/, "#a9c3d2", 1.2], [/road|transport|highway|rail/, "#b9b3a6", 1.4], [/bound/, "#9aa3aa", 1]] as const;

async function pmtiles(file: File): Promise<TileFile> {
  const { FileSource, PMTiles, TileType } = await import("pmtiles");
  const archive = new PMTiles(new FileSource(file)), header = await archive.getHeader();
  return {
    minZoom: header.minZoom, maxZoom: header.maxZoom, isVector: header.tileType === TileType.Mvt,
    bytes: async ({ z, x, y }) => (await archive.getZxy(z, x, y))?.data,
  };
}

async function mbtiles(file: File): Promise<TileFile> {
  const { openMbtiles } = await import("./mbtiles");
  return openMbtiles(async (from, bytes) => new Uint8Array(await file.slice(from, from + bytes).arrayBuffer()));
}

export class BasemapLayer extends CanvasLayer {
  private source: TileFile | null = null;
  private readonly tiles = new Map<string, Tile | "asked" | "none">();
  /** Tiles on the screen. */
  shown = 0;

  constructor(private readonly app: App) {
    super(380);
    app.store.subscribe((now, before) => { if (now.basemap !== before.basemap) this.redraw(); });
  }

  /** Takes a file in; what is not a basemap is refused with the reason. */
  async open(file: File): Promise<void> {
    try {
      this.source = (await file.slice(0, SQLITE.length).text()) === SQLITE ? await mbtiles(file) : await pmtiles(file);
    } catch {
      this.app.say("bad", "basemapBad", { file: file.name });
      return;
    }
    this.tiles.clear();
    this.app.store.set({ basemap: { name: file.name, isShifted: false } });
  }

  close(): void {
    this.source = null;
    this.tiles.clear();
    this.app.store.set({ basemap: null });
  }

  private tile(source: TileFile, place: Place): Tile | null {
    const key = `${place.z} ${place.x} ${place.y}`, known = this.tiles.get(key);
    if (known !== undefined) return typeof known === "string" ? null : known;
    this.tiles.set(key, "asked");
    void this.bring(source, place, key);
    return null;
  }

  private async bring(source: TileFile, place: Place, key: string): Promise<void> {
    let made: Tile | "none" = "none";
    try {
      const bytes = await source.bytes(place);
      if (bytes !== undefined) made = source.isVector ? decodeGround(bytes) : await createImageBitmap(new Blob([bytes]));
    } catch { /* a broken tile is no tile */ }
    if (source !== this.source) return;
    this.tiles.set(key, made);
    for (const old of this.tiles.keys()) { if (this.tiles.size <= KEPT) break; this.tiles.delete(old); }
    this.redraw();
  }

  protected override isBlank(): boolean {
    this.shown = 0;
    return this.source === null || this.app.state.basemap === null;
  }

  protected override draw(pen: CanvasRenderingContext2D, map: L.Map): void {
    const { source } = this, { basemap } = this.app.state;
    if (source === null || basemap === null) return;
    const zoom = map.getZoom(), z = Math.min(Math.max(Math.round(zoom) - (source.isVector ? 1 : 0), source.minZoom), source.maxZoom);
    const size = 256 * 2 ** (zoom - z), ratio = window.devicePixelRatio || 1, middle = map.getCenter();
    // here the basemap shows what lies there
    const [gx, gy] = basemap.isShifted ? toGcj02(middle.lng, middle.lat) : [middle.lng, middle.lat];
    const bounds = map.getBounds(), dx = gx - middle.lng, dy = gy - middle.lat;
    const box = [bounds.getWest() + dx, bounds.getSouth() + dy, bounds.getEast() + dx, bounds.getNorth() + dy] as const;
    const here = map.latLngToContainerPoint(middle), there = map.latLngToContainerPoint([gy, gx]), off = here.subtract(there);
    for (const place of tilesOf(box, z)) {
      const tile = this.tile(source, place);
      if (tile === null) continue;
      const [lon, lat] = cornerOf(place), at = map.latLngToContainerPoint([lat, lon]).add(off);
      this.shown++;
      if (tile instanceof ImageBitmap) { pen.drawImage(tile, at.x, at.y, size, size); continue; }
      const scale = size / EXTENT;
      pen.save();
      pen.beginPath();
      pen.rect(at.x, at.y, size, size);
      pen.clip();
      pen.setTransform(scale * ratio, 0, 0, scale * ratio, at.x * ratio, at.y * ratio);
      for (const [name, ink] of AREAS) for (const [layer, path] of tile.areas) if (name.test(layer)) { pen.fillStyle = ink; pen.fill(path, "evenodd"); }
      for (const [name, ink, width] of LINES) for (const [layer, path] of tile.lines) if (name.test(layer)) { pen.strokeStyle = ink; pen.lineWidth = width / scale; pen.stroke(path); }
      pen.restore();
    }
  }
}
