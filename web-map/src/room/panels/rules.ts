// What alarms, when it goes up, and where: a form for each rule.

import { h, labelled, type Child } from "../../panels/dom";
import { core } from "../../regions";
import type { AlertRule } from "../api";
import { COARSEST, edgeM } from "../cells";
import { prompt } from "../prompt";
import type { Room } from "../room";
import type { Draft } from "../rules";
import { RESOLUTIONS } from "../url";

const KINDS = ["emergency", "overdue", "hot_and_growing"] as const;

const areasOf = (room: Room): [string, string][] => [["", room.t("allRegions")], ...room.state.regions.filter(r => r.level !== "village").map((r): [string, string] => [core(r.code), r.name])];

async function askNew(room: Room): Promise<void> {
  const { t } = room, said = await prompt(t("ruleNew"), t("ruleNewWhy"), [
    { name: "kind", label: t("ruleKind"), choices: KINDS.map(k => [k, t(`rule_${k}`)] as const) },
    { name: "region", label: t("ruleWhere"), choices: areasOf(room), value: room.state.region === null ? "" : core(room.state.region) },
    { name: "minutes", label: t("rulePatience"), type: "number", required: true, value: "30" },
  ], { go: t("ruleMake"), cancel: t("cancel") });
  const kind = KINDS.find(k => k === said?.["kind"]);
  if (said !== null && kind !== undefined) await room.rules.make(kind, said["region"] ?? "", Number(said["minutes"]));
}

function ruleForm(room: Room, rule: AlertRule): HTMLElement {
  const { t, rules } = room, { ruleProblem } = room.state, now = rules.drafted(rule), hot = rule.kind === "hot_and_growing";
  const problem = ruleProblem?.rule === rule.id ? ruleProblem : null, said = `rule-problem-${rule.id}`;
  const save = h("button", { type: "submit", class: "primary", testid: `rule-save-${rule.id}`, disabled: !rules.isChanged(rule) }, t("save"));
  const write = (change: Draft): void => { rules.write(rule, change); save.disabled = !rules.isChanged(rule); };
  const named = <T extends HTMLElement>(name: keyof Draft, input: T): T => {
    if (problem?.field === name) { input.setAttribute("aria-invalid", "true"); input.setAttribute("aria-describedby", said); }
    return input;
  };
  const number = (name: "escalate_after_min" | "days", label: string): HTMLElement => labelled(label,
    named(name, h("input", { type: "number", testid: `rule-${rule.id}-${name}`, step: 1, value: String(now[name]), input: e => write({ [name]: Number((e.target as HTMLInputElement).value) }) })));
  const areas = areasOf(room);
  if (!areas.some(a => a[0] === now.region)) areas.unshift([now.region, now.region]);
  const isOwn = rule.ships && rule.version > 0 || !rule.ships;
  const form = h("form", { class: "card rule", testid: `rule-${rule.id}`, submit: e => { e.preventDefault(); void rules.save(rule); } },
    h("h3", {}, t(`alert_${rule.kind}`), rule.ships ? null : h("span", { class: "chip" }, rule.id), rule.enabled ? null : h("span", { class: "chip draft" }, t("ruleOff"))),
    h("label", { class: "check" }, named("enabled", h("input", { type: "checkbox", testid: `rule-${rule.id}-enabled`, checked: now.enabled, change: e => write({ enabled: (e.target as HTMLInputElement).checked }) })), h("span", {}, t(`rule_${rule.kind}`))),
    h("div", { class: "pairs" },
      number("escalate_after_min", t("rulePatience")),
      labelled(t("ruleWhere"), named("region", h("select", { testid: `rule-${rule.id}-region`, change: e => write({ region: (e.target as HTMLSelectElement).value }) },
        ...areas.map(([code, name]) => h("option", { value: code, selected: code === now.region }, name))))),
      hot ? number("days", t("ruleDays")) : null,
      hot ? labelled(t("resolution"), named("resolution", h("select", { testid: `rule-${rule.id}-resolution`, change: e => write({ resolution: Number((e.target as HTMLSelectElement).value) }) },
        ...[COARSEST, ...RESOLUTIONS].map(r => h("option", { value: String(r), selected: r === now.resolution }, t("hexSize", { n: r, m: Math.round(edgeM(r)) })))))) : null),
    problem === null ? null : h("p", { class: "bad", id: said, testid: said, role: "alert" }, problem.text),
    h("div", { class: "buttons" }, save, isOwn ? h("button", { type: "button", testid: `rule-reset-${rule.id}`, click: () => void rules.reset(rule) }, t(rule.ships ? "ruleReset" : "ruleDrop")) : null));
  // the service judges, in its own words
  form.noValidate = true;
  return form;
}

export function rulesPanel(room: Room): Child[] {
  const { t } = room, { rules } = room.state;
  return [
    h("button", { class: "plain back", testid: "rules-close", click: () => room.rules.close() }, `← ${t("tab_alerts")}`),
    h("h2", {}, t("rules")), h("p", { class: "quiet" }, t("rulesWhy")),
    h("div", { class: "buttons" }, h("button", { testid: "rule-new", click: () => void askNew(room) }, t("ruleNew"))),
    ...(rules ?? []).map(rule => ruleForm(room, rule)),
  ];
}
