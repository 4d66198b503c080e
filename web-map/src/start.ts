// Which page of the map the address asks for: the planner's, the monitoring room, or the form to report an incident.

const pages = new Map([
  ["room", () => import("./room/start")],
  ["report", () => import("./report/start")],
] as const);
const planner = () => import("./main");
const asked = new URLSearchParams(location.search).get("view");
void ([...pages].find(([name]) => name === asked)?.[1] ?? planner)();
