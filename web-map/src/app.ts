// What the page does: loads, strokes, commits, undoes. Panels, tools and map call this; it speaks to the service and changes the state.

import { api, freshKey, Refused, Unreachable, type EditRequest, type Operation, type Plan, type Policy, type Region, type Village } from "./api";
import { Outbox, type Parcel } from "./outbox";
import { Regions } from "./regions";
import type { Store, Tab } from "./state";
import { half, percent, text, type Key } from "./strings";
import { issuesOf } from "./village/problems";
import { Model } from "./village/model";
import { Stroke } from "./village/stroke";

/** What the map offers to the rest. */
export interface View {
  showAtoms(atoms: readonly number[]): void;
  showVillage(): void;
  /** Comes nearer when these are too small to be seen. */
  comeNear(atoms: readonly number[]): void;
  showBox(box: readonly [number, number, number, number]): void;
  focusMap(): void;
}

export class App {
  view: View | null = null;
  private stroke: Stroke | null = null;
  private regions = new Regions([]);
  private readonly outbox: Outbox;
  private jobTimer = 0;
  /** What to do once there is a draft. */
  afterFork: ((plan: Plan) => void) | null = null;

  constructor(readonly store: Store) {
    this.outbox = new Outbox({
      send: parcel => api.edit(parcel.plan, parcel.request, parcel.key),
      done: (parcel, answer) => {
        this.say("good", "applied", { v: answer.committed.version, what: parcel.what });
        if (this.isOpen(parcel)) {
          this.store.dispatch({ type: "select", atoms: [], how: "set" });
          this.show(answer.village);
        }
        void this.loadHistory();
      },
      refused: (parcel, problem) => this.onRefused(parcel, problem),
      changed: (waiting, offline) => {
        const back = this.store.state.offline && !offline;
        this.store.set({ waiting, offline, busy: waiting > 0 && !offline });
        if (back) this.say("good", "back");
      },
      signIn: () => this.store.set({ needsSignIn: true }),
    });
  }

  get state() { return this.store.state; }
  t = (key: Key, values?: Record<string, string | number>): string => text(this.state.lang, key, values);
  say(kind: "info" | "good" | "bad", key: Key, values?: Record<string, string | number>): void {
    this.store.dispatch({ type: "notice", kind, text: this.t(key, values) });
  }
  speak(sentence: string): void { this.store.dispatch({ type: "say", text: sentence }); }

  /** Name of a grid for people: its own name, or the last three digits. */
  gridName(index: number): string {
    const g = this.state.model?.data.grids[index];
    if (g === undefined) return this.t("unassigned");
    return g.name === "" ? g.code.slice(12) : `${g.code.slice(12)} ${g.name}`;
  }

  /** Runs what may fail and tells the planner why it did. */
  async guard<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (e) {
      if (e instanceof Refused && e.status === 401) this.store.set({ needsSignIn: true });
      else if (e instanceof Refused) this.store.dispatch({ type: "notice", kind: "bad", text: half(this.state.lang, e.body.detail) });
      else if (e instanceof Unreachable) this.store.set({ offline: true });
      else throw e;
      return undefined;
    }
  }

  // —— where we are ——

  async start(): Promise<void> {
    await this.guard(async () => {
      this.store.set({ who: await api.who(), needsSignIn: false, offline: false });
      this.regions = new Regions(await api.regions());
      this.listen();
      const [, plan, village] = /^#\/([^/]+)(?:\/(\d{12}))?$/.exec(location.hash) ?? [];
      const known = village === undefined ? undefined : this.regions.find(village);
      if (plan !== undefined && known !== undefined) await this.restore(decodeURIComponent(plan), known);
      else await this.chooseRegion(null);
    });
  }

  private async restore(plan: string, village: Region): Promise<void> {
    const path = this.regions.pathTo(village);
    this.store.set({ path, children: this.regions.below(village.code) });
    const parent = path.at(-2) ?? village;
    this.store.set({ plans: await api.plans(parent.code) });
    try {
      await this.choosePlan(plan);
      await this.openVillage(village.code);
    } catch (e) {
      if (!(e instanceof Refused)) throw e;
      await this.chooseRegion(parent.code);
    }
  }

  /** Regions at the top, or beside one of the path. */
  choices(level: number): Region[] { return this.regions.below(level === 0 ? null : this.state.path[level - 1]?.code ?? null); }

  async chooseRegion(code: string | null): Promise<void> {
    await this.guard(async () => {
      let region = code === null ? undefined : this.regions.find(code);
      // where there is no choice nobody is asked
      for (let only = this.regions.below(region?.code ?? null); region?.level !== "village" && only.length === 1 && only[0]!.level !== "village"; only = this.regions.below(region.code)) region = only[0]!;
      if (region?.level === "village") { await this.openVillage(region.code); return; }
      const path = region === undefined ? [] : this.regions.pathTo(region);
      this.store.dispatch({ type: "village", model: null });
      this.store.set({ path, children: this.regions.below(region?.code ?? null), villages: [], plan: null, plans: [], tab: "grids", checked: null });
      if (region?.bbox) this.view?.showBox(region.bbox);
      if (region === undefined) return;
      const plans = await api.plans(region.code);
      this.store.set({ plans });
      const first = plans.find(p => p.status === "live") ?? plans[0];
      if (first !== undefined) await this.choosePlan(first.id);
    });
  }

  async choosePlan(id: string): Promise<void> {
    const { plan, villages } = await api.plan(id);
    const plans = this.state.plans.some(p => p.id === id) ? this.state.plans : [plan, ...this.state.plans];
    this.store.set({ plan, villages, plans, checked: null, compared: null, history: [] });
  }

  /** Another plan for the same place. */
  async switchPlan(id: string): Promise<void> {
    await this.guard(async () => {
      const village = this.state.model?.data.village;
      await this.choosePlan(id);
      if (village !== undefined) await this.openVillage(village);
    });
  }

  async openVillage(code: string): Promise<void> {
    await this.guard(async () => {
      const region = this.regions.find(code);
      if (region !== undefined) this.store.set({ path: this.regions.pathTo(region), children: [] });
      if (this.state.plan === null) {
        const parent = this.state.path.at(-2)?.code ?? code;
        const plans = await api.plans(parent);
        this.store.set({ plans });
        const first = plans.find(p => p.status === "live") ?? plans[0];
        if (first === undefined) return;
        await this.choosePlan(first.id);
      }
      const { plan } = this.state;
      if (plan === null) return;
      const fresh = this.state.model?.data.village !== code;
      this.show(await api.village(plan.id, code));
      if (fresh) this.view?.showVillage();
      const data = this.state.model!.data;
      this.speak(this.t("loadedVillage", { name: data.name, g: data.grids.length, h: data.grids.reduce((s, g) => s + g.households, 0) }));
      await this.loadHistory();
    });
  }

  private show(village: Village): void {
    this.stroke = null;
    this.store.dispatch({ type: "village", model: new Model(village) });
    history.replaceState(null, "", `#/${encodeURIComponent(village.plan.id)}/${village.village}`);
  }

  async reload(): Promise<void> {
    const { plan, model } = this.state;
    if (plan !== null && model !== null) await this.guard(async () => this.show(await api.village(plan.id, model.data.village)));
  }

  async loadHistory(): Promise<void> {
    const { plan } = this.state;
    if (plan === null || plan.status !== "draft") { this.store.set({ history: [] }); return; }
    await this.guard(async () => {
      const entries = await api.history(plan.id);
      if (this.state.plan?.id === plan.id) this.store.set({ history: [...entries].sort((a, b) => b.seq - a.seq) });
    });
  }

  private listen(): void {
    const events = new EventSource("/api/events");
    let soon = 0;
    events.addEventListener("plan", event => {
      const told = JSON.parse((event as MessageEvent<string>).data) as { plan?: string };
      const { plan } = this.state;
      if (plan === null || told.plan !== plan.id) return;
      window.clearTimeout(soon);
      soon = window.setTimeout(() => void this.catchUp(plan.id), 400);
    });
    events.addEventListener("reset", () => void this.reload());
    events.addEventListener("open", () => this.outbox.flush());
  }

  /** Somebody else may have changed the plan: if so and no hand is on it, the new state is shown. */
  private async catchUp(id: string): Promise<void> {
    await this.guard(async () => {
      const { plan } = await api.plan(id);
      const now = this.state;
      const ours = now.plan?.id === id && now.plan.version >= plan.version;
      if (ours || now.plan?.id !== id || now.model === null || this.stroke !== null || now.waiting > 0) return;
      await this.reload();
      await this.loadHistory();
      this.say("info", "updated", { v: plan.version });
    });
  }

  // —— under the hand ——

  /** Begins a stroke into a grid. */
  begin(receiver: number): boolean {
    const { model } = this.state;
    if (model === null || receiver < 0 || this.state.pending !== null) return false;
    this.stroke?.revert();
    this.stroke = new Stroke(model, receiver);
    return true;
  }

  extend(atoms: Iterable<number>): void {
    if (this.stroke === null) return;
    this.stroke.add(atoms);
    this.store.set({ stroke: this.stroke.outcome() });
  }

  /** The cells of the stroke and where they came from. */
  get moved(): ReadonlyMap<number, number> { return this.stroke?.moved ?? new Map<number, number>(); }

  cancel(): void {
    if (this.stroke !== null) {
      this.stroke.revert();
      this.stroke = null;
      this.store.set({ stroke: null, pending: null });
      this.say("info", "cancelled");
    } else if (this.state.selection.size > 0) this.store.dispatch({ type: "select", atoms: [], how: "set" });
    else if (this.state.proposal !== null) this.store.set({ proposal: null });
  }

  /** Takes back what the hand has not let go of. */
  dropStroke(): void { if (this.stroke !== null && this.state.pending === null) this.cancel(); }

  /** The hand lets go. */
  finish(): void {
    const stroke = this.stroke;
    if (stroke === null) return;
    const outcome = stroke.outcome();
    if (stroke.isEmpty) {
      this.stroke = null;
      this.store.set({ stroke: null });
      if (outcome.held > 0) this.say("bad", "heldN", { n: outcome.held });
      return;
    }
    if (outcome.stranded.length > 0) {
      this.store.set({ stroke: outcome, pending: { outcome } });
      this.view?.comeNear(outcome.stranded.flatMap(p => p.atoms));
      this.speak(this.strandedSentence());
      return;
    }
    this.apply("refuse");
  }

  strandedSentence(): string {
    const { model, pending } = this.state;
    const part = pending?.outcome.stranded[0];
    if (model === null || part === undefined) return "";
    const ids = model.buildingIds(part.atoms);
    const grid = this.gridName(part.grid);
    return this.t("strandedPart", { b: ids.length, h: part.households, grid, names: this.some(ids) });
  }

  /** The first names of a list, and how many there are. */
  some(ids: readonly string[], most = 6): string {
    const sep = this.state.lang === "zh" ? "、" : ", ";
    return ids.length <= most ? ids.join(sep) : `${ids.slice(0, most).join(sep)} ${this.t("andMore", { n: ids.length })}`;
  }

  /** P7: gives stranded parts to the grid beside them. */
  giveStranded(): void {
    const stroke = this.stroke;
    if (stroke === null || this.state.pending === null) return;
    for (let round = 0; round < 20; round++) {
      const left = stroke.outcome().stranded.filter(p => p.neighbour >= 0);
      if (left.length === 0 || !left.map(p => stroke.add(p.atoms, p.neighbour)).some(Boolean)) break;
    }
    const outcome = stroke.outcome();
    if (outcome.stranded.length > 0) { this.store.set({ stroke: outcome, pending: { outcome } }); return; }
    this.apply("refuse");
  }

  keepStranded(): void { if (this.state.pending !== null) this.apply("keep_as_draft_problem"); }

  private apply(policy: Policy): void {
    const stroke = this.stroke;
    if (stroke === null) return;
    const operations = stroke.operations(), outcome = stroke.outcome();
    if (operations.length === 0) { this.cancel(); return; }
    const what = this.t("strokeMoved", { grid: this.gridName(stroke.receiver), b: outcome.buildings.length, h: outcome.households });
    this.store.set({ pending: null });
    this.commit(operations, what, policy, () => { stroke.revert(); this.stroke = null; this.store.set({ stroke: null, pending: null }); });
  }

  /** Assigns the selection, or the focused atom, to a grid. */
  assign(grid: number): void {
    const { selection, focus, model } = this.state;
    const atoms = selection.size > 0 ? [...selection] : focus >= 0 ? [focus] : [];
    if (model === null || grid < 0) { this.say("info", "noReceiver"); return; }
    if (atoms.length === 0) { this.setActive(grid); return; }
    if (!this.begin(grid)) return;
    this.extend(atoms);
    if (this.state.stroke?.buildings.length === 0 && this.state.stroke.held === 0) this.say("info", "nothingMoved");
    this.finish();
  }

  /** Opens a tab; the units of a grid are looked at from near. */
  openTab(tab: Tab): void {
    this.store.set({ tab });
    const { model, active } = this.state;
    if (tab !== "units" || model === null || active < 0) return;
    const atoms: number[] = [];
    for (let a = 0; a < model.atoms; a++) if (model.grid[a] === active && model.isLived(a)) atoms.push(a);
    this.view?.showAtoms(atoms);
  }

  speakSelection(): void {
    const { model, selection } = this.state;
    if (model === null) return;
    const h = [...selection].reduce((sum, a) => sum + model.weight[a]!, 0);
    this.speak(this.t("selected", { n: model.buildingIds(selection).length, h }));
  }

  setActive(grid: number): void {
    this.store.set({ active: grid });
    if (grid >= 0) this.speak(this.t("receiverIs", { grid: this.gridName(grid), h: this.state.model?.total[grid] ?? 0 }));
  }

  // —— commits ——

  /** Sends operations as one edit; on a plan in force a draft is offered first. */
  commit(operations: Operation[], what: string, policy: Policy = "refuse", undoPreview: () => void = () => undefined): void {
    const { plan, model } = this.state;
    if (plan === null || model === null) return;
    if (plan.status !== "draft") {
      undoPreview();
      this.afterFork = draft => this.enqueue(draft, operations, what, policy, () => undefined);
      this.store.set({ dialog: { kind: "fork" } });
      return;
    }
    this.enqueue(plan, operations, what, policy, undoPreview);
  }

  private enqueue(plan: Plan, operations: Operation[], what: string, policy: Policy, revert: () => void): void {
    const { model } = this.state;
    if (model === null) return;
    const request: EditRequest = {
      village: model.data.village, base_version: plan.version, operations, policy,
      grid_versions: model.data.grids.map(g => [g.code, g.version]),
    };
    this.stroke = null;
    this.outbox.post({ plan: plan.id, request, key: freshKey(), what, revert });
  }

  private isOpen(parcel: Parcel): boolean {
    return this.state.plan?.id === parcel.plan && this.state.model?.data.village === parcel.request.village;
  }

  private onRefused(parcel: Parcel, refused: Refused): void {
    if (this.isOpen(parcel)) parcel.revert();
    this.store.set({ stroke: null, pending: null });
    if (refused.body.code === "conflict") {
      this.lost = parcel;
      this.store.set({ conflict: refused.body });
    } else this.store.set({ dialog: { kind: "refused", problem: refused.body, what: parcel.what, operations: parcel.request.operations } });
    this.speak(half(this.state.lang, refused.body.detail));
  }

  /** The edit that met another planner's. */
  private lost: Parcel | null = null;

  async settleConflict(how: "mine" | "theirs" | "look"): Promise<void> {
    const parcel = this.lost;
    this.store.set({ conflict: null });
    await this.reload();
    await this.loadHistory();
    if (how === "mine" && parcel !== null) this.commit(parcel.request.operations, parcel.what, parcel.request.policy);
    if (how === "look" && parcel !== null) {
      const { model } = this.state;
      const ids = new Set(parcel.request.operations.flatMap(o => o.operation === "transfer_buildings" ? o.buildings : []));
      const atoms = model?.data.buildings.filter(b => ids.has(b.id)).map(b => b.atom) ?? [];
      this.store.dispatch({ type: "select", atoms, how: "set" });
      if (atoms.length > 0) this.view?.showAtoms(atoms);
    }
    this.lost = null;
  }

  async fork(name: string): Promise<void> {
    const { plan } = this.state;
    if (plan === null) return;
    const then = this.afterFork;
    this.afterFork = null;
    await this.guard(async () => {
      const draft = await api.fork(plan.id, name);
      this.store.set({ dialog: null, plans: [draft, ...this.state.plans] });
      await this.switchPlan(draft.id);
      if (this.state.plan !== null) then?.(this.state.plan);
    });
  }

  async undo(): Promise<void> { await this.step(api.undo, "undone", "nothingToUndo"); }
  async redo(): Promise<void> { await this.step(api.redo, "redone", "nothingToRedo"); }

  private async step(go: typeof api.undo, done: Key, nothing: Key): Promise<void> {
    const { plan } = this.state;
    if (plan === null || plan.status !== "draft" || this.state.waiting > 0) return;
    if (this.stroke !== null) { this.cancel(); return; }
    this.store.set({ busy: true });
    try {
      const { committed } = await go(plan.id);
      await this.reload();
      await this.loadHistory();
      this.say("good", done, { v: committed.version });
    } catch (e) {
      if (e instanceof Refused && (e.status === 409 || e.status === 404 || e.status === 422) && /nothing/.test(e.body.code)) this.say("info", nothing);
      else await this.guard(() => Promise.reject(e as Error));
    } finally {
      this.store.set({ busy: false });
    }
  }

  retry(): void { this.outbox.flush(); if (this.state.waiting === 0) void this.start(); }

  async signIn(name: string, password: string): Promise<void> {
    await this.guard(async () => {
      const who = await api.signIn(name, password);
      const first = this.state.who === null;
      this.store.set({ who, needsSignIn: false });
      if (first) await this.start(); else this.outbox.flush();
    });
  }

  async signOut(): Promise<void> {
    await this.guard(async () => { await api.signOut(); location.reload(); });
  }

  // —— looking round ——

  walkProblems(step: 1 | -1): void {
    const { model } = this.state;
    if (model === null) return;
    const issues = issuesOf(model);
    if (issues.length === 0) { this.say("good", "noProblems"); this.store.set({ problem: -1 }); return; }
    const at = this.state.problem < 0 && step < 0 ? issues.length - 1 : (this.state.problem + step + issues.length) % issues.length;
    this.showProblem(at);
  }

  showProblem(at: number): void {
    const { model } = this.state;
    const issue = model === null ? undefined : issuesOf(model)[at];
    if (model === null || issue === undefined) return;
    const words = issue.hard ? half(this.state.lang, issue.message)
      : this.t("tolerance", { grid: this.gridName(issue.grid), p: percent(model.deviation(issue.grid)) });
    this.store.set({ problem: at, tab: "problems", focus: issue.atoms[0] ?? -1, active: issue.grid >= 0 ? issue.grid : this.state.active });
    if (issue.atoms.length > 0) this.view?.showAtoms(issue.atoms);
    this.speak(this.t("problemAt", { i: at + 1, n: issuesOf(model).length, text: words }));
  }

  // —— the plan as a whole ——

  async propose(operation: Operation, title: string): Promise<void> {
    const { plan, model } = this.state;
    if (plan === null || model === null) return;
    if (plan.status !== "draft") {
      this.afterFork = () => void this.propose(operation, title);
      this.store.set({ dialog: { kind: "fork" } });
      return;
    }
    this.store.set({ busy: true });
    await this.guard(async () => {
      const effect = await api.preview(plan.id, model.data.village, [operation], "refuse");
      this.store.set({ proposal: { effect, title, operation } });
    });
    this.store.set({ busy: false });
  }

  acceptProposal(): void {
    const { proposal } = this.state;
    if (proposal === null) return;
    this.store.set({ proposal: null });
    this.commit([proposal.operation], proposal.title);
  }

  async check(): Promise<void> {
    const { plan } = this.state;
    if (plan === null) return;
    await this.guard(async () => {
      const checked = await api.check(plan.id);
      this.store.set({ checked });
      if (checked.breaches.length === 0) this.say("good", "checkOk", { v: checked.version });
      else this.say("bad", "checkBad", { v: checked.version, n: checked.breaches.length });
    });
  }

  async publish(date: string): Promise<void> {
    const { plan } = this.state;
    if (plan === null) return;
    try {
      await api.publish(plan.id, plan.version, date);
      this.store.set({ dialog: null });
      this.say("good", "published", { date });
      const parent = this.state.path.findLast(r => r.level !== "village");
      await this.guard(async () => {
        if (parent !== undefined) this.store.set({ plans: await api.plans(parent.code) });
        await this.switchPlan(plan.id);
      });
    } catch (e) {
      if (!(e instanceof Refused) || e.body.code !== "not_legal") { await this.guard(() => Promise.reject(e as Error)); return; }
      this.store.set({ dialog: null, tab: "plan", checked: { version: plan.version, breaches: e.body.breaches ?? [] } });
      this.say("bad", "checkBad", { v: plan.version, n: e.body.breaches?.length ?? 0 });
    }
  }

  async generate(wish: Parameters<typeof api.generate>[0]): Promise<void> {
    await this.guard(async () => {
      const job = await api.generate(wish);
      this.store.set({ dialog: { kind: "job" }, job: { id: job, kind: "plan", status: "running", share: 0, stage: "" } });
      this.follow(job);
    });
  }

  private follow(id: string): void {
    window.clearTimeout(this.jobTimer);
    this.jobTimer = window.setTimeout(() => void this.guard(async () => {
      const job = await api.job(id);
      this.store.set({ job });
      if (job.status === "running") { this.follow(id); return; }
      const parent = this.state.path.findLast(r => r.level !== "village");
      if (job.status === "done" && parent !== undefined) this.store.set({ plans: await api.plans(parent.code) });
    }), 400);
  }

  async cancelJob(): Promise<void> {
    const { job } = this.state;
    if (job !== null) await this.guard(async () => { await api.cancelJob(job.id); });
  }

  async compare(other: string): Promise<void> {
    const { plan, model } = this.state;
    const region = this.state.path.at(-1);
    const with_ = this.state.plans.find(p => p.id === other);
    if (plan === null || region === undefined || with_ === undefined) return;
    await this.guard(async () => {
      const villages = await api.compare(other, plan.id, region.code);
      const here = villages.find(v => v.village === model?.data.village);
      this.store.set({
        compared: {
          plan: with_, households: new Set(here?.households_in_other_grid ?? []),
          rows: villages.map(v => ({ village: v.village, grid: v.households_in_other_grid.length, unit: v.households_in_other_unit.length })),
        },
      });
    });
  }

  villageName(code: string): string { return this.regions.find(code)?.name ?? code; }
}
