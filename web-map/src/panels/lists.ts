// Problems to walk through, and the history of the draft.

import type { Entry } from "../api";
import type { App } from "../app";
import { count, listed, when } from "../strings";
import { issuesOf } from "../village/problems";
import { h, type Child } from "./dom";

/** Entries of a history that are shown, the latest first. */
const SHOWN = 200;

export function problemsPanel(app: App): Child[] {
  const { t } = app, { model, problem } = app.state;
  if (model === null) return [h("p", { class: "empty" }, t("pickVillage"))];
  const issues = issuesOf(model);
  if (issues.length === 0) return [h("p", { class: "empty good", testid: "no-problems" }, t("noProblems"))];
  return [
    h("h2", {}, t("problemsN", { n: issues.length })),
    h("p", { class: "quiet" }, t("problemsHint")),
    h("ol", { class: "list", testid: "problems" }, ...issues.map((issue, i) => h("li", {}, h("button", { class: `row${i === problem ? " active" : ""}`, testid: `problem-${i}`, current: i === problem, click: () => app.looks.showProblem(i) },
      h("span", { class: `chip ${issue.hard ? "bad" : ""}` }, issue.hard ? issue.rule : t("soft")),
      h("span", { class: "grow" }, app.looks.wordsOf(issue)))))),
  ];
}

export function historyPanel(app: App): Child[] {
  const { t } = app, { history, model, plan, lang } = app.state;
  /** What was done, each kind of it once; of what lies outside one's area it is only known that there was something. */
  const names = ({ operation }: Entry): string => listed(lang, [...new Set(operation === null ? [t("op_other")] : ("operations" in operation ? operation.operations : [operation]).map(o => t(`op_${o.operation}`)))]);
  return [
    plan === null ? null : h("h2", {}, plan.name, h("span", { class: "quiet" }, ` ${t("version", { v: plan.version })}`)),
    model === null ? null : h("p", { class: "quiet" }, `${t("hash")} `, h("code", { testid: "hash", title: model.data.hash }, model.data.hash.slice(0, 12))),
    plan !== null && plan.status !== "draft" ? h("div", { class: "card" }, h("p", {}, t("forkWhy")), h("button", { testid: "fork", click: () => app.store.set({ dialog: { kind: "fork" } }) }, t("fork"))) : null,
    history.length === 0 ? h("p", { class: "empty" }, t("noHistory")) : h("ol", { class: "list history", testid: "history" }, ...history.slice(0, SHOWN).map(e => h("li", { class: e.undone ? "undone" : "" },
      h("span", { class: "number" }, `#${e.seq}`),
      h("span", { class: "grow" }, e.kind === "edit" ? names(e) : `${t(e.kind)} #${e.target ?? ""} ${names(e)}`, e.grids.length > 0 ? ` ${e.grids.map(g => g.slice(12)).join(" ")}` : ""),
      h("span", { class: "quiet" }, `${e.actor_name ?? e.actor} ${when(lang, e.at)}`), e.undone ? h("span", { class: "chip" }, t("undoneMark")) : null))),
    history.length > SHOWN ? h("p", { class: "quiet" }, t("andMore", { n: count(history.length) })) : null,
  ];
}
