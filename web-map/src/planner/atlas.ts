// Which region, plan and village are open.

import { api, Refused, type Plan, type Region, type Village } from "../api";
import type { App } from "../app";
import { Regions } from "../regions";
import { count } from "../strings";
import { Model } from "../village/model";

/** Where we are. */
export class Atlas {
  private regions = new Regions([]);
  /** Counts how often the planner went somewhere: an answer that comes after he went elsewhere is not shown. */
  private turn = 0;

  constructor(private readonly app: App) {}

  /** Reads the regions and opens what the address names, or the top. */
  async begin(): Promise<void> {
    await this.arriving(() => this.arrive());
  }

  /** What fails on the way leaves it said that nothing was read, until it is. */
  private async arriving(work: () => Promise<void>): Promise<void> {
    try { await work(); } catch (e) { if (this.app.state.going) this.app.store.set({ going: null }); throw e; }
  }

  /** Reads what could not be read before. */
  again(): void {
    const { going, path } = this.app.state;
    if (going !== null) return;
    this.app.store.set({ going: true });
    void (path.length === 0 ? this.app.guard(() => this.begin()) : this.refresh());
  }

  private async arrive(): Promise<void> {
    this.regions = new Regions(await api.regions());
    const [, plan, village] = /^#\/([^/]+)(?:\/(\d{12}))?$/.exec(location.hash) ?? [];
    const known = village === undefined ? undefined : this.regions.find(village);
    if (plan !== undefined && known !== undefined) await this.restore(decodeURIComponent(plan), known);
    else await this.chooseRegion(null);
  }

  private async restore(plan: string, village: Region): Promise<void> {
    const path = this.regions.pathTo(village);
    this.app.store.set({ path, children: this.regions.below(village.code) });
    const parent = path.at(-2) ?? village;
    this.app.store.set({ plans: await api.plans(parent.code) });
    try {
      await this.choosePlan(plan);
      await this.openVillage(village.code);
    } catch (e) {
      if (!(e instanceof Refused)) throw e;
      await this.chooseRegion(parent.code);
    }
  }

  /** Regions below one, or at the top. */
  below(code: string | null): Region[] { return this.regions.below(code); }

  async chooseRegion(code: string | null): Promise<void> {
    await this.app.guard(() => this.arriving(async () => {
      const region = this.regions.descend(code), turn = ++this.turn;
      if (region?.level === "village") { await this.openVillage(region.code); return; }
      const path = region === undefined ? [] : this.regions.pathTo(region);
      this.app.store.dispatch({ type: "village", model: null });
      this.app.store.set({ path, children: this.regions.below(region?.code ?? null), villages: [], plan: null, plans: [], tab: "grids", checked: null, going: region !== undefined });
      if (region?.bbox) this.app.view?.showBox(region.bbox);
      if (region === undefined) return;
      await this.choosePlanOf(region.code, turn);
    }));
  }

  /** The plan in force of a place, or its latest. */
  private async choosePlanOf(region: string, turn: number): Promise<void> {
    const plans = await api.plans(region);
    if (turn !== this.turn) return;
    const first = plans.find(p => p.status === "live") ?? plans[0];
    this.app.store.set({ plans, going: first !== undefined });
    if (first !== undefined) await this.choosePlan(first.id);
  }

  async choosePlan(id: string): Promise<void> {
    const { turn } = this, { plan, villages } = await api.plan(id);
    if (turn !== this.turn) return;
    const plans = this.app.state.plans.some(p => p.id === id) ? this.app.state.plans : [plan, ...this.app.state.plans];
    this.app.store.set({ plan, villages, plans, checked: null, compared: null, history: [], going: false });
  }

  /** Another plan for the same place. */
  async switchPlan(id: string): Promise<void> {
    await this.app.guard(async () => {
      const village = this.app.state.model?.data.village, turn = ++this.turn;
      await this.choosePlan(id);
      if (village !== undefined && turn === this.turn) await this.openVillage(village);
    });
  }

  /** Plans that are or were in force here, the latest first. */
  published(): Plan[] {
    return this.app.state.plans.filter(p => p.status !== "draft" && p.valid_from !== null).sort((a, b) => (b.valid_from ?? "").localeCompare(a.valid_from ?? "") || b.region.length - a.region.length);
  }

  async openVillage(code: string): Promise<void> {
    await this.app.guard(() => this.arriving(async () => {
      const region = this.regions.find(code), turn = ++this.turn;
      if (region !== undefined) this.app.store.set({ path: this.regions.pathTo(region), children: [], going: this.app.state.plan === null });
      if (this.app.state.plan === null) await this.choosePlanOf(this.app.state.path.at(-2)?.code ?? code, turn);
      const { plan } = this.app.state;
      if (plan === null || turn !== this.turn) return;
      const village = await api.village(plan.id, code), fresh = this.app.state.model?.data.village !== code;
      if (turn !== this.turn) return;
      this.show(village);
      if (fresh) this.app.view?.showVillage();
      const data = this.app.state.model!.data;
      this.app.speak(this.app.t("loadedVillage", { name: data.name ?? data.village, g: data.grids.length, h: data.buildings.reduce((s, b) => s + b.households, 0) }));
      await this.app.edits.loadHistory();
    }));
  }

  /** Puts a village on the table. */
  show(village: Village): void {
    const model = new Model(village), isAsked = this.app.state.pending !== null;
    this.app.store.dispatch({ type: "village", model });
    this.app.hand.carry(model, isAsked);
    history.replaceState(null, "", `#/${encodeURIComponent(village.plan.id)}/${village.village}`);
  }

  async reload(): Promise<void> {
    const { turn } = this, { plan, model } = this.app.state;
    if (plan !== null && model !== null) await this.app.guard(async () => {
      const village = await api.village(plan.id, model.data.village);
      if (turn === this.turn) this.show(village);
    });
  }

  /** The register has changed: regions, plans and the village on the table are read again. */
  async refresh(): Promise<void> {
    await this.app.guard(async () => {
      await this.arriving(async () => { this.regions = new Regions(await api.regions()); });
      const here = this.app.state.path.at(-1);
      if (this.app.state.model !== null) await this.reload(); else await this.chooseRegion(here?.code ?? null);
    });
  }

  /** Grids in force and their households, as one line. */
  figures(code: string): string | null {
    const sum = this.regions.figures(code);
    return sum === null ? null : `${this.app.t("householdsN", { n: count(sum.households) })} · ${this.app.t("gridsN", { n: count(sum.grids) })}`;
  }

  villageName(code: string): string { return this.regions.find(code)?.name ?? code; }
}
