// Where we are, which plan, and what concerns the plan as a whole.

import type { App } from "../app";
import { count } from "../strings";
import type { PaletteName } from "../style/palette";
import { h, mount, type Child } from "./dom";
import { icon } from "./icons";
import { languageButton, regionChoices } from "./page";

export function topbar(app: App, place: HTMLElement): void {
  const { t } = app;
  const plans = (): Child => {
    const { plans, plan } = app.state;
    if (plans.length === 0) return null;
    return h("span", { class: "pair" },
      h("select", { testid: "plan", label: t("plan"), change: e => void app.atlas.switchPlan((e.target as HTMLSelectElement).value) },
        ...plans.map(p => h("option", { value: p.id, selected: p.id === plan?.id }, `${p.name} · ${t(`status_${p.status}`)}`))),
      plan === null ? null : h("span", { class: `chip ${plan.status}`, testid: "plan-status" }, `${t(`status_${plan.status}`)} · ${t("version", { v: count(plan.version) })}`));
  };

  const draw = (): Child[] => {
    const { plan, who, lang, busy, palette } = app.state;
    const draft = plan?.status === "draft";
    return [
      // the address says where one is: going to the map does not change it
      h("a", { class: "skip", testid: "skip", href: "#map", click: e => { e.preventDefault(); app.view?.focusMap(); } }, t("skip")),
      h("div", { class: "brand" }, h("strong", {}, t("app")), h("span", {}, t("subtitle"))),
      h("div", { class: "where", role: "group", label: t("region") }, ...regionChoices(app.state.lang, app.state.path, code => app.atlas.below(code), code => void app.atlas.chooseRegion(code))),
      plans(),
      h("span", { class: "grow" }),
      busy ? h("span", { class: "quiet", role: "status" }, t("busy")) : null,
      h("div", { class: "group", role: "group" },
        h("button", { testid: "undo", title: `${t("undo")} Ctrl+Z`, label: t("undo"), disabled: !draft, click: () => void app.edits.undo() }, icon("undo")),
        h("button", { testid: "redo", title: `${t("redo")} Ctrl+Shift+Z`, label: t("redo"), disabled: !draft, click: () => void app.edits.redo() }, icon("redo"))),
      h("div", { class: "group", role: "group" },
        h("button", { testid: "check", disabled: plan === null, click: () => { app.store.set({ tab: "plan" }); void app.planning.check(); } }, icon("check"), t("check")),
        h("button", { testid: "publish", class: "primary", disabled: !draft, click: () => app.store.set({ dialog: { kind: "publish" } }) }, icon("flag"), t("publish"))),
      h("button", { testid: "import", disabled: who === null || !["planner", "admin"].includes(who.role), label: t("import"), title: t("import"), click: () => app.intake.open() }, icon("inbox"), h("span", { class: "word" }, t("import"))),
      h("select", { testid: "palette", label: t("palette"), change: e => app.store.set({ palette: (e.target as HTMLSelectElement).value as PaletteName }) },
        ...(["calm", "strong", "grey"] as const).map(p => h("option", { value: p, selected: p === palette }, t(`palette_${p}`)))),
      h("a", { class: "button", testid: "to-room", href: "/?view=room", label: t("room"), title: t("room") }, icon("wall"), h("span", { class: "word" }, t("room"))),
      h("button", { testid: "keys", label: t("help"), title: t("help"), click: () => app.store.set({ dialog: { kind: "keys" } }) }, icon("keys")),
      languageButton(lang, other => app.store.set({ lang: other })),
      who === null ? null : h("span", { class: "quiet user", testid: "user" }, who.name),
      who === null || who.by !== "session" ? null : h("button", { testid: "sign-out", click: () => void app.signOut() }, t("signOut")),
    ];
  };
  mount(place, app, s => [s.path, s.children, s.plans, s.plan, s.who, s.lang, s.busy, s.palette], draw);
}
