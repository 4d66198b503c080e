// An edit under the hand: cells that would change owner, what it does to totals and units, and how to take it back.

import type { Operation } from "../api";
import { findStranded, type Stranded } from "./contiguity";
import { type Model, row } from "./model";

/** What a stroke does, as plain values. */
export interface Outcome {
  receiver: number;
  /** Grid, households before and after; givers first. */
  totals: { grid: number; before: number; after: number }[];
  buildings: string[];
  households: number;
  /** Codes of units that lose members. */
  units: string[];
  stranded: Stranded[];
  /** Cells that the hand touched and a lock held. */
  held: number;
}

export class Stroke {
  private readonly from = new Map<number, number>();
  private readonly before = new Map<number, number>();
  private readonly held = new Set<number>();

  constructor(readonly model: Model, readonly receiver: number) { this.note(receiver); }

  private note(grid: number): void {
    if (!this.before.has(grid)) this.before.set(grid, this.model.total[grid]!);
  }

  /** Gives cells to a grid, the receiver by default; answers whether anything changed. */
  add(atoms: Iterable<number>, to = this.receiver): boolean {
    const m = this.model;
    let changed = false;
    for (const a of atoms) {
      const owner = m.grid[a]!;
      if (owner === to) continue;
      if (m.fixed[a] === 1 || m.data.grids[to]?.locked) { if (m.isLived(a)) this.held.add(a); continue; }
      this.note(owner);
      this.note(to);
      m.assign(a, to);
      const first = this.from.get(a) ?? owner;
      if (first === to) this.from.delete(a); else this.from.set(a, first);
      changed = true;
    }
    return changed;
  }

  get isEmpty(): boolean { return this.from.size === 0; }
  get moved(): ReadonlyMap<number, number> { return this.from; }

  /** Transfers that do the same on the service, one for each grid that receives. */
  operations(): Operation[] {
    const by = new Map<number, number[]>();
    for (const a of this.from.keys()) if (this.model.isLived(a)) {
      const to = this.model.grid[a]!;
      (by.get(to) ?? by.set(to, []).get(to)!).push(a);
    }
    return [...by].map(([to, atoms]) =>
      ({ operation: "transfer_buildings", buildings: this.model.buildingIds(atoms), to: this.model.data.grids[to]!.code }));
  }

  outcome(): Outcome {
    const m = this.model, units = new Set<number>();
    let households = 0;
    for (const a of this.from.keys()) {
      households += m.weight[a]!;
      for (const h of row(m.householdsOf, a)) units.add(m.data.households[h]![2]);
    }
    const totals = [...this.before].map(([grid, before]) => ({ grid, before, after: m.total[grid]! }));
    totals.sort((x, y) => Number(x.grid === this.receiver) - Number(y.grid === this.receiver) || x.grid - y.grid);
    return {
      receiver: this.receiver, totals, buildings: m.buildingIds(this.from.keys()), households,
      units: [...units].sort((x, y) => x - y).map(u => m.data.units[u]?.code ?? "").filter(c => c !== ""),
      stranded: findStranded(m, this.from), held: this.held.size,
    };
  }

  /** Puts everything back. */
  revert(): void {
    for (const [a, from] of this.from) this.model.assign(a, from);
    this.from.clear();
  }
}
