// What plan is wanted, how far it is, and what cannot be as it was wanted.

import { api, type PlanResult, type ProfileRow } from "../api";
import type { App } from "../app";
import { count, half, percent } from "../strings";
import { field, h, labelled, type Child } from "./dom";
import { netsTable } from "./nets";

/** Kinds of barriers that may be hard; a bridge re-opens what they close. */
const BARRIERS = ["river", "lake", "railway", "road"] as const;
/** Reasons and exceptions that are told one by one. */
const MOST = 8;

let profiles: readonly ProfileRow[] = [];
/** Asks for the rules, which an import may have changed; whether they are others than were known. */
export async function readProfiles(app: App): Promise<boolean> {
  const found = await app.guard(() => api.profiles());
  if (found === undefined || JSON.stringify(found) === JSON.stringify(profiles)) return false;
  profiles = found;
  return true;
}

/** Region that a plan made from here is for. */
const place = (app: App) => app.state.path.findLast(r => r.level !== "village") ?? app.state.path.at(-1);

export function generateBody(app: App, actions: (...buttons: Child[]) => HTMLElement, cancel: HTMLElement): Child[] {
  const { t } = app, { plan, lang } = app.state;
  const profile = h("select", { name: "profile", testid: "generate-profile", change: () => follow() }, ...profiles.map(p => h("option", { value: p.name, selected: p.name === plan?.profile }, half(lang, p.title === "" ? p.name : p.title))));
  const target = h("input", { name: "target", type: "number", min: 1, max: 100_000, testid: "generate-target" });
  const tolerance = h("input", { name: "tolerance", type: "number", min: 0, max: 99.9, step: 0.1, testid: "generate-tolerance" });
  const kinds = h("fieldset", { class: "kinds", label: t("barriersHard"), testid: "generate-kinds", disabled: true }, ...BARRIERS.map(kind => h("label", {},
    h("input", { type: "checkbox", name: "hard", value: kind, testid: `generate-hard-${kind}` }), h("span", {}, t(`barrier_${kind}`)))));
  const barriers = h("select", { name: "barriers", testid: "generate-barriers", change: e => { kinds.disabled = (e.target as HTMLSelectElement).value === ""; } },
    h("option", { value: "" }, t("barriersRegistered")), h("option", { value: "own" }, t("barriersHard")));
  // what is left empty follows the rules: they are shown where it would be written
  const follow = (): void => {
    const rules = profiles.find(p => p.name === profile.value);
    target.disabled = rules?.balanced === false;
    if (target.disabled) target.value = "";
    target.placeholder = rules === undefined ? "" : target.disabled ? t("targetNone") : t("asRules", { n: rules.target_households ?? "" }).trim();
    tolerance.placeholder = rules === undefined ? "" : t("asRules", { n: count(rules.tolerance * 100) });
  };
  follow();
  const submit = (e: SubmitEvent): void => {
    e.preventDefault();
    const form = e.target as HTMLFormElement, said = new FormData(form), name = field(form, "name"), wish = field(form, "target"), share = field(form, "tolerance");
    void app.planning.generate({
      region: place(app)?.code ?? "", profile: field(form, "profile"), seed: Number(field(form, "seed")), budget_s: Number(field(form, "budget")),
      ...name === "" ? {} : { name }, ...wish === "" ? {} : { target_households: Number(wish) }, ...share === "" ? {} : { tolerance: Number(share) / 100 },
      ...field(form, "barriers") === "" ? {} : { hard_barriers: said.getAll("hard").map(String) }, ...said.has("old") ? { old_nets: "all" as const } : {},
    });
  };
  return [h("h2", {}, `${t("generate")} · ${place(app)?.name ?? ""}`), h("form", { testid: "generate-form", submit },
    labelled(t("profile"), profile),
    h("div", { class: "two" }, labelled(t("targetWish"), target), labelled(t("toleranceWish"), tolerance)),
    labelled(t("layer_barriers"), barriers), kinds,
    labelled(t("name"), h("input", { name: "name", maxlength: 60, testid: "generate-name" })),
    h("div", { class: "two" }, labelled(t("seed"), h("input", { name: "seed", type: "number", min: 0, max: 4294967295, value: "1", required: true, testid: "generate-seed" })),
      labelled(t("seconds"), h("input", { name: "budget", type: "number", min: 1, max: 600, value: "10", required: true, testid: "generate-budget" }))),
    h("label", { class: "check" }, h("input", { type: "checkbox", name: "old", testid: "generate-old" }), h("span", {}, t("oldNets"))),
    actions(cancel, h("button", { type: "submit", class: "primary", testid: "generate-go" }, t("start"))))];
}

/** What is not as it was wanted, and why. */
function shortcomings(app: App, { breaches, balance, exceptions }: PlanResult): Child[] {
  const { t } = app, { lang } = app.state;
  const list = [
    ...breaches.map(b => [b.rule, half(lang, b.message)] as const),
    ...balance.map(b => [t("deviation"), t("beyond", { village: app.atlas.villageName(b.village), d: percent(b.deviation, false), p: percent(b.tolerance, false), why: t(b.better === "taken" || b.better === "none_proven" ? "better_taken" : "better_not_decided") })] as const),
  ];
  return [
    list.length === 0 ? null : h("ul", { class: "list", testid: "job-shortcomings" }, ...list.slice(0, MOST).map(([chip, words]) => h("li", {}, h("span", { class: "chip bad" }, chip), h("span", { class: "grow" }, words)))),
    list.length <= MOST ? null : h("p", { class: "quiet" }, t("andMore", { n: list.length })),
    exceptions.length === 0 ? null : h("p", { class: "quiet", testid: "job-exceptions" }, t("exceptionsMade", { n: count(exceptions.length), h: count(exceptions.reduce((n, e) => n + e.households, 0)) })),
  ];
}

export function jobBody(app: App, actions: (...buttons: Child[]) => HTMLElement, close: () => void): Child[] {
  const { t } = app, { job, lang } = app.state, isRunning = job?.status === "running";
  const words = job === null ? "" : job.status === "done" ? t("jobDone", { g: job.result?.grids ?? "—", u: job.result?.units ?? "—" })
    : job.status === "failed" ? t("jobFailed", { why: half(lang, job.problem?.detail ?? "") }) : job.status === "cancelled" ? t("jobCancelled") : job.stage === "" ? t("beginning") : t("running", { stage: half(lang, job.stage) });
  const bar = h("progress", { label: t("generate") });
  bar.max = 1;
  bar.value = job?.status === "done" ? 1 : job?.share ?? 0;
  const made = job?.result?.plan;
  return [h("h2", {}, t("generate")), h("p", { testid: "job-status", class: job?.status === "failed" ? "bad" : "" }, words), isRunning ? bar : null, isRunning ? h("p", { class: "quiet number" }, t("share", { p: percent(job.share, false) })) : null,
    netsTable(app, job?.result?.nets ?? []), ...job?.result ? shortcomings(app, job.result) : [],
    actions(isRunning ? h("button", { testid: "job-cancel", click: () => void app.planning.cancelJob() }, t("cancel")) : h("button", { testid: "job-close", click: close }, t("close")),
      made === undefined ? null : h("button", { class: "primary", testid: "job-open", click: () => { close(); void app.atlas.switchPlan(made.id); } }, t("openPlan")))];
}
