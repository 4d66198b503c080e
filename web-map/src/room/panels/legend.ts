// Which layer, and what its colours, patterns and signs mean.

import { h, mount, type Child } from "../../panels/dom";
import { colon, count } from "../../strings";
import type { PaletteName } from "../../style/palette";
import { fillOf, letterInto, stepOf, Textures, type HeatLayer } from "../../map/heat-layer";
import { sign } from "../../map/incident-layer";
import { brief, edgeM } from "../cells";
import type { Cell, HotView } from "../api";
import type { Room } from "../room";
import { LAYERS, RESOLUTIONS } from "../url";

const COURSES = ["new", "consecutive", "intensifying", "persistent", "diminishing", "sporadic", "oscillating", "historical"] as const;
const SIZE_PX = 22;

/** A drawing, as large as a line or a multiple of it. */
function picture(draw: (pen: CanvasRenderingContext2D) => void, large = 1): HTMLElement {
  const canvas = h("canvas", { class: "key" }), ratio = (window.devicePixelRatio || 1) * large;
  canvas.width = canvas.height = SIZE_PX * ratio;
  canvas.style.width = canvas.style.height = `${SIZE_PX * large}px`;
  canvas.setAttribute("aria-hidden", "true");
  const pen = canvas.getContext("2d");
  if (pen !== null) { pen.scale(ratio, ratio); draw(pen); }
  return canvas;
}

function hexagon(pen: CanvasRenderingContext2D, r = 11): void {
  pen.beginPath();
  for (let k = 0; k < 6; k++) { const a = Math.PI / 3 * k + Math.PI / 6; pen.lineTo(11 + r * Math.cos(a), 11 + r * Math.sin(a)); }
  pen.closePath();
}

const line = (name: string, key: HTMLElement, ...words: Child[]): HTMLElement => h("li", { testid: `key-${name}` }, key, h("span", {}, ...words));

/** Signs of single incidents; or what a disc is, where they would be too many. */
function incidentKeys(room: Room, large = 1): HTMLElement[] {
  const { t } = room, { points, hot } = room.state;
  if (points.length === 0 && hot !== null && hot.incidents > 0)
    return [line("bubbles", picture(pen => { pen.beginPath(); pen.arc(11, 11, 9, 0, 2 * Math.PI); pen.fillStyle = "rgba(11, 92, 138, .8)"; pen.fill(); }, large), t("bubbles"))];
  return ([["sign_open", true, false, false], ["state_overdue", true, true, false], ["emergency", true, false, true], ["sign_done", false, false, false]] as const)
    .map(([key, open, late, emergency]) => line(key, picture(pen => sign(pen, 11, emergency ? 12 : 11, { open, late, emergency }, 6), large), t(key)));
}

/** On the wall: the signs alone, nothing to be pressed. */
export function wallLegend(room: Room): HTMLElement {
  const place = h("ul", { class: "keys signs" });
  mount(place, room, s => [s.lang, s.points.length > 0, s.hot], () => incidentKeys(room, 1.5));
  return place;
}

export function legend(room: Room, heat: HeatLayer): HTMLElement {
  const { t } = room, place = h("section", { class: "legend", testid: "legend" });
  const cell = (view: HotView, look: Partial<Pick<Cell, "class" | "emerging" | "households">>, k: number, letter = ""): HTMLElement => picture(pen => {
    const fill = fillOf(view, room.state.palette, new Textures(pen), { class: null, emerging: null, households: 1, ...look }, k);
    hexagon(pen);
    pen.globalAlpha = fill.alpha;
    pen.fillStyle = fill.colour;
    pen.fill();
    if (fill.pattern !== null) { pen.fillStyle = fill.pattern; pen.fill(); }
    pen.globalAlpha = 1;
    pen.strokeStyle = fill.edge;
    pen.stroke();
    if (letter === "") return;
    letterInto(pen, letter, 11, 11.5, 12);
  });

  mount(place, room, s => [s.hot, s.layer, s.resolution, s.palette, s.lang, s.hotBusy, s.matched, s.points.length > 0, s.hotProblem], (): Child[] => {
    const { layer, hot, points, hotBusy, hotProblem, resolution, palette, matched } = room.state;
    place.setAttribute("aria-label", t("legend"));
    const rows: Child[] = [], missing = hot === null || matched === null || hotBusy ? 0 : matched - hot.incidents - hot.outside;
    if (layer === "none") rows.push(...incidentKeys(room));
    else if (layer === "gi") rows.push(...(["hot", "cold", "none"] as const).map(c => line(c, cell("gi", { class: c }, 0), t(`class_${c}`))));
    else if (layer === "emerging") rows.push(...COURSES.map(c => line(c, cell("emerging", { emerging: `${c}_hot` }, 0, room.sign(c)), t(`course_${c}`), t("hotWord"))), line("cold", cell("emerging", { emerging: "new_cold" }, 0), t("coldKey")));
    else if (hot !== null && hot.view === layer) {
      const scale = heat.scale;
      scale.forEach((bound, k) => rows.push(line(`step${k}`, cell(layer, {}, stepOf(k, scale.length)), k === 0 ? `≤ ${brief(bound)}` : `${brief(scale[k - 1]!)}–${brief(bound)}`)));
    }
    if (hot !== null && hot.view === layer) for (const why of ["island", "constant", "no_households", "no_rate"] as const)
      if (heat.silences.has(why)) rows.push(line(why, cell(layer, why === "no_rate" ? { households: 0 } : { class: why }, 0), t(`class_${why}`)));
    const r = hot?.resolution ?? room.resolution();
    return [
      h("div", { class: "layers", role: "radiogroup", label: t("layer") }, ...LAYERS.map(l => {
        const button = h("button", { testid: `layer-${l}`, role: "radio", class: l === layer ? "on" : "", tabindex: l === layer ? 0 : -1, click: () => room.look({ layer: l }), key: e => {
          const step = e.key === "ArrowRight" || e.key === "ArrowDown" ? 1 : e.key === "ArrowLeft" || e.key === "ArrowUp" ? -1 : 0;
          if (step === 0) return;
          e.preventDefault();
          const next = LAYERS[(LAYERS.indexOf(l) + step + LAYERS.length) % LAYERS.length]!;
          room.look({ layer: next });
          place.querySelector<HTMLElement>(`[data-testid="layer-${next}"]`)?.focus();
        } }, t(`layer_${l}`));
        button.setAttribute("aria-checked", String(l === layer));
        return button;
      })),
      h("p", { class: "title" }, h("strong", {}, t(`layerTitle_${layer}`)), hotBusy ? h("span", { class: "quiet" }, t("counting")) : null),
      hotProblem !== null && layer !== "none" ? h("p", { class: "note" }, hotProblem) : null,
      h("ul", { class: `keys ${layer}` }, ...rows),
      hot !== null && hotProblem === null && (layer !== "none" || points.length === 0) && hot.incidents + hot.outside > 0
        ? h("p", { class: "quiet", testid: "counted" }, t("hotIncidents", { n: count(hot.incidents) }), hot.outside > 0 ? ` · ${t("hotOutside", { n: count(hot.outside) })}` : "", missing > 0 ? ` · ${t("placeless", { n: count(missing) })}` : "") : null,
      h("p", { class: "quiet size" }, h("select", { testid: "palette", label: t("palette"), change: e => room.look({ palette: (e.target as HTMLSelectElement).value as PaletteName }) },
        ...(["calm", "strong", "grey"] as const).map(p => h("option", { value: p, selected: p === palette }, `${t("palette")}${colon(room.state.lang)}${t(`palette_${p}`)}`))),
      layer === "none" ? null : h("select", { testid: "resolution", label: t("resolution"), change: e => { const v = (e.target as HTMLSelectElement).value; room.look({ resolution: v === "" ? null : Number(v) }); } },
        h("option", { value: "" }, t("autoSize", { n: r, m: Math.round(edgeM(r)) })), ...RESOLUTIONS.map(x => h("option", { value: String(x), selected: resolution !== null && x === r }, t("hexSize", { n: x, m: Math.round(edgeM(x)) }))))),
    ];
  });
  return place;
}
