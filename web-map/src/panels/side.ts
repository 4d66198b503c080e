// The panel beside the map: one tab at a time.

import type { App } from "../app";
import type { MapView } from "../map/map";
import type { Tab } from "../state";
import { issuesOf } from "../village/problems";
import { h, mount } from "./dom";
import { gridsPanel, patchGrids } from "./grids";
import { historyPanel, problemsPanel } from "./lists";
import { planPanel } from "./plan";
import { unitsPanel } from "./units";

const TABS: readonly Tab[] = ["grids", "units", "problems", "history", "plan"];

export function side(app: App, map: MapView, place: HTMLElement): void {
  const { t } = app;
  const tabs = h("div", { class: "tabs", role: "tablist" }), body = h("div", { class: "panel-body", role: "tabpanel", testid: "panel", tabindex: 0, id: "panel" });
  place.append(tabs, body);
  mount(tabs, app, s => [s.tab, s.lang, s.model], () => {
    const { tab, model } = app.state;
    const issues = model === null ? [] : issuesOf(model), hard = issues.filter(i => i.hard).length;
    return TABS.map(name => h("button", {
      role: "tab", testid: `tab-${name}`, selected: tab === name, tabindex: tab === name ? 0 : -1, click: () => app.looks.openTab(name),
      key: e => {
        const step = e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? -1 : 0;
        if (step === 0) return;
        const next = TABS[(TABS.indexOf(name) + step + TABS.length) % TABS.length]!;
        app.looks.openTab(next);
        tabs.querySelector<HTMLElement>(`[data-testid="tab-${next}"]`)?.focus();
      },
    }, t(`tab_${name}`), name === "problems" && issues.length > 0 ? h("span", { class: hard > 0 ? "count" : "chip" }, hard > 0 ? hard : issues.length) : null));
  });
  mount(body, app, s => [s.tab, s.lang, s.model, s.active, s.selection, s.problem, s.history, s.plan, s.plans, s.checked, s.compared, s.children, s.villages, s.going, s.palette], () => {
    body.setAttribute("aria-label", t(`tab_${app.state.tab}`));
    switch (app.state.tab) {
      case "grids": return gridsPanel(app, map);
      case "units": return unitsPanel(app);
      case "problems": return problemsPanel(app);
      case "history": return historyPanel(app);
      case "plan": return planPanel(app);
    }
  });
  app.store.subscribe((now, before) => {
    if (now.stroke === before.stroke || now.tab !== "grids") return;
    const said = new Map(before.stroke?.totals.map(x => [x.grid, x.after])), fresh = new Map(now.stroke?.totals.map(x => [x.grid, x.after]));
    patchGrids(app, body, new Set([...said.keys(), ...fresh.keys()].filter(g => said.get(g) !== fresh.get(g))));
  });
}
