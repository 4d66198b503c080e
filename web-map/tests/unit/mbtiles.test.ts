// Files as SQLite itself writes them (tests/mbtiles.py), read by our own reader.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openMbtiles } from "../../src/map/mbtiles";
import { SqliteFile } from "../../src/map/sqlite-file";
import { random } from "./village";

const folder = mkdtempSync(join(tmpdir(), "lianhu-mbtiles-"));
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

function made(form: string, page_bytes: number, levels: number): Buffer {
  const file = join(folder, `${form}-${page_bytes}-${levels}.mbtiles`);
  execFileSync("python3", [join("tests", "mbtiles.py"), file, form, String(page_bytes), String(levels)], { input: "" });
  return readFileSync(file);
}
let asked = 0;
const reader = (bytes: Uint8Array) => (from: number, many: number): Promise<Uint8Array> => { asked += many; return Promise.resolve(Uint8Array.from(bytes.subarray(from, from + many))); };
/** What the script writes. */
const lengthOf = (z: number, x: number, y: number): number => (z * 977 + x * 131 + y * 17) % 3000 + (x === 1 && y === 1 ? 40_000 : 0);

describe("an MBTiles file", () => {
  it.each([["index", 512], ["index", 4096], ["key", 1024], ["key", 65_536], ["view", 512], ["view", 4096]] as const)("with %s and pages of %i bytes gives every tile that was put in", async (form, page_bytes) => {
    const levels = 6, bytes = made(form, page_bytes, levels), source = await openMbtiles(reader(bytes));
    expect([source.minZoom, source.maxZoom, source.isVector]).toEqual([0, levels - 1, false]);
    for (let z = 0; z < levels; z++) for (let x = 0; x < 2 ** z; x++) for (let y = 0; y < 2 ** z; y++) {
      const found = new Uint8Array((await source.bytes({ z, x, y })) ?? []);
      expect(found.length, `${z}/${x}/${y}`).toBe(lengthOf(z, x, y));
      expect(found.every(b => b === (z * 31 + x * 7 + y * 3) % 256)).toBe(true);
    }
    expect(await source.bytes({ z: levels, x: 0, y: 0 })).toBeUndefined();
    expect(await source.bytes({ z: 2, x: 4, y: 0 })).toBeUndefined();
  });

  it("is not read as a whole", async () => {
    const bytes = made("index", 4096, 7);
    asked = 0;
    const source = await openMbtiles(reader(bytes));
    await source.bytes({ z: 6, x: 33, y: 20 });
    expect(bytes.length).toBeGreaterThan(4_000_000);
    expect(asked).toBeLessThan(100_000);
  });

  it("without an index is refused, as is what is no such file", async () => {
    await expect(openMbtiles(reader(made("none", 4096, 2)))).rejects.toThrow(/index/);
    await expect(openMbtiles(reader(Buffer.from("no tiles at all")))).rejects.toThrow();
    const whole = made("index", 512, 4);
    for (const share of [0, 0.01, 0.3, 0.9]) {
      const cut = whole.subarray(0, Math.floor(whole.length * share));
      await openMbtiles(reader(cut)).then(s => s.bytes({ z: 3, x: 7, y: 0 })).then(b => expect(b?.byteLength ?? 0).toBeLessThan(50_000), (e: unknown) => expect(e).toBeInstanceOf(Error));
    }
  });

  it("that is damaged ends in an error or another tile, never in a search without an end", async () => {
    const dice = random(77), whole = made("view", 512, 4);
    let failed = 0;
    for (let round = 0; round < 400; round++) {
      const bytes = Uint8Array.from(whole);
      for (let k = 0; k < 40; k++) bytes[100 + Math.floor(dice() * (bytes.length - 100))] = Math.floor(dice() * 256);
      for (let k = 0; k < 6; k++) bytes[Math.floor(dice() * (bytes.length / 512)) * 512 + Math.floor(dice() * 24)] = Math.floor(dice() * 256);
      await SqliteFile.open(reader(bytes)).then(async file => { await file.all("metadata"); await file.find("map", { zoom_level: 3, tile_column: 2, tile_row: 5 }); await file.find("images", { tile_id: "3-2-2" }); })
        .catch((e: unknown) => { failed++; expect(e).toBeInstanceOf(Error); });
    }
    expect(failed).toBeGreaterThan(20);
  });
});
