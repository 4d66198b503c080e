// What a planner walks through: breaches of hard rules, then grids outside the tolerance. Each with the cells to look at.

import { flood } from "./contiguity";
import type { Model } from "./model";

export interface Issue { rule: string; hard: boolean; message: string; ids: string[]; atoms: number[]; grid: number }

/** Where an id of any kind (building, household, grid, unit) is. */
export class Places {
  private readonly of = new Map<string, { atoms: number[]; grid: number }>();

  constructor(model: Model) {
    const { data } = model;
    const put = (id: string, atom: number, grid: number): void => {
      const known = this.of.get(id);
      if (known === undefined) this.of.set(id, { atoms: [atom], grid });
      else if (known.atoms.at(-1) !== atom) known.atoms.push(atom);
    };
    for (const b of data.buildings) {
      put(`b ${b.id}`, b.atom, b.grid);
      const code = data.grids[b.grid]?.code;
      if (code !== undefined) put(`g ${code}`, b.atom, b.grid);
    }
    // a house that has no cell yet stands on somebody's ground
    for (const u of data.behind?.unassigned ?? []) if (!this.of.has(`b ${u.building}`)) put(`b ${u.building}`, model.nearest(...model.local(u.at)), -1);
    for (const [id, b, u] of data.households) {
      const at = data.buildings[b];
      if (at === undefined) continue;
      put(`h ${id}`, at.atom, at.grid);
      const code = data.units[u]?.code;
      if (code !== undefined) put(`u ${code}`, at.atom, at.grid);
    }
  }

  find(id: string): { atoms: number[]; grid: number } | undefined {
    return this.of.get(`b ${id}`) ?? this.of.get(`u ${id}`) ?? this.of.get(`g ${id}`) ?? this.of.get(`h ${id}`);
  }
}

/** Cells with buildings that do not touch the largest part of their grid. */
function strays(model: Model, grid: number, atoms: readonly number[]): number[] {
  const lived = (part: readonly number[]): number => part.reduce((sum, a) => sum + model.weight[a]!, 0);
  const parts = flood(model, grid, atoms).sort((a, b) => lived(b) - lived(a) || b.length - a.length);
  return parts.slice(1).flat().filter(a => model.isLived(a));
}

export function issuesOf(model: Model): Issue[] {
  const places = new Places(model), { tolerance } = model.data.rules.grid;
  const hard = model.data.problems.map((p): Issue => {
    const found = p.ids.map(id => places.find(id)).filter(f => f !== undefined);
    const grid = found[0]?.grid ?? -1, all = [...new Set(found.flatMap(f => f.atoms))];
    // what lies apart is what one has to look at
    const apart = p.rule === "H3" && grid >= 0 ? strays(model, grid, all) : [];
    return { rule: p.rule, hard: true, message: p.message, ids: p.ids, atoms: apart.length > 0 ? apart : all, grid };
  });
  const soft: Issue[] = [];
  model.data.grids.forEach((g, i) => {
    const deviation = model.deviation(i);
    if (deviation === null || Math.abs(deviation) <= tolerance + 1e-9) return;
    soft.push({ rule: "S1", hard: false, message: "", ids: [g.code], atoms: places.find(g.code)?.atoms ?? [], grid: i });
  });
  return [...hard, ...soft];
}
