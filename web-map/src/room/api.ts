// What the room asks of the service: incidents, statistics, hotspots, scans, alerts. What is asked and answered has the types of its definition.

import { core } from "../regions";
import type { Lang } from "../strings";
import { call, linkTo, once, type Answer, type At, type Defined } from "../api";

export type Incident = Defined["Incident"];
export type IncidentState = Incident["state"];
export type Level = Incident["level"];
export type Action = Defined["IncidentStep"]["action"];
export type Officer = Defined["NearOfficer"];
export type Detail = Defined["IncidentDetail"];
export type Allowed = Detail["allowed"][number];
export type Page = Answer<"/api/incidents", "get">;
export type Dictionaries = Defined["Dictionaries"];
export type Statistics = Defined["Statistics"];
export type By = Statistics["by"];
export type StatRow = Defined["StatisticsRow"];
export type Totals = Statistics["totals"];
/** `incidents` lie in the study area and are in its cells, `outside` do not. `study_cells` counts also cells that have nothing to say and are not listed. */
export type Hotspots = Defined["Hotspots"];
export type HotView = Hotspots["view"];
export type Cell = Defined["HotspotCell"];
export type Cluster = Defined["Outbreak"];
export type Alert = Defined["Alert"];
export type AlertRule = Defined["AlertRule"];
export type AlertRuleWish = Defined["AlertRuleWish"];
export type IncidentEvent = Defined["IncidentEvent"];
export type AlertEvent = Defined["AlertEvent"];
export type NewIncident = Defined["NewIncident"];

export const STATES: readonly IncidentState[] = ["reported", "accepted", "rejected", "dispatched", "handling", "suspended", "handled", "verified", "closed"];
export const LEVELS: readonly Level[] = ["grid", "village", "township", "county"];

/** The name of an entry in a language; what a county adds may have none in English. */
export function nameOf(list: Dictionaries["categories" | "disputes"], key: string, lang: Lang): string | undefined {
  const entry = list.find(x => x.key === key);
  return lang === "zh" ? entry?.name : entry?.name_en || entry?.name;
}

/** What narrows a list or a map. */
export type Filter = Record<"region" | "category" | "level" | "state" | "from" | "to", string | null>;
/** What narrows a count. */
export type Counted = Pick<Filter, "region" | "from" | "to"> & Partial<Pick<Filter, "category" | "level" | "state">>;
type List = At<"/api/incidents", "get">;

/** Areas are told by the digits that say something. */
const area = (region: string | null): string | null => region === null ? null : core(region);

/** The status a reader chooses is a state, or “open”, or “overdue”. */
export const filtered = (f: Counted): Pick<List, "region" | "category" | "level" | "state" | "from" | "to" | "open" | "overdue"> => ({
  region: area(f.region), category: f.category, level: f.level, from: f.from, to: f.to,
  ...(f.state === "open" ? { open: "true" } : f.state === "overdue" ? { overdue: "true" } : { state: f.state ?? null }),
});

export const roomApi = {
  dictionaries: () => call("get", "/api/dictionaries", {}),
  incidents: (f: Filter, more: List = {}) => call("get", "/api/incidents", { ...filtered(f), order: "-occurred_at", ...more }),
  incident: (id: string) => call("get", "/api/incidents/{id}", { id }),
  /** The household of a unit's leader, or null where there is none or it may not be seen. */
  leaderHome: async (unit: string): Promise<string | null> => {
    const of = { collectionId: "leaders", unit, limit: 9 } as const, found = await call("get", "/ogc/collections/{collectionId}/items", of).catch(() => null);
    const home = found?.features.find(f => f.properties["role"] === "leader")?.properties["household"];
    return typeof home === "string" ? home : null;
  },
  report: async (wish: NewIncident, key: string) => (await call("post", "/api/incidents", {}, wish, once(key))).incident,
  putPhoto: (id: string, photo: Blob) => call("put", PHOTO, { id }, photo),
  dropPhoto: (id: string) => call("delete", PHOTO, { id }),
  transition: async (id: string, wish: Defined["IncidentStep"]) => (await call("post", "/api/incidents/{id}/transitions", { id }, wish, once())).incident,
  reveal: (id: string, purpose: string) => call("post", "/api/officers/{id}/reveal", { id }, { purpose }, once()),
  statistics: (by: By, f: Counted) => call("get", "/api/statistics", { by, ...filtered(f) }),
  hotspots: (view: HotView, resolution: number, f: Filter) => call("get", "/api/hotspots", { ...filtered(f), resolution, view }),
  scan: async (region: string | null, radius_m: number, days: number, from: string | null, to: string | null, permutations: number) =>
    (await call("get", "/api/scan", { region: area(region), radius: `${radius_m}m`, days, from, to, permutations })).job,
  alerts: async (region: string | null) => (await call("get", "/api/alerts", { region: area(region), open: "true" })).alerts,
  acknowledge: async (id: string) => (await call("post", "/api/alerts/{id}/acknowledge", { id }, {}, once())).alert,
  alertRules: async () => (await call("get", "/api/alert-rules", {})).rules,
  putAlertRule: async (id: string, version: number, wish: AlertRuleWish) => (await call("put", RULE, { id }, wish, { "if-match": `"${version}"` })).rule,
  dropAlertRule: (id: string, version: number) => call("delete", RULE, { id }, undefined, { "if-match": `"${version}"` }),
};

const PHOTO = "/api/incidents/{id}/photo", RULE = "/api/alert-rules/{id}";
export const photoUrl = (id: string): string => linkTo(PHOTO, { id });
/** Where a table of the statistics is as a file. */
export const statisticsUrl = (by: By, f: Counted, format: "csv" | "xlsx"): string => linkTo("/api/statistics", { by, ...filtered(f), f: format });
export const reportUrl = (region: string | null, day: string): string => linkTo("/api/report", { region: area(region), day });
