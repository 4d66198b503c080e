// A basemap out of one file (PMTiles, MBTiles) that the planner chooses: it is read in the page, piece by piece, and goes nowhere. Or Tianditu's
// tiles, which the service fetches.

import L from "leaflet";
import type { App } from "../app";
import type { Tianditu } from "../state";
import { CanvasLayer } from "./canvas-layer";
import { toGcj02 } from "./gcj";
import type { TileFile } from "./tile-file";
import { cornerOf, decodeGround, EXTENT, type Place, type Strokes, tilesOf } from "./tiles";

type Tile = ImageBitmap | Strokes;

/** Tiles kept, and those on the screen. */
const KEPT = 200;
/** Tiles asked for at once: the browser has six lines to the service, and the grids come first. */
const AT_ONCE = 4;
/** A tile from afar that did not come is asked for again after this. */
const AGAIN_MS = 20_000;
/** Quiet inks, so that grids stay in front. */
const AREAS = [[/water|ocean/, "#cfdde5"], [/park|wood|forest|green|landcover|landuse/, "#e4e9df"], [/building/, "#dcd7cd"]] as const;
const LINES = [[/water/, "#a9c3d2", 1.2], [/road|transport|highway|rail/, "#b9b3a6", 1.4], [/bound/, "#9aa3aa", 1]] as const;

/** A layer of Tianditu, by way of the service. */
const fetched = (layer: string): TileFile => ({
  minZoom: 1, maxZoom: 18, isVector: false, isFar: true,
  bytes: async ({ z, x, y }) => {
    const answer = await fetch(`/api/basemaps/tianditu/${layer}/${z}/${y}/${x}`);
    if (answer.ok) return answer.arrayBuffer();
    if (answer.status !== 404) throw answer;
    return undefined;
  },
});

export class BasemapLayer extends CanvasLayer {
  /** From the ground up. */
  private sources: readonly TileFile[] = [];
  private readonly tiles = new Map<string, Tile | "asked" | "none">();
  private coming = 0;
  private wanted = 0;
  /** Tiles on the screen. */
  shown = 0;

  constructor(private readonly app: App) {
    super(380);
    app.store.subscribe((now, before) => { if (now.basemap !== before.basemap) this.redraw(); });
  }

  /** Takes a file in; what is not a basemap is refused with the reason. */
  async open(file: File): Promise<void> {
    try {
      this.lay({ name: file.name, isShifted: false }, await (await import("./basemap-file")).openBasemap(file));
    } catch {
      this.app.say("bad", "basemapBad", { file: file.name });
    }
  }

  /** A map of Tianditu with its labels. */
  tianditu(tianditu: Tianditu): void { this.lay({ name: tianditu, isShifted: false, tianditu }, ...[tianditu, tianditu === "vec" ? "cva" : "cia"].map(fetched)); }

  close(): void { this.lay(null); }

  private lay(basemap: App["state"]["basemap"], ...sources: TileFile[]): void {
    this.sources = sources;
    this.coming = 0;
    this.tiles.clear();
    this.app.store.set({ basemap });
  }

  private tile(source: TileFile, place: Place): Tile | null {
    const key = `${this.sources.indexOf(source)} ${place.z} ${place.x} ${place.y}`, known = this.tiles.get(key);
    this.wanted++;
    if (known !== undefined) return typeof known === "string" ? null : known;
    if (this.coming >= AT_ONCE) return null;
    this.coming++;
    this.tiles.set(key, "asked");
    void this.bring(source, place, key);
    return null;
  }

  private async bring(source: TileFile, place: Place, key: string): Promise<void> {
    let made: Tile | "none" = "none";
    try {
      const bytes = await source.bytes(place);
      if (bytes !== undefined) made = source.isVector ? decodeGround(bytes) : await createImageBitmap(new Blob([bytes]));
    } catch {
      // a broken tile is no tile
      if (source.isFar) setTimeout(() => { if (this.sources.includes(source)) { this.tiles.delete(key); this.redraw(); } }, AGAIN_MS);
    }
    if (!this.sources.includes(source)) return;
    this.coming--;
    this.tiles.set(key, made);
    for (const old of this.tiles.keys()) { if (this.tiles.size <= KEPT + this.wanted) break; this.tiles.delete(old); }
    this.redraw();
  }

  protected override isBlank(): boolean {
    this.shown = this.wanted = 0;
    return this.app.state.basemap === null;
  }

  protected override draw(pen: CanvasRenderingContext2D, map: L.Map): void {
    const { basemap } = this.app.state;
    if (basemap === null) return;
    const ratio = window.devicePixelRatio || 1, middle = map.getCenter();
    // here the basemap shows what lies there
    const [gx, gy] = basemap.isShifted ? toGcj02(middle.lng, middle.lat) : [middle.lng, middle.lat];
    const bounds = map.getBounds(), dx = gx - middle.lng, dy = gy - middle.lat;
    const box = [bounds.getWest() + dx, bounds.getSouth() + dy, bounds.getEast() + dx, bounds.getNorth() + dy] as const;
    const here = map.latLngToContainerPoint(middle), there = map.latLngToContainerPoint([gy, gx]), off = here.subtract(there);
    const zoom = map.getZoom();
    const inView = this.sources.flatMap(source => {
      const z = Math.min(Math.max(Math.round(zoom) - (source.isVector ? 1 : 0), source.minZoom), source.maxZoom);
      return tilesOf(box, z).map(place => ({ place, size: 256 * 2 ** (zoom - z), tile: this.tile(source, place) }));
    });
    for (const { place, size, tile } of inView) {
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
