// The space-time scan: where is an outbreak now, and how often would such a thing come by chance?

import { field, h, labelled, type Child } from "../../panels/dom";
import { count, half } from "../../strings";
import type { Cluster } from "../api";
import type { Room } from "../room";
import { BY_CHANCE } from "../cells";
import { dayOf } from "../time";

const KM = [0.5, 1, 2, 3, 5, 10] as const;

function clusterRow(room: Room, c: Cluster, k: number): HTMLElement {
  const { t } = room, [from, to, r] = [dayOf(Date.parse(c.from)).slice(5), dayOf(Date.parse(c.to)).slice(5), Math.round(c.radius_m)];
  return h("li", {}, h("button", { class: "row", testid: `cluster-${k}`, click: () => room.show(c.centre) },
    h("span", { class: "number place" }, String(k + 1)),
    h("span", { class: "grow" },
      h("span", { class: "line" }, h("strong", {}, t("scanFound", { n: c.observed, e: c.expected.toFixed(1) })), h("span", { class: `chip ${c.p <= BY_CHANCE ? "bad" : ""}` }, `p ${c.p.toFixed(3)}`)),
      h("span", { class: "line quiet" }, t("scanSpan", { from, to, r })),
      h("span", { class: "line quiet", testid: `recurrence-${k}` }, c.recurrence_days === null ? t("recurrenceNone") : t("recurrence", { n: count(Math.round(c.recurrence_days)) })))));
}

/** What is more than chance, the likeliest first; the rest folded away. */
function found(room: Room, clusters: readonly Cluster[]): Child[] {
  const { t } = room, rows = clusters.map((c, k) => [c, clusterRow(room, c, k)] as const);
  const [real, rest] = [rows.filter(r => r[0].p <= BY_CHANCE), rows.filter(r => r[0].p > BY_CHANCE)];
  return [
    real.length === 0 ? h("p", { class: "empty good", testid: "scan-none" }, t("scanNone")) : h("ol", { class: "list", testid: "clusters" }, ...real.map(r => r[1])),
    rest.length === 0 ? null : h("details", { class: "scanned" }, h("summary", {}, t("scanRest", { n: rest.length })), h("ol", { class: "list" }, ...rest.map(r => r[1]))),
  ];
}

export function scanPanel(room: Room): Child[] {
  const { t } = room, { scan: job, lang } = room.state, running = job?.status === "running";
  const select = (name: string, label: string, values: readonly (readonly [string, string])[], usual: string): HTMLElement => labelled(label,
    h("select", { name, testid: `scan-${name}` }, ...values.map(([v, word]) => h("option", { value: v, selected: v === (wish[name] ?? usual) }, word))));
  const bar = h("progress", { label: t("scan") });
  bar.max = 1;
  bar.value = job?.share ?? 0;
  return [
    h("p", { class: "quiet" }, t("scanWhy")),
    h("form", { class: "scan", testid: "scan-form", submit: e => {
      e.preventDefault();
      const form = e.target as HTMLFormElement;
      for (const name of ["radius", "days", "permutations"]) wish[name] = field(form, name);
      void room.runScan(Number(field(form, "radius")) * 1_000, Number(field(form, "days")), Number(field(form, "permutations")));
    } },
    select("radius", t("scanRadius"), KM.map(k => [String(k), `${k} km`]), "3"),
    select("days", t("scanDays"), [1, 3, 7, 14].map(d => [String(d), t("daysN", { n: d })]), "7"),
    select("permutations", t("scanPermutations"), [99, 999, 9_999].map(n => [String(n), String(n)]), "999"),
    h("button", { type: "submit", class: "primary", testid: "scan-go", disabled: running }, t("scan"))),
    running ? bar : null,
    job?.status === "failed" ? h("p", { class: "bad", testid: "scan-failed" }, half(lang, job.problem?.detail ?? "")) : null,
    ...(job?.result ? found(room, job.result.clusters) : []),
  ];
}

/** What the form was last asked. */
const wish: Record<string, string> = {};
