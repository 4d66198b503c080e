// Which ground lies under the grids: none but lines of longitude and latitude, a file of the planner's, or Tianditu where the service has a key.

import type { App } from "../app";
import type { MapView } from "../map/map";
import { h, labelled, mount } from "./dom";
import { icon } from "./icons";

export function basemap(app: App, map: MapView, place: HTMLElement): void {
  const { t } = app;
  let isOpen = false;
  mount(place, app, s => [s.basemap, s.lang, s.who], () => {
    const { basemap, who } = app.state, tianditu = basemap?.tianditu, file = h("input", { type: "file", testid: "basemap-file", label: t("basemapChoose") });
    file.accept = ".pmtiles,.mbtiles";
    file.addEventListener("change", () => { const chosen = file.files?.[0]; if (chosen !== undefined) void map.basemap.open(chosen); });
    return [h("details", { class: "basemap", testid: "basemap", open: isOpen, toggle: e => { isOpen = (e.target as HTMLDetailsElement).open; } }, h("summary", { title: t("basemap"), label: t("basemap") }, icon("ground")),
      h("div", { class: "card" }, h("h3", {}, t("basemap")), !tianditu && h("p", { class: "quiet" }, basemap === null ? t("basemapNone") : basemap.name),
        who?.basemaps.length ? h("div", { class: "buttons" }, ...(["vec", "img"] as const).map(kind =>
          h("button", { testid: `basemap-${kind}`, pressed: kind === tianditu, click: () => map.basemap.tianditu(kind) }, t(`tianditu_${kind}`)))) : null,
        labelled(t("basemapChoose"), file),
        basemap === null || tianditu ? null : h("label", { class: "check" }, h("input", {
          type: "checkbox", testid: "basemap-shift", checked: basemap.isShifted,
          change: e => app.store.set({ basemap: { ...basemap, isShifted: (e.target as HTMLInputElement).checked } }),
        }), h("span", {}, t("basemapShift"))),
        basemap === null ? null : h("div", { class: "buttons" }, h("button", { testid: "basemap-off", click: () => map.basemap.close() }, t("basemapOff"))))),
      tianditu && h("small", { class: "credit", testid: "basemap-credit" }, t("tiandituBy"))];
  });
}
