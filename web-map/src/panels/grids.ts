// The list of grids with households, target and deviation; what can be done to the chosen one.

import type { App } from "../app";
import type { MapView } from "../map/map";
import { count, percent } from "../strings";
import { neighbours } from "../village/colouring";
import { field, h, type Child } from "./dom";
import { icon } from "./icons";

/** Share of the tolerance at which a bar is full. */
const FULL = 2;

export function swatch(map: MapView, grid: number): HTMLElement {
  const made = h("span", { class: "swatch" });
  made.style.backgroundColor = map.village.colourOf(grid);
  return made;
}

function deviationCell(app: App, grid: number): HTMLElement {
  const cell = h("td", { class: "number deviation" });
  fillDeviation(app, grid, cell);
  return cell;
}

function fillDeviation(app: App, grid: number, cell: HTMLElement): void {
  const { model } = app.state;
  if (model === null) return;
  const d = model.deviation(grid), { tolerance } = model.data.rules.grid;
  const out = d !== null && Math.abs(d) > tolerance + 1e-9;
  cell.classList.toggle("out", out);
  if (d === null) {
    cell.replaceChildren(model.data.grids[grid]?.kind === "dedicated" ? h("span", { class: "chip" }, app.t("dedicated")) : "—");
    return;
  }
  const bar = h("span", { class: "bar" }, h("span", { class: d < 0 ? "under" : "over" }));
  const share = Math.min(Math.abs(d) / Math.max(tolerance * FULL, 1e-9), 1);
  (bar.firstElementChild as HTMLElement).style.width = `${(share * 50).toFixed(1)}%`;
  cell.replaceChildren(bar, h("span", {}, percent(d)));
}

/** New totals of a stroke, in the rows concerned only. */
export function patchGrids(app: App, place: HTMLElement, grids: Iterable<number>): void {
  const { model } = app.state, lines = place.querySelector<HTMLTableSectionElement>(".grids tbody")?.rows;
  if (model === null || lines === undefined) return;
  for (const g of grids) {
    const line = lines[g];
    const households = line?.querySelector<HTMLElement>(".households"), deviation = line?.querySelector<HTMLElement>(".deviation");
    if (households) households.textContent = count(model.total[g]!);
    if (deviation) fillDeviation(app, g, deviation);
    const before = model.data.grids[g]!.households;
    line?.classList.toggle("changing", before !== model.total[g]);
  }
}

/** Something could not be read. */
const unread = (app: App): Child[] => [h("p", { class: "empty", testid: "not-read" }, app.t("notRead")), h("button", { testid: "again", click: () => app.atlas.again() }, app.t("retry"))];

function villageList(app: App): Child[] {
  const { t } = app, { children, plan, path, going } = app.state;
  if (going !== false && path.length === 0) return going ? [h("p", { class: "quiet" }, t("loading"))] : unread(app);
  if (children.length === 0 && path.length === 0) return [h("p", { class: "empty" }, t("noRegions")), h("button", { class: "primary", testid: "import-first", click: () => app.intake.open() }, t("import"))];
  return [
    h("h2", {}, path.at(-1)?.name ?? t("allRegions")),
    going === null ? h("div", {}, ...unread(app)) : plan === null && path.length > 0 ? h("p", { class: "empty" }, t(going ? "loading" : "noPlans")) : h("p", { class: "quiet" }, t("pickVillage")),
    h("ul", { class: "list" }, ...children.map(r => {
      const figures = app.atlas.figures(r.code);
      return h("li", {}, h("button", { testid: `village-${r.code}`, class: "row", click: () => void app.atlas.chooseRegion(r.code) },
        h("span", { class: "grow" }, r.name), figures === null ? null : h("span", { class: "number" }, figures)));
    })),
  ];
}

export function gridsPanel(app: App, map: MapView): Child[] {
  const { t } = app, { model, active, selection } = app.state;
  if (model === null) return villageList(app);
  const { data } = model, rule = data.rules.grid, f = data.figures;
  const target = data.grids.find(g => g.target !== null)?.target ?? null;
  const chosen = [...selection].reduce((sum, a) => sum + model.weight[a]!, 0);
  return [
    h("h2", {}, data.name, h("span", { class: "quiet" }, ` ${data.village}`)),
    h("p", { class: "facts" },
      h("span", {}, t("householdsN", { n: count(model.weight.reduce((a, b) => a + b, 0)) })), h("span", {}, t("gridsN", { n: data.grids.length })),
      h("span", {}, t("unitsN", { n: count(data.units.length) })), target === null ? null : h("span", {}, t("largestDeviation", { p: percent(f.deviation, false) })),
      h("span", {}, t("compactness", { n: f.mean_polsby_popper?.toFixed(2) ?? "—" }))),
    target === null ? h("p", { class: "quiet", testid: "no-target" }, t("noTarget")) : h("p", { class: "quiet" }, t("meanTarget", { n: count(Math.round(target * 10) / 10), p: percent(rule.tolerance, false) })),
    h("table", { class: "grids", testid: "grids" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "key" }, t("key")), h("th", { scope: "col" }, t("code")), h("th", { scope: "col", class: "number sum" }, t("households")),
        target === null ? null : h("th", { scope: "col", class: "number aim" }, t("target")),
        target === null ? h("td", { class: "kind" }) : h("th", { scope: "col", class: "number off" }, t("deviation")))),
      h("tbody", {}, ...data.grids.map((g, i) => h("tr", { class: i === active ? "active" : "", testid: `grid-${g.code}`, click: () => app.looks.setActive(i === active ? -1 : i) },
        h("td", { class: "key" }, i < 9 ? String(i + 1) : ""),
        h("td", {}, h("button", { class: "plain", testid: `pick-${g.code}`, pressed: i === active, title: `${g.code} ${g.name}` },
          swatch(map, i), h("span", {}, g.code.slice(12)), g.name === "" ? null : h("span", { class: "name" }, g.name), g.locked ? h("span", { title: t("locked"), class: "mark" }, icon("lock")) : null)),
        h("td", { class: "number households" }, count(model.total[i]!)),
        target === null ? null : h("td", { class: "number" }, g.target === null || g.kind !== "base" ? "—" : count(Math.round(g.target))),
        target === null ? h("td", { class: "number" }, g.kind === "dedicated" ? h("span", { class: "chip" }, t("dedicated")) : null) : deviationCell(app, i))))),
    selection.size === 0 ? null : h("div", { class: "card", testid: "selection" },
      h("p", {}, t("selected", { n: model.buildingIds(selection).length, h: count(chosen) })),
      h("div", { class: "buttons" },
        h("button", { class: "primary", testid: "assign", disabled: active < 0, click: () => app.hand.assign(active) },
          active < 0 ? t("noReceiver") : t("assign", { n: model.buildingIds(selection).length, grid: app.gridName(active) })),
        h("button", { testid: "lock-buildings", click: () => lockBuildings(app, "lock") }, t("lockBuildings")),
        h("button", { testid: "unlock-buildings", click: () => lockBuildings(app, "unlock") }, t("unlockBuildings")),
        h("button", { testid: "clear", click: () => app.store.dispatch({ type: "select", atoms: [], how: "set" }) }, t("clear"))),
      h("form", { class: "inline", submit: e => { e.preventDefault(); dedicate(app, field(e.target as HTMLFormElement, "name")); } },
        h("input", { name: "name", label: t("dedicateName"), hint: t("dedicateName"), maxlength: 60, required: true, testid: "dedicate-name" }),
        h("button", { testid: "dedicate", type: "submit" }, t("dedicate")))),
    active < 0 ? null : gridCard(app, active),
    h("div", { class: "buttons" },
      h("button", { testid: "rebalance", click: () => void app.planning.propose({ operation: "rebalance", grids: [], seed: 1 }, t("rebalance")) }, t("rebalance")),
      h("button", { testid: "lock-all", click: () => app.edits.commit([{ operation: "lock", target: "all" }], t("lockAll")) }, t("lockAll")),
      h("button", { testid: "unlock-all", click: () => app.edits.commit([{ operation: "unlock", target: "all" }], t("unlockAll")) }, t("unlockAll"))),
  ];
}

function lockBuildings(app: App, operation: "lock" | "unlock"): void {
  const { model, selection } = app.state;
  if (model === null) return;
  app.edits.commit(model.buildingIds(selection).map(building => ({ operation, target: { building } })), app.t(operation === "lock" ? "lockBuildings" : "unlockBuildings"));
}

function dedicate(app: App, name: string): void {
  const { model, selection } = app.state;
  if (model === null || name === "") return;
  app.edits.commit([{ operation: "create_dedicated", buildings: model.buildingIds(selection), name }], `${app.t("dedicate")} ${name}`);
}

function gridCard(app: App, active: number): Child {
  const { t } = app, { model } = app.state;
  const grid = model?.data.grids[active];
  if (model === null || grid === undefined) return null;
  const { code } = grid, name = app.gridName(active);
  const beside = [...neighbours(model)[active] ?? []].filter(g => model.data.grids[g]?.kind === "base").sort((a, b) => a - b);
  const form = (testid: string, word: string, act: (form: HTMLFormElement) => void, ...inputs: Child[]): Child =>
    h("form", { class: "inline", submit: e => { e.preventDefault(); act(e.target as HTMLFormElement); } }, ...inputs, h("button", { testid, type: "submit" }, word));
  return h("div", { class: "card", testid: "grid-card" },
    h("h3", {}, name, h("span", { class: "quiet" }, ` ${code}`)),
    h("p", { class: "facts" }, h("span", {}, t("householdsN", { n: count(model.total[active]!) })), h("span", {}, t("buildingsN", { n: count(grid.buildings) })),
      grid.persons === null ? null : h("span", {}, t("personsN", { n: count(grid.persons) }))),
    h("div", { class: "buttons" },
      h("button", { testid: "lock-grid", click: () => app.edits.commit([{ operation: grid.locked ? "unlock" : "lock", target: { grid: code } }], `${t(grid.locked ? "unlock" : "lock")} ${name}`) },
        icon(grid.locked ? "unlock" : "lock"), t(grid.locked ? "unlock" : "lock")),
      h("button", { testid: "to-units", click: () => app.looks.openTab("units") }, t("tab_units")),
      grid.kind !== "dedicated" ? null : h("button", { testid: "retire", click: () => app.edits.commit([{ operation: "retire_dedicated", grid: code }], `${t("retire")} ${name}`) }, t("retire"))),
    form("rename", t("rename"), f => app.edits.commit([{ operation: "rename", grid: code, name: field(f, "name") }], `${t("rename")} ${code.slice(12)}`),
      h("input", { name: "name", label: t("name"), hint: t("name"), value: grid.name, maxlength: 60, testid: "rename-name" })),
    grid.kind !== "base" ? null : form("split", t("splitCount"), f => void app.planning.propose({ operation: "split_grid", grid: code, by: { count: Number(field(f, "count")) } }, `${t("splitCount")} ${name}`),
      h("span", { class: "quiet" }, t("splitInto")), h("input", { name: "count", type: "number", min: 2, max: 9, value: "2", label: t("splitInto"), title: t("splitInto"), testid: "split-count" })),
    grid.kind !== "base" || beside.length === 0 ? null : form("merge", t("merge"), f => void app.planning.propose({ operation: "merge_grids", grids: [code, field(f, "with")] }, `${t("merge")} ${name}`),
      h("span", { class: "quiet" }, t("mergeWith")), h("select", { name: "with", label: t("mergeWith"), title: t("mergeWith"), testid: "merge-with" },
        ...beside.map(g => h("option", { value: model.data.grids[g]!.code }, app.gridName(g))))));
}
