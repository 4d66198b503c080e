// A basemap out of one file (PMTiles, MBTiles) that somebody chooses: it is read in the page, piece by piece, and goes nowhere. Or Tianditu's
// tiles, which the service fetches. What was chosen is so again the next time, in every view of this browser.

import L from "leaflet";
import type { Who } from "../api";
import { shelf } from "../shelf";
import type { Lang } from "../strings";
import { CanvasLayer } from "./canvas-layer";
import { underlay } from "./gcj";
import type { TileFile } from "./tile-file";
import { cornerOf, decodeGround, EXTENT, type Place, type Strokes, tilesOf } from "./tiles";

type Tile = ImageBitmap | Strokes;

/** Vector map or image. */
export type Tianditu = "vec" | "img";
/** File under the map, and whether it is drawn in GCJ-02; or a map of Tianditu, which never is. */
export interface Basemap { name: string; isShifted: boolean; tianditu?: Tianditu }

/** Whoever has a map with a ground. */
interface State { basemap: Basemap | null; lang: Lang; who: Who | null }
export interface Grounded {
  readonly store: { readonly state: State; set(change: { basemap: Basemap | null }): void; subscribe(listener: (now: State, before: State) => void): void };
  t(key: "basemap" | "basemapNone" | "basemapChoose" | "basemapShift" | "basemapOff" | "tiandituBy" | `tianditu_${Tianditu}`): string;
  say(kind: "bad", key: "basemapBad", values: { file: string }): void;
}

/** A larger file is not copied into the browser's own database. */
const MOST_KEPT_BYTES = 512 << 20;
/** Tiles kept, and those on the screen. */
const KEPT = 200;
/** Tiles asked for at once: the browser has six lines to the service, and the grids come first. */
const AT_ONCE = 4;
/** So many levels below its first a file is not shown: each is four times as many tiles. */
const FAR = 2;
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

  private readonly kept = shelf("lianhu.basemap", "ground");

  constructor(private readonly app: Grounded) {
    super(380);
    app.store.subscribe((now, before) => {
      if (now.basemap !== before.basemap) this.redraw();
      // whether the service has a map of Tianditu is known once it is known who asks
      if (now.who !== null && before.who === null) void this.recall().catch(() => undefined);
    });
  }

  /** Lays what was chosen the last time. */
  private async recall(): Promise<void> {
    const how = await this.kept.get<Basemap>("how"), file = await this.kept.get<File>("file"), { basemap, who } = this.app.store.state;
    if (how === undefined || basemap !== null) return;
    if (how.tianditu === undefined) { if (file !== undefined) await this.lie(file, how).catch(() => this.forget()); }
    else if (who?.basemaps.includes("tianditu")) this.tianditu(how.tianditu);
  }

  private async lie(file: File, how: Basemap): Promise<void> {
    this.lay(how, await (await import("./basemap-file")).openBasemap(file));
  }

  /** Takes a file in; what is not a basemap is refused with the reason. */
  async open(file: File): Promise<void> {
    try {
      await this.lie(file, { name: file.name, isShifted: false });
    } catch {
      this.app.say("bad", "basemapBad", { file: file.name });
      return;
    }
    // what the browser does not take is there until the page is left
    const laid = this.sources;
    const isKept = file.size <= MOST_KEPT_BYTES && await this.kept.put(file, "file");
    if (this.sources !== laid) return;    // another one was chosen meanwhile, and is kept by whoever chose it
    if (isKept) this.keep(); else this.forget();
  }

  /** A map of Tianditu with its labels. */
  tianditu(tianditu: Tianditu): void {
    this.lay({ name: tianditu, isShifted: false, tianditu }, ...[tianditu, tianditu === "vec" ? "cva" : "cia"].map(fetched));
    this.forget("file");
    this.keep();
  }

  /** Moves the ground as Chinese web maps shift it, or back. */
  shift(isShifted: boolean): void {
    const { basemap } = this.app.store.state;
    if (basemap === null) return;
    this.app.store.set({ basemap: { ...basemap, isShifted } });
    this.keep();
  }

  close(): void {
    this.lay(null);
    this.forget();
  }

  private forget(...keys: string[]): void { for (const key of keys.length > 0 ? keys : ["how", "file"]) void this.kept.drop(key).catch(() => undefined); }

  private keep(): void { void this.kept.put(this.app.store.state.basemap, "how"); }

  private lay(basemap: Basemap | null, ...sources: TileFile[]): void {
    this.sources = sources;
    this.coming = 0;
    for (const key of this.tiles.keys()) this.drop(key);
    this.app.store.set({ basemap });
  }

  /** A picture's memory is not the page's: it is given back by hand. */
  private drop(key: string): void {
    const tile = this.tiles.get(key);
    if (tile instanceof ImageBitmap) tile.close();
    this.tiles.delete(key);
  }

  private tile(source: TileFile, place: Place): Tile | null {
    const key = `${this.sources.indexOf(source)} ${place.z} ${place.x} ${place.y}`, known = this.tiles.get(key);
    this.wanted++;
    if (known !== undefined) {
      this.tiles.delete(key);    // the one asked for last goes last
      this.tiles.set(key, known);
      return typeof known === "string" ? null : known;
    }
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
      if (source.isFar) setTimeout(() => { if (this.sources.includes(source)) { this.drop(key); this.redraw(); } }, AGAIN_MS);
    }
    if (!this.sources.includes(source)) { if (made instanceof ImageBitmap) made.close(); return; }
    this.coming--;
    this.tiles.set(key, made);
    for (const old of this.tiles.keys()) { if (this.tiles.size <= KEPT + this.wanted) break; this.drop(old); }
    this.redraw();
  }

  protected override isBlank(): boolean {
    this.shown = this.wanted = 0;
    return this.app.store.state.basemap === null;
  }

  protected override draw(pen: CanvasRenderingContext2D, map: L.Map): void {
    const { basemap } = this.app.store.state;
    if (basemap === null) return;
    const ratio = window.devicePixelRatio || 1, middle = map.getCenter();
    const { deg: [dx, dy], px } = underlay(basemap.isShifted, middle.lng, middle.lat, (lon, lat) => map.latLngToContainerPoint([lat, lon]));
    const bounds = map.getBounds(), zoom = map.getZoom();
    const box = [bounds.getWest() + dx, bounds.getSouth() + dy, bounds.getEast() + dx, bounds.getNorth() + dy] as const;
    const inView = this.sources.flatMap(source => {
      // a file of near tiles alone has a hundred thousand of them for a view from afar
      if (zoom < source.minZoom - FAR) return [];
      const z = Math.min(Math.max(Math.round(zoom) - (source.isVector ? 1 : 0), source.minZoom), source.maxZoom);
      return tilesOf(box, z).map(place => ({ place, size: 256 * 2 ** (zoom - z), tile: this.tile(source, place) }));
    });
    for (const { place, size, tile } of inView) {
      if (tile === null) continue;
      const [lon, lat] = cornerOf(place), at = map.latLngToContainerPoint([lat, lon]).add(px);
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
