// What each of the merged nets keeps and loses.

import type { NetReport } from "../api";
import type { App } from "../app";
import { count, percent } from "../strings";
import { h, type Child } from "./dom";

const km = (m: number): string => (m / 1000).toFixed(2);

export function netsTable(app: App, nets: readonly NetReport[]): Child {
  const { t } = app;
  if (nets.length === 0) return null;
  return h("section", { testid: "nets" }, h("h3", {}, t("netsTitle")), h("table", { class: "plain-table" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("net")), ...(["netKept", "netLost", "netMoved"] as const).map(k => h("th", { scope: "col", class: "number" }, t(k))))),
    h("tbody", {}, ...nets.map(n => h("tr", { testid: `net-${n.net}` }, h("th", { scope: "row" }, n.net),
      h("td", { class: "number" }, t("kmOf", { a: km(n.kept_m), b: km(n.old_border_m), p: percent(n.kept_share, false) })),
      h("td", { class: "number" }, t("kmAlone", { n: km(Math.max(n.old_border_m - n.kept_m, 0)) })),
      h("td", { class: "number" }, t("ofHouseholds", { a: count(n.households_changed), b: count(n.households) })))))));
}
