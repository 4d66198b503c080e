// An edit under the hand: cells that would change owner, what it does to totals and units, and how to take it back.

import type { Operation } from "../api";
import { findStranded, type Stranded } from "./contiguity";
import { type Model, row } from "./model";
import { Ties } from "./ties";

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
  private readonly order: number[] = [];
  /** Sums of what was moved, kept while cells only go to the receiver; after that all is counted again. */
  private kept: { ties: Ties; buildings: string[]; households: number; units: Set<number>; codes: string[] | null } | null;

  constructor(readonly model: Model, readonly receiver: number) {
    this.note(receiver);
    this.kept = { ties: new Ties(model, receiver), buildings: [], households: 0, units: new Set(), codes: [] };
  }

  private note(grid: number): void {
    if (!this.before.has(grid)) this.before.set(grid, this.model.total[grid]!);
  }

  /** Gives cells to a grid, the receiver by default; answers whether anything changed, a cell that is held for the first time included. */
  add(atoms: Iterable<number>, to = this.receiver): boolean {
    const m = this.model, fresh: number[] = [];
    let changed = false;
    for (const a of atoms) {
      const owner = m.grid[a]!;
      if (owner === to) continue;
      if (m.fixed[a] === 1 || m.data.grids[to]?.locked) {
        if (m.isLived(a) && !this.held.has(a)) { this.held.add(a); changed = true; }
        continue;
      }
      this.note(owner);
      this.note(to);
      m.assign(a, to);
      const first = this.from.get(a) ?? owner;
      if (first === to) this.from.delete(a); else this.from.set(a, first);
      this.order.push(a);
      fresh.push(a);
      changed = true;
    }
    if (to !== this.receiver) this.kept = null;
    if (this.kept !== null) this.keep(fresh);
    return changed;
  }

  private keep(fresh: readonly number[]): void {
    const m = this.model, kept = this.kept!;
    kept.ties.take(fresh, this.from);
    const many = kept.units.size;
    for (const a of fresh) {
      kept.households += m.weight[a]!;
      for (const b of row(m.buildingsOf, a)) kept.buildings.push(m.data.buildings[b]!.id);
      for (const h of row(m.householdsOf, a)) kept.units.add(m.data.households[h]![2]);
    }
    if (kept.units.size !== many) kept.codes = null;
  }

  get isEmpty(): boolean { return this.from.size === 0; }
  get moved(): ReadonlyMap<number, number> { return this.from; }
  /** Cells in the order they changed hands. */
  get trail(): readonly number[] { return this.order; }
  /** Cells looked at for what lies apart, or null where all were. */
  get looked(): number | null { return this.kept?.ties.looked ?? null; }

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

  private codesOf(units: Iterable<number>): string[] {
    return [...units].sort((x, y) => x - y).map(u => this.model.data.units[u]?.code ?? "").filter(c => c !== "");
  }

  outcome(): Outcome {
    const m = this.model, { kept } = this;
    const totals = [...this.before].map(([grid, before]) => ({ grid, before, after: m.total[grid]! }));
    totals.sort((x, y) => Number(x.grid === this.receiver) - Number(y.grid === this.receiver) || x.grid - y.grid);
    const { receiver } = this, held = this.held.size;
    if (kept !== null) {
      kept.codes ??= this.codesOf(kept.units);
      return { receiver, totals, buildings: [...kept.buildings], households: kept.households, units: kept.codes, stranded: kept.ties.stranded(), held };
    }
    const units = new Set<number>();
    let households = 0;
    for (const a of this.from.keys()) {
      households += m.weight[a]!;
      for (const h of row(m.householdsOf, a)) units.add(m.data.households[h]![2]);
    }
    return { receiver, totals, buildings: m.buildingIds(this.from.keys()), households, units: this.codesOf(units), stranded: findStranded(m, this.from), held };
  }

  /** Puts everything back. */
  revert(): void {
    for (const [a, from] of this.from) this.model.assign(a, from);
    this.from.clear();
    this.order.length = 0;
    this.kept = null;
  }
}
