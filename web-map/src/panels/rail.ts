// The tools of the hand, and the zoom.

import type { App } from "../app";
import type { MapView } from "../map/map";
import type { ToolName } from "../state";
import { h, mount } from "./dom";
import { icon } from "./icons";

export const TOOLS: readonly ToolName[] = ["select", "brush", "rectangle", "lasso", "cut"];

export function rail(app: App, map: MapView, place: HTMLElement): void {
  const { t } = app;
  mount(place, app, s => [s.tool, s.lang, s.model === null, s.brushM], () => {
    const { tool, model, brushM } = app.state;
    return [
      h("div", { class: "stack", role: "toolbar", label: t("tools") }, ...TOOLS.map(name => h("button", {
        testid: `tool-${name}`, title: t(`tool_${name}`), pressed: tool === name, disabled: model === null,
        click: () => app.store.dispatch({ type: "tool", tool: name }),
      }, icon(name), h("span", {}, t(`tool_${name}`))))),
      tool !== "brush" ? null : h("label", { class: "slider" }, h("span", {}, t("brushSize")),
        h("input", { type: "range", testid: "brush-size", min: 5, max: 100, step: 5, value: String(brushM), change: e => app.store.set({ brushM: Number((e.target as HTMLInputElement).value) }) }),
        h("span", { class: "number" }, t("kmN", { n: brushM }))),
      h("span", { class: "grow" }),
      h("div", { class: "stack" },
        h("button", { testid: "zoom-in", title: t("zoomIn"), label: t("zoomIn"), click: () => map.zoom(0.75) }, icon("plus")),
        h("button", { testid: "zoom-out", title: t("zoomOut"), label: t("zoomOut"), click: () => map.zoom(-0.75) }, icon("minus")),
        h("button", { testid: "zoom-all", title: t("zoomAll"), label: t("zoomAll"), disabled: model === null, click: () => map.showVillage() }, icon("fit"))),
    ];
  });
}
