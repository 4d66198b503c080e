// Incidents as they come, the latest first.

import { h, type Child } from "../../panels/dom";
import { count } from "../../strings";
import type { Incident } from "../api";
import { isOverdue } from "../book";
import type { Room } from "../room";
import { clock, dayOf, moment } from "../time";

/** State, level and what presses, as chips. */
export function chips(room: Room, i: Incident): Child[] {
  const { t } = room;
  return [
    i.emergency ? h("span", { class: "chip alarm" }, t("emergency")) : null,
    isOverdue(i, room.now()) ? h("span", { class: "chip bad" }, t("state_overdue")) : null,
    h("span", { class: `chip state-${i.state}` }, room.stateName(i.state)),
  ];
}

export const categoryOf = (room: Room, i: Incident): string => room.state.lang === "zh" || room.categoryName(i.category) === i.category ? i.category_name : room.categoryName(i.category);

/** One line of a list of incidents. */
export function incidentRow(room: Room, i: Incident): HTMLElement {
  const at = Date.parse(i.occurred_at), now = room.now(), { pick, fresh } = room.state;
  return h("li", {}, h("button", {
    class: `row incident${pick?.kind === "incident" && pick.id === i.id ? " active" : ""}${fresh.has(i.id) ? " fresh" : ""}`, testid: `incident-${i.id}`, current: pick?.id === i.id,
    click: () => void room.pick({ kind: "incident", id: i.id }),
  },
  h("span", { class: "number when", title: moment(at, 0) }, dayOf(at) === dayOf(now) ? clock(at) : moment(at, now)),
  h("span", { class: "grow" },
    h("span", { class: "line" }, h("strong", {}, categoryOf(room, i)), ...chips(room, i)),
    h("span", { class: "line quiet" }, room.whereOf(i)),
    i.summary === null || i.summary === "" ? null : h("span", { class: "line quiet summary" }, i.summary))));
}

export function livePanel(room: Room): Child[] {
  const { t } = room, { list, matched, next } = room.state;
  return [
    h("p", { class: "facts" }, h("span", { testid: "matched" }, matched === null ? t("counting") : t("matchedN", { n: count(matched) }))),
    list.length === 0 ? (matched === null ? null : h("p", { class: "empty" }, t("noIncidents"))) : h("ol", { class: "list incidents", testid: "incidents" }, ...list.map(i => incidentRow(room, i))),
    next === null ? null : h("div", { class: "buttons" }, h("button", { testid: "more", click: () => void room.more() }, t("more"))),
  ];
}
