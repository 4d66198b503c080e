// A basemap out of a PMTiles file, read piece by piece. The format is the published one, version 3 (github.com/protomaps/PMTiles, spec/v3): a header,
// directories that go by a tile's number, and the tiles. What is not understood is an error.

import { copy, LONGEST, plain, type Read, type TileFile } from "./tile-file";
import type { Place } from "./tiles";

const MAGIC = "PMTiles\x03";
const HEADER = 127;
/** Where the header says what lies where. */
const ROOT = 8, LEAVES = 40, TILES = 56, KINDS = 97;
/** How bytes are packed: plainly, or by gzip; the kinds after that no browser opens. */
const PLAIN = 1, GZIP = 2;
/** What a tile is: lines and areas, or a picture; the kinds after that are others. */
const VECTOR = 1, LAST_PICTURE = 5;
/** Beyond this level numbers are no longer exact. */
const FINEST = 26;
/** Directories on the way to a tile, and those kept. */
const DEEPEST = 4, KEPT = 64;

/** Entries by the number of their first tile; one of no tiles is a directory of its own. */
interface Directory { numbers: Float64Array; runs: Float64Array; lengths: Float64Array; offsets: Float64Array }

/** Number of a tile: all levels above it come first, then those of its level along a Hilbert curve. */
export function numberOf({ z, x, y }: Place): number {
  let number = (4 ** z - 1) / 3, [a, b] = [x, y];
  for (let side = 2 ** z / 2; side >= 1; side /= 2) {
    const east = (a & side) > 0, south = (b & side) > 0;
    number += side * side * (east ? south ? 2 : 3 : south ? 1 : 0);
    // the curve of a quarter is turned, in those of the north
    if (!south) [a, b] = east ? [~b, ~a] : [b, a];
  }
  return number;
}

function directory(bytes: Uint8Array): Directory {
  let at = 0;
  const next = (): number => {
    for (let value = 0, unit = 1; ; unit *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("a directory of the file breaks off");
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
  };
  const n = next(), column = (): Float64Array => Float64Array.from({ length: n }, next);
  if (n === 0 || 4 * n > bytes.length) throw new Error("a directory of the file is none");
  const numbers = column(), runs = column(), lengths = column(), offsets = column();
  for (let i = 1; i < n; i++) numbers[i]! += numbers[i - 1]!;
  // no place: right after the one before
  for (let i = 0; i < n; i++) offsets[i] = i > 0 && offsets[i] === 0 ? offsets[i - 1]! + lengths[i - 1]! : offsets[i]! - 1;
  return { numbers, runs, lengths, offsets };
}

/** The last entry that begins at a number or before it; -1 before the first. */
function before({ numbers }: Directory, number: number): number {
  let low = 0, high = numbers.length;
  while (low < high) { const mid = (low + high) >> 1; if (numbers[mid]! <= number) low = mid + 1; else high = mid; }
  return low - 1;
}

export async function openPmtiles(read: Read): Promise<TileFile> {
  const head = await read(0, HEADER);
  if (head.length < HEADER || [...MAGIC].some((c, i) => head[i] !== c.charCodeAt(0))) throw new Error("no PMTiles file of version 3");
  const view = new DataView(head.buffer, head.byteOffset), number = (at: number): number => Number(view.getBigUint64(at, true));
  const [inner, outer, kind, minZoom, maxZoom] = head.subarray(KINDS) as unknown as [number, number, number, number, number];
  if (inner > GZIP || outer > GZIP || kind > LAST_PICTURE || maxZoom > FINEST) throw new Error("packed in a way, or tiles of a kind, that is not read here");
  const piece = async (from: number, length: number, packed: number): Promise<ArrayBuffer> => {
    if (length > LONGEST) throw new Error("no piece of a sound file is so long");
    const bytes = await read(from, length);
    return packed === PLAIN ? copy(bytes) : plain(bytes);
  };
  const list = async (from: number, length: number): Promise<Directory> => directory(new Uint8Array(await piece(from, length, inner)));
  const root = await list(number(ROOT), number(ROOT + 8)), leaves = number(LEAVES), tiles = number(TILES), kept = new Map<number, Directory>();
  return {
    minZoom, maxZoom, isVector: kind === VECTOR,
    bytes: async place => {
      const { z, x, y } = place, wanted = numberOf(place);
      if (z < minZoom || z > maxZoom || Math.max(x, y) >= 2 ** z) return undefined;
      for (let of = root, depth = 0; depth < DEEPEST; depth++) {
        const i = before(of, wanted), run = of.runs[i], offset = of.offsets[i]!, length = of.lengths[i]!;
        if (run === undefined) return undefined;
        if (run > 0) return wanted < of.numbers[i]! + run ? piece(tiles + offset, length, outer) : undefined;
        of = kept.get(offset) ?? await list(leaves + offset, length);
        kept.set(offset, of);
        for (const old of kept.keys()) { if (kept.size <= KEPT) break; kept.delete(old); }
      }
      throw new Error("the directories of the file go round in a circle");
    },
  };
}
