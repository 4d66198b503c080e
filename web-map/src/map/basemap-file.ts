// A basemap out of one file, of whichever kind it is by its first bytes.

import { openMbtiles } from "./mbtiles";
import { openPmtiles } from "./pmtiles";
import type { Read, TileFile } from "./tile-file";

/** How a file begins that is a PMTiles. */
const PMTILES = "PMTiles";

export async function openBasemap(file: Blob): Promise<TileFile> {
  const read: Read = async (from, bytes) => new Uint8Array(await file.slice(from, from + bytes).arrayBuffer());
  return (await file.slice(0, PMTILES.length).text()) === PMTILES ? openPmtiles(read) : openMbtiles(read);
}
