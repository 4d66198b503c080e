// Ten-household units of the chosen grid: members, leader and deputies, and moving a household.

import type { UnitRow } from "../api";
import type { App } from "../app";
import { half, type Key } from "../strings";
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
  const all = units.map(u => u.unit);
  return [
    h("h2", {}, t("unitsOf", { grid: app.gridName(active) })),
    h("p", { class: "quiet" }, t("sizeRule", { min, max, d: deputies }), " · ", t("unitsN", { n: units.length })),
    units.length === 0 ? h("p", { class: "empty" }, t("noUnits")) : null,
    ...units.map(({ unit, i }) => unitCard(app, unit, members.get(i) ?? [], candidates, all)),
    h("div", { class: "buttons" }, h("button", { testid: "reform", click: () => void app.planning.propose({ operation: "reform_units", grid: grid.code, seed: 1 }, `${t("reform")} ${app.gridName(active)}`) }, t("reform"))),
  ];
}

/** A unit; what is in it is there once it is opened: a village that is one grid has hundreds of units, and each of its households could go to any of them. */
function unitCard(app: App, unit: UnitRow, members: readonly string[], candidates: ReadonlySet<string>, all: readonly UnitRow[]): HTMLElement {
  const { t } = app, { min, max } = app.state.model!.data.rules.unit, { code } = unit;
  const out = unit.exception === null && (unit.households < min || unit.households > max), isOpen = opened.has(code);
  const body = (): HTMLElement[] => unitBody(app, unit, members, candidates, all);
  return h("details", {
    class: `card unit${out ? " out" : ""}`, testid: `unit-${code}`, open: isOpen,
    toggle: e => {
      const card = e.target as HTMLDetailsElement;
      if (!card.open) { opened.delete(code); return; }
      opened.add(code);
      if (card.childElementCount === 1) card.append(...body());
    },
  },
  h("summary", {}, h("strong", {}, code.slice(15)), h("span", { class: "number" }, t("householdsN", { n: unit.households })),
    h("span", { class: "quiet grow" }, `${t("leader")} ${unit.leader ?? t("noLeader")}`),
    unit.locked ? h("span", { class: "chip" }, t("locked")) : null, out ? h("span", { class: "chip bad" }, t("outOfSize")) : null),
  ...isOpen ? body() : []);
}

function unitBody(app: App, unit: UnitRow, members: readonly string[], candidates: ReadonlySet<string>, all: readonly UnitRow[]): HTMLElement[] {
  const { t } = app, { code } = unit, short = code.slice(15), { deputies } = app.state.model!.data.rules.unit, nth = Array.from({ length: deputies }, (_, k) => k);
  // the people decide: whoever is no candidate stands last and is said to be none
  const offered = [...members].sort((a, b) => Number(candidates.has(b)) - Number(candidates.has(a)));
  const pick = (name: string, label: string, chosen: string | null): HTMLElement => h("label", {}, h("span", {}, label),
    h("select", { name, testid: `${name}-${code}`, disabled: unit.officers_locked }, h("option", { value: "" }, t("noLeader")),
      ...offered.map(m => h("option", { value: m, selected: m === chosen }, candidates.has(m) ? m : t("noCandidate", { id: m })))));
  const others = all.filter(u => u.code !== code && !u.locked);
  const lock = (testid: string, isLocked: boolean, target: { unit: string } | { officers: string }, word: Key): HTMLElement =>
    h("button", { type: "button", testid: `${testid}-${code}`, click: () => app.edits.commit([{ operation: isLocked ? "unlock" : "lock", target }], `${t(word)} ${short}`) }, t(word));
  return [
    ...unit.exception === null ? [] : [h("p", { class: "quiet" }, t("exception", { why: half(app.state.lang, unit.exception) }))],
    members.length === 0 ? h("p", { class: "quiet" }, t("hiddenHouseholds")) : h("ul", { class: "members" }, ...members.map(m => h("li", {},
      h("span", { class: m === unit.leader ? "leader" : "" }, m),
      h("select", {
        label: `${t("moveTo")} ${m}`, testid: `move-${m}`, disabled: unit.locked,
        change: e => { const to = (e.target as HTMLSelectElement).value; if (to !== "") app.edits.commit([{ operation: "move_household", household: m, unit: to }], `${t("op_move_household")} ${m}`); },
      }, h("option", { value: "" }, t("moveTo")), ...others.map(u => h("option", { value: u.code }, `${u.code.slice(15)} · ${t("householdsN", { n: u.households })}`)))))),
    h("form", { class: "officers", submit: e => {
      e.preventDefault();
      const form = e.target as HTMLFormElement;
      app.edits.commit([{ operation: "set_officers", unit: code, leader: field(form, "leader"), deputies: nth.map(k => field(form, `deputy${k}`)).filter(d => d !== "") }], `${t("op_set_officers")} ${short}`);
    } },
    pick("leader", t("leader"), unit.leader),
    ...nth.map(k => pick(`deputy${k}`, `${t("deputies")} ${k + 1}`, unit.deputies[k] ?? null)),
    h("div", { class: "buttons" },
      h("button", { type: "submit", testid: `officers-${code}`, disabled: unit.officers_locked }, t("setOfficers")),
      lock("lock-unit", unit.locked, { unit: code }, unit.locked ? "unlock" : "lock"), lock("lock-officers", unit.officers_locked, { officers: code }, unit.officers_locked ? "unlockOfficers" : "lockOfficers"))),
  ];
}
