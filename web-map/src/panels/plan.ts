// The plan as a whole: generate, check, compare, export.

import { linkTo, type Breach } from "../api";
import type { App } from "../app";
import { colon, half, listed, percent } from "../strings";
import { field, h, labelled, type Child } from "./dom";
import { figuresTable } from "./figures";

const FORMATS = ["geojson", "geojsonseq", "fgb", "gpkg", "shp", "kml", "csv", "xlsx", "geoparquet"] as const;
const LAYERS = ["grids", "units", "leaders", "buildings"] as const;
const LEDGERS = ["grids", "units", "gaps", "summary"] as const;
const RULES = ["H1", "H2", "H3", "H4", "H5", "H6", "H7", "H8", "H9", "H10", "H11"] as const;
/** Households of a comparison that are named at once; the rest when asked for. */
const NAMED = 40;

export function planPanel(app: App): Child[] {
  const { t } = app, { plan, plans, checked, compared, path, model, lang, going } = app.state;
  const others = plans.filter(p => p.id !== plan?.id);
  const link = (href: string, testid: string, word: string): HTMLElement => h("a", { href, testid, download: true }, word);
  return [
    h("h2", {}, plan?.name ?? t("plan")),
    plan === null ? h("p", { class: "empty" }, t(going === null ? "notRead" : going ? "loading" : "noPlans")) : h("p", { class: "facts" }, h("span", {}, t(`status_${plan.status}`)), h("span", {}, t("version", { v: plan.version })),
      plan.valid_from ? h("span", {}, `${t("publishDate")} ${plan.valid_from}`) : null),
    h("div", { class: "buttons" },
      h("button", { testid: "generate", disabled: path.length === 0, click: () => app.store.set({ dialog: { kind: "generate" } }) }, t("generate")),
      plan === null || plan.status === "draft" ? null : h("button", { testid: "fork", click: () => app.store.set({ dialog: { kind: "fork" } }) }, t("fork")),
      plan === null || plan.status === "retired" ? null : h("button", { testid: "absorb", title: t("absorbHint"), click: () => void app.planning.absorb() }, t("absorb")),
      h("button", { testid: "check-here", disabled: plan === null, click: () => void app.planning.check() }, t("check"))),
    checked === null ? null : h("div", { class: "card", testid: "checked" },
      checked.breaches.length === 0 ? h("p", { class: "good" }, t("checkOk", { v: checked.version })) : h("p", { class: "bad" }, t("checkBad", { v: checked.version, n: checked.breaches.length })),
      checks(app, checked.breaches),
      h("ul", { class: "list" }, ...checked.breaches.slice(0, 100).map(b => h("li", {}, h("span", { class: "chip bad" }, b.rule), h("span", { class: "grow" }, half(lang, b.message), b.ids.length === 0 ? "" : `${colon(lang)}${app.some(b.ids, 4)}`))))),
    ...published(app),
    h("h3", {}, t("compare")),
    others.length === 0 ? h("p", { class: "quiet" }, t("compareNone")) : labelled(t("compareWith"),
      h("select", { testid: "compare", change: e => { const id = (e.target as HTMLSelectElement).value; if (id === "") app.store.set({ compared: null }); else void app.planning.compare(id); } },
        h("option", { value: "" }, t("choose")), ...others.map(p => h("option", { value: p.id, selected: p.id === compared?.plan.id }, `${p.name} · ${t(`status_${p.status}`)}`)))),
    compared === null ? null : h("div", { class: "card", testid: "compared" },
      h("ul", { class: "list" }, ...compared.rows.map(r => h("li", {}, h("div", { class: "grow" },
        h("p", { class: "facts" }, h("span", {}, app.atlas.villageName(r.village)), h("span", { class: "number" }, `${t("changedGrid", { n: r.ids.length })} · ${t("changedUnit", { n: r.unit })}`)), ...moved(app, r.village, r.ids))))),
      compared.figures === null ? null : figuresTable(app, [compared.plan.name, plan?.name ?? ""], compared.figures),
      h("p", { class: "quiet" }, t("comparedMap")),
      h("button", { testid: "end-compare", click: () => app.store.set({ compared: null }) }, t("endCompare"))),
    ...plan === null ? [] : [
      h("h3", {}, `${t("exports")} · ${model?.data.name ?? plan.name}`),
      h("form", { class: "inline", submit: e => { e.preventDefault(); const form = e.target as HTMLFormElement; void app.planning.handOut(field(form, "layer") as typeof LAYERS[number], field(form, "format") as typeof FORMATS[number]).then(url => { if (url) link(url, "", "").click(); }); } },
        h("select", { name: "layer", label: t("importLayer"), testid: "export-layer" }, ...LAYERS.map(l => h("option", { value: l }, t(`layer_${l}`)))),
        h("select", { name: "format", label: t("exports"), testid: "export-format" }, ...FORMATS.map(f => h("option", { value: f }, f))),
        h("button", { type: "submit", testid: "export-go" }, t("exports"))),
      h("p", { class: "facts" }, t("ledgers"), ...LEDGERS.map(l => link(linkTo("/api/ledgers/{kind}", { kind: l, plan: plan.id, region: model?.data.village ?? plan.region }), `ledger-${l}`, t(`layer_${l}`)))),
      model === null ? null : h("p", { class: "facts" }, t("wallMap"), ...(["pdf", "svg"] as const).map(f => link(linkTo("/api/plans/{id}/wall-map", { id: plan.id, f, village: model.data.village }), `wall-${f}`, f))),
    ],
  ];
}

/** Every check and how it came out; what the soft ones measure is known of the village on the table. */
export function checks(app: App, breaches: readonly Breach[]): HTMLElement {
  const { t } = app, { model } = app.state;
  const line = (rule: string, words: string, found: string, isGood: boolean | null): HTMLElement =>
    h("tr", { testid: `check-${rule}` }, h("th", { scope: "row" }, `${rule} ${words}`), h("td", { class: isGood === null ? "number" : isGood ? "good" : "bad" }, found));
  const hard = RULES.map(rule => { const n = breaches.filter(b => b.rule === rule).length; return line(rule, t(`rule_${rule}`), n === 0 ? t("checkPassed") : t("checkBroken", { n }), n === 0); });
  if (model === null) return h("table", { class: "figures", testid: "checks" }, ...hard);
  const { figures: f, name, village, rules, grids } = model.data, where = name ?? village, isAimed = grids.some(g => g.target !== null);
  return h("table", { class: "figures", testid: "checks" }, ...hard,
    line("S1", t("rule_S1", { village: where }), isAimed ? percent(f.deviation, false) : "—", isAimed ? f.deviation <= rules.grid.tolerance + 1e-9 : null),
    line("S4", t("rule_S4", { village: where }), f.mean_polsby_popper?.toFixed(2) ?? "—", null));
}

/** Households of a village that are in another grid: the first ones, and all that are left when asked for. */
function moved(app: App, village: string, ids: readonly string[]): Child[] {
  const { lang } = app.state, list = (some: readonly string[]): HTMLElement => h("p", { class: "ids" }, listed(lang, some));
  return ids.length === 0 ? [] : [h("div", { testid: `moved-${village}` }, list(ids.slice(0, NAMED)),
    ids.length <= NAMED ? null : h("details", {}, h("summary", { testid: `moved-more-${village}` }, app.t("showMore", { n: ids.length - NAMED })), list(ids.slice(NAMED))))];
}

/** Plans that are or were in force, the latest first, and the one of any day; they are looked at, not edited. */
function published(app: App): Child[] {
  const { t } = app, { plan } = app.state, all = app.atlas.published();
  if (all.length === 0) return [];
  return [
    h("h3", {}, t("publishedPlans")),
    h("form", { class: "inline day", testid: "day-form", submit: e => { e.preventDefault(); app.planning.openOf(field(e.target as HTMLFormElement, "day")); } },
      labelled(t("dayOf"), h("input", { type: "date", name: "day", required: true, testid: "day" })), h("button", { type: "submit", testid: "day-go" }, t("dayGo"))),
    h("ul", { class: "list", testid: "published" }, ...all.map(p => h("li", {}, h("button", { class: `row${p.id === plan?.id ? " active" : ""}`, testid: `published-${p.id}`, current: p.id === plan?.id, click: () => void app.atlas.switchPlan(p.id) },
      h("span", { class: "grow" }, p.name), h("span", { class: "number quiet" }, app.spanOf(p)), h("span", { class: `chip ${p.status}` }, t(`status_${p.status}`)))))),
  ];
}
