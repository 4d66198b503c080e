// What is looked at: a grid, a tab, one problem after the other.

import type { App } from "../app";
import type { Tab } from "../state";
import { half, percent } from "../strings";
import { type Issue, issuesOf } from "../village/problems";

/** Looking round without changing the plan. */
export class Looks {
  constructor(private readonly app: App) {}

  /** Opens a tab; the units of a grid are looked at from near. */
  openTab(tab: Tab): void {
    this.app.store.set({ tab });
    const { model, active } = this.app.state;
    if (tab !== "units" || model === null || active < 0) return;
    const atoms: number[] = [];
    for (let a = 0; a < model.atoms; a++) if (model.grid[a] === active && model.isLived(a)) atoms.push(a);
    this.app.view?.showAtoms(atoms);
  }

  speakSelection(): void {
    const { model, selection } = this.app.state;
    if (model === null) return;
    const h = [...selection].reduce((sum, a) => sum + model.weight[a]!, 0);
    this.app.speak(this.app.t("selected", { n: model.buildingIds(selection).length, h }));
  }

  setActive(grid: number): void {
    this.app.store.set({ active: grid });
    if (grid >= 0) this.app.speak(this.app.t("receiverIs", { grid: this.app.gridName(grid), h: this.app.state.model?.total[grid] ?? 0 }));
  }

  /** A problem in a sentence: whose it is, what, and which buildings or households it names. */
  wordsOf(issue: Issue): string {
    const { model, lang } = this.app.state;
    if (!issue.hard) return this.app.t("tolerance", { grid: this.app.gridName(issue.grid), p: percent(model?.deviation(issue.grid) ?? null) });
    const grid = issue.grid < 0 ? "" : this.app.gridName(issue.grid);
    const code = model?.data.grids[issue.grid]?.code, named = issue.ids.filter(id => id !== code);
    const ids = named.length > 0 ? named : issue.rule === "H3" && model !== null ? model.buildingIds(issue.atoms) : [];
    const what = half(lang, issue.message);
    return this.app.t(ids.length > 0 ? "problemWithIds" : "problemOf", { grid, what, ids: this.app.some(ids, 4) });
  }

  walkProblems(step: 1 | -1): void {
    const { model } = this.app.state;
    if (model === null) return;
    const issues = issuesOf(model);
    if (issues.length === 0) { this.app.say("good", "noProblems"); this.app.store.set({ problem: -1 }); return; }
    const at = this.app.state.problem < 0 && step < 0 ? issues.length - 1 : (this.app.state.problem + step + issues.length) % issues.length;
    this.showProblem(at);
  }

  showProblem(at: number): void {
    const { model } = this.app.state;
    const issue = model === null ? undefined : issuesOf(model)[at];
    if (model === null || issue === undefined) return;
    const words = this.wordsOf(issue);
    this.app.store.set({ problem: at, troubled: issue.rule === "H3" || issue.rule === "H4" ? issue.atoms : [], tab: "problems", focus: issue.atoms[0] ?? -1, active: issue.grid >= 0 ? issue.grid : this.app.state.active });
    if (issue.atoms.length > 0) this.app.view?.showAtoms(issue.atoms);
    this.app.speak(this.app.t("problemAt", { i: at + 1, n: issuesOf(model).length, text: words }));
  }
}
