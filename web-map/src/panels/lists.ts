// Problems to walk through, and the history of the draft.

import type { App } from "../app";
import { isKey, when } from "../strings";
import { issuesOf } from "../village/problems";
import { h, type Child } from "./dom";

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
  const names = (operation: unknown): string => {
    const list = Array.isArray(operation) ? operation : [operation];
    const words = list.map(o => {
      const key = `op_${typeof o === "object" && o !== null && "operation" in o ? String(o.operation) : String(o)}`;
      return isKey(key) ? t(key) : t("op_other");
    });
    return [...new Set(words)].join(lang === "zh" ? "、" : ", ");
  };
  return [
    plan === null ? null : h("h2", {}, plan.name, h("span", { class: "quiet" }, ` ${t("version", { v: plan.version })}`)),
    model === null ? null : h("p", { class: "quiet" }, `${t("hash")} `, h("code", { testid: "hash", title: model.data.hash }, model.data.hash.slice(0, 12))),
    plan !== null && plan.status !== "draft" ? h("div", { class: "card" }, h("p", {}, t("forkWhy")), h("button", { testid: "fork", click: () => app.store.set({ dialog: { kind: "fork" } }) }, t("fork"))) : null,
    history.length === 0 ? h("p", { class: "empty" }, t("noHistory")) : h("ol", { class: "list history", testid: "history" }, ...history.map(e => h("li", { class: e.undone ? "undone" : "" },
      h("span", { class: "number" }, `#${e.seq}`),
      h("span", { class: "grow" }, e.kind === "edit" ? names(e.operation) : isKey(e.kind) ? t(e.kind) : names(e.operation), e.grids.length > 0 ? ` ${e.grids.map(g => g.slice(12)).join(" ")}` : ""),
      h("span", { class: "quiet" }, `${e.actor_name ?? e.actor} ${when(lang, e.at)}`), e.undone ? h("span", { class: "chip" }, t("undoneMark")) : null))),
  ];
}
