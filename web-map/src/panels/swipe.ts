// The divider between two plans: dragged, or moved with the arrow keys.

import type { App } from "../app";
import { h, mount } from "./dom";

/** Share of the width that an arrow key moves it. */
const STEP = 0.05;
const clamp = (x: number): number => Math.min(Math.max(x, 0), 1);

export function swipe(app: App, place: HTMLElement): void {
  const { t } = app;
  const handle = h("div", { class: "swipe", testid: "swipe", role: "slider", tabindex: 0 }), mine = h("span", { class: "swipe-name left" }), other = h("span", { class: "swipe-name right" });
  handle.setAttribute("aria-valuemin", "0");
  handle.setAttribute("aria-valuemax", "100");
  handle.append(mine, other, h("span", { class: "grip" }));
  handle.addEventListener("pointerdown", e => { handle.setPointerCapture(e.pointerId); handle.focus({ preventScroll: true }); e.preventDefault(); });
  handle.addEventListener("pointermove", e => {
    if (!handle.hasPointerCapture(e.pointerId)) return;
    const box = place.getBoundingClientRect();
    app.store.set({ swipe: clamp((e.clientX - box.left) / Math.max(box.width, 1)) });
  });
  handle.addEventListener("keydown", e => {
    const step = e.key === "ArrowLeft" ? -STEP : e.key === "ArrowRight" ? STEP : e.key === "Home" ? -1 : e.key === "End" ? 1 : 0;
    if (step === 0) return;
    e.preventDefault();
    app.store.set({ swipe: clamp(app.state.swipe + step) });
  });
  mount(place, app, s => [s.compared?.model ?? null, s.model === null], () => app.state.model === null || (app.state.compared?.model ?? null) === null ? [] : [handle]);
  const put = (): void => {
    const { compared, plan, swipe } = app.state;
    handle.style.left = `${(swipe * 100).toFixed(2)}%`;
    handle.setAttribute("aria-valuenow", String(Math.round(swipe * 100)));
    handle.setAttribute("aria-label", t("swipe"));
    mine.textContent = plan?.name ?? "";
    other.textContent = compared?.plan.name ?? "";
  };
  app.store.subscribe((now, before) => { if (now.swipe !== before.swipe || now.compared !== before.compared || now.plan !== before.plan || now.lang !== before.lang) put(); });
  put();
}
