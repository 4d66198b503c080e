// Which page of the map the address asks for: the planner's, the monitoring room, or the form to report an incident.

const view = new URLSearchParams(location.search).get("view");
void (view === "room" ? import("./room/start") : view === "report" ? import("./report/start") : import("./main"));
