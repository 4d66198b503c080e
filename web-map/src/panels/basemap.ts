// Which ground lies under the map: none but lines of longitude and latitude, a file of this computer, or Tianditu where the service has a key.

import type { BasemapLayer, Grounded } from "../map/basemap-layer";
import { h, labelled, mount } from "./dom";
import { icon } from "./icons";

/** The choice, and whose map it is; `isShown` false leaves the second alone. */
export function basemap(app: Grounded, layer: BasemapLayer, place: HTMLElement, isShown = true): void {
  let isOpen = false;
  mount(place, app, s => [s.basemap, s.lang, s.who], () => {
    const { t } = app, { basemap, who } = app.store.state, tianditu = basemap?.tianditu, file = h("input", { type: "file", testid: "basemap-file", label: t("basemapChoose") });
    file.accept = ".pmtiles,.mbtiles";
    file.addEventListener("change", () => { const chosen = file.files?.[0]; if (chosen !== undefined) void layer.open(chosen); });
    return [isShown && h("details", { class: "basemap", testid: "basemap", open: isOpen, toggle: e => { isOpen = (e.target as HTMLDetailsElement).open; } }, h("summary", { testid: "basemap-open", title: t("basemap"), label: t("basemap") }, icon("ground")),
      h("div", { class: "card" }, h("h3", {}, t("basemap")), !tianditu && h("p", { class: "quiet" }, basemap === null ? t("basemapNone") : basemap.name),
        who?.basemaps.length ? h("div", { class: "buttons" }, ...(["vec", "img"] as const).map(kind =>
          h("button", { testid: `basemap-${kind}`, pressed: kind === tianditu, click: () => layer.tianditu(kind) }, t(`tianditu_${kind}`)))) : null,
        labelled(t("basemapChoose"), file),
        basemap === null || tianditu ? null : h("label", { class: "check" }, h("input", {
          type: "checkbox", testid: "basemap-shift", checked: basemap.isShifted, change: e => layer.shift((e.target as HTMLInputElement).checked),
        }), h("span", {}, t("basemapShift"))),
        basemap === null ? null : h("div", { class: "buttons" }, h("button", { testid: "basemap-off", click: () => layer.close() }, t("basemapOff"))))),
      tianditu && h("small", { class: "credit", testid: "basemap-credit" }, t("tiandituBy"))];
  });
}
