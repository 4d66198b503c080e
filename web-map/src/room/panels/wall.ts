// The wall: what must be read from five metres, and nothing else.

import { h, mount, type Child } from "../../panels/dom";
import { icon } from "../../panels/icons";
import { languageButton } from "../../panels/page";
import { count } from "../../strings";
import { isOverdue } from "../book";
import type { Room } from "../room";
import { clock, dayOf, moment } from "../time";
import { write } from "../url";
import { ageBadge, clockFace } from "./badge";
import { categoryOf } from "./live";
import { tiles } from "./tiles";

export function wallHead(room: Room, place: HTMLElement, sound: () => void): void {
  const { t } = room, title = h("h1", { class: "brand" }), keys = h("div", { class: "group quietly" });
  place.append(title, h("span", { class: "grow" }), ageBadge(room), clockFace(room), keys);
  mount(title, room, s => [s.path, s.lang], () => [h("strong", {}, room.state.path.at(-1)?.name ?? t("allRegions")), h("span", {}, t("wallTitle"))]);
  mount(keys, room, s => [s.lang, s.turning, s.sound, s.rotate, s.children, s.range], () => {
    const { turning, sound: on, rotate, children, lang } = room.state;
    return [
      h("button", { testid: "sound", pressed: on, title: t("soundWhy"), click: sound }, icon(on ? "bell" : "bellOff"), t(on ? "soundOn" : "soundOff")),
      rotate === 0 || children.length < 2 ? null : h("button", { testid: "turning", pressed: turning, click: () => room.store.set({ turning: !turning }) }, icon(turning ? "pause" : "play"), t("rotation")),
      languageButton(lang, other => room.look({ lang: other })),
      h("a", { class: "button", testid: "from-wall", href: write({ ...room.state, wall: false, at: null }) }, icon("back"), t("room")),
    ];
  });
}

/** The district the map stands at, over the map. */
export function districtCard(room: Room): HTMLElement {
  const { t } = room, place = h("div", { class: "district", testid: "district" });
  mount(place, room, s => [s.district, s.lang], (): Child[] => {
    const { district } = room.state;
    place.hidden = district === null;
    if (district === null) return [];
    const { totals, region } = district, figure = (name: "today" | "days7" | "open" | "overdue"): Child => h("span", {}, t(`tile_${name}`), " ", h("strong", { class: name === "overdue" && (totals?.overdue ?? 0) > 0 ? "late" : "" }, totals === null ? "—" : count(totals[name])), t("incidentUnit"));
    return [h("strong", { class: "name" }, region.name), figure("today"), figure("days7"), figure("open"), figure("overdue")];
  });
  return place;
}

export function wallSide(room: Room, place: HTMLElement): void {
  const { t } = room, latest = h("section", { class: "latest" });
  place.append(tiles(room), latest);
  mount(latest, room, s => [s.list, s.matched === null, s.fresh, s.lang, s.dictionaries], (): Child[] => {
    const { list, matched, fresh } = room.state, now = room.now();
    return [
      h("h2", {}, t("lastTen")),
      list.length === 0 ? h("p", { class: "empty" }, t(matched === null ? "counting" : "noIncidents")) : h("ol", { testid: "incidents" }, ...list.slice(0, 10).map(i => {
        const at = Date.parse(i.occurred_at);
        return h("li", { class: fresh.has(i.id) ? "fresh" : "", testid: `incident-${i.id}` },
          h("span", { class: "number when" }, dayOf(at) === dayOf(now) ? clock(at) : moment(at, now).slice(0, 5)),
          h("span", { class: "grow" }, h("span", { class: "line" }, h("strong", { class: i.emergency ? "late" : "" }, categoryOf(room, i)), isOverdue(i, now) ? h("span", { class: "chip bad" }, t("state_overdue")) : null),
            h("span", { class: "line where" }, room.whereOf(i))),
          h("span", { class: `chip state-${i.state}` }, room.stateName(i.state)));
      })),
    ];
  });
}
