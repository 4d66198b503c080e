// What a stroke leaves without connection, kept up while it grows: the answer of `findStranded` at the price of what has just changed.

import { flood, heavier, lived, neighbourOf, race, type Part, type Stranded } from "./contiguity";
import { type Model, row } from "./model";

/** The pieces of all grids when the village came: the piece of every cell; households and cells of every piece. */
interface Pieces { of: Int32Array; weight: number[]; size: number[] }

const known = new WeakMap<Model, Pieces>();

function piecesOf(model: Model): Pieces {
  const found = known.get(model);
  if (found !== undefined) return found;
  const grids = model.data.atom_grid, of = new Int32Array(model.atoms).fill(-1), weight: number[] = [], size: number[] = [];
  for (let first = 0; first < model.atoms; first++) {
    if (of[first] !== -1) continue;
    const piece = size.length, queue = [first];
    of[first] = piece;
    for (const a of queue) for (const b of row(model.near, a)) if (of[b] === -1 && grids[b] === grids[a]) { of[b] = piece; queue.push(b); }
    weight.push(lived(model, queue));
    size.push(queue.length);
  }
  const made = { of, weight, size };
  known.set(model, made);
  return made;
}

/** A part of a giver that is known cell by cell, and what is told of it while nothing near it changes. */
interface Lost extends Part { atoms: number[]; told: Stranded | null }
/** What is left of a piece, known by its sums and one of its cells. */
interface Main { weight: number; size: number; some: number }
/** By piece; only one is left when a change has been dealt with: the part that counts as the grid. */
interface Giver { mains: Map<number, Main>; lost: Set<Lost> }
/** Cells got that hold together: tied once they touch the receiver's old ground. */
interface Gain { atoms: number[]; first: number; isTied: boolean; joined: Gain | null; told: Stranded | null }

/** Of a stroke that gives to one grid only. */
export class Ties {
  private readonly givers = new Map<number, Giver>();
  private readonly lostOf = new Map<number, Lost>();
  private readonly gainOf = new Map<number, Gain>();
  /** Gains that nothing ties to the receiver. */
  private readonly loose = new Set<Gain>();
  /** Cells looked at: what the answers have cost so far. */
  looked = 0;

  constructor(private readonly model: Model, private readonly receiver: number) {}

  /** Cells that have just gone to the receiver; `from` knows of all that went where they came from. */
  take(atoms: readonly number[], from: ReadonlyMap<number, number>): void {
    const { model } = this, pieces = piecesOf(model);
    const touched = new Map<number, { broken: Set<Lost>; seeds: Map<number, Set<number>> }>();
    for (const a of atoms) {
      const grid = from.get(a)!, piece = pieces.of[a]!;
      const giver = this.givers.get(grid) ?? this.givers.set(grid, { mains: new Map(), lost: new Set() }).get(grid)!;
      const now = touched.get(grid) ?? touched.set(grid, { broken: new Set(), seeds: new Map() }).get(grid)!;
      const lost = this.lostOf.get(a);
      if (lost !== undefined) { this.lostOf.delete(a); now.broken.add(lost); }
      else {
        const main = giver.mains.get(piece) ?? giver.mains.set(piece, { weight: pieces.weight[piece]!, size: pieces.size[piece]!, some: a }).get(piece)!;
        main.weight -= model.weight[a]!;
        main.size -= 1;
      }
      for (const b of row(model.near, a)) {
        const beside = this.lostOf.get(b);
        if (beside !== undefined) beside.told = null;
        else if (model.grid[b] === grid) (now.seeds.get(piece) ?? now.seeds.set(piece, new Set()).get(piece)!).add(b);
      }
      this.gain(a, from);
    }
    this.looked += atoms.length;
    for (const [grid, { broken, seeds }] of touched) {
      const giver = this.givers.get(grid)!;
      for (const part of broken) {
        giver.lost.delete(part);
        this.looked += part.atoms.length;
        for (const cells of flood(model, grid, part.atoms)) this.lose(giver, cells);
      }
      for (const [piece, near] of seeds) {
        const main = giver.mains.get(piece);
        if (main !== undefined) this.divide(giver, main, grid, near);
      }
      this.choose(giver, grid);
    }
  }

  private lose(giver: Giver, atoms: number[]): Lost {
    const part: Lost = { atoms, weight: lived(this.model, atoms), told: null };
    giver.lost.add(part);
    for (const a of atoms) this.lostOf.set(a, part);
    return part;
  }

  private divide(giver: Giver, main: Main, grid: number, seeds: Iterable<number>): void {
    const { parts, rest, looked } = race(this.model, grid, seeds);
    this.looked += looked;
    main.some = rest;
    for (const atoms of parts) {
      main.weight -= this.lose(giver, atoms).weight;
      main.size -= atoms.length;
    }
  }

  /** Keeps the heaviest part as the one known by its sums, so that it is never walked. */
  private choose(giver: Giver, grid: number): void {
    const { mains, lost } = giver;
    for (const [piece, { size }] of mains) if (size === 0) mains.delete(piece);
    const best = [...mains.values()].sort((x, y) => y.weight - x.weight || y.size - x.size)[0];
    const rival = [...lost].sort(heavier)[0];
    const isBeaten = best !== undefined && rival !== undefined && (rival.weight > best.weight || (rival.weight === best.weight && rival.atoms.length >= best.size));
    if (mains.size > 1 || isBeaten) {
      for (const { some } of mains.values()) for (const atoms of flood(this.model, grid, [some])) { this.looked += atoms.length; this.lose(giver, atoms); }
      mains.clear();
    }
    const [first] = mains.size > 0 ? [] : [...lost].sort(heavier);
    if (first === undefined) return;
    lost.delete(first);
    for (const a of first.atoms) this.lostOf.delete(a);
    mains.set(piecesOf(this.model).of[first.atoms[0]!]!, { weight: first.weight, size: first.atoms.length, some: first.atoms[0]! });
  }

  /** A cell the receiver got, together with those beside it that it got before. */
  private gain(atom: number, from: ReadonlyMap<number, number>): void {
    let mine: Gain = { atoms: [atom], first: this.gainOf.size, isTied: false, joined: null, told: null };
    this.loose.add(mine);
    this.gainOf.set(atom, mine);
    for (const b of row(this.model.near, atom)) {
      let other = this.gainOf.get(b);
      while (other?.joined) other = other.joined;
      if (this.model.grid[b] === this.receiver && !from.has(b)) this.tie(mine);
      if (other === undefined || other === mine) continue;
      const [into, part] = other.atoms.length >= mine.atoms.length ? [other, mine] : [mine, other];
      if (into.isTied || part.isTied) this.tie(into); else for (const a of part.atoms) into.atoms.push(a);
      into.first = Math.min(into.first, part.first);
      into.told = null;
      part.joined = into;
      this.loose.delete(part);
      mine = into;
    }
  }

  private tie(gain: Gain): void {
    gain.isTied = true;
    this.loose.delete(gain);
  }

  private tell(grid: number, atoms: readonly number[]): Stranded | null {
    this.looked += atoms.length;
    if (!atoms.some(a => this.model.isLived(a))) return null;
    return { grid, atoms: [...atoms], households: lived(this.model, atoms), neighbour: neighbourOf(this.model, atoms, grid) };
  }

  /** What `findStranded` says; a part near which nothing has changed is the same object as before. */
  stranded(): Stranded[] {
    const found: Stranded[] = [];
    for (const [grid, { lost }] of this.givers) for (const part of [...lost].sort(heavier)) {
      part.told ??= this.tell(grid, part.atoms);
      if (part.told !== null) found.push(part.told);
    }
    // a grid that had no ground at all begins with what it gets
    const begins = this.model.data.grids[this.receiver]?.buildings === 0 ? 1 : 0;
    for (const gain of [...this.loose].sort((x, y) => x.first - y.first).slice(begins)) {
      gain.told ??= this.tell(this.receiver, gain.atoms);
      if (gain.told !== null) found.push(gain.told);
    }
    return found;
  }
}
