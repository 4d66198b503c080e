// Figures of a village side by side.

import type { Figures } from "../api";
import type { App } from "../app";
import { count, percent } from "../strings";
import { h } from "./dom";

export function figuresTable(app: App, heads: readonly [string, string], figures: readonly [Figures, Figures]): HTMLElement {
  // where no grid has a target, no deviation is a fault
  const isBalanced = app.state.model?.data.grids.some(g => g.target !== null) ?? true;
  const rows = [
    ["figure_deviation", (f: Figures) => isBalanced ? percent(f.deviation, false) : "—"],
    ["figure_pp", (f: Figures) => f.mean_polsby_popper?.toFixed(3) ?? "—"],
    ["figure_grids", (f: Figures) => count(f.base_grids)],
    ["figure_units", (f: Figures) => count(f.units)],
    ["figure_exc", (f: Figures) => count(f.households_in_exceptions)],
  ] as const;
  return h("table", { class: "figures" },
    h("thead", {}, h("tr", {}, h("th", {}, ""), ...heads.map(word => h("th", { scope: "col" }, word)))),
    h("tbody", {}, ...rows.map(([key, show]) => h("tr", {}, h("th", { scope: "row" }, app.t(key)), ...figures.map(f => h("td", { class: "number" }, show(f)))))));
}
