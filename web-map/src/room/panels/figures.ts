// Tables of the window, a series by day, files of both, and the report of a day.

import { h, type Child } from "../../panels/dom";
import { count, listed } from "../../strings";
import { reportUrl, statisticsUrl, type By, type IncidentState, type Level, type StatRow, type Statistics } from "../api";
import type { Room } from "../room";
import { dayOf, startOf } from "../time";

/** The day of a report that was chosen: a panel that is drawn again has it still. */
let chosen: string | null = null;

const BYS: readonly By[] = ["category", "level", "state", "region", "grid", "unit", "day"];
const LISTED = 200;

function nameOf(room: Room, by: By, row: StatRow): string {
  if (by === "level") return room.levelName(row.key as Level);
  if (by === "state") return room.stateName(row.key as IncidentState);
  if (by === "category") return room.state.lang === "zh" && row.name !== "" ? row.name : room.categoryName(row.key);
  return row.key === "" ? room.t(by === "unit" ? "noUnit" : "noGrid") : row.name !== "" ? room.shortName(row.name) : row.key;
}

/** The chart last drawn: it listens to the window until it is let go. */
let drawn: { destroy(): void } | undefined;

/** Counts by day as a line; drawn when the chart's code is here. Where that does not come the table says the same. */
function chart(room: Room, rows: readonly StatRow[]): HTMLElement {
  const place = h("div", { class: "chart", testid: "chart", role: "img", label: room.t("seriesLabel") });
  void Promise.all([import("uplot"), import("uplot/dist/uPlot.min.css")]).then(([{ default: Plot }]) => {
    const days = rows.map(r => startOf(r.key) / 1_000), ink = "#465662", grid = { stroke: "#e3e8ea", width: 1 };
    const axis = { stroke: ink, grid, ticks: grid, font: "12px system-ui, sans-serif" };
    drawn?.destroy();
    drawn = new Plot({
      width: Math.max(place.clientWidth, 280), height: 170, legend: { show: false }, cursor: { show: false }, tzDate: ts => new Date((ts + 8 * 3_600) * 1_000 + new Date().getTimezoneOffset() * 60_000),
      scales: { x: { time: true }, y: { range: (_u, _min, max) => [0, Math.max(1, max) * 1.08] } },
      axes: [{ ...axis, values: (_u, splits) => splits.map(s => dayOf(s * 1_000).slice(5)), space: 56 }, { ...axis, size: 44, values: (_u, splits) => splits.map(s => Number.isInteger(s) ? count(s) : "") }],
      series: [{}, { label: room.t("incidents"), stroke: "#0b5c8a", width: 2, fill: "rgba(11, 92, 138, .12)", points: { size: 5 } }, { label: room.t("state_open"), stroke: "#a1260d", width: 1.5, dash: [5, 4], points: { show: false } }],
    }, [days, rows.map(r => r.count), rows.map(r => r.open)], place);
  }, () => undefined);
  return place;
}

function table(room: Room, s: Statistics): Child[] {
  const { t } = room, most = Math.max(1, ...s.rows.map(r => r.count)), total = s.rows.reduce((n, r) => n + r.count, 0);
  return [
    h("p", { class: "quiet" }, t("unitIncidents")),
    h("table", { class: "figures stats", testid: "stats" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t(`by_${s.by}`)), h("td", {}), h("th", { scope: "col", class: "number" }, t("incidents")), h("th", { scope: "col", class: "number" }, t("state_open")), h("th", { scope: "col", class: "number" }, t("state_overdue")))),
      h("tbody", {}, ...s.rows.slice(0, LISTED).map(r => {
        const bar = h("span", { class: "share" }), fill = h("span", {});
        fill.style.width = `${r.count / most * 100}%`;
        bar.append(fill);
        return h("tr", {}, h("th", { scope: "row", title: r.key }, nameOf(room, s.by, r)), h("td", {}, bar), h("td", { class: "number" }, count(r.count)), h("td", { class: "number" }, count(r.open)), h("td", { class: `number${r.overdue > 0 ? " late" : ""}` }, count(r.overdue)));
      })),
      h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, t("total")), h("td", {}), h("td", { class: "number", testid: "stats-total" }, count(total)), h("td", { class: "number" }, count(s.rows.reduce((n, r) => n + r.open, 0))), h("td", { class: "number" }, count(s.rows.reduce((n, r) => n + r.overdue, 0)))))),
    s.rows.length > LISTED ? h("p", { class: "quiet" }, t("firstOf", { n: LISTED, m: count(s.rows.length) })) : null,
  ];
}

export function figuresPanel(room: Room): Child[] {
  const { t } = room, { figures, by, region } = room.state, narrow = room.filter(true);
  const day = h("input", { type: "date", testid: "report-day", label: t("reportDay"), value: chosen ?? dayOf(room.now()) });
  const link = h("a", { class: "button", testid: "report", href: reportUrl(region, day.value) }, t("openReport"));
  link.target = "_blank";
  link.rel = "noopener";
  day.addEventListener("change", () => { chosen = day.value; link.href = reportUrl(region, chosen); });
  const totals = figures?.totals;
  return [
    h("div", { class: "inline" }, h("select", { testid: "by", label: t("by"), change: e => void room.loadFigures((e.target as HTMLSelectElement).value as By) }, ...BYS.map(b => h("option", { value: b, selected: b === by }, t(`by_${b}`)))),
      ...(["xlsx", "csv"] as const).map(format => h("a", { class: "button", href: statisticsUrl(by, narrow, format), testid: `stats-${format}`, download: true }, format.toUpperCase()))),
    figures === null || figures.by !== by ? h("p", { class: "quiet" }, t("counting")) : null,
    ...(figures === null || figures.by !== by ? [] : [
      ...by === "day" && figures.rows.length > 1 ? [chart(room, figures.rows), h("p", { class: "quiet" }, t("seriesLabel"))] : [],
      figures.rows.length === 0 ? h("p", { class: "empty" }, t("noIncidents")) : null,
      ...(figures.rows.length === 0 ? [] : table(room, figures)),
      h("h3", {}, t("incidentFree")),
      figures.incident_free.length === 0 ? h("p", { class: "quiet" }, t("incidentFreeNone")) : h("p", { testid: "incident-free" }, listed(room.state.lang, figures.incident_free.map(v => v.name))),
    ]),
    totals === undefined ? null : h("p", { class: "facts" }, h("span", {}, t("gridsN", { n: count(totals.grids) })), h("span", {}, t("unitsN", { n: count(totals.units) })), h("span", {}, t("householdsN", { n: count(totals.households) })), h("span", {}, t("leadersN", { n: count(totals.leaders) }))),
    h("h3", {}, t("dailyReport")), h("p", { class: "quiet" }, t("dailyReportWhy")), h("div", { class: "inline" }, day, link),
  ];
}
