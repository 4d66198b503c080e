// What a basemap's tiles come out of, and how their bytes are packed. Knows neither kind of file.

import type { Place } from "./tiles";

/** A basemap in one file, or with the service. */
export interface TileFile {
  minZoom: number; maxZoom: number; isVector: boolean;
  /** Whether a tile that did not come may come later. */
  isFar?: boolean;
  bytes(place: Place): Promise<ArrayBuffer | undefined>;
}

/** Bytes from an offset, as many as there are. */
export type Read = (from: number, bytes: number) => Promise<Uint8Array>;

/** Longer is no tile, and no directory of tiles. */
export const LONGEST = 8 << 20;

export const copy = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;

/** Bytes as they are, or out of gzip where they begin like that. */
export async function plain(bytes: Uint8Array): Promise<ArrayBuffer> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return copy(bytes);
  return new Response(new Blob([copy(bytes)]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}
