// What somebody must see to: alerts that are open, and the emergency that flashes until it is acknowledged.

import { h, mount, type Child } from "../../panels/dom";
import { icon } from "../../panels/icons";
import { half } from "../../strings";
import type { Alert } from "../api";
import { isUnseen } from "../book";
import type { Room } from "../room";
import { clock, moment } from "../time";
import { categoryOf } from "./live";
import { people } from "./card";

/** When an alert that nobody acknowledges goes up, and to whom. */
function escalation(room: Room, a: Alert, when: string, how: "escalatesAt" | "escalatesIn"): string {
  const to = room.goesTo(a);
  return to === null ? room.t("escalatesNone") : room.t(how, { n: when, to });
}

function alertCard(room: Room, a: Alert): HTMLElement {
  const { t } = room, { lang } = room.state, now = room.now(), { incident, cell } = a;
  return h("li", { class: `card alert${a.acknowledged === null ? " waiting" : ""}`, testid: `alert-${a.id}` },
    h("p", { class: "line" }, h("span", { class: `chip ${a.kind === "emergency" ? "alarm" : "bad"}` }, t(`alert_${a.kind}`)), h("strong", {}, half(lang, a.title))),
    h("p", { class: "quiet" }, `${room.regionName(a.region)} · ${moment(Date.parse(a.opened_at), now)}`,
      a.acknowledged !== null ? ` · ${t("ackedBy", { who: a.acknowledged.by ?? "", at: clock(Date.parse(a.acknowledged.at)) })}` : a.escalates_at !== null ? ` · ${escalation(room, a, clock(Date.parse(a.escalates_at)), "escalatesAt")}` : ""),
    h("div", { class: "buttons" },
      a.acknowledged === null ? h("button", { class: "primary", testid: `ack-${a.id}`, click: () => void room.acknowledge(a.id) }, t("acknowledge")) : null,
      incident === null ? null : h("button", { testid: `alert-incident-${a.id}`, click: () => void room.pick({ kind: "incident", id: incident }) }, t("openIncident")),
      cell === null ? null : h("button", { testid: `alert-cell-${a.id}`, click: () => room.openCell(cell, a.region) }, t("openCell"))));
}

export function alertsPanel(room: Room): Child[] {
  const { t } = room, { alerts } = room.state;
  const rules = room.rules.isAllowed ? h("div", { class: "buttons" }, h("button", { testid: "rules-open", click: () => void room.rules.open() }, t("rules"))) : null;
  if (alerts.length === 0) return [h("p", { class: "empty good", testid: "no-alerts" }, t("noAlerts")), rules];
  const order = [...alerts].sort((a, b) => Number(a.acknowledged !== null) - Number(b.acknowledged !== null) || Number(b.kind === "emergency") - Number(a.kind === "emergency") || (a.opened_at < b.opened_at ? 1 : -1));
  return [h("ul", { class: "alerts", testid: "alerts" }, ...order.map(a => alertCard(room, a))), rules];
}

/** What nobody saw to for hours: a quiet line, not an alarm. */
function unseen(room: Room): Child[] {
  const { t } = room, list = room.unseen(), first = list.at(-1);
  if (first === undefined) return [];
  return [h("section", { class: "unseen", testid: "unseen", role: "status" },
    h("span", { class: "grow" }, t("unseenN", { n: list.length, at: moment(Date.parse(first.opened_at), room.now()) })),
    room.state.wall ? null : h("button", { testid: "unseen-open", click: () => { if (room.state.pick !== null) void room.pick(null); room.look({ tab: "alerts" }); } }, t("unseenOpen")))];
}

/** Emergencies that nobody has seen to and that are no news: a line over the map. */
export function unseenLine(room: Room, place: HTMLElement): void {
  mount(place, room, s => [s.alerts, s.lang, s.skew], () => room.emergency() === undefined ? unseen(room) : []);
}

/** Beside the map, which shows the place: the emergency, with the people who are near and who is next. */
export function emergency(room: Room, place: HTMLElement): void {
  const { t } = room, left = h("span", { class: "left", testid: "escalation" });
  const count = (): void => {
    const alert = room.emergency(), at = alert?.escalates_at ?? null;
    if (alert === undefined || at === null) { left.textContent = ""; return; }
    const s = Math.max(0, Math.round((Date.parse(at) - room.now()) / 1_000));
    left.textContent = escalation(room, alert, `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`, "escalatesIn");
  };
  setInterval(count, 1_000);
  mount(place, room, s => [s.urgent, s.alerts, s.lang, s.revealed, s.home, s.skew], (): Child[] => {
    const { urgent } = room.state, alert = room.emergency();
    document.documentElement.classList.toggle("alarmed", alert !== undefined);
    if (alert === undefined) return [];
    count();
    const { incident } = alert, at = urgent?.incident.at ?? null, more = room.state.alerts.filter(isUnseen).length - 1;
    return [h("section", { class: "emergency", role: "alertdialog", label: t("emergency"), testid: "emergency" },
      h("header", {}, h("strong", {}, icon("alarm"), urgent === null ? t("alert_emergency") : categoryOf(room, urgent.incident)), left),
      h("div", { class: "body" },
        urgent === null ? h("p", { class: "place" }, room.regionName(alert.region)) : h("p", { class: "place", testid: "emergency-where" }, room.whereOf(urgent.incident)),
        urgent?.incident.summary == null ? null : h("p", { class: "summary" }, urgent.incident.summary),
        h("p", { class: "quiet" }, t("occurredAt", { at: moment(Date.parse(urgent?.incident.occurred_at ?? alert.opened_at), room.now()) }), more > 0 ? ` · ${t("moreEmergencies", { n: more })}` : ""),
        h("div", { class: "near" }, ...(urgent === null ? [] : people(room, urgent)))),
      h("div", { class: "buttons" },
        h("button", { class: "primary danger", testid: "acknowledge", click: () => void room.acknowledge(alert.id) }, t("acknowledge")),
        incident === null || room.state.wall ? null : h("button", { testid: "open-emergency", click: () => void room.pick({ kind: "incident", id: incident }) }, t("openIncident")),
        urgent === null || at === null ? null : h("button", { testid: "show-emergency", click: () => room.show(at) }, t("onMap"))))];
  });
}
