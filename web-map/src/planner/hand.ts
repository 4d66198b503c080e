// What is under the hand: a stroke, what it would strand, and how it ends.

import type { Policy } from "../api";
import type { App } from "../app";
import type { Model } from "../village/model";
import { Stroke } from "../village/stroke";

/** Parts that would lie apart and are told one by one. */
const MOST_PARTS = 4;

/** A stroke from the press to its release. */
export class Hand {
  private stroke: Stroke | null = null;

  constructor(private readonly app: App) {}

  /** Whether a stroke is under way. */
  get isBusy(): boolean { return this.stroke !== null; }

  /** The stroke is no longer the hand's: it was sent, or its village is gone. */
  forget(): void { this.stroke = null; }

  /** The village has come anew, with the answer to an edit before or another's: what is under the hand is laid on it again, if it is the same village. */
  carry(model: Model, isAsked: boolean): void {
    const old = this.stroke;
    this.stroke = null;
    if (old === null || old.model.data.plan.id !== model.data.plan.id || old.model.data.village !== model.data.village || old.model.atoms !== model.atoms) return;
    const index = (grid: number): number => model.data.grids.findIndex(g => g.code === old.model.data.grids[grid]?.code), receiver = index(old.receiver);
    if (receiver < 0) return;
    const stroke = this.stroke = new Stroke(model, receiver);
    stroke.add([...old.moved.keys()].filter(a => old.model.grid[a] === old.receiver));
    for (const a of old.moved.keys()) {
      const to = index(old.model.grid[a]!);
      if (to >= 0 && to !== receiver) stroke.add([a], to);
    }
    this.app.store.set({ stroke: stroke.outcome() });
    if (isAsked) this.finish();
  }

  /** Begins a stroke into a grid. */
  begin(receiver: number): boolean {
    const { model } = this.app.state;
    if (model === null || receiver < 0 || this.app.state.pending !== null) return false;
    if (model.data.grids[receiver]?.kind === "level1") { this.app.say("info", "levelOne"); return false; }
    this.stroke?.revert();
    this.stroke = new Stroke(model, receiver);
    return true;
  }

  extend(atoms: Iterable<number>): void {
    if (this.stroke === null) return;
    // most moves of a hand change nothing
    if (this.stroke.add(atoms) || this.app.state.stroke === null) this.app.store.set({ stroke: this.stroke.outcome() });
  }

  /** The cells of the stroke and where they came from. */
  get moved(): ReadonlyMap<number, number> { return this.stroke?.moved ?? new Map<number, number>(); }

  /** The same in the order they changed hands. */
  get trail(): readonly number[] { return this.stroke?.trail ?? []; }

  cancel(): void {
    if (this.stroke !== null) {
      this.stroke.revert();
      this.stroke = null;
      this.app.store.set({ stroke: null, pending: null });
      this.app.say("info", "cancelled");
    } else if (this.app.state.selection.size > 0) this.app.store.dispatch({ type: "select", atoms: [], how: "set" });
    else if (this.app.state.proposal !== null) this.app.store.set({ proposal: null });
  }

  /** Takes back what the hand has not let go of. */
  dropStroke(): void { if (this.stroke !== null && this.app.state.pending === null) this.cancel(); }

  /** The hand lets go. */
  finish(): void {
    const stroke = this.stroke;
    if (stroke === null) return;
    const outcome = stroke.outcome();
    if (stroke.isEmpty) {
      this.stroke = null;
      this.app.store.set({ stroke: null });
      if (outcome.held > 0) this.app.say("bad", "heldN", { n: outcome.held });
      return;
    }
    if (outcome.stranded.length > 0) {
      this.app.store.set({ stroke: outcome, pending: { outcome } });
      this.app.view?.comeNear(outcome.stranded.flatMap(p => p.atoms));
      this.app.speak(this.strandedSentences().join(" "));
      return;
    }
    this.apply("refuse");
  }

  /** Of every part that would lie apart: its buildings and, where they may be seen, its households. */
  strandedSentences(): string[] {
    const { app } = this, { model, pending } = app.state, parts = pending?.outcome.stranded ?? [];
    if (model === null) return [];
    const said = parts.slice(0, MOST_PARTS).map(part => {
      const ids = model.buildingIds(part.atoms), homes = model.householdIds(part.atoms);
      return app.t("strandedPart", { b: ids.length, h: part.households, grid: app.gridName(part.grid), names: app.some(ids) }) + (homes.length > 0 ? app.t("strandedHomes", { ids: app.some(homes) }) : "");
    });
    return parts.length <= MOST_PARTS ? said : [...said, app.t("strandedMore", { n: parts.length })];
  }

  /** P7: gives stranded parts to the grid beside them. */
  giveStranded(): void {
    const stroke = this.stroke;
    if (stroke === null || this.app.state.pending === null) return;
    for (let round = 0; round < 20; round++) {
      const left = stroke.outcome().stranded.filter(p => p.neighbour >= 0);
      if (left.length === 0 || !left.map(p => stroke.add(p.atoms, p.neighbour)).some(Boolean)) break;
    }
    const outcome = stroke.outcome();
    if (outcome.stranded.length > 0) { this.app.store.set({ stroke: outcome, pending: { outcome } }); return; }
    this.apply("refuse");
  }

  keepStranded(): void { if (this.app.state.pending !== null) this.apply("keep_as_draft_problem"); }

  private apply(policy: Policy): void {
    const stroke = this.stroke;
    if (stroke === null) return;
    const operations = stroke.operations(), outcome = stroke.outcome();
    if (operations.length === 0) { this.cancel(); return; }
    const what = this.app.t("strokeMoved", { grid: this.app.gridName(stroke.receiver), b: outcome.buildings.length, h: outcome.households });
    this.app.store.set({ pending: null });
    this.app.edits.commit(operations, what, policy, () => {
      // the next stroke may be under way on top of this one
      if (this.stroke !== stroke) this.stroke?.revert();
      stroke.revert();
      this.stroke = null;
      this.app.store.set({ stroke: null, pending: null });
    });
  }

  /** Assigns the selection, or the focused atom, to a grid. */
  assign(grid: number): void {
    const { selection, focus, model } = this.app.state;
    const atoms = selection.size > 0 ? [...selection] : focus >= 0 ? [focus] : [];
    if (model === null || grid < 0) { this.app.say("info", "noReceiver"); return; }
    if (atoms.length === 0) { this.app.looks.setActive(grid); return; }
    if (!this.begin(grid)) return;
    this.extend(atoms);
    if (this.app.state.stroke?.buildings.length === 0 && this.app.state.stroke.held === 0) this.app.say("info", "nothingMoved");
    this.finish();
  }
}
