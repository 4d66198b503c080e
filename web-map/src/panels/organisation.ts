// Sign-in with the organisation's own accounts: a way out of the page and back, where the service says there is one.

import { signInAt } from "../api";
import { h } from "./dom";

/** The way there, which comes back to the page it left. `leave` says no where something would be lost: then it opens beside the page. */
export function organisation(word: string, leave: () => boolean = () => true): HTMLElement | null {
  if (signInAt === null) return null;
  const asked = new URLSearchParams(location.search), view = asked.get("wall") === "1" ? "wall" : asked.get("view");
  const href = view === "wall" || view === "room" || view === "report" ? `${signInAt}?view=${view}` : signInAt;
  return h("a", { class: "button", testid: "sign-in-organisation", href, click: e => { if (!leave()) { e.preventDefault(); window.open(href); } } }, word);
}
