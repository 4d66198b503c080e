// How old the data is, what time it is, and whether this machine knows.

import { h, mount, type Child } from "../../panels/dom";
import type { Room } from "../room";
import { clockSeconds, dayOf, weekday } from "../time";
import type { Key } from "../../strings";

/** Older than this the data is not what happens now, s. */
const OLD_S = 60;
/** A clock that is off by more is told of, ms. */
const OFF_MS = 5_000;

export function isOld(room: Room): boolean { return !room.state.connected || (room.age() ?? 0) > OLD_S; }

/** The badge of the feed: how long ago it last gave a sign of life. */
export function ageBadge(room: Room): HTMLElement {
  const { t } = room, words = h("span", {}), place = h("span", { class: "age", testid: "age", role: "status" }, h("span", { class: "lamp" }), words);
  const show = (): void => {
    const { connected, everConnected } = room.state, age = room.age(), old = isOld(room);
    const said = !everConnected ? t("connecting") : !connected ? t("disconnected", { n: age ?? 0 }) : t("ageSeconds", { n: age ?? 0 });
    place.classList.toggle("old", old && everConnected);
    place.dataset["age"] = String(age ?? "");
    if (words.textContent !== said) words.textContent = said;
  };
  // not a live region: it would speak every second
  place.setAttribute("aria-live", "off");
  room.store.subscribe((now, before) => { if (now.connected !== before.connected || now.lang !== before.lang || now.heard !== before.heard) show(); });
  setInterval(show, 1_000);
  show();
  return place;
}

/** Date and time in Asia/Shanghai, by the service's clock; and a word where this machine's differs. */
export function clockFace(room: Room): HTMLElement {
  const { t } = room, time = h("strong", { testid: "clock" }), date = h("span", { class: "date" }), off = h("span", {});
  const place = h("span", { class: "clock", title: "Asia/Shanghai" }, date, time, off);
  const show = (): void => {
    const now = room.now();
    time.textContent = clockSeconds(now);
    date.textContent = `${dayOf(now)} ${t(`weekday_${weekday(now)}` as Key)}`;
  };
  mount(off, room, s => [s.skew, s.lang], (): Child[] => {
    const { skew } = room.state, n = Math.round(Math.abs(skew) / 1_000);
    if (Math.abs(skew) < OFF_MS) return [];
    const span = n < 120 ? t("secondsN", { n }) : n < 7_200 ? t("minutesN", { n: Math.round(n / 60) }) : t("hoursN", { n: Math.round(n / 3_600) });
    return [h("span", { class: "chip bad", testid: "skew", title: t("skewWhy") }, t(skew > 0 ? "skewFast" : "skewSlow", { span }))];
  });
  setInterval(show, 500);
  room.store.subscribe((now, before) => { if (now.lang !== before.lang || now.skew !== before.skew) show(); });
  show();
  return place;
}
