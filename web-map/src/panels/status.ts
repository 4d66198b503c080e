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
  mount(place, app, s => [s.pending, s.offline, s.waiting, s.proposal, s.conflict, s.aside, s.lang, s.plan, s.model?.data.behind], (): Child[] => {
    const { pending, offline, waiting, proposal, conflict, aside, lang, plan, model } = app.state;
    const behind = model?.data.behind, parts = pending?.outcome.stranded ?? [], by = conflict?.problem;
    const named = (grids: readonly number[]): string => app.some([...new Set(grids)].map(g => app.gridName(g)));
    const elsewhere = proposal?.effect.households_in_other_grid ?? [], takers = parts.map(p => p.neighbour).filter(g => g >= 0);
    return [
      !offline ? null : h("div", { class: "banner bad", role: "alert", testid: "offline" }, h("span", { class: "grow" }, t("offline", { n: waiting })), h("button", { testid: "retry", click: () => app.retry() }, t("retry"))),
      plan !== null && plan.status !== "draft" && model !== null ? h("div", { class: "banner", testid: "read-only" }, h("span", { class: "grow" }, t("readOnly", { status: t(`status_${plan.status}`), span: app.spanOf(plan) })),
        h("button", { testid: "fork-here", click: () => app.store.set({ dialog: { kind: "fork" } }) }, t("fork"))) : null,
      !behind ? null : h("div", { class: "banner bad", role: "alert", testid: "behind" }, h("span", { class: "grow" }, t("behind", { n: count(behind.unassigned.reduce((sum, u) => sum + u.households, 0)), d: count(behind.departed), b: count(behind.buildings_gone) }), plan?.status === "retired" ? "" : t("behindFirst")),
        plan?.status === "retired" ? null : h("button", { class: "primary", testid: "follow", click: () => void app.planning.absorb() }, t("absorb"))),
      parts.length === 0 ? null : h("div", { class: "banner bad", role: "alert", testid: "stranded" },
        h("div", { class: "grow" }, h("strong", {}, t("strandedTitle", { grid: named(parts.map(p => p.grid)) })), ...app.hand.strandedSentences().map(s => h("p", {}, s))),
        h("div", { class: "buttons" },
          takers.length === 0 ? null : h("button", { class: "primary", testid: "stranded-give", click: () => app.hand.giveStranded() }, t("strandedGive", { grid: named(takers) })),
          h("button", { testid: "stranded-keep", click: () => app.hand.keepStranded() }, t("strandedKeep")),
          h("button", { testid: "stranded-cancel", click: () => app.hand.cancel() }, t("strandedCancel")))),
      proposal === null ? null : h("div", { class: "banner", role: "region", label: t("proposal", { what: proposal.title }), testid: "proposal" },
        h("div", { class: "grow" }, h("strong", {}, t("proposal", { what: proposal.title })),
          h("p", {}, t("proposalMoved", { n: count(proposal.effect.moved.grid), u: count(proposal.effect.moved.unit) })),
          elsewhere.length === 0 ? null : h("p", { class: "quiet", testid: "proposal-moved" }, t("proposalWho", { ids: app.some(elsewhere, 12) })),
          figuresTable(app, [t("before"), t("after")], [proposal.effect.before, proposal.effect.after]),
          ...[...proposal.effect.notes, ...proposal.effect.problems.map(p => p.message)].slice(0, 6).map(n => h("p", { class: "quiet" }, half(lang, n)))),
        h("div", { class: "buttons" }, h("button", { class: "primary", testid: "accept", click: () => app.planning.acceptProposal() }, t("accept")), h("button", { testid: "drop", click: () => app.store.set({ proposal: null }) }, t("drop")))),
      conflict === null || by === undefined ? null : h("div", { class: "banner bad", role: "alert", testid: "conflict" },
        h("div", { class: "grow" }, h("strong", {}, t("conflictTitle")), h("p", {}, (by.grids ?? []).length === 0 ? t("conflictPlan", { v: by.current_version ?? "" })
          : t("conflictWhat", { who: by.author_name ?? by.author ?? "?", when: when(lang, by.time ?? "?"), grids: app.some(by.grids!.map(g => g.slice(12))) }), " ", t("notStored", { what: conflict.parcel.what })),
          waiting === 0 ? null : h("p", { testid: "conflict-behind" }, t("conflictBehind", { n: waiting }))),
        h("div", { class: "buttons" },
          h("button", { testid: "conflict-mine", click: () => void app.edits.settleConflict("mine") }, t("conflictMine")),
          h("button", { testid: "conflict-theirs", click: () => void app.edits.settleConflict("theirs") }, t("conflictTheirs")),
          h("button", { testid: "conflict-look", click: () => void app.edits.settleConflict("look") }, t("conflictLook")))),
      ...aside.map((lost, i) => h("div", { class: "banner", role: "region", label: lost.parcel.what, testid: `aside-${i}` },
        h("p", { class: "grow" }, t("notStored", { what: lost.parcel.what })),
        h("div", { class: "buttons" },
          h("button", { testid: `aside-again-${i}`, click: () => app.edits.settleAside(lost, true) }, t("conflictMine")),
          h("button", { testid: `aside-drop-${i}`, click: () => app.edits.settleAside(lost, false) }, t("drop"))))),
    ];
  });
}
