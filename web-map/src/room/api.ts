// What the room asks of the service: incidents, statistics, hotspots, scans, alerts.

import { core } from "../regions";
import type { components } from "../service.gen";
import { call, freshKey, sendFile, type Job, type LonLat, type Region } from "../api";

export const STATES = ["reported", "accepted", "rejected", "dispatched", "handling", "suspended", "handled", "verified", "closed"] as const;
export const LEVELS = ["grid", "village", "township", "county"] as const;
export type IncidentState = typeof STATES[number];
export type Level = typeof LEVELS[number];
export type Action = "accept" | "reject" | "dispatch" | "start" | "suspend" | "resume" | "handle" | "return" | "verify" | "close" | "reopen" | "escalate" | "set_due";

export interface Incident {
  id: string; region: string; region_name: string; grid: string | null; grid_name: string | null; unit: string | null;
  category: string; category_name: string; dispute: string | null; level: Level; state: IncidentState;
  occurred_at: string; due_at: string | null; overdue: boolean; summary: string | null; at: LonLat | null; source: string | null;
  version: number; emergency: boolean;
}
export interface Officer { id: string; role: string; name?: string | null }
export interface Step { from_state: string | null; to_state: string; from_level: string | null; to_level: string; role: string; at: string; due_at: string | null; reason: string | null }
export interface Allowed { action: Action; needs: readonly string[] }
export interface Photo { kind: string; width: number; height: number; at: string }
export interface Detail { incident: Incident; transitions: Step[]; photo: Photo | null; allowed: Allowed[]; near: { grid_officers: Officer[]; unit_officers: Officer[] } }
export interface Page { incidents: Incident[]; next: string | null; number_matched: number }
export interface Named { key: string; name: string; name_en: string; enabled?: boolean }
export interface Dictionaries { categories: Named[]; disputes: Named[] }
export type By = "category" | "level" | "state" | "region" | "day" | "grid" | "unit";
export interface StatRow { key: string; name: string; count: number; open: number; overdue: number }
export interface Totals { units: number; grids: number; households: number; leaders: number; incidents: number; open: number; overdue: number; today: number; days7: number }
export interface Statistics { by: By; from: string | null; to: string | null; rows: StatRow[]; totals: Totals; incident_free: { code: string; name: string }[] }
export type HotView = "gi" | "rate" | "count" | "emerging" | "density";
export interface Cell {
  h3: string; ring: LonLat[]; count: number; households: number | null; expected: number | null; neighbours: number | null; z: number | null;
  p: number | null; p_sim: number | null; fdr05: boolean | null; class: string | null; emerging: string | null; density: number | null; rank: number | null; why: string;
}
/** `incidents` lie in the study area and are in its cells, `outside` do not. `study_cells` counts also cells that have nothing to say and are not listed. */
export interface Hotspots { view: HotView; resolution: number; from: string | null; to: string | null; as_of: string; incidents: number; outside: number; mean: number | null; study_cells: number; cells: Cell[]; notes: string[] }
export interface Cluster { centre: LonLat; radius_m: number; from: string; to: string; observed: number; expected: number; p: number; recurrence_days: number | null }
export interface Alert {
  id: string; kind: string; title: string; region: string; incident: string | null; cell: string | null; opened_at: string; level: string;
  acknowledged: { by: string; at: string } | null; escalates_at: string | null; closed_at: string | null;
}
export type AlertRule = components["schemas"]["AlertRule"];
export type AlertRuleWish = components["schemas"]["AlertRuleWish"];
export interface IncidentEvent { id: string; operation: string; region: string; grid: string | null; unit: string | null; level: string; category: string; state: string; emergency: boolean; occurred_at: string; at_time: string }
export interface AlertEvent { id: string; operation: "opened" | "acknowledged" | "escalated" | "closed"; kind: string; region: string; incident: string | null; level: string; at_time: string }
export interface NewIncident { category: string; occurred_at: string; summary?: string; at?: LonLat; region?: string }

/** What narrows a list or a map. */
export interface Filter { region: string | null; category: string | null; level: string | null; state: string | null; from: string | null; to: string | null }

/** What narrows a count. */
export type Counted = Pick<Filter, "region" | "from" | "to"> & Partial<Pick<Filter, "category" | "level" | "state">>;

type Value = string | number | readonly number[] | null | undefined;
/** A query of what is set. */
export function query(values: Readonly<Record<string, Value>>): string {
  const list = Object.entries(values).filter(([, v]) => v !== null && v !== undefined && v !== "");
  const said = list.map(([k, v]) => `${k}=${Array.isArray(v) ? v.map((n: number) => n.toFixed(6)).join(",") : encodeURIComponent(String(v))}`);
  return said.length === 0 ? "" : `?${said.join("&")}`;
}

/** Areas are told by the digits that say something. */
const area = (region: string | null): string | null => region === null ? null : core(region);

/** The status a reader chooses is a state, or “open”, or “overdue”. */
export const filtered = (f: Counted): Record<string, Value> => ({
  region: area(f.region), category: f.category, level: f.level, from: f.from, to: f.to,
  ...(f.state === "open" ? { open: "true" } : f.state === "overdue" ? { overdue: "true" } : { state: f.state ?? null }),
});

const id = encodeURIComponent;
const once = (): Record<string, string> => ({ "idempotency-key": freshKey() });
const jobOf = ({ job }: { job: string | { id: string } }): string => typeof job === "string" ? job : job.id;

export const roomApi = {
  regions: async () => (await call<{ regions: Region[] }>("GET", "/api/regions")).regions,
  dictionaries: () => call<Dictionaries>("GET", "/api/dictionaries"),
  incidents: (f: Filter, more: Readonly<Record<string, Value>> = {}) => call<Page>("GET", `/api/incidents${query({ ...filtered(f), order: "-occurred_at", ...more })}`),
  incident: (incident: string) => call<Detail>("GET", `/api/incidents/${id(incident)}`),
  /** The household of a unit's leader, or null where there is none or it may not be seen. */
  leaderHome: async (unit: string): Promise<string | null> => {
    const found = await call<{ features: { properties: { household: string; role: string } }[] }>("GET", `/ogc/collections/leaders/items${query({ unit, limit: 9 })}`).catch(() => null);
    return found?.features.find(f => f.properties.role === "leader")?.properties.household ?? null;
  },
  report: async (wish: NewIncident, key: string) => (await call<{ incident: Incident }>("POST", "/api/incidents", wish, { "idempotency-key": key })).incident,
  putPhoto: (incident: string, photo: Blob) => sendFile<{ photo: Photo }>("PUT", photoUrl(incident), photo),
  dropPhoto: (incident: string) => call<void>("DELETE", photoUrl(incident)),
  transition: async (incident: string, wish: { action: Action; level?: string; reason?: string; due_at?: string; base_version: number }) =>
    (await call<{ incident: Incident }>("POST", `/api/incidents/${id(incident)}/transitions`, wish, once())).incident,
  reveal: (officer: string, purpose: string) => call<{ phone: string | null; sealed: boolean }>("POST", `/api/officers/${id(officer)}/reveal`, { purpose }, once()),
  statistics: (by: By, f: Counted) => call<Statistics>("GET", statisticsUrl(by, f)),
  hotspots: (view: HotView, resolution: number, f: Filter) =>
    call<Hotspots>("GET", `/api/hotspots${query({ ...filtered(f), resolution, view })}`),
  scan: async (region: string | null, radius_m: number, days: number, from: string | null, to: string | null, permutations: number) =>
    jobOf(await call<{ job: string | { id: string } }>("GET", `/api/scan${query({ region: area(region), radius: `${radius_m}m`, days, from, to, permutations })}`)),
  job: (job: string) => call<Job>("GET", `/api/jobs/${id(job)}`),
  alerts: async (region: string | null) => (await call<{ alerts: Alert[] }>("GET", `/api/alerts${query({ region: area(region), open: "true" })}`)).alerts,
  acknowledge: async (alert: string) => (await call<{ alert: Alert }>("POST", `/api/alerts/${id(alert)}/acknowledge`, {}, once())).alert,
  alertRules: async () => (await call<{ rules: AlertRule[] }>("GET", "/api/alert-rules")).rules,
  putAlertRule: async (rule: string, version: number, wish: AlertRuleWish) =>
    (await call<{ rule: AlertRule }>("PUT", `/api/alert-rules/${id(rule)}`, wish, { "if-match": `"${version}"` })).rule,
  dropAlertRule: (rule: string, version: number) => call<void>("DELETE", `/api/alert-rules/${id(rule)}`, undefined, { "if-match": `"${version}"` }),
};

export const photoUrl = (incident: string): string => `/api/incidents/${id(incident)}/photo`;
/** Where a table of the statistics is, as JSON or as a file. */
export const statisticsUrl = (by: By, f: Counted, format?: "csv" | "xlsx"): string =>
  `/api/statistics${query({ ...filtered(f), by, f: format })}`;
export const reportUrl = (region: string | null, day: string): string => `/api/report${query({ region: area(region), day })}`;
