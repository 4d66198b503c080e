import "./style/base.css";
import "./style/parts.css";
import { App } from "./app";
import { MapView } from "./map/map";
import { basemap } from "./panels/basemap";
import { dialogs } from "./panels/dialogs";
import { h } from "./panels/dom";
import { rail } from "./panels/rail";
import { side } from "./panels/side";
import { banners, pageLanguage, statusbar } from "./panels/status";
import { swipe } from "./panels/swipe";
import { topbar } from "./panels/topbar";
import { Store, type State } from "./state";
import { expose } from "./testing";
import { Area } from "./tools/area";
import { Brush } from "./tools/brush";
import { Cut } from "./tools/cut";
import { Keyboard } from "./tools/keyboard";
import { Pointer } from "./tools/pointer";

/** What the page remembers of the reader's taste. */
const TASTE = "lianhu.taste";

function remembered(): Partial<State> {
  try {
    const kept = JSON.parse(localStorage.getItem(TASTE) ?? "{}") as { lang?: unknown; palette?: unknown };
    const palette = (["calm", "strong", "grey"] as const).find(p => p === kept.palette);
    return { ...(kept.lang === "en" ? { lang: "en" as const } : {}), ...(palette === undefined ? {} : { palette }) };
  } catch {
    return {};
  }
}

const store = new Store(remembered());
const app = new App(store);
const head = h("header", { class: "top" }), tools = h("nav", { class: "rail" }), ground = h("div", { class: "ground", id: "map", testid: "map", role: "application", tabindex: 0 });
const under = h("div", { class: "unders" }), divider = h("div", { class: "dividers" }), over = h("div", { class: "banners" }), aside = h("aside", { class: "side" }), foot = h("footer", { class: "status" });
document.getElementById("app")?.append(head, tools, h("main", { class: "middle" }, ground, under, divider, over), aside, foot);

const map = new MapView(app, ground);
app.view = map;
const hands = { select: new Pointer(app), brush: new Brush(app, map), rectangle: new Area(app, map, "rectangle"), lasso: new Area(app, map, "lasso"), cut: new Cut(app, map) };
map.setTool(hands[store.state.tool]);
new Keyboard(app, map);
pageLanguage(app);
topbar(app, head);
rail(app, map, tools);
banners(app, over);
swipe(app, divider);
basemap(app, map, under);
side(app, map, aside);
statusbar(app, foot);
dialogs(app, document.body);
const name = (): void => ground.setAttribute("aria-label", app.t("mapLabel"));
name();
store.subscribe((now, before) => {
  if (now.tool !== before.tool) map.setTool(hands[now.tool]);
  if (now.lang !== before.lang) name();
  if (now.lang !== before.lang || now.palette !== before.palette) {
    try { localStorage.setItem(TASTE, JSON.stringify({ lang: now.lang, palette: now.palette })); } catch { /* a page without memory works too */ }
  }
});
window.addEventListener("online", () => app.retry());
expose(app, map);
void app.start();
