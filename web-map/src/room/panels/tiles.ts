// Four figures that are always in sight, and which window they are of.

import { h, mount, type Child } from "../../panels/dom";
import { count } from "../../strings";
import type { Room } from "../room";

export function tiles(room: Room): HTMLElement {
  const { t } = room, place = h("div", { class: "tiles", role: "group" });
  mount(place, room, s => [s.totals, s.lang, s.status], (): Child[] => {
    place.setAttribute("aria-label", t("figures"));
    const { totals, status } = room.state;
    const tile = (name: "today" | "days7" | "open" | "overdue", value: number | undefined, filter: "open" | "overdue" | null): HTMLElement => {
      const inner = [h("span", { class: "name" }, t(`tile_${name}`)), h("span", { class: "value", testid: `total-${name}` }, value === undefined ? "—" : count(value)), h("span", { class: "measure" }, t("incidentUnit"))];
      const look = `tile${name === "overdue" && (value ?? 0) > 0 ? " bad" : ""}`;
      return filter === null || room.state.wall ? h("div", { class: look }, ...inner)
        : h("button", { class: look, testid: `tile-${name}`, pressed: status === filter, click: () => room.look({ status: status === filter ? null : filter }) }, ...inner);
    };
    return [tile("today", totals?.today, null), tile("days7", totals?.days7, null), tile("open", totals?.open, "open"), tile("overdue", totals?.overdue, "overdue")];
  });
  return place;
}
