import { describe, expect, it } from "vitest";
import { apart, type Box } from "../../src/map/boxes";
import { colour, neighbours } from "../../src/village/colouring";
import { findStranded, flood, race, type Stranded } from "../../src/village/contiguity";
import { row } from "../../src/village/model";
import { outlineOf } from "../../src/village/outline";
import { Model } from "../../src/village/model";
import { issuesOf } from "../../src/village/problems";
import { Stroke } from "../../src/village/stroke";
import { random, village } from "./village";

/** All pieces of a grid with buildings in them, by looking at everything. */
function piecesOf(model: ReturnType<typeof village>, grid: number): number[][] {
  const left = new Set<number>();
  for (let a = 0; a < model.atoms; a++) if (model.grid[a] === grid) left.add(a);
  const pieces: number[][] = [];
  while (left.size > 0) {
    const [start] = left;
    const piece = [start!];
    left.delete(start!);
    for (const a of piece) for (const b of row(model.near, a)) if (left.delete(b)) piece.push(b);
    if (piece.some(a => model.isLived(a))) pieces.push(piece);
  }
  return pieces;
}

describe("totals", () => {
  it("follow every move and go back to where they were", () => {
    const dice = random(3);
    for (let round = 0; round < 200; round++) {
      const grids = Array.from({ length: 48 }, (_, i) => i < 4 ? i : Math.floor(dice() * 4)), weights = grids.map(() => Math.floor(dice() * 5));
      const model = village(8, grids, weights), start = [...model.total], stroke = new Stroke(model, Math.floor(dice() * 4));
      for (let k = 0; k < 10; k++) stroke.add([Math.floor(dice() * 48)]);
      const brute = start.map((_, g) => weights.reduce((sum, w, a) => sum + (model.grid[a] === g ? w : 0), 0));
      expect([...model.total]).toEqual(brute);
      for (const t of stroke.outcome().totals) expect([t.before, t.after]).toEqual([start[t.grid], brute[t.grid]]);
      stroke.revert();
      expect([...model.total]).toEqual(start);
      expect([...model.grid]).toEqual(grids);
    }
  });

  it("of a stroke name its units once and its buildings once", () => {
    const model = village(3, [0, 0, 1, 0, 0, 1], [2, 3, 1, 1, 1, 1]), stroke = new Stroke(model, 1);
    stroke.add([1, 1, 4]);
    const outcome = stroke.outcome();
    expect(outcome.buildings.sort()).toEqual(["B1", "B4"]);
    expect(outcome.units).toEqual(["520423102001001001"]);
    expect(outcome.households).toBe(4);
    expect(stroke.operations()).toEqual([{ operation: "transfer_buildings", buildings: ["B1", "B4"], to: "520423102001002" }]);
  });
});

describe("contiguity", () => {
  it("finds what a stroke strands, as looking at everything does", () => {
    const dice = random(11);
    let stranded = 0;
    for (let round = 0; round < 400; round++) {
      // vertical bands: every grid is whole at first
      const columns = 9, grids = Array.from({ length: 63 }, (_, i) => Math.floor(i % columns / 3)), weights = grids.map(() => dice() < 0.15 ? 0 : 1 + Math.floor(dice() * 3));
      const barrier = Array.from({ length: 6 }, () => { const a = Math.floor(dice() * 54); return [a, a + columns] as const; });
      const model = village(columns, grids, weights, barrier);
      const before = new Map([0, 1, 2].map(g => [g, piecesOf(model, g).length]));
      const stroke = new Stroke(model, 1);
      const from = Math.floor(dice() * 63);
      const patch = [from, from + 1, from + columns, from + columns + 1].filter(a => a < 63 && dice() < 0.8 && model.isLived(a));
      stroke.add(patch);
      if (stroke.isEmpty || [...before.values()].some(n => n !== 1)) continue;
      const found = findStranded(model, stroke.moved), pieces = [0, 1, 2].map(g => piecesOf(model, g));
      for (const g of [0, 1, 2]) {
        const mine = found.filter(p => p.grid === g);
        expect(mine.length).toBe(Math.max(pieces[g]!.length - 1, 0));
        for (const part of mine) expect(pieces[g]!.some(p => p.length === part.atoms.length && part.atoms.every(a => p.includes(a)))).toBe(true);
      }
      stranded += found.length;
    }
    expect(stranded).toBeGreaterThan(30);
  });

  it("mends what it stranded when the part goes to its neighbour", () => {
    // 0 0 0 / 1 1 1 : taking the middle of the upper row cuts it in two
    const model = village(3, [0, 0, 0, 1, 1, 1]), stroke = new Stroke(model, 1);
    stroke.add([1]);
    const [part] = stroke.outcome().stranded;
    expect(part?.grid).toBe(0);
    expect(part?.neighbour).toBe(1);
    stroke.add(part!.atoms, part!.neighbour);
    expect(stroke.outcome().stranded).toEqual([]);
  });

  it("does not walk through a hard barrier", () => {
    const model = village(3, [0, 0, 1], [1, 1, 1], [[1, 2]]), stroke = new Stroke(model, 1);
    stroke.add([1]);
    expect(stroke.outcome().stranded.map(p => p.atoms)).toEqual([[1]]);
  });

  it("keeps off what is locked", () => {
    const model = village(3, [0, 0, 1]);
    model.data.grids[1]!.locked = true;
    const stroke = new Stroke(model, 1);
    stroke.add([1]);
    expect([stroke.isEmpty, stroke.outcome().held]).toEqual([true, 1]);
  });
});

describe("a growing stroke", () => {
  /** A village of patches round random sites, each cell given to the nearest one, with a few cells of each given away so that grids lie in pieces. */
  const patches = (dice: () => number, columns: number, many: number, loose: number) => {
    const cells = columns * columns, sites = Array.from({ length: many }, () => [dice() * columns, dice() * columns] as const);
    const grids = Array.from({ length: cells }, (_, i) => {
      if (dice() < loose) return Math.floor(dice() * many);
      const far = sites.map(([x, y]) => (i % columns - x) ** 2 + (Math.floor(i / columns) - y) ** 2);
      return far.indexOf(Math.min(...far));
    });
    grids[0] = many - 1;
    const barrier = Array.from({ length: columns }, () => { const a = Math.floor(dice() * (cells - columns)); return [a, a + (dice() < 0.5 ? 1 : columns)] as const; });
    return village(columns, grids, grids.map(() => dice() < 0.25 ? 0 : 1 + Math.floor(dice() * 3)), barrier);
  };
  const plain = (parts: readonly Stranded[]) => parts.map(p => ({ ...p, atoms: [...p.atoms].sort((a, b) => a - b) })).sort((x, y) => x.grid - y.grid || x.atoms[0]! - y.atoms[0]!);

  it("says at every move what counting all over again says", () => {
    const dice = random(29);
    let told = 0, taken = 0;
    for (let round = 0; round < 150; round++) {
      const columns = 8 + Math.floor(dice() * 9), many = 2 + Math.floor(dice() * 5);
      const model = patches(dice, columns, many, round % 3 === 0 ? 0.08 : 0), receiver = Math.floor(dice() * many);
      if (round % 5 === 0) model.data.grids[receiver]!.buildings = 0;
      for (let k = 0; k < columns; k++) if (dice() < 0.2) model.fixed[Math.floor(dice() * columns * columns)] = 1;
      const stroke = new Stroke(model, receiver), start = [...model.grid];
      let x = dice() * columns, y = dice() * columns;
      for (let k = 0; k < 25; k++) {
        x = Math.min(Math.max(x + (dice() - 0.5) * 4, 0), columns - 1);
        y = Math.min(Math.max(y + (dice() - 0.5) * 4, 0), columns - 1);
        const at = Math.floor(y) * columns + Math.floor(x);
        stroke.add([at, at + 1, at + columns, ...dice() < 0.1 ? [Math.floor(dice() * columns * columns)] : []].filter(a => a < columns * columns && (model.isLived(a) || dice() < 0.5)));
        const outcome = stroke.outcome(), all = findStranded(model, stroke.moved);
        expect(plain(outcome.stranded)).toEqual(plain(all));
        const cells = [...stroke.moved.keys()];
        expect([...stroke.trail]).toEqual(cells);
        expect(outcome.households).toBe(cells.reduce((sum, a) => sum + model.weight[a]!, 0));
        expect([...outcome.buildings].sort()).toEqual(model.buildingIds(cells).sort());
        expect(outcome.units).toEqual([...new Set(cells.flatMap(a => [...row(model.householdsOf, a)]).map(h => model.data.households[h]![2]))].sort((a, b) => a - b).map(u => model.data.units[u]!.code));
        told += all.length;
      }
      taken += stroke.moved.size;
      stroke.revert();
      expect([...model.grid]).toEqual(start);
    }
    expect(told).toBeGreaterThan(1_000);
    expect(taken).toBeGreaterThan(2_000);
  });

  it("keeps what it says of a part as long as nothing near it changes", () => {
    // three columns and a receiver beside them: the second row cuts the first one off, what happens in the fifth does not concern it
    const model = village(4, Array.from({ length: 20 }, (_, i) => i % 4 === 3 ? 1 : 0)), stroke = new Stroke(model, 1);
    stroke.add([4, 5, 6]);
    const [before] = stroke.outcome().stranded;
    stroke.add([18]);
    expect(stroke.outcome().stranded.find(p => p.atoms === before?.atoms)).toBe(before);
    expect(before?.atoms.slice().sort()).toEqual([0, 1, 2]);
  });

  it("costs what it touches: no more among many grids than among few, and no more in a large village", () => {
    const looks = (columns: number, across: number): number => {
      const size = columns / across, model = village(columns, Array.from({ length: columns ** 2 }, (_, i) => Math.floor(i % columns / size) + across * Math.floor(i / columns / size)));
      // along the border of the first two grids, eight cells down
      const stroke = new Stroke(model, 0);
      for (let k = 0; k < 8; k++) { stroke.add([k * columns + size, k * columns + size + 1]); stroke.outcome(); }
      expect(stroke.outcome().stranded).toEqual([]);
      return stroke.looked!;
    };
    const [few, many, large] = [looks(40, 2), looks(40, 4), looks(120, 2)];
    expect(many).toBeLessThanOrEqual(few * 1.5);
    expect(large).toBeLessThanOrEqual(few * 1.5);
    expect(few).toBeLessThan(400);
  });

  it("races to the same parts as a flood of everything", () => {
    const dice = random(41);
    let split = 0;
    for (let round = 0; round < 300; round++) {
      const model = patches(dice, 12, 3, 0.6), grid = Math.floor(dice() * 3);
      const seeds = Array.from({ length: 2 + Math.floor(dice() * 6) }, () => Math.floor(dice() * 144)).filter(a => model.grid[a] === grid);
      if (seeds.length === 0) continue;
      const { parts, rest } = race(model, grid, seeds), all = flood(model, grid, seeds);
      const sorted = (list: readonly number[][]) => list.map(p => [...p].sort((a, b) => a - b)).sort((a, b) => a[0]! - b[0]!);
      const left = all.find(p => p.includes(rest));
      expect(sorted(parts)).toEqual(sorted(all.filter(p => p !== left)));
      split += parts.length;
    }
    expect(split).toBeGreaterThan(100);
  });
});

describe("colours", () => {
  it("differ between neighbours and stay through an edit", () => {
    const dice = random(5);
    for (let round = 0; round < 50; round++) {
      // Voronoi-like patches are planar, so eight colours always do
      const sites = Array.from({ length: 14 }, () => [dice() * 20, dice() * 20] as const);
      const grids = Array.from({ length: 400 }, (_, i) => {
        const far = sites.map(([x, y]) => (i % 20 - x) ** 2 + (Math.floor(i / 20) - y) ** 2);
        return far.indexOf(Math.min(...far));
      });
      const model = village(20, grids), near = neighbours(model), first = colour(near, 8);
      near.forEach((list, g) => { for (const o of list) expect(first[g]).not.toBe(first[o]); });
      expect([...colour(near, 8, [...first])]).toEqual([...first]);
    }
  });
});

describe("geometry", () => {
  it("finds the cell under a place, and sites in a box, as looking at everything does", () => {
    const dice = random(8), model = village(12, Array.from({ length: 144 }, (_, i) => i % 3));
    const [w, n, e, s] = model.bounds();
    for (let k = 0; k < 300; k++) {
      const x = w + dice() * (e - w), y = n + dice() * (s - n);
      const brute = Array.from({ length: 144 }, (_, a) => a).find(a => model.contains(a, x, y)) ?? -1;
      expect(model.find(x, y)).toBe(brute);
      const r = dice() * 60;
      const near = Array.from({ length: 144 }, (_, a) => a).filter(a => Math.hypot(model.site[2 * a]! - x, model.site[2 * a + 1]! - y) <= r);
      expect(model.alongSegment(x, y, x, y, r).sort((a, b) => a - b)).toEqual(near);
    }
    expect(model.find(w - 1, n - 1)).toBe(-1);
  });

  it("finds the cells that touch a box, as looking at everything does", () => {
    const dice = random(12), model = village(12, Array.from({ length: 144 }, (_, i) => i % 3)), [w, n, e, s] = model.bounds();
    for (let k = 0; k < 200; k++) {
      const x = w + (dice() * 1.4 - 0.2) * (e - w), y = n + (dice() * 1.4 - 0.2) * (s - n), [x1, y1] = [x + dice() * 90, y + dice() * 90];
      const brute = Array.from({ length: 144 }, (_, a) => a).filter(a => model.box[4 * a]! <= x1 && model.box[4 * a + 2]! >= x && model.box[4 * a + 1]! <= y1 && model.box[4 * a + 3]! >= y);
      expect(model.touching(x, y, x1, y1).sort((a, b) => a - b)).toEqual(brute);
    }
  });

  it("joins boxes until none touches another, and none is left out", () => {
    const dice = random(17);
    for (let k = 0; k < 300; k++) {
      const boxes = Array.from({ length: 1 + Math.floor(dice() * 9) }, (): Box => { const x = dice() * 100, y = dice() * 100; return [x, y, x + dice() * 30, y + dice() * 30]; });
      const made = apart(boxes);
      for (const b of boxes) expect(made.filter(m => m[0] <= b[0] && m[1] <= b[1] && m[2] >= b[2] && m[3] >= b[3]).length).toBe(1);
      made.forEach((a, i) => made.slice(0, i).forEach(b => expect(a[2] < b[0] || a[0] > b[2] || a[3] < b[1] || a[1] > b[3]).toBe(true)));
    }
  });

  it("knows both sides of every inner piece of line", () => {
    const model = village(5, Array.from({ length: 25 }, () => 0)), { left, right } = outlineOf(model);
    expect(left.length).toBe(60);
    expect([...right].filter(b => b === -1).length).toBe(20);
  });
});

describe("problems", () => {
  it("list breaches first, then grids outside the tolerance, each with its place", () => {
    const model = village(3, [0, 0, 1]);
    model.data.problems.push({ rule: "H3", ids: ["520423102001001", "B1"], message: "断开 / apart" });
    const issues = issuesOf(model);
    expect(issues.map(i => i.rule)).toEqual(["H3", "S1", "S1"]);
    expect(issues[0]!.atoms.sort()).toEqual([0, 1]);
  });

  it("of a split building stand on the building, in the grid it is seated in", () => {
    const model = village(3, [0, 0, 1]);
    model.data.problems.push({ rule: "H5", ids: ["B1", "520423102001001", "520423102001002"], message: "拆分 / split" });
    expect(issuesOf(model)[0]).toMatchObject({ rule: "H5", hard: true, grid: 0 });
    expect(issuesOf(model)[0]!.atoms).toContain(1);
  });

  it("of whoever has no unit stand where they live: on the building's cell, on the ground of a new house, or nearest to it", () => {
    const { data } = village(3, [0, 0, 1]), middle = data.atoms[2]!.at, far: [number, number] = [middle[0] + 0.01, middle[1]];
    const newcomer = (building: string, at: [number, number], seated: boolean) => ({ building, at, seated, households: 1, ids: [`${building}-1`] });
    const said = (building: string) => ({ rule: "H4" as const, ids: [building, `${building}-1`], message: "未编入 / in no unit" });
    const model = new Model({ ...data, behind: { unassigned: [newcomer("B0", data.atoms[0]!.at, true), newcomer("NEW", middle, false), newcomer("FAR", far, false)], departed: 1, buildings_gone: 0 }, problems: [said("B0"), said("NEW"), said("FAR"), { rule: "H4" as const, ids: [], message: "1 户已不在名册 / gone" }] });
    expect(issuesOf(model).slice(0, 4).map(i => [i.rule, i.hard, i.atoms, i.grid])).toEqual([["H4", true, [0], 0], ["H4", true, [2], -1], ["H4", true, [2], -1], ["H4", true, [], -1]]);
  });
});
