// What the hand is doing, in numbers; what went well or wrong; what a screen reader hears.

import type { App } from "../app";
import { colon, count, half, when } from "../strings";
import { h, mount, type Child } from "./dom";
import { figuresTable } from "./figures";

/** How long a message stays, ms. */
const STAYS_MS = 6_000;

export function statusbar(app: App, place: HTMLElement): void {
  const { t } = app;
  const live = h("div", { class: "live", testid: "live" }), notice = h("div", { class: "notices" }), spoken = h("div", { class: "spoken", live: "polite", testid: "spoken", role: "status" });
  place.append(live, notice, spoken);
  const hint = (): string => {
    const { tool, active, model } = app.state;
    if (model === null) return t("pickVillage");
    if (tool === "brush") return active >= 0 ? t("hint_brush", { grid: app.gridName(active) }) : t("hint_brushNone");
    return t(`hint_${tool}`);
  };
  mount(live, app, s => [s.stroke, s.tool, s.active, s.model, s.lang], (): Child[] => {
    const { stroke } = app.state;
    if (stroke === null || (stroke.buildings.length === 0 && stroke.held === 0)) return [h("span", { class: "quiet" }, hint())];
    const many = stroke.units.length;
    return [
      h("span", { class: "totals", testid: "stroke-totals" }, stroke.totals.map(x => `${count(x.before)} → ${count(x.after)}`).join(" | ")),
      h("span", { class: "quiet" }, `${t("unit_h")} · ${stroke.totals.map(x => app.gridName(x.grid)).join(" | ")}`),
      h("span", { testid: "stroke-units", title: stroke.units.map(u => u.slice(12)).join(" ") }, t("unitsTouched", { n: many }), many > 0 && many <= 6 ? `${colon(app.state.lang)}${stroke.units.map(u => `${u.slice(12, 15)}-${u.slice(15)}`).join(" ")}` : ""),
      h("span", { class: "quiet" }, t("buildingsN", { n: stroke.buildings.length }), " ", t("householdsN", { n: count(stroke.households) })),
      stroke.held > 0 ? h("span", { class: "chip" }, t("heldN", { n: stroke.held })) : null,
    ];
  });
  let timer = 0;
  mount(notice, app, s => [s.notice], (): Child[] => {
    const now = app.state.notice;
    window.clearTimeout(timer);
    if (now === null) return [];
    timer = window.setTimeout(() => app.store.set({ notice: null }), STAYS_MS);
    return [h("span", { class: `notice ${now.kind}`, testid: "notice" }, now.text)];
  });
  mount(spoken, app, s => [s.spoken], () => [app.state.spoken]);
}

/** Over the map: what waits for an answer of the planner, and what is wrong with the line. */
export function banners(app: App, place: HTMLElement): void {
  const { t } = app;
  mount(place, app, s => [s.pending, s.offline, s.waiting, s.proposal, s.conflict, s.lang, s.plan], (): Child[] => {
    const { pending, offline, waiting, proposal, conflict, lang, plan, model } = app.state;
    const part = pending?.outcome.stranded[0];
    return [
      !offline ? null : h("div", { class: "banner bad", role: "alert", testid: "offline" }, h("span", { class: "grow" }, t("offline", { n: waiting })), h("button", { testid: "retry", click: () => app.retry() }, t("retry"))),
      plan !== null && plan.status !== "draft" && model !== null ? h("div", { class: "banner", testid: "read-only" }, h("span", { class: "grow" }, t("readOnly", { status: t(`status_${plan.status}`), span: app.spanOf(plan) })),
        h("button", { testid: "fork-here", click: () => app.store.set({ dialog: { kind: "fork" } }) }, t("fork"))) : null,
      part === undefined ? null : h("div", { class: "banner bad", role: "alert", testid: "stranded" },
        h("div", { class: "grow" }, h("strong", {}, t("strandedTitle", { grid: app.gridName(part.grid) })), h("p", {}, app.hand.strandedSentence())),
        h("div", { class: "buttons" },
          part.neighbour < 0 ? null : h("button", { class: "primary", testid: "stranded-give", click: () => app.hand.giveStranded() }, t("strandedGive", { grid: app.gridName(part.neighbour) })),
          h("button", { testid: "stranded-keep", click: () => app.hand.keepStranded() }, t("strandedKeep")),
          h("button", { testid: "stranded-cancel", click: () => app.hand.cancel() }, t("strandedCancel")))),
      proposal === null ? null : h("div", { class: "banner", role: "region", label: t("proposal", { what: proposal.title }), testid: "proposal" },
        h("div", { class: "grow" }, h("strong", {}, t("proposal", { what: proposal.title })),
          h("p", {}, t("proposalMoved", { n: count(proposal.effect.moved.grid), u: count(proposal.effect.moved.unit) })),
          figuresTable(app, [t("before"), t("after")], [proposal.effect.before, proposal.effect.after]),
          ...[...proposal.effect.notes, ...proposal.effect.problems.map(p => p.message)].slice(0, 6).map(n => h("p", { class: "quiet" }, half(lang, n)))),
        h("div", { class: "buttons" }, h("button", { class: "primary", testid: "accept", click: () => app.planning.acceptProposal() }, t("accept")), h("button", { testid: "drop", click: () => app.store.set({ proposal: null }) }, t("drop")))),
      conflict === null ? null : h("div", { class: "banner bad", role: "alert", testid: "conflict" },
        h("div", { class: "grow" }, h("strong", {}, t("conflictTitle")), h("p", {}, (conflict.grids ?? []).length === 0 ? t("conflictPlan", { v: conflict.current_version ?? "" })
          : t("conflictWhat", { who: conflict.author_name ?? conflict.author ?? "?", when: when(lang, conflict.time ?? "?"), grids: app.some(conflict.grids!.map(g => g.slice(12))) }))),
        h("div", { class: "buttons" },
          h("button", { testid: "conflict-mine", click: () => void app.edits.settleConflict("mine") }, t("conflictMine")),
          h("button", { testid: "conflict-theirs", click: () => void app.edits.settleConflict("theirs") }, t("conflictTheirs")),
          h("button", { testid: "conflict-look", click: () => void app.edits.settleConflict("look") }, t("conflictLook")))),
    ];
  });
}
