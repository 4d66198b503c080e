// Ten-household units of the chosen grid: members, leader and deputies, and moving a household.

import type { UnitRow } from "../api";
import type { App } from "../app";
import { half } from "../strings";
import { field, h, type Child } from "./dom";

const opened = new Set<string>();

export function unitsPanel(app: App): Child[] {
  const { t } = app, { model, active } = app.state;
  const grid = model?.data.grids[active];
  if (model === null || grid === undefined) return [h("p", { class: "empty" }, t("pickGridFirst"))];
  const { data } = model, { min, max, deputies } = data.rules.unit;
  const members = new Map<number, string[]>(), candidates = new Set<string>();
  for (const [id, , u, may] of data.households) {
    (members.get(u) ?? members.set(u, []).get(u)!).push(id);
    if (may) candidates.add(id);
  }
  const units = data.units.map((unit, i) => ({ unit, i })).filter(({ unit }) => unit.code.startsWith(grid.code));
  return [
    h("h2", {}, t("unitsOf", { grid: app.gridName(active) })),
    h("p", { class: "quiet" }, t("sizeRule", { min, max, d: deputies }), " · ", t("unitsN", { n: units.length })),
    units.length === 0 ? h("p", { class: "empty" }, t("noUnits")) : null,
    ...units.map(({ unit, i }) => unitCard(app, unit, members.get(i) ?? [], candidates, units.map(u => u.unit))),
    h("div", { class: "buttons" }, h("button", { testid: "reform", click: () => void app.planning.propose({ operation: "reform_units", grid: grid.code, seed: 1 }, `${t("reform")} ${app.gridName(active)}`) }, t("reform"))),
  ];
}

function unitCard(app: App, unit: UnitRow, members: readonly string[], candidates: ReadonlySet<string>, all: readonly UnitRow[]): HTMLElement {
  const { t } = app;
  const { min, max, deputies } = app.state.model!.data.rules.unit;
  const out = unit.exception === null && (unit.households < min || unit.households > max);
  const short = unit.code.slice(15);
  // the people decide: whoever is no candidate stands last and is said to be none
  const offered = [...members].sort((a, b) => Number(candidates.has(b)) - Number(candidates.has(a)));
  const pick = (name: string, label: string, chosen: string | null): HTMLElement => h("label", {}, h("span", {}, label),
    h("select", { name, testid: `${name}-${unit.code}`, disabled: unit.officers_locked }, h("option", { value: "" }, t("noLeader")),
      ...offered.map(m => h("option", { value: m, selected: m === chosen }, candidates.has(m) ? m : t("noCandidate", { id: m })))));
  return h("details", {
    class: `card unit${out ? " out" : ""}`, testid: `unit-${unit.code}`, open: opened.has(unit.code),
    toggle: e => { if ((e.target as HTMLDetailsElement).open) opened.add(unit.code); else opened.delete(unit.code); },
  },
  h("summary", {}, h("strong", {}, short), h("span", { class: "number" }, t("householdsN", { n: unit.households })),
    h("span", { class: "quiet grow" }, `${t("leader")} ${unit.leader ?? t("noLeader")}`),
    unit.locked ? h("span", { class: "chip" }, t("locked")) : null, out ? h("span", { class: "chip bad" }, t("outOfSize")) : null),
  unit.exception === null ? null : h("p", { class: "quiet" }, t("exception", { why: half(app.state.lang, unit.exception) })),
  members.length === 0 ? h("p", { class: "quiet" }, t("hiddenHouseholds")) : h("ul", { class: "members" }, ...members.map(m => h("li", {},
    h("span", { class: m === unit.leader ? "leader" : "" }, m),
    h("select", {
      label: `${t("moveTo")} ${m}`, testid: `move-${m}`, disabled: unit.locked,
      change: e => { const to = (e.target as HTMLSelectElement).value; if (to !== "") app.edits.commit([{ operation: "move_household", household: m, unit: to }], `${t("op_move_household")} ${m}`); },
    }, h("option", { value: "" }, t("moveTo")), ...all.filter(u => u.code !== unit.code && !u.locked).map(u => h("option", { value: u.code }, `${u.code.slice(15)} · ${t("householdsN", { n: u.households })}`)))))),
  h("form", { class: "officers", submit: e => {
    e.preventDefault();
    const form = e.target as HTMLFormElement;
    const others = Array.from({ length: deputies }, (_, k) => field(form, `deputy${k}`)).filter(d => d !== "");
    app.edits.commit([{ operation: "set_officers", unit: unit.code, leader: field(form, "leader"), deputies: others }], `${t("op_set_officers")} ${short}`);
  } },
  pick("leader", t("leader"), unit.leader),
  ...Array.from({ length: deputies }, (_, k) => pick(`deputy${k}`, `${t("deputies")} ${k + 1}`, unit.deputies[k] ?? null)),
  h("div", { class: "buttons" },
    h("button", { type: "submit", testid: `officers-${unit.code}`, disabled: unit.officers_locked }, t("setOfficers")),
    h("button", { type: "button", testid: `lock-unit-${unit.code}`, click: () => app.edits.commit([{ operation: unit.locked ? "unlock" : "lock", target: { unit: unit.code } }], `${t(unit.locked ? "unlock" : "lock")} ${short}`) }, t(unit.locked ? "unlock" : "lock")),
    h("button", { type: "button", testid: `lock-officers-${unit.code}`, click: () => app.edits.commit([{ operation: unit.officers_locked ? "unlock" : "lock", target: { officers: unit.code } }], `${t(unit.officers_locked ? "unlockOfficers" : "lockOfficers")} ${short}`) }, t(unit.officers_locked ? "unlockOfficers" : "lockOfficers")))));
}
