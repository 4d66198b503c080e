// The window, its pieces as bars, and moving through them.

import { h, mount, type Child } from "../../panels/dom";
import { icon } from "../../panels/icons";
import { count } from "../../strings";
import type { Room } from "../room";
import { clock, customRange, dayOf, DAY_MS, HOUR_MS, MOST_DAYS, pieces, PRESETS, type Span } from "../time";

/** A piece in words. */
export function spanWords(span: Span): string {
  const length = span.to - span.from, day = dayOf(span.from).slice(5);
  return length <= HOUR_MS ? `${day} ${clock(span.from)}–${clock(span.to)}` : length <= DAY_MS ? day : `${day} – ${dayOf(span.to - 1).slice(5)}`;
}

export function timebar(room: Room, place: HTMLElement): void {
  const { t } = room, ranges = h("div", { class: "ranges" }), line = h("div", { class: "line" });
  place.append(ranges, line);
  let custom = false;

  const drawRanges = mount(ranges, room, s => [s.range, s.lang, s.playing], (): Child[] => {
    place.setAttribute("aria-label", t("window"));
    const { range, playing } = room.state, span = room.span(true);
    const own = range.kind === "custom" || custom;
    const from = h("input", { type: "date", testid: "from", label: t("from"), value: dayOf(span.from) }), to = h("input", { type: "date", testid: "to", label: t("to"), value: dayOf(span.to - 1) });
    const set = (): void => {
      const wish = customRange(from.value, to.value);
      if (wish === null) room.say("bad", "badRange", { n: MOST_DAYS }); else { custom = false; room.look({ range: wish }); }
    };
    return [
      ...PRESETS.map(kind => h("button", { testid: `range-${kind}`, pressed: range.kind === kind && !custom, click: () => { custom = false; room.pace.play(false); room.look({ range: { kind } }); drawRanges(); } }, t(`range_${kind}`))),
      h("button", { testid: "range-custom", pressed: own, click: () => { custom = true; drawRanges(); } }, t("range_custom")),
      own ? h("span", { class: "pair" }, from, h("span", {}, "–"), to, h("button", { testid: "range-go", click: set }, t("apply"))) : null,
      h("span", { class: "grow" }),
      h("button", { testid: "play", pressed: playing, click: () => room.pace.play(!playing) }, icon(playing ? "pause" : "play"), t(playing ? "pause" : "playback")),
    ];
  });

  mount(line, room, s => [s.series, s.slice, s.range, s.lang], (): Child[] => {
    const { series, slice } = room.state, list = pieces(room.span(true)), most = Math.max(1, ...series?.counts ?? []), now = room.now();
    const at = slice === null ? -1 : list.findIndex(p => p.from === slice), shown = at < 0 ? undefined : list[at];
    const fits = series !== null && series.from === list[0]?.from && series.counts.length === list.length;
    const bars = h("div", { class: "bars", testid: "bars" }, ...list.map((p, i) => {
      const n = fits ? series.counts[i] ?? 0 : 0, bar = h("span", { class: `piece${i === at ? " on" : ""}${p.from > now ? " future" : ""}`, title: `${spanWords(p)}  ${t("incidentsN", { n })}`, click: () => { room.pace.play(false); room.look({ slice: i === at ? null : p.from }); } }, h("span", {}));
      (bar.firstElementChild as HTMLElement).style.height = `${n / most * 100}%`;
      return bar;
    }));
    bars.setAttribute("aria-hidden", "true");
    const slider = h("input", { type: "range", testid: "slider", label: t("slider"), min: -1, max: list.length - 1, step: 1, value: String(at), input: e => {
      const k = Number((e.target as HTMLInputElement).value);
      room.pace.play(false);
      room.look({ slice: k < 0 ? null : list[k]?.from ?? null });
    } });
    const total = fits ? series.counts.reduce((s, n) => s + n, 0) : null;
    const words = shown === undefined ? `${t("wholeWindow")}${total === null ? "" : ` · ${t("incidentsN", { n: count(total) })}`}` : `${spanWords(shown)}${fits ? ` · ${t("incidentsN", { n: series.counts[at] ?? 0 })}` : ""}`;
    slider.setAttribute("aria-valuetext", words);
    return [
      h("div", { class: "said" }, h("strong", { testid: "span" }, words), shown === undefined ? null : h("button", { class: "plain", testid: "whole", click: () => { room.pace.play(false); room.look({ slice: null }); } }, t("showWhole")),
        h("span", { class: "grow" }), h("span", { class: "quiet" }, t("mostN", { n: fits ? most : "—" }))),
      bars, slider,
      h("div", { class: "ends quiet" }, h("span", {}, list[0] === undefined ? "" : spanWords(list[0])), h("span", {}, list.length > 2 ? spanWords(list[list.length >> 1]!) : ""), h("span", {}, list.at(-1) === undefined ? "" : spanWords(list.at(-1)!))),
    ];
  });
}
