// The import dialog: choose a file, judge what it would do, store it.

import { linkTo, type Reading } from "../api";
import type { App } from "../app";
import type { Intake, Judged } from "../state";
import { count, half, isKey, listed, percent } from "../strings";
import { FIELDS, LAYERS, SYSTEMS, type Layer } from "../planner/fields";
import { h, labelled, type Child } from "./dom";

/** The end of a warning that says what to type on a command line. */
const COMMAND = /[;；,，][^;；,，]*--\w+.*$/;
/** Faults shown; all of them are in the download. */
const SHOWN = 200;

type Step<S extends Intake["step"]> = Extract<Intake, { step: S }>;

export function importBody(app: App): Child[] {
  const { intake } = app.state;
  switch (intake?.step) {
    case "choose": return choose(app, intake);
    case "reading": case "writing": return waiting(app, intake);
    case "preview": return judge(app, intake);
    case "done": return done(app, intake);
    default: return [];
  }
}

function choose(app: App, { layer }: Intake): Child[] {
  const { t } = app;
  const file = h("input", { type: "file", name: "file", required: true, testid: "import-file" });
  const into = h("select", { testid: "import-layer" }, ...LAYERS.map(name => h("option", { value: name, selected: name === layer }, t(`layer_${name}`))));
  file.accept = ".csv,.xlsx,.geojson,.json,.geojsonl,.gpkg,.zip,.fgb,.kml,.toml";
  return [
    h("h2", {}, t("importTitle")), h("p", { class: "quiet" }, t("importWhy")),
    h("form", {
      testid: "import-form", submit: e => {
        e.preventDefault();
        const chosen = file.files?.[0];
        if (chosen !== undefined) void app.intake.read(into.value as Layer, chosen);
      },
    },
    labelled(t("importLayer"), into),
    labelled(t("importFile"), file),
    h("p", { class: "quiet" }, t("importPrivacy")),
    h("div", { class: "buttons end" },
      h("button", { type: "button", testid: "dialog-cancel", click: () => void app.intake.close() }, t("cancel")),
      h("button", { type: "submit", class: "primary", testid: "import-read" }, t("importRead")))),
  ];
}

function waiting(app: App, { step, file, share, stage, job }: Step<"reading" | "writing">): Child[] {
  const { t } = app, bar = h("progress", { label: t("importTitle") });
  bar.max = 1;
  if (job !== "" && share > 0) bar.value = share;
  return [
    h("h2", {}, t(step === "reading" ? "importReading" : "importWriting")), h("p", { class: "quiet" }, file), bar,
    h("p", { class: "quiet number", testid: "import-stage" }, half(app.state.lang, stage), " ", t("share", { p: percent(share, false) })),
    h("div", { class: "buttons end" }, h("button", { testid: "import-stop", disabled: job === "", click: () => void app.intake.stop() }, t("cancel"))),
  ];
}

function judge(app: App, { file, layer, preview, confirmed, trouble }: Step<"preview">): Child[] {
  const { t } = app, { counts } = preview, bad = counts.refused, left = bad + counts.conflict;
  const writable = counts.insert + counts.update > 0;
  const partial = h("input", { type: "checkbox", name: "partial", testid: "import-partial" });
  const commit = h("button", { type: "button", class: "primary", testid: "import-commit", click: () => void app.intake.write(partial.checked) }, t("importCommit", { n: count(counts.insert + counts.update) }));
  const again = h("button", { type: "submit", testid: "import-again", disabled: true }, t("importAgain"));
  let isStale = false;
  const allow = (): void => { again.disabled = !isStale; commit.disabled = isStale || !confirmed || !writable || (left > 0 && !partial.checked); };
  partial.addEventListener("change", allow);
  allow();
  return [
    h("h2", {}, t("importJudge", { file })),
    trouble === null ? null : h("p", { class: "bad", role: "alert", testid: "import-trouble" }, t("importTrouble"), trouble.text),
    h("p", { class: "facts", testid: "import-facts" }, h("span", {}, t(`layer_${layer}`)), h("span", {}, preview.format), preview.encoding === null ? null : h("span", {}, t("importEncoding", { e: preview.encoding.toUpperCase() })),
      h("span", {}, t("rowsN", { n: count(preview.rows) })), ...preview.regions.slice(0, 6).map(r => h("span", {}, `${r.name ?? r.code} ${t("rowsN", { n: count(r.rows) })}`)),
      preview.regions.length > 6 ? h("span", {}, t("andMore", { n: preview.regions.length })) : null),
    trouble !== null ? null : h("dl", { class: "counts", testid: "import-counts" }, ...(["insert", "update", "unchanged", "conflict"] as const).map(k =>
      h("div", { class: counts[k] > 0 && k === "conflict" ? "bad" : "" }, h("dt", {}, t(`count_${k}`)), h("dd", { testid: `import-${k}` }, count(counts[k])))),
    h("div", { class: bad > 0 ? "bad" : "" }, h("dt", {}, t("count_bad")), h("dd", { testid: "import-bad" }, count(bad)))),
    datum(app, preview, confirmed),
    notes(app, preview),
    h("form", {
      testid: "import-judge",
      change: e => { if (e.target !== partial) { isStale = true; allow(); } },
      submit: e => { e.preventDefault(); void app.intake.again(wishOf(app, e.target as HTMLFormElement, preview), false); },
    },
    system(app, layer, preview), sheet(app, trouble?.layers ?? []), columns(app, layer, preview), faults(app, preview), sample(app, preview),
    left === 0 ? null : h("label", { class: "check" }, partial, h("span", {}, t("importPartial", { n: count(left) }))),
    h("div", { class: "buttons end" },
      h("button", { type: "button", testid: "dialog-cancel", click: () => void app.intake.close() }, t("cancel")), again, commit)),
  ];
}

const formOf = (event: Event): HTMLFormElement => (event.target as HTMLElement).closest("dialog")!.querySelector("form")!;

/** Points that lie beside their villages as Chinese web maps shift them: never moved without a word of the planner. */
function datum(app: App, preview: Judged, confirmed: boolean): Child {
  const { t } = app, guess = preview.datum_suspected;
  if (guess === null || confirmed) return null;
  return h("div", { class: "card warn", role: "alert", testid: "import-datum" }, h("p", {}, t("importDatum", { d: systemOf(app, guess) })),
    h("div", { class: "buttons" },
      h("button", { type: "button", class: "primary", testid: "datum-shift", click: e => void app.intake.again({ ...wishOf(app, formOf(e), preview), crs: guess }, true) }, t("importShift", { d: systemOf(app, guess) })),
      h("button", { type: "button", testid: "datum-keep", click: () => app.intake.confirm() }, t("importKeep"))));
}

/** What keeps no row out and wants to be seen all the same. */
function notes(app: App, { warnings }: Judged): Child {
  return warnings.length === 0 ? null : h("div", { class: "scroll notes", tabindex: 0, role: "region", label: app.t("importNotes"), testid: "import-notes" },
    ...warnings.map(w => h("p", { class: "quiet" }, half(app.state.lang, w).replace(COMMAND, ""))));
}

function systemOf(app: App, crs: string): string {
  const key = `system_${crs.toLowerCase().replace(/[^a-z0-9]/g, "")}`;
  return isKey(key) ? app.t(key) : crs;
}

/** The one of our reference systems that the file was read in. */
const readIn = (app: App, { crs }: Judged): string | undefined => crs === null ? undefined : SYSTEMS.find(s => systemOf(app, s) === systemOf(app, crs));

function system(app: App, layer: Layer, preview: Judged): Child {
  // what lies nowhere is in no system
  if (preview.crs === null || !(FIELDS[layer] as readonly string[]).includes("lon")) return null;
  const now = readIn(app, preview);
  return labelled(app.t("importSystem"), h("select", { name: "crs", testid: "import-crs" },
    now === undefined ? h("option", { value: "", selected: true }, preview.crs) : null, ...SYSTEMS.map(s => h("option", { value: s, selected: s === now }, systemOf(app, s)))));
}

function sheet(app: App, layers: readonly string[]): Child {
  return layers.length === 0 ? null : labelled(app.t("importSheet"),
    h("select", { name: "layer_name", testid: "import-sheet" }, h("option", { value: "" }, app.t("choose")), ...layers.map(l => h("option", { value: l }, l))));
}

function columns(app: App, layer: Layer, { columns: list }: Judged): Child {
  if (list.length === 0) return null;
  const { t } = app, dropped = list.filter(c => c.dropped !== null);
  const known = [...new Set([...FIELDS[layer], ...list.map(c => c.field).filter(f => f !== null)])];
  const word = (field: string): string => { const key = `field_${field}`; return isKey(key) ? t(key) : field; };
  return h("section", {},
    h("h3", {}, t("importColumns")),
    dropped.length === 0 ? null : h("p", { class: "quiet", testid: "import-dropped" }, t("importDropped", { list: listed(app.state.lang, dropped.map(c => c.column)) })),
    h("div", { class: "mapping" }, ...list.filter(c => c.dropped === null).map((c, i) => h("label", {}, h("span", { title: c.column }, c.column),
      h("select", { name: `column${i}`, testid: `map-${c.column}`, label: t("importColumn", { column: c.column }) },
        h("option", { value: "", selected: c.field === null }, t("importLeave")), ...known.map(f => h("option", { value: f, selected: f === c.field }, word(f))))))));
}

/** What the form says: every column, and another reference system or a sheet where one was chosen. */
function wishOf(app: App, form: HTMLFormElement, preview: Judged): Reading {
  const data = new FormData(form), crs = String(data.get("crs") ?? ""), layer = String(data.get("layer_name") ?? "");
  // a name with = cannot be told to the service: that column stays as it guessed
  const map = Object.fromEntries(preview.columns.filter(c => c.dropped === null).map((c, i) => [c.column, String(data.get(`column${i}`) ?? "")] as const).filter(([column]) => !column.includes("=")));
  return { map, ...(crs === "" || crs === readIn(app, preview) ? {} : { crs }), ...(layer === "" ? {} : { layer_name: layer }) };
}

function faults(app: App, preview: Judged): Child {
  const { t } = app;
  if (preview.error_count === 0) return null;
  const shown = preview.errors.slice(0, SHOWN);
  return h("section", {},
    h("h3", {}, t("importFaults", { n: count(preview.error_count) })),
    h("p", {}, t("importBadRows"), " ", ...(["csv", "xlsx"] as const).map(f => h("a", { href: linkTo("/api/imports/{id}/errors", { id: preview.import.id, f }), download: true, testid: `bad-rows-${f}` }, f.toUpperCase()))),
    h("div", { class: "scroll", tabindex: 0, role: "region", label: t("importFaults", { n: preview.error_count }) }, h("table", { class: "plain-table", testid: "import-errors" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "number" }, t("row")), h("th", { scope: "col" }, t("column")), h("th", { scope: "col" }, t("fault")))),
      h("tbody", {}, ...shown.map(e => h("tr", {}, h("td", { class: "number" }, e.row === 0 ? "—" : e.sheet ? `${e.sheet} ${e.row}` : String(e.row)), h("td", {}, e.column ?? "—"), h("td", {}, half(app.state.lang, e.message))))))),
    preview.error_count > shown.length ? h("p", { class: "quiet" }, t("andMore", { n: count(preview.error_count) })) : null);
}

function sample(app: App, { sample: rows }: Judged): Child {
  if (rows.length === 0) return null;
  const names = [...new Set(rows.flatMap(r => Object.keys(r)))];
  const show = (v: unknown): string => v == null ? "" : typeof v === "object" ? JSON.stringify(v) : String(v);
  return h("details", {}, h("summary", {}, app.t("importSample")), h("div", { class: "scroll", tabindex: 0, role: "region", label: app.t("importSample") }, h("table", { class: "plain-table", testid: "import-sample" },
    h("thead", {}, h("tr", {}, ...names.map(n => h("th", { scope: "col" }, n)))), h("tbody", {}, ...rows.map(r => h("tr", {}, ...names.map(n => h("td", {}, show(r[n])))))))));
}

function done(app: App, { file, layer, written }: Step<"done">): Child[] {
  const { t } = app;
  const told = [["count_insert", written.inserted], ["count_update", written.updated], ["count_unchanged", written.unchanged], ["count_conflict", written.conflicts], ["count_refused", written.refused]] as const;
  return [
    h("h2", {}, t("importDone", { file })),
    h("dl", { class: "counts", testid: "import-written" }, ...told.map(([key, n]) => h("div", {}, h("dt", {}, t(key)), h("dd", {}, count(n))))),
    h("div", { class: "buttons end" }, h("button", { testid: "import-more", click: () => { void app.intake.close(); app.intake.open(layer); } }, t("importMore")),
      h("button", { class: "primary", testid: "dialog-close", click: () => void app.intake.close() }, t("close"))),
  ];
}
