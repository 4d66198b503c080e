import { describe, expect, it } from "vitest";
import { colour, neighbours } from "../../src/village/colouring";
import { findStranded } from "../../src/village/contiguity";
import { row } from "../../src/village/model";
import { outlineOf } from "../../src/village/outline";
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
});
