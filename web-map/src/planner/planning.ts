// The plan as a whole: proposals, checks, publication, generation, comparison.

import { api, Refused, type Job, type Operation, type Plan, type ProblemBody } from "../api";
import type { App } from "../app";
import { Model } from "../village/model";
import { colon, half, percent } from "../strings";
import { follow } from "../jobs";

type Wish = Parameters<typeof api.handOut>[0];

/** What concerns a whole plan or needs the solver. */
export class Planning {
  constructor(private readonly app: App) {}

  async propose(operation: Operation, title: string): Promise<void> {
    const { plan, model } = this.app.state;
    if (plan === null || model === null) return;
    if (plan.status !== "draft") {
      this.app.edits.afterFork = () => void this.propose(operation, title);
      this.app.store.set({ dialog: { kind: "fork" } });
      return;
    }
    this.app.store.set({ busy: true });
    await this.app.guard(async () => {
      const effect = await api.preview(plan.id, { village: model.data.village, operations: [operation] });
      if (this.isOpen(plan, model)) this.app.store.set({ proposal: { effect, title, operation } });
    });
    this.app.store.set({ busy: false });
  }

  /** Whether a plan and a village of it are still what is looked at: an answer to a question about others is not shown. */
  private isOpen(plan: Plan, model: Model | null): boolean { return this.app.state.plan?.id === plan.id && this.app.state.model?.data.village === model?.data.village; }

  acceptProposal(): void {
    const { proposal } = this.app.state;
    if (proposal === null) return;
    this.app.store.set({ proposal: null });
    this.app.edits.commit([proposal.operation], proposal.title);
  }

  async check(): Promise<void> {
    const { plan } = this.app.state;
    if (plan === null) return;
    await this.app.guard(async () => {
      const checked = await api.check(plan.id);
      if (this.app.state.plan?.id !== plan.id) return;
      this.app.store.set({ checked });
      if (checked.breaches.length === 0) this.app.say("good", "checkOk", { v: checked.version });
      else this.app.say("bad", "checkBad", { v: checked.version, n: checked.breaches.length });
    });
  }

  async publish(date: string): Promise<void> {
    const { plan } = this.app.state;
    if (plan === null) return;
    try {
      await api.publish(plan.id, plan.version, date);
      this.app.store.set({ dialog: null });
      this.app.say("good", "published", { date });
      const parent = this.app.state.path.findLast(r => r.level !== "village");
      await this.app.guard(async () => {
        if (parent !== undefined) this.app.store.set({ plans: await api.plans(parent.code) });
        await this.app.atlas.switchPlan(plan.id);
      });
    } catch (e) {
      if (e instanceof Refused && e.body.code === "conflict") { await this.tellStale(plan.id, e.body); return; }
      if (!(e instanceof Refused) || e.body.code !== "not_legal") { await this.app.guard(() => Promise.reject(e as Error)); return; }
      this.app.store.set({ dialog: null, tab: "plan", checked: { version: plan.version, breaches: e.body.breaches ?? [] } });
      this.app.say("bad", "checkBad", { v: plan.version, n: e.body.breaches?.length ?? 0 });
    }
  }

  /** Somebody changed the plan, or put another in force, while this one was looked at: what is true now is shown. */
  private async tellStale(id: string, { author, time, current_version }: ProblemBody): Promise<void> {
    this.app.store.set({ dialog: null, tab: "plan" });
    const parent = this.app.state.path.findLast(r => r.level !== "village");
    await this.app.guard(async () => {
      if (parent !== undefined) this.app.store.set({ plans: await api.plans(parent.code) });
      await this.app.atlas.switchPlan(id);
    });
    if (author) this.app.say("bad", "publishOther", { when: time ?? "" }); else this.app.say("bad", "publishStale", { v: current_version ?? "" });
  }

  /** Opens the plan that was in force on a day; the day that one ends is the next one's first. */
  openOf(day: string): void {
    const { app } = this, found = app.atlas.published().find(p => (p.valid_from ?? "") <= day && (p.valid_to === null || day < p.valid_to));
    if (found === undefined) { app.say("bad", "dayNone", { date: day }); return; }
    void app.atlas.switchPlan(found.id).then(() => app.say("info", "dayOpened", { date: day, plan: found.name, span: app.spanOf(found) }));
  }

  async generate(wish: Parameters<typeof api.generate>[0]): Promise<void> {
    await this.app.guard(async () => {
      const job = await api.generate(wish);
      this.app.store.set({ dialog: { kind: "job" }, job: { id: job, kind: "plan", status: "running", share: 0, stage: "", rows: null, bytes: null, result: null, problem: null } });
      const ended = await follow<"plan">(job, now => this.app.store.set({ job: now }));
      const parent = this.app.state.path.findLast(r => r.level !== "village");
      if (ended.status === "done" && parent !== undefined) this.app.store.set({ plans: await api.plans(parent.code) });
    });
    // one that the service no longer knows does not end by itself
    if (this.app.state.job?.status === "running") this.app.store.set({ dialog: null, job: null });
  }

  async cancelJob(): Promise<void> {
    const { job } = this.app.state;
    if (job !== null) await this.app.guard(async () => { await api.cancelJob(job.id); });
  }

  /** Writes the plan that is open into a file, of the village on the table or all of it; answers where the file is. */
  async handOut(layer: Wish["layer"], format: Wish["format"]): Promise<string | undefined> {
    const { app } = this, { plan, model } = app.state;
    return plan === null ? undefined : app.guard(async () => {
      return (await this.ended<"export">(await api.handOut({ layer, format, plan: plan.id, region: model?.data.village ?? plan.region })))?.url;
    });
  }

  /** The plan follows the register: who came, who left; only units that became illegal change. */
  async absorb(): Promise<void> {
    const { app } = this, { plan, path, lang } = app.state, region = path.at(-1);
    if (plan === null || region === undefined) return;
    await app.guard(async () => {
      const done = await this.ended<"absorb">(await api.absorb(plan.id, region.code));
      if (!done) return;
      const sum = (of: keyof typeof done.villages[number]["count"]): number => done.villages.reduce((n, v) => n + v.count[of], 0);
      // whoever went elsewhere meanwhile stays there
      if (app.state.plan?.id === plan.id && app.state.path.at(-1)?.code === region.code) {
        await app.atlas.choosePlan(plan.id);
        if (region.level === "village") await app.atlas.openVillage(region.code);
      }
      const stayed = done.villages.filter(v => v.skipped);
      app.say("good", "absorbed", { a: sum("arrived"), d: sum("departed"), m: sum("others_moved") });
      if (stayed.length > 0) app.say("bad", "notFollowed", { n: stayed.length, why: stayed.map(v => `${app.atlas.villageName(v.village)}${colon(lang)}${half(lang, v.skipped ?? "")}`).join(lang === "zh" ? "；" : "; ") });
    });
  }

  /** What came of a job that a notice tells of. */
  private async ended<K extends "export" | "absorb">(job: string): Promise<Job<K>["result"]> {
    const { app } = this, { result, problem } = await follow<K>(job, now => app.say("info", "share", { p: percent(now.status === "done" ? 1 : now.share, false) }));
    if (problem) app.store.dispatch({ type: "notice", kind: "bad", text: half(app.state.lang, problem.detail) });
    return result;
  }

  async compare(other: string): Promise<void> {
    const { plan, model } = this.app.state;
    const region = this.app.state.path.at(-1);
    const with_ = this.app.state.plans.find(p => p.id === other);
    if (plan === null || region === undefined || with_ === undefined) return;
    await this.app.guard(async () => {
      const villages = await api.compare(other, plan.id, region.code);
      const here = villages.find(v => v.village === model?.data.village);
      const theirs = model === null || here === undefined ? null : new Model(await api.village(other, model.data.village));
      if (this.isOpen(plan, model)) this.app.store.set({
        swipe: 0.5,
        compared: {
          plan: with_, households: new Set(here?.households_in_other_grid ?? []), figures: here?.figures ?? null, model: theirs,
          rows: villages.map(v => ({ village: v.village, ids: v.households_in_other_grid, unit: v.households_in_other_unit.length })),
        },
      });
    });
  }
}
