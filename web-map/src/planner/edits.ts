// Edits on their way to the service and back: commits, conflicts, undo, history.

import { api, freshKey, Refused, type EditRequest, type Entry, type Operation, type Plan, type Policy } from "../api";
import type { App } from "../app";
import { Outbox, type Answer, type Parcel } from "../outbox";
import type { Lost } from "../state";
import { half, type Key } from "../strings";

/** A history with what came after it, the latest first: who takes an edit back, or does it again, says of which. */
export function grown(history: readonly Entry[], fresh: readonly Entry[]): Entry[] {
  const by = new Map(history.map(e => [e.seq, e]));
  for (const e of fresh) {
    if (by.has(e.seq)) continue;
    by.set(e.seq, e);
    const of = by.get(e.target ?? -1);
    if (of !== undefined) by.set(of.seq, { ...of, undone: e.kind === "undo" });
  }
  return [...by.values()].sort((a, b) => b.seq - a.seq);
}

/** What changes a plan. */
export class Edits {
  private readonly outbox: Outbox;
  /** What to do once there is a draft. */
  afterFork: ((plan: Plan) => void) | null = null;

  constructor(private readonly app: App) {
    this.outbox = new Outbox({
      send: parcel => api.edit(parcel.plan, parcel.request, parcel.key),
      done: (parcel, answer) => {
        this.app.say("good", "applied", { v: answer.committed.version, what: parcel.what });
        if (this.isOpen(parcel)) {
          this.speakTotals(answer);
          this.app.store.dispatch({ type: "select", atoms: [], how: "set" });
          this.app.atlas.show(answer.village);
        }
        void this.loadHistory();
      },
      refused: (parcel, problem) => { this.onRefused(parcel, problem); return true; },
      changed: (waiting, offline) => {
        const back = this.app.store.state.offline && !offline;
        this.app.store.set({ waiting, offline, busy: waiting > 0 && !offline && !this.outbox.isHeld });
        if (back) { this.app.say("good", "back"); this.app.atlas.again(); }
      },
      signIn: () => this.app.store.set({ needsSignIn: true }),
    });
    // whoever reads why an edit was refused and closes that has decided; what he does instead goes before the rest
    app.store.subscribe((now, before) => { if (before.dialog?.kind === "refused" && now.dialog?.kind !== "refused") queueMicrotask(() => this.outbox.letGo()); });
  }

  /** Sends what waits. */
  flush(): void { this.outbox.flush(); }

  /** Sends operations as one edit; on a plan in force a draft is offered first. */
  commit(operations: Operation[], what: string, policy: Policy = "refuse", undoPreview: () => void = () => undefined): void {
    const { plan, model } = this.app.state;
    if (plan === null || model === null) return;
    const { behind } = model.data;
    if (behind !== null && plan.status !== "retired") { undoPreview(); this.app.say("bad", "behindFirst"); return; }
    if (plan.status !== "draft") {
      undoPreview();
      this.afterFork = behind === null ? draft => this.enqueue(draft, operations, what, policy, () => undefined) : null;
      this.app.store.set({ dialog: { kind: "fork" } });
      return;
    }
    this.enqueue(plan, operations, what, policy, undoPreview);
  }

  private enqueue(plan: Plan, operations: Operation[], what: string, policy: Policy, revert: () => void): void {
    const { model } = this.app.state;
    if (model === null) return;
    const request: EditRequest = {
      village: model.data.village, base_version: plan.version, operations, policy,
      grid_versions: model.data.grids.map(g => [g.code, g.version]),
    };
    this.app.hand.forget();
    this.outbox.post({ plan: plan.id, request, key: freshKey(), what, revert });
  }

  private isOpen(parcel: Parcel): boolean {
    return this.app.state.plan?.id === parcel.plan && this.app.state.model?.data.village === parcel.request.village;
  }

  private onRefused(parcel: Parcel, refused: Refused): void {
    if (this.isOpen(parcel)) parcel.revert();
    this.app.store.set({ stroke: null, pending: null });
    const lost: Lost = { parcel, problem: refused.body };
    this.app.store.set(refused.body.code === "conflict" ? { conflict: lost } : { dialog: { kind: "refused", lost } });
    this.app.speak(half(this.app.state.lang, refused.body.detail));
  }

  /** What the grids an edit changed hold now: whoever does not see the table hears it. */
  private speakTotals({ committed, village }: Answer): void {
    const { lang, model, spoken } = this.app.state, had = new Map(model?.data.grids.map(g => [g.code, g.households]));
    const fresh = village.grids.filter(g => committed.grids.includes(g.code) && had.get(g.code) !== g.households).slice(0, 6);
    const said = fresh.map(g => this.app.t("gridTotal", { grid: `${g.code.slice(12)} ${g.name}`.trim(), h: g.households }));
    if (said.length > 0) this.app.speak([spoken, ...said].join(lang === "zh" ? "；" : "; "));
  }

  /** An edit once more, on top of what was told or is shown. */
  private again({ parcel, problem }: Lost): Parcel {
    const shown = this.isOpen(parcel) ? this.app.state.plan?.version ?? 0 : 0;
    return { ...parcel, key: freshKey(), revert: () => undefined, request: { ...parcel.request, base_version: Math.max(problem.current_version ?? 0, shown), grid_versions: [] } };
  }

  /** Does something else in the place of an edit that was refused. */
  instead({ parcel }: Lost, operations: Operation[], policy: Policy): void {
    this.app.store.set({ dialog: null });
    this.outbox.letGo({ ...parcel, key: freshKey(), revert: () => undefined, request: { ...parcel.request, operations, policy } });
  }

  async settleConflict(how: "mine" | "theirs" | "look"): Promise<void> {
    const { conflict: lost, aside } = this.app.state;
    if (lost === null) return;
    this.app.store.set({ conflict: null, aside: how === "look" ? [...aside, lost] : aside });
    try {
      if (how === "look" || this.isOpen(lost.parcel)) await this.lookAt(lost.parcel, how === "look");
    } finally {
      this.outbox.letGo(how === "mine" ? this.again(lost) : null);
    }
  }

  /** Opens what an edit is about as it is now; if wanted, the buildings it was to move are chosen. */
  private async lookAt(parcel: Parcel, isChosen: boolean): Promise<void> {
    const { app } = this, isHere = this.isOpen(parcel);
    if (isHere) { await app.atlas.reload(); await this.loadHistory(); } else {
      await app.guard(() => app.atlas.choosePlan(parcel.plan));
      await app.atlas.openVillage(parcel.request.village);
    }
    if (!isChosen || !this.isOpen(parcel)) return;
    const ids = new Set(parcel.request.operations.flatMap(o => o.operation === "transfer_buildings" ? o.buildings : []));
    const atoms = app.state.model?.data.buildings.filter(b => ids.has(b.id)).map(b => b.atom) ?? [];
    if (atoms.length === 0) return;
    app.store.dispatch({ type: "select", atoms, how: "set" });
    app.view?.showAtoms(atoms);
  }

  /** An edit that was put aside is done again as it was, or given up. */
  settleAside(lost: Lost, isDone: boolean): void {
    this.app.store.set({ aside: this.app.state.aside.filter(l => l !== lost) });
    if (isDone) this.outbox.post(this.again(lost));
  }

  async fork(name: string): Promise<void> {
    const { plan } = this.app.state;
    if (plan === null) return;
    await this.app.guard(async () => {
      const draft = await api.fork(plan.id, name), then = this.afterFork;
      this.afterFork = null;
      this.app.store.set({ dialog: null, plans: [draft, ...this.app.state.plans] });
      await this.app.atlas.switchPlan(draft.id);
      if (this.app.state.plan?.id === draft.id) then?.(this.app.state.plan);
    });
  }

  async undo(): Promise<void> { await this.step(api.undo, "undone", "nothingToUndo"); }
  async redo(): Promise<void> { await this.step(api.redo, "redone", "nothingToRedo"); }

  private async step(go: typeof api.undo, done: Key, nothing: Key): Promise<void> {
    const { plan } = this.app.state;
    if (plan === null || plan.status !== "draft" || this.app.state.waiting > 0) return;
    if (this.app.hand.isBusy) { this.app.hand.cancel(); return; }
    this.app.store.set({ busy: true });
    try {
      const { committed } = await go(plan.id);
      await this.app.atlas.reload();
      await this.loadHistory();
      this.app.say("good", done, { v: committed.version });
    } catch (e) {
      if (e instanceof Refused && (e.status === 409 || e.status === 404 || e.status === 422) && /nothing/.test(e.body.code)) this.app.say("info", nothing);
      else await this.app.guard(() => Promise.reject(e as Error));
    } finally {
      this.app.store.set({ busy: false });
    }
  }

  async loadHistory(): Promise<void> {
    const { plan, history } = this.app.state;
    if (plan === null || plan.status !== "draft") { this.app.store.set({ history: [] }); return; }
    await this.app.guard(async () => {
      const after = history[0]?.seq ?? 0, fresh = await api.history(plan.id, after), { history: known } = this.app.state;
      // who left the plan and came back knows nothing of it that stands before the answer
      if (this.app.state.plan?.id === plan.id && (known[0]?.seq ?? 0) >= after) this.app.store.set({ history: grown(known, fresh) });
    });
  }
}
