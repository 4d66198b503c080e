// What needs an answer before anything else goes on.

import { signInElsewhere } from "../api";
import type { App } from "../app";
import { half } from "../strings";
import { field, h, labelled, marked, type Child } from "./dom";
import { generateBody, jobBody, readProfiles } from "./generate";
import { importBody } from "./import";
import { checks } from "./plan";

export function dialogs(app: App, place: HTMLElement): void {
  const { t } = app;
  let open: HTMLDialogElement | null = null;
  let shown: unknown = null;

  const close = (): void => {
    app.edits.afterFork = null;
    if (app.state.dialog?.kind === "import") void app.intake.close(); else app.store.set({ dialog: null });
  };
  /** Whether what is shown ends by itself or by its own button. */
  const isWaiting = (): boolean => {
    const { needsSignIn, dialog, job, intake } = app.state;
    return needsSignIn || (dialog?.kind === "job" && job?.status === "running") || (dialog?.kind === "import" && (intake?.step === "reading" || intake?.step === "writing"));
  };
  const actions = (...buttons: Child[]): HTMLElement => h("div", { class: "buttons end" }, ...buttons);
  const cancel = (): HTMLElement => h("button", { type: "button", testid: "dialog-cancel", click: close }, t("cancel"));
  const form = (testid: string, submit: (form: HTMLFormElement) => void, ...children: Child[]): HTMLElement =>
    h("form", { testid, submit: e => { e.preventDefault(); submit(e.target as HTMLFormElement); } }, ...children);

  const DAY_MS = 86_400_000;
  /** The first day a plan can be in force from: today in China, or the day after the plan in force began. */
  const firstDay = (): string => {
    const began = app.state.plans.filter(p => p.status === "live").map(p => p.valid_from ?? "").sort().at(-1) ?? "";
    const next = began === "" ? 0 : Date.parse(began) + DAY_MS;
    return new Date(Math.max(Date.now() + 8 * 3_600_000, Number.isNaN(next) ? 0 : next)).toISOString().slice(0, 10);
  };

  const body = (): Child[] => {
    const { dialog, needsSignIn, plan, checked, lang } = app.state, there = signInElsewhere();
    if (needsSignIn) return [h("h2", {}, t("signIn")), h("p", { class: "quiet" }, t("signInWhy")), form("sign-in", f => void app.signIn(field(f, "name"), field(f, "password")),
      labelled(t("user"), h("input", { name: "name", required: true, autocomplete: "username", testid: "sign-in-name" })),
      labelled(t("password"), h("input", { name: "password", type: "password", required: true, autocomplete: "current-password", testid: "sign-in-password" })),
      actions(there === null ? null : h("a", { class: "button", href: there, testid: "sign-in-elsewhere" }, t("signInElsewhere")), h("button", { type: "submit", class: "primary", testid: "sign-in-go" }, t("signIn"))))];
    switch (dialog?.kind) {
      case "fork": return [h("h2", {}, t("fork")), h("p", {}, t("forkWhy")), form("fork-form", f => void app.edits.fork(field(f, "name")),
        labelled(t("forkName"), h("input", { name: "name", required: true, maxlength: 60, value: t("draftOf", { name: plan?.name ?? "" }), testid: "fork-name" })),
        actions(cancel(), h("button", { type: "submit", class: "primary", testid: "fork-go" }, t("fork"))))];
      case "publish": return [h("h2", {}, `${t("publish")} ${plan?.name ?? ""}`), h("p", {}, t("publishWhy")), checked !== null && checked.version === plan?.version ? checks(app, checked.breaches) : null, form("publish-form", f => void app.planning.publish(field(f, "date")),
        labelled(t("publishDate"), h("input", { name: "date", type: "date", required: true, value: firstDay(), testid: "publish-date" })),
        actions(cancel(), h("button", { type: "submit", class: "primary", testid: "publish-go" }, t("publish"))))];
      case "generate": return generateBody(app, actions, cancel());
      case "job": return jobBody(app, actions, close);
      case "import": return importBody(app);
      case "refused": {
        const { lost } = dialog, { problem, parcel } = lost, { operations, policy = "refuse" } = parcel.request, reasons = problem.refusal?.reasons ?? [];
        return [h("h2", {}, t("refusedTitle")), h("p", { class: "quiet" }, parcel.what),
          h("p", { testid: "refused-detail" }, half(lang, problem.detail)), problem.hint === undefined ? null : h("p", { class: "quiet" }, half(lang, problem.hint)),
          h("ul", { class: "list" }, ...reasons.map((r, i) => h("li", {}, r.rule ? h("span", { class: "chip bad" }, r.rule) : null, h("div", { class: "grow" }, h("p", {}, half(lang, r.message)),
            r.first === "" ? null : h("p", { class: "quiet" }, t("firstDo"), half(lang, r.first)),
            r.ids.length === 0 ? null : h("p", { class: "ids" }, app.some(r.ids, 12)),
            r.remedy.length === 0 ? null : h("button", { testid: `remedy-${i}`, click: () => app.edits.instead(lost, [...r.remedy, ...operations], policy) }, t("remedy")))))),
          actions(reasons.length === 0 ? null : h("button", { testid: "keep-anyway", click: () => app.edits.instead(lost, operations, "keep_as_draft_problem") }, t("strandedKeep")),
            h("button", { class: "primary", testid: "dialog-close", click: close }, t("close")))];
      }
      case "keys": return [h("h2", {}, t("help")), h("p", {}, t("mapLabel")), h("p", {}, `G / K / Esc · ${t("strandedGive", { grid: "…" })} · ${t("strandedKeep")} · ${t("strandedCancel")}`),
        h("p", {}, `Ctrl+Z ${t("undo")} · Ctrl+Shift+Z ${t("redo")} · [ ] ${t("receiver")} · + − ${t("zoomIn")} · 0 ${t("zoomAll")}`), actions(h("button", { class: "primary", testid: "dialog-close", click: close }, t("close")))];
      default: return [];
    }
  };

  const fill = (): void => {
    const { dialog, needsSignIn, job } = app.state;
    const wanted = dialog !== null || needsSignIn;
    const now = needsSignIn ? "sign-in" : dialog?.kind === "job" ? job : dialog?.kind === "import" ? app.state.intake : dialog;
    if (now === shown && wanted === (open !== null)) return;
    shown = now;
    if (!wanted) { open?.close(); open?.remove(); open = null; app.view?.focusMap(); return; }
    if (open === null) {
      open = h("dialog", { testid: "dialog", class: "dialog" });
      open.addEventListener("cancel", e => { e.preventDefault(); if (!isWaiting()) close(); });
      place.append(open);
      open.replaceChildren(...body().filter(c => c instanceof Node));
      open.showModal();
    } else {
      // whoever is in the dialog by keyboard stays in it
      const held = (document.activeElement as HTMLElement | null)?.dataset["testid"];
      open.replaceChildren(...body().filter(c => c instanceof Node));
      (marked(open, held) ?? open.querySelector<HTMLElement>("input, select, button"))?.focus();
    }
    open.classList.toggle("wide", dialog?.kind === "import" && !needsSignIn);
    const heading = open.querySelector("h2");
    if (heading !== null) { heading.id = "dialog-title"; open.setAttribute("aria-labelledby", "dialog-title"); }
  };
  app.store.subscribe((now, before) => {
    // what goes wrong behind a dialog is said in it
    if (now.notice !== before.notice && open !== null) {
      open.querySelector(".wrong")?.remove();
      if (now.notice?.kind === "bad") open.append(h("p", { class: "wrong bad", role: "alert", testid: "dialog-wrong" }, now.notice.text));
    }
    if (now.dialog?.kind === "generate" && before.dialog?.kind !== "generate") void readProfiles(app).then(fresh => { if (fresh) { shown = null; fill(); } });
    if (now.dialog !== before.dialog || now.needsSignIn !== before.needsSignIn || now.job !== before.job || now.intake !== before.intake || now.lang !== before.lang) { if (now.lang !== before.lang) shown = null; fill(); }
  });
}
