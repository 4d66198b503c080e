// The tree of divisions: by the parent the register names, or else by the code, which holds its ancestors' codes.

import type { Region } from "./api";

export const SESSION = "/api/session", REGIONS = "/api/regions", ITEMS = "/ogc/collections/{collectionId}/items";

type Box = readonly [number, number, number, number];

/** The box around regions, degrees; null where none of them has an outline. */
export function boxAround(regions: readonly Region[]): Box | null {
  const boxes = regions.map(r => r.bbox).filter(b => b !== null);
  return boxes.length === 0 ? null : [Math.min(...boxes.map(b => b[0])), Math.min(...boxes.map(b => b[1])), Math.max(...boxes.map(b => b[2])), Math.max(...boxes.map(b => b[3]))];
}

export const outlinesIn = (bbox: Box, level: Region["level"]) => ({ collectionId: "regions", limit: 500, level, bbox }) as const;
/** Where outlines of regions are: one question a level, as below a region there may be several. */
export function outlinesOf(regions: readonly Region[]): ReturnType<typeof outlinesIn>[] {
  const box = boxAround(regions);
  return box === null ? [] : [...new Set(regions.map(r => r.level))].map(level => outlinesIn(box, level));
}

/** Digits of a code that say something: city 4, county 6, township 9, village 12. */
const LENGTHS = [9, 6, 4, 2] as const;

/** A division's code without the zeros that only fill it up. */
export function core(code: string): string {
  for (const n of [2, 4, 6, 9]) if (code.length > n && /^0+$/.test(code.slice(n))) return code.slice(0, n);
  return code;
}

export class Regions {
  private readonly by = new Map<string, Region>();
  private readonly up = new Map<string, string>();
  private readonly sums = new Map<string, { grids: number; households: number } | null>();
  private readonly down = new Map<string | null, Region[]>();

  constructor(readonly all: readonly Region[]) {
    const cores = new Map(all.map(r => [core(r.code), r.code]));
    for (const r of all) this.by.set(r.code, r);
    for (const r of all) {
      const own = core(r.code);
      const byCode = LENGTHS.filter(n => n < own.length).map(n => cores.get(own.slice(0, n))).find(c => c !== undefined);
      const parent = r.parent !== null && this.by.has(r.parent) && r.parent !== r.code ? r.parent : byCode;
      if (parent !== undefined) this.up.set(r.code, parent);
      const key = parent ?? null;
      (this.down.get(key) ?? this.down.set(key, []).get(key)!).push(r);
    }
    for (const list of this.down.values()) list.sort((a, b) => a.code < b.code ? -1 : 1);
  }

  find(code: string): Region | undefined { return this.by.get(code); }
  /** Regions right below one, or at the top. */
  below(code: string | null): Region[] { return this.down.get(code) ?? []; }
  /** From a region, or from the top, down to where there is a choice: where there is none nobody is asked. */
  descend(code: string | null): Region | undefined {
    let region = code === null ? undefined : this.find(code);
    while (region?.level !== "village") {
      const [only, other] = this.below(region?.code ?? null);
      if (only === undefined || other !== undefined || only.level === "village") break;
      region = only;
    }
    return region;
  }
  /** Grids in force and their households in a region and all below it; null where there are none. */
  figures(code: string): { grids: number; households: number } | null {
    const known = this.sums.get(code);
    if (known !== undefined) return known;
    const own = this.by.get(code), parts = this.below(code).map(r => this.figures(r.code)).filter(f => f !== null);
    if (typeof own?.grids === "number") parts.push({ grids: own.grids, households: own.households ?? 0 });
    const sum = parts.length === 0 ? null : parts.reduce((a, b) => ({ grids: a.grids + b.grids, households: a.households + b.households }));
    this.sums.set(code, sum);
    return sum;
  }
  /** From the top down to a region. */
  pathTo(region: Region): Region[] {
    const path = [region];
    for (let up = this.up.get(region.code); up !== undefined; up = this.up.get(up)) {
      const parent = this.by.get(up);
      if (parent === undefined || path.includes(parent)) break;
      path.unshift(parent);
    }
    return path;
  }
}
