// The cells of the layer in view, the most telling first; and one cell's own account.

import { h, type Child } from "../../panels/dom";
import { count, half, isKey } from "../../strings";
import type { Cell } from "../api";
import type { Room } from "../room";
import { brief, middleOf, power } from "../cells";
import { incidentRow } from "./live";

const LISTED = 30;

const digits = (v: number | null, n: number): string => v === null ? "—" : v.toFixed(n).replace("-", "−");
/** A p: small ones as a power of ten, raised by the page, as fonts have some raised digits and lack others. */
const pOf = (v: number | null): Child[] => {
  if (v === null || v >= 0.001) return [v === null ? "—" : v.toFixed(3)];
  const { mantissa, exponent } = power(v);
  return [mantissa === null ? "< 10" : `${mantissa}×10`, h("sup", {}, exponent)];
};

/** A sentence of the service, its small numbers written as the page writes them. */
const raised = (words: string): Child[] => words.split(/(\d(?:\.\d+)?e-\d+)/).flatMap((piece, k) => k % 2 === 1 ? pOf(Number(piece)) : [piece]);

export function classWord(room: Room, cell: Cell): string {
  return room.t(`class_${cell.class ?? "none"}`);
}
export function courseWord(room: Room, cell: Cell): string {
  if (cell.emerging === null || cell.emerging === "none") return room.t("course_none");
  const key = `course_${cell.emerging.replace(/_(hot|cold)$/, "")}`;
  return `${isKey(key) ? room.t(key) : cell.emerging}${room.t(cell.emerging.endsWith("_cold") ? "coldWord" : "hotWord")}`;
}

/** Hottest first, by what the layer is about. */
function order(cells: readonly Cell[], view: string): Cell[] {
  const value = (c: Cell): number => view === "count" ? c.count : view === "density" ? c.density ?? 0 : view === "rate" ? c.households === null || c.households === 0 ? -1 : c.count / c.households
    : view === "emerging" ? (c.emerging?.endsWith("_hot") ? 1e6 : c.emerging === null || c.emerging === "none" ? 0 : 1e3) + c.count : -(c.rank ?? Infinity);
  return [...cells].filter(c => view === "gi" ? c.class === "hot" || c.class === "cold" : view === "emerging" ? c.emerging !== null && c.emerging !== "none" : value(c) > 0).sort((a, b) => value(b) - value(a));
}

export function hotPanel(room: Room): Child[] {
  const { t } = room, { hot, layer, hotBusy, hotProblem, lang, pick } = room.state;
  if (layer === "none") return [h("p", { class: "empty" }, t("hotChoose")), h("div", { class: "buttons" }, h("button", { class: "primary", testid: "show-gi", click: () => room.look({ layer: "gi" }) }, t("layer_gi")))];
  if (hotProblem !== null) return [h("p", { class: "empty", testid: "hot-problem" }, hotProblem)];
  if (hot === null) return [h("p", { class: "empty" }, t(hotBusy ? "counting" : "noIncidents"))];
  const list = order(hot.cells, hot.view);
  return [
    h("p", { class: "facts" }, h("span", { testid: "hot-incidents" }, t("hotIncidents", { n: count(hot.incidents) })), hot.outside > 0 ? h("span", {}, t("hotOutside", { n: count(hot.outside) })) : null,
      h("span", {}, t("cellsN", { n: count(hot.study_cells) }))),
    ...hot.notes.map(n => h("p", { class: "note" }, half(lang, n))),
    list.length === 0 ? h("p", { class: "empty", testid: "no-hotspots" }, t(hot.view === "gi" ? "noHot" : hot.view === "emerging" ? "noCourse" : "noIncidents")) : h("ol", { class: "list", testid: "hotspots" }, ...list.slice(0, LISTED).map((c, k) => h("li", {}, h("button", {
      class: `row${pick?.id === c.h3 ? " active" : ""}`, testid: `cell-${c.h3}`, current: pick?.id === c.h3, click: () => { room.show(middleOf(c.ring)); void room.pick({ kind: "cell", id: c.h3 }); },
    },
    h("span", { class: "number place" }, `${k + 1}`),
    h("span", { class: "grow" }, h("span", { class: "line" }, h("strong", {}, hot.view === "emerging" ? courseWord(room, c) : hot.view === "gi" ? classWord(room, c) : hot.view === "density" ? t("perKm2", { n: brief(c.density ?? 0) }) : t("incidentsN", { n: c.count })),
      hot.view !== "count" && hot.view !== "rate" ? h("span", { class: "quiet" }, t("inCell", { n: c.count })) : null),
    h("span", { class: "line quiet" }, ...hot.view === "gi" ? [`z ${digits(c.z, 2)} · p `, ...pOf(c.p), ` · ${t("expectedN", { n: digits(c.expected, 1) })}`]
      : [hot.view === "rate" ? t("perThousand", { n: c.households === null || c.households === 0 ? "—" : (c.count / c.households * 1_000).toFixed(1) }) : c.households === null ? "" : t("householdsN", { n: count(c.households) })])))))),
    list.length > LISTED ? h("p", { class: "quiet" }, t("firstOf", { n: LISTED, m: count(list.length) })) : null,
  ];
}

/** A cell explains itself, and leads to its incidents. */
export function cellCard(room: Room, h3: string): Child[] {
  const { t } = room, { hot, lang, cellIncidents } = room.state, cell = room.cell(h3);
  if (hot === null || cell === undefined) return [h("p", { class: "empty" }, t("cellGone"))];
  const judged = hot.view === "gi" || hot.view === "rate" || hot.view === "emerging", few = judged && cell.z === null;
  const row = (name: string, value: string | Child[], testid?: string): HTMLElement => h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "number", ...(testid === undefined ? {} : { testid }) }, ...typeof value === "string" ? [value] : value));
  const sign = cell.class === "hot" ? "bad" : cell.class === "cold" ? "cold" : "";
  return [
    h("h2", {}, hot.view === "emerging" ? courseWord(room, cell) : judged ? classWord(room, cell) : t("incidentsN", { n: cell.count }), sign === "" ? null : h("span", { class: `chip ${sign}` }, cell.fdr05 === true ? t("fdrYes") : t("fdrNo"))),
    h("p", { class: "why", testid: "why" }, ...raised(half(lang, cell.why))),
    h("table", { class: "figures explain" }, h("tbody", {},
      row(t("observed"), t("incidentsN", { n: cell.count }), "cell-count"),
      cell.expected === null ? null : row(t("expected"), t("incidentsN", { n: digits(cell.expected, 2) })),
      cell.neighbours === null ? null : row(t("neighbours"), t("cellsN", { n: cell.neighbours })),
      ...judged ? [row(hot.view === "emerging" ? t("trendZ") : "z (Gi*)", cell.z === null ? t("tooFew") : digits(cell.z, 3)), row(t("pNormal"), pOf(cell.p))] : [],
      cell.p_sim === null ? null : row(t("pSim"), pOf(cell.p_sim)),
      row(t("rank"), cell.rank === null ? "—" : t("rankOf", { n: cell.rank, m: count(hot.study_cells) })),
      cell.households === null ? null : row(t("households"), t("householdsN", { n: count(cell.households) })),
      cell.households === null || cell.households === 0 ? null : row(t("layer_rate"), t("perThousand", { n: (cell.count / cell.households * 1_000).toFixed(1) })),
      cell.emerging === null ? null : row(t("course"), courseWord(room, cell)),
      cell.density === null ? null : row(t("layer_density"), t("perKm2", { n: brief(cell.density) })),
      row("H3", cell.h3))),
    few ? h("p", { class: "note" }, t("tooFewWhy")) : null,
    h("h3", {}, t("cellIncidents")),
    cellIncidents === null ? h("p", { class: "quiet" }, t("counting")) : cellIncidents.length === 0 ? h("p", { class: "empty" }, t("noIncidents"))
      : h("ol", { class: "list incidents", testid: "cell-incidents" }, ...cellIncidents.map(i => incidentRow(room, i))),
  ];
}
