// Which page of the map the address asks for: the planner's, the monitoring room, or the form to report an incident.

import type { Answer } from "./api";
import { ITEMS, outlinesOf, Regions, REGIONS, SESSION } from "./regions";
import { address, askEarly } from "./wire";

/** While a page's code is read: who is there, the regions, and the outlines of those that the map begins with. */
async function begin(region: string | null): Promise<void> {
  void askEarly(SESSION);
  const { ok, value } = await askEarly(REGIONS);
  if (!ok) return;
  const tree = new Regions((value as Answer<typeof REGIONS, "get">).regions), known = region === null ? undefined : tree.find(region);
  for (const at of outlinesOf(tree.below((known ?? tree.descend(null))?.code ?? null))) void askEarly(address(ITEMS, at));
}

const pages = new Map([
  ["room", () => import("./room/start")],
  ["report", () => import("./report/start")],
] as const);
const planner = () => import("./main");
const asked = new URLSearchParams(location.search), view = asked.get("view");
// a link to a village begins elsewhere, the form with less
if (view !== "report" && location.hash === "") begin(view === "room" ? asked.get("region") : null).catch(() => undefined);
void ([...pages].find(([name]) => name === view)?.[1] ?? planner)();
