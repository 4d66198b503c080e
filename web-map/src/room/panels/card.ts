// One incident: where, who is near, what happened to it, what may be done next.

import { h, type Child } from "../../panels/dom";
import { half } from "../../strings";
import { LEVELS, photoUrl, type Action, type Allowed, type Detail, type Level, type Officer } from "../api";
import { prompt, type Asked } from "../prompt";
import type { Room } from "../room";
import { categoryOf, chips } from "./live";
import { DAY_MS, fieldOf, moment, ofField, stamp } from "../time";

/** Asks why, and shows the number: every look is written down. */
async function reveal(room: Room, detail: Detail, officer: Officer): Promise<void> {
  const { t } = room;
  const said = await prompt(t("revealTitle", { role: t(`role_${officer.role}`) }), t("revealWhy"), [{ name: "purpose", label: t("purpose"), value: t("purposeFor", { what: detail.incident.category_name, id: detail.incident.id.slice(0, 8) }), required: true }], { go: t("reveal"), cancel: t("cancel") });
  if (said !== null) await room.reveal(officer.id, said["purpose"] ?? "");
}

/** Grid head and workers, unit leader and deputies, by role. */
export function people(room: Room, detail: Detail): Child[] {
  const { t } = room, { revealed, home } = room.state, { incident: i, near } = detail;
  const one = (o: Officer): HTMLElement => {
    const known = revealed?.id === o.id ? revealed : null;
    return h("li", { testid: `officer-${o.id}` }, h("span", { class: "role" }, t(`role_${o.role}`)), h("span", { class: `grow${known?.name == null ? " nameless" : ""}` }, known?.name ?? t("nameHidden")),
    o.role === "leader" && home !== null && home.unit === i.unit && home.household !== null ? h("span", { class: "number quiet", testid: "leader-home" }, t("homeNo", { n: home.household })) : null,
    known !== null ? h("strong", { testid: "phone", class: "number" }, known.phone ?? t(known.sealed ? "phoneSealed" : "phoneNone"))
      : h("button", { testid: `reveal-${o.id}`, click: () => void reveal(room, detail, o) }, t("reveal")));
  };
  const group = (title: string, list: readonly Officer[], none: string): HTMLElement => h("section", {}, h("h3", {}, title), list.length === 0 ? h("p", { class: "quiet" }, none) : h("ul", { class: "list people" }, ...list.map(one)));
  return [
    group(i.grid === null ? t("noGrid") : `${t("gridNo", { n: i.grid.slice(12) })}${i.grid_name === null || i.grid_name === "" ? "" : ` ${i.grid_name}`}`, near.grid_officers, t("noGridOfficers")),
    group(i.unit === null ? t("noUnit") : t("unitNo", { n: i.unit.slice(15) }), near.unit_officers, t("noUnitOfficers")),
  ];
}

/** Next steps upwards from a level. */
const above = (level: Level): readonly Level[] => LEVELS.slice(LEVELS.indexOf(level) + 1);

async function act(room: Room, detail: Detail, allowed: Allowed): Promise<void> {
  const { t } = room, { action, needs } = allowed, fields: Asked[] = [];
  if (action === "escalate" || needs.includes("level")) fields.push({ name: "level", label: t("toLevel"), choices: (action === "escalate" ? above(detail.incident.level) : LEVELS).map(l => [l, room.levelName(l)]) });
  if (action === "set_due" || needs.includes("due_at")) fields.push({ name: "due_at", label: t("due"), type: "datetime-local", required: true, value: fieldOf(room.now() + DAY_MS) });
  const wantsReason = needs.includes("reason");
  if (wantsReason || fields.length > 0) fields.push({ name: "reason", label: t(wantsReason ? "reason" : "reasonFree"), required: wantsReason });
  if (fields.length === 0) { await room.act(detail, action, {}); return; }
  const said = await prompt(`${t(`action_${action}`)} · ${categoryOf(room, detail.incident)}`, action === "escalate" ? t("escalateWhy") : "", fields, { go: t(`action_${action}`), cancel: t("cancel") });
  if (said === null) return;
  await room.act(detail, action, {
    ...(said["level"] === undefined ? {} : { level: said["level"] as Level }), ...(said["reason"] === undefined || said["reason"] === "" ? {} : { reason: said["reason"] }),
    ...(said["due_at"] === undefined ? {} : { due_at: stamp(ofField(said["due_at"])) }),
  });
}

/** What one would do next comes first. */
const FORWARD: readonly Action[] = ["accept", "dispatch", "start", "resume", "handle", "verify", "close"];

/** The photo last shown: a card that is drawn again shows the same, and does not ask for it again. */
let shown: { of: string; picture: HTMLElement } | null = null;

function photoOf(room: Room, detail: Detail): Child[] {
  const { t } = room, { incident: { id }, photo } = detail, role = room.state.who?.role;
  if (photo === null) return [];
  const of = `${id} ${photo.at}`;
  if (shown?.of !== of) {
    const picture = new Image(photo.width, photo.height), link = h("a", { href: photoUrl(id), class: "photo" }, picture);
    picture.src = photoUrl(id);
    picture.dataset["testid"] = "incident-photo";
    link.target = "_blank";
    shown = { of, picture: link };
  }
  shown.picture.firstElementChild?.setAttribute("alt", t("photoOf"));
  const drop = async (): Promise<void> => { if (await prompt(t("photoRemove"), t("photoRemoveWhy"), [], { go: t("photoRemove"), cancel: t("cancel") }, true) !== null) await room.dropPhoto(id); };
  return [shown.picture, role === "planner" || role === "admin" ? h("button", { class: "plain", testid: "photo-remove", click: () => void drop() }, t("photoRemove")) : null];
}

export function incidentCard(room: Room): Child[] {
  const { t } = room, { detail, lang } = room.state, now = room.now();
  if (detail === null) return [h("p", { class: "empty" }, t("counting"))];
  const { incident: i, transitions, allowed } = detail, first = FORWARD.find(a => allowed.some(x => x.action === a));
  const fact = (name: string, value: string | null, testid?: string): Child => value === null || value === "" ? null : h("tr", {}, h("th", { scope: "row" }, name), h("td", testid === undefined ? {} : { testid }, value));
  const at = i.at;
  return [
    h("h2", {}, categoryOf(room, i), i.dispute === null ? "" : ` · ${room.disputeName(i.dispute)}`),
    h("p", { class: "chips" }, ...chips(room, i), h("span", { class: "chip" }, room.levelName(i.level))),
    i.summary === null || i.summary === "" ? null : h("p", { class: "summary", testid: "summary" }, i.summary),
    ...photoOf(room, detail),
    h("table", { class: "figures explain" }, h("tbody", {},
      fact(t("where"), room.whereOf(i), "incident-where"), fact(t("occurred"), moment(Date.parse(i.occurred_at), now)),
      fact(t("due"), i.due_at === null ? null : moment(Date.parse(i.due_at), now)), fact(t("source"), i.source), fact(t("number"), i.id))),
    h("div", { class: "buttons" },
      ...allowed.map(a => h("button", { testid: `act-${a.action}`, class: a.action === first ? "primary" : "", click: () => void act(room, detail, a) }, t(`action_${a.action}`))),
      at === null ? h("span", { class: "quiet" }, t("noPlace")) : h("button", { testid: "show-place", click: () => room.show(at) }, t("onMap"))),
    ...people(room, detail),
    h("h3", {}, t("course")),
    transitions.length === 0 ? h("p", { class: "quiet" }, t("noTransitions")) : h("ol", { class: "list steps", testid: "transitions" }, ...[...transitions].reverse().map(s => h("li", {},
      h("span", { class: "number quiet" }, moment(Date.parse(s.at), now)),
      h("span", { class: "grow" }, `${room.stateName(s.from_state)} → ${room.stateName(s.to_state)}`,
        s.from_level !== s.to_level ? ` · ${room.levelName(s.from_level)} → ${room.levelName(s.to_level)}` : "",
        s.reason === null || s.reason === "" ? null : h("span", { class: "line quiet" }, half(lang, s.reason))),
      h("span", { class: "quiet" }, t(`role_${s.role}`))))),
  ];
}
