// The panel beside the room's map: figures, then one tab at a time, or what was picked.

import { h, mount, type Child } from "../../panels/dom";
import type { Room } from "../room";
import { TABS } from "../url";
import { alertsPanel } from "./alerts";
import { incidentCard } from "./card";
import { figuresPanel } from "./figures";
import { cellCard, hotPanel } from "./hot";
import { livePanel } from "./live";
import { rulesPanel } from "./rules";
import { scanPanel } from "./scan";
import { tiles } from "./tiles";

export function roomSide(room: Room, place: HTMLElement): void {
  const { t } = room;
  const tabs = h("div", { class: "tabs", role: "tablist" }), body = h("div", { class: "panel-body", role: "tabpanel", testid: "panel", tabindex: 0, id: "panel" });
  place.append(tiles(room), tabs, body);
  mount(tabs, room, s => [s.tab, s.lang, s.alerts, s.pick], () => TABS.map(name => {
    const { tab, alerts, pick } = room.state, waiting = alerts.filter(a => a.acknowledged === null).length, on = tab === name && pick === null;
    const open = (to: typeof name): void => { if (room.state.pick !== null) void room.pick(null); room.rules.close(); room.look({ tab: to }); };
    return h("button", {
      role: "tab", testid: `tab-${name}`, selected: on, tabindex: tab === name ? 0 : -1, click: () => open(name),
      key: e => {
        const step = e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? -1 : 0;
        if (step === 0) return;
        const next = TABS[(TABS.indexOf(name) + step + TABS.length) % TABS.length]!;
        open(next);
        tabs.querySelector<HTMLElement>(`[data-testid="tab-${next}"]`)?.focus();
      },
    }, t(`tab_${name}`), name === "alerts" && waiting > 0 ? h("span", { class: "count" }, waiting) : null);
  }));
  mount(body, room, s => [s.tab, s.pick, s.lang, s.dictionaries, s.region, s.range, s.slice,
    ...s.pick !== null ? [s.detail, s.cellIncidents, s.revealed, s.home, s.hot, s.fresh] : [],
    ...s.pick === null && s.tab === "live" ? [s.list, s.matched, s.next, s.fresh, s.points, s.status] : [],
    ...s.pick === null && s.tab === "hot" ? [s.hot, s.hotBusy && s.hot === null, s.hotProblem, s.layer] : [],
    ...s.pick === null && s.tab === "alerts" ? s.rules === null ? [s.alerts, s.who] : [s.rules, s.ruleProblem, s.regions] : [],
    ...s.pick === null && s.tab === "figures" ? [s.figures, s.by, s.category, s.level, s.status] : [],
    ...s.pick === null && s.tab === "scan" ? [s.scan] : []], (): Child[] => {
    const { pick, tab } = room.state;
    body.setAttribute("aria-label", t(`tab_${tab}`));
    body.classList.toggle("picked", pick !== null);
    if (pick !== null) return [
      h("button", { class: "plain back", testid: "unpick", click: () => void room.pick(null) }, `← ${t(`tab_${tab}`)}`),
      ...pick.kind === "incident" ? incidentCard(room) : cellCard(room, pick.id),
    ];
    switch (tab) {
      case "live": return livePanel(room);
      case "hot": return hotPanel(room);
      case "alerts": return room.state.rules === null ? alertsPanel(room) : rulesPanel(room);
      case "figures": return figuresPanel(room);
      case "scan": return scanPanel(room);
    }
  });
  room.store.subscribe((now, before) => { if (now.pick !== before.pick || now.tab !== before.tab || (now.rules === null) !== (before.rules === null)) body.scrollTop = 0; });
}
