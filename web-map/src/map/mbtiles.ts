// A basemap out of an MBTiles file, its tiles in one table or each picture once (map and images).

import { SqliteFile, type Value } from "./sqlite-file";
import { plain, type Read, type TileFile } from "./tile-file";
import type { Place } from "./tiles";

/** Levels where the file does not say. */
const LEVELS: readonly [number, number] = [0, 18];

export async function openMbtiles(read: Read): Promise<TileFile> {
  const file = await SqliteFile.open(read);
  const said = new Map((await file.all("metadata")).map(row => [String(row["name"]), String(row["value"])]));
  const level = (name: string, otherwise: number): number => { const n = Number.parseInt(said.get(name) ?? "", 10); return n >= 0 && n <= 24 ? n : otherwise; };
  const bytesOf = (v: Value | undefined): Uint8Array | undefined => v instanceof Uint8Array ? v : undefined;
  const tile = async ({ z, x, y }: Place): Promise<Uint8Array | undefined> => {
    // rows of MBTiles count from the south
    const key = { zoom_level: z, tile_column: x, tile_row: 2 ** z - 1 - y };
    if (file.has("tiles")) return bytesOf((await file.find("tiles", key))?.["tile_data"]);
    const id = (await file.find("map", key))?.["tile_id"] ?? null;
    return id === null ? undefined : bytesOf((await file.find("images", { tile_id: id }))?.["tile_data"]);
  };
  const minZoom = level("minzoom", LEVELS[0]), maxZoom = level("maxzoom", LEVELS[1]);
  // what has no index is refused now and not tile by tile
  const first = await tile({ z: minZoom, x: 0, y: 0 });
  const isVector = /pbf|mvt/.test(said.get("format") ?? (first !== undefined && first[0] === 0x1f ? "pbf" : ""));
  return { minZoom, maxZoom, isVector, bytes: async place => { const found = await tile(place); return found === undefined ? undefined : plain(found); } };
}
