// Where, when and what: the room's bar.

import { h, mount } from "../../panels/dom";
import { icon } from "../../panels/icons";
import { languageButton, regionChoices } from "../../panels/page";
import { LEVELS } from "../api";
import type { Room } from "../room";
import { STATUSES, write } from "../url";
import { ageBadge, clockFace } from "./badge";

export function roomBar(room: Room, place: HTMLElement, sound: () => void): void {
  const { t } = room;
  const where = h("div", { class: "where", role: "group" }), what = h("div", { class: "where", role: "group" }), rest = h("div", { class: "group" }), brand = h("h1", { class: "brand" });
  const skip = h("a", { class: "skip", testid: "skip", href: "#map" }, t("skip"));
  place.append(skip, brand, where, what, h("span", { class: "grow" }), ageBadge(room), clockFace(room), rest);

  mount(brand, room, s => [s.lang], () => [h("strong", {}, t("app")), h("span", {}, t("room"))]);
  mount(where, room, s => [s.path, s.children, s.lang], () => {
    where.setAttribute("aria-label", t("region"));
    return regionChoices(room.state.lang, room.state.path, code => room.below(code), code => room.chooseRegion(code));
  });
  mount(what, room, s => [s.category, s.level, s.status, s.dictionaries, s.lang], () => {
    what.setAttribute("aria-label", t("filter"));
    const { category, level: at, status, dictionaries } = room.state;
    const choose = (testid: string, label: string, all: string, chosen: string | null, list: readonly (readonly [string, string])[], set: (value: string | null) => void): HTMLElement =>
      h("select", { testid, label, class: chosen === null ? "" : "narrowed", change: e => { const v = (e.target as HTMLSelectElement).value; set(v === "" ? null : v); } },
        h("option", { value: "" }, all), ...list.map(([value, word]) => h("option", { value, selected: value === chosen }, word)));
    return [
      choose("category", t("category"), t("allCategories"), category, dictionaries.categories.filter(c => c.enabled || c.key === category).map(c => [c.key, room.categoryName(c.key)]), v => room.look({ category: v })),
      choose("level", t("incidentLevel"), t("allLevels"), at, LEVELS.map(l => [l, room.levelName(l)]), v => room.look({ level: v })),
      choose("status", t("state"), t("allStates"), status, STATUSES.map(s => [s, room.stateName(s)]), v => room.look({ status: STATUSES.find(s => s === v) ?? null })),
      room.isNarrowed ? h("button", { testid: "clear-filter", title: t("clearFilter"), label: t("clearFilter"), click: () => room.look({ category: null, level: null, status: null }) }, "×") : null,
    ];
  });
  mount(rest, room, s => [s.lang, s.sound, s.who, s.region, s.range], () => {
    const { lang, sound: on, region, range } = room.state;
    return [
      h("button", { testid: "sound", pressed: on, title: t("soundWhy"), click: sound }, icon(on ? "bell" : "bellOff"), t(on ? "soundOn" : "soundOff")),
      h("a", { class: "button", testid: "to-report", href: "/?view=report" }, icon("plus"), t("reportGo")),
      h("a", { class: "button", testid: "to-wall", href: write({ ...room.state, wall: true, range, region, pick: null, at: null, slice: null }) }, icon("wall"), t("wall")),
      h("a", { class: "button", testid: "to-planner", href: "/" }, icon("back"), t("toPlanner")),
      languageButton(lang, other => room.look({ lang: other })),
    ];
  });
}
