// Files of the published format, read by our own reader and beside it by the format's own library.

import { gzipSync } from "node:zlib";
import { PMTiles, zxyToTileId } from "pmtiles";
import { describe, expect, it } from "vitest";
import { openBasemap } from "../../src/map/basemap-file";
import { numberOf, openPmtiles } from "../../src/map/pmtiles";
import type { Place } from "../../src/map/tiles";
import { random } from "./village";

const varint = (n: number): number[] => n < 128 ? [n] : [n % 128 + 128, ...varint(Math.floor(n / 128))];
interface Entry { first: number; run: number; length: number; offset: number }

function directory(entries: readonly Entry[]): Buffer {
  return Buffer.from([
    entries.length, ...entries.map((e, i) => e.first - (entries[i - 1]?.first ?? 0)), ...entries.map(e => e.run), ...entries.map(e => e.length),
    // what follows the one before has no place of its own
    ...entries.map((e, i) => { const last = entries[i - 1]; return last !== undefined && last.offset + last.length === e.offset ? 0 : e.offset + 1; }),
  ].flatMap(varint));
}

/** A file of tiles, by number: runs of the same bytes are one entry, and `each` of them one directory. */
function made(tiles: ReadonlyMap<number, Buffer>, { each = Infinity, deep = 1, isPacked = false, kind = 1, levels = [0, 26] as readonly [number, number] }): Buffer {
  const pack = (b: Buffer): Buffer => isPacked ? gzipSync(b) : b, entries: Entry[] = [], data: Buffer[] = [];
  const where = new Map<string, number>();
  let end = 0;
  for (const [first, raw] of [...tiles].sort(([a], [b]) => a - b)) {
    const bytes = pack(raw), key = bytes.toString("base64"), known = where.get(key), last = entries.at(-1);
    if (known !== undefined && last?.offset === known && last.first + last.run === first) { last.run++; continue; }
    entries.push({ first, run: 1, length: bytes.length, offset: known ?? end });
    if (known !== undefined) continue;
    where.set(key, end);
    data.push(bytes);
    end += bytes.length;
  }
  let top = entries;
  const leaves: Buffer[] = [];
  for (let level = 0; level < deep && top.length > each; level++) {
    const above: Entry[] = [];
    for (let i = 0; i < top.length; i += each) {
      const leaf = pack(directory(top.slice(i, i + each)));
      above.push({ first: top[i]!.first, run: 0, length: leaf.length, offset: leaves.reduce((n, l) => n + l.length, 0) });
      leaves.push(leaf);
    }
    top = above;
  }
  const head = Buffer.alloc(127), root = pack(directory(top)), meta = pack(Buffer.from("{}"));
  head.write("PMTiles");
  head[7] = 3;
  let at = 127;
  [root, meta, Buffer.concat(leaves), Buffer.concat(data)].forEach((section, i) => {
    head.writeBigUInt64LE(BigInt(at), 8 + 16 * i);
    head.writeBigUInt64LE(BigInt(section.length), 16 + 16 * i);
    at += section.length;
  });
  head.set([1, isPacked ? 2 : 1, isPacked ? 2 : 1, kind, ...levels], 96);
  return Buffer.concat([head, root, meta, ...leaves, ...data]);
}

let asked = 0;
const reader = (bytes: Uint8Array) => (from: number, many: number): Promise<Uint8Array> => { asked += many; return Promise.resolve(Uint8Array.from(bytes.subarray(from, from + many))); };
const library = (bytes: Buffer): PMTiles => new PMTiles({ getKey: () => "file", getBytes: (from, many) => Promise.resolve({ data: Uint8Array.from(bytes.subarray(from, from + many)).buffer }) });

/** Tiles of the upper levels but some, and some from below: many are alike, as seas are. */
function world(seed: number): Map<number, Buffer> {
  const dice = random(seed), found = new Map<number, Buffer>();
  const put = (place: Place): void => { found.set(numberOf(place), Buffer.from(dice() < 0.4 ? "sea" : `${place.z}/${place.x}/${place.y} `.repeat(1 + Math.floor(dice() * 60)))); };
  for (let z = 0; z <= 5; z++) for (let x = 0; x < 2 ** z; x++) for (let y = 0; y < 2 ** z; y++) if (dice() < 0.8) put({ z, x, y });
  for (let k = 0; k < 300; k++) { const z = 6 + Math.floor(dice() * 21); put({ z, x: Math.floor(dice() * 2 ** z), y: Math.floor(dice() * 2 ** z) }); }
  return found;
}

describe("a PMTiles file", () => {
  it("numbers tiles as the format does", () => {
    const dice = random(4);
    for (let k = 0; k < 2_000; k++) {
      const z = Math.floor(dice() * 27), x = Math.floor(dice() * 2 ** z), y = Math.floor(dice() * 2 ** z);
      expect(numberOf({ z, x, y }), `${z}/${x}/${y}`).toBe(zxyToTileId(z, x, y));
    }
  });

  it.each([[{}], [{ isPacked: true }], [{ each: 40 }], [{ each: 9, deep: 3, isPacked: true }]])("with %o gives every tile that was put in, and no other, as the format's own library does", { timeout: 30_000 }, async how => {
    const dice = random(11), tiles = world(5), bytes = made(tiles, how), source = await openPmtiles(reader(bytes)), other = library(bytes);
    expect([source.minZoom, source.maxZoom, source.isVector]).toEqual([0, 26, true]);
    const places: Place[] = [];
    for (let z = 0; z <= 6; z++) for (let x = 0; x < 2 ** z; x++) for (let y = 0; y < 2 ** z; y++) places.push({ z, x, y });
    for (let k = 0; k < 300; k++) { const z = Math.floor(dice() * 27); places.push({ z, x: Math.floor(dice() * 2 ** z), y: Math.floor(dice() * 2 ** z) }); }
    let there = 0;
    for (const place of places) {
      const found = await source.bytes(place), theirs = (await other.getZxy(place.z, place.x, place.y))?.data, put = tiles.get(numberOf(place));
      const words = (b: ArrayBuffer | undefined): string | undefined => b === undefined ? undefined : Buffer.from(b).toString();
      expect(words(found), JSON.stringify(place)).toBe(put?.toString());
      expect(words(found)).toBe(words(theirs));
      there += Number(put !== undefined);
    }
    expect(there).toBeGreaterThan(1_000);
    expect(await source.bytes({ z: 2, x: 4, y: 0 })).toBeUndefined();
    expect(await (await openPmtiles(reader(made(tiles, { ...how, levels: [0, 4] })))).bytes({ z: 5, x: 0, y: 0 })).toBeUndefined();
  });

  it("is not read as a whole, and a directory once", async () => {
    const tiles = new Map(Array.from({ length: 5_461 }, (_, n) => [n, Buffer.alloc(900, `${n} `)])), bytes = made(tiles, { each: 300 });
    asked = 0;
    const source = await openPmtiles(reader(bytes));
    await source.bytes({ z: 6, x: 33, y: 20 });
    const once = asked;
    await source.bytes({ z: 6, x: 33, y: 21 });
    expect(bytes.length).toBeGreaterThan(4_000_000);
    expect([once < 6_000, asked - once]).toEqual([true, 900]);
  });

  it("of another version, packed in a way that no browser opens, or of other tiles is refused", async () => {
    const whole = made(world(2), {}), changed = (at: number, to: number): Buffer => { const b = Buffer.from(whole); b[at] = to; return b; };
    for (const [at, to] of [[0, 0], [7, 2], [7, 4], [97, 3], [98, 4], [99, 6], [101, 27]] as const) await expect(openPmtiles(reader(changed(at, to))), `${at}`).rejects.toThrow(/version|packed/);
    await expect(openPmtiles(reader(Buffer.from("PMTiles")))).rejects.toThrow(/version/);
    // the kind goes by the first bytes
    await expect(openBasemap(new Blob([Uint8Array.from(changed(7, 2))]))).rejects.toThrow(/version 3/);
    expect((await openBasemap(new Blob([Uint8Array.from(made(world(2), { kind: 2 }))]))).isVector).toBe(false);
  });

  it("that is damaged or cut ends in an error or another tile, never in a search without an end", { timeout: 30_000 }, async () => {
    const dice = random(8), whole = made(world(3), { each: 30, deep: 2 });
    let failed = 0;
    for (let round = 0; round < 600; round++) {
      const bytes = Buffer.from(round % 3 === 0 ? whole.subarray(0, Math.floor(dice() * whole.length)) : whole);
      for (let k = 0; k < 20 && bytes.length > 0; k++) bytes[Math.floor(dice() ** 3 * bytes.length)] = Math.floor(dice() * 256);
      for (const z of [0, 3, 5]) {
        await openPmtiles(reader(bytes)).then(s => s.bytes({ z, x: 2 ** z - 1, y: 0 })).then(b => expect(b?.byteLength ?? 0).toBeLessThanOrEqual(bytes.length), (e: unknown) => { failed++; expect(e).toBeInstanceOf(Error); });
      }
    }
    expect(failed).toBeGreaterThan(100);
  });
});
