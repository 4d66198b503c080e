// The service as types and calls. Everything else of the page goes through here.

import { outlinesUrl, outlinesUrls, REGIONS, SESSION } from "./regions";
import type { components } from "./service.gen";
import { hear, reach, takeEarly } from "./wire";

export { Unreachable } from "./wire";

// What the definition says of whole answers; what it leaves open follows below.
type Defined = components["schemas"];
export type Region = Omit<Defined["Region"], "bbox"> & { bbox: [number, number, number, number] | null };
export type Plan = Defined["Plan"];
export type Breach = Defined["Breach"];
export type Figures = Defined["Figures"];
export type Effect = Defined["Effect"];
export type Entry = Defined["HistoryEntry"];
export type Committed = Defined["Committed"];
export type VillageSummary = Defined["VillageName"];
export type Who = Defined["Principal"];
export type ProfileRow = Defined["Profile"];

export type LonLat = [number, number];
export interface GridRow {
  code: string; name: string; kind: "base" | "dedicated" | "level1"; locked: boolean; households: number; buildings: number;
  persons: number | null; deviation: number | null; target: number | null; version: number;
}
export interface UnitRow {
  code: string; locked: boolean; officers_locked: boolean; leader: string | null; deputies: string[];
  exception: string | null; households: number;
}
export interface BuildingRow { id: string; atom: number; households: number; grid: number; locked: boolean }
export interface AtomRow { at: LonLat; parts?: LonLat[][][]; rings?: LonLat[][] }
export interface Village extends Omit<Defined["Village"], "name" | "rules" | "grids" | "units" | "buildings" | "households" | "atoms" | "edges"> {
  name: string;
  rules: {
    unit: { min: number; max: number; deputies: number };
    grid: { target_households: number | null; tolerance: number; max_persons: number | null };
  };
  grids: GridRow[]; units: UnitRow[]; buildings: BuildingRow[];
  /** Id, building, unit, whether it is a candidate for an office. */
  households: [string, number, number, boolean][];
  atoms: AtomRow[]; edges: [number, number, number, number][];
}
export type LockTarget = { grid: string } | { unit: string } | { building: string } | { officers: string } | "all";
export type Operation =
  | { operation: "transfer_buildings"; buildings: string[]; to: string }
  | { operation: "split_grid"; grid: string; by: { count: number } | { line: LonLat[] } }
  | { operation: "merge_grids"; grids: string[] }
  | { operation: "create_dedicated"; buildings: string[]; name: string }
  | { operation: "retire_dedicated"; grid: string; into?: string }
  | { operation: "move_household"; household: string; unit: string }
  | { operation: "set_officers"; unit: string; leader: string; deputies: string[] }
  | { operation: "lock" | "unlock"; target: LockTarget }
  | { operation: "rename"; grid: string; name: string }
  | { operation: "rebalance"; grids: string[]; seed?: number; rounds?: number }
  | { operation: "reform_units"; grid: string; seed?: number; rounds?: number };
export type Policy = "refuse" | "keep_as_draft_problem";
export interface Reason { kind: string; rule?: string | null; ids: string[]; message: string; first: string; remedy: Operation[] }
export interface PlanResult { plan?: Plan; breaches?: Breach[]; villages?: number; grids?: number; units?: number; nets?: NetReport[];
  /** Where grids lie beyond the tolerance all the same. */
  balance?: { village: string; tolerance: number; deviation: number; better: string }[]; exceptions?: { households: number }[] }
export type Job<R = PlanResult> = Omit<Defined["Job"], "result" | "problem"> & { result?: R | null; problem?: ProblemBody | null };
/** What a file would do to the register, before it does. */
export interface Preview {
  import: { id: string }; layer: string; format: string; encoding: string | null; crs: string | null; datum_suspected: string | null;
  columns: Column[]; rows: number; warnings?: string[];
  counts: { insert: number; update: number; unchanged: number; conflict: number; refused?: number };
  errors: { sheet?: string | null; row: number | null; column?: string | null; message: string }[]; error_count: number;
  sample: Record<string, unknown>[]; regions: { code: string; name: string | null; rows: number }[];
}
export interface Column { column: string; field: string | null; dropped: string | null }
/** How a file is to be read: column → field, its reference system, its sheet or layer. */
export interface Reading { map?: Record<string, string>; crs?: string; layer_name?: string }
export interface Written { inserted: number; updated: number; unchanged: number; conflicts: number; refused: number }
/** How much of an old net lives on in a plan. */
export interface NetReport { net: string; old_border_m: number; kept_m: number; kept_share: number; households: number; households_changed: number }
export interface CompareVillage {
  village: string; households_in_other_grid: string[]; households_in_other_unit: string[]; households_only_first: number | string[];
  households_only_second: number | string[]; changed_grids: string[]; figures: [Figures, Figures] | null;
}
export interface ProblemBody {
  code: string; detail: string; field?: string; hint?: string; request_id?: string;
  refusal?: { operation?: unknown; reasons: Reason[] }; grids?: string[]; author?: string; author_name?: string; sign_in_at?: string; time?: string; current_version?: number;
  breaches?: Breach[];
  /** Of a file that cannot be read as it is: what is needed to read it another way. */
  import?: { id: string }; columns?: Column[]; layers?: string[];
}

/** The service answered, with a no. */
export class Refused extends Error {
  constructor(readonly status: number, readonly body: ProblemBody) { super(body.detail); }
}

export interface EditRequest {
  village: string; base_version: number; grid_versions?: [string, number][]; operations: Operation[]; policy: Policy;
}

/** A key that makes a repeated request count once. Works without a secure context. */
export function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, "0")).join("");
}

export function call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  return body === undefined ? send(method, path, undefined, headers)
    : send(method, path, JSON.stringify(body), { ...headers, "content-type": "application/json" });
}

/** Sends a file as it is. */
export const sendFile = <T>(method: string, path: string, file: Blob): Promise<T> => send(method, path, file, { "content-type": file.type });

let elsewhere: string | null | undefined;
/** Where one signs in with the organisation's accounts and comes back to a view, as the service said when it asked for a name; null where there is no such place. */
export const signInElsewhere = (view?: "room" | "wall" | "report"): string | null => elsewhere == null || view === undefined ? elsewhere ?? null : `${elsewhere}?view=${view}`;
/** The same for whoever was refused on another way than these calls, such as a stream: the service is asked once. */
export async function findElsewhere(view: "room" | "wall" | "report"): Promise<string | null> {
  if (elsewhere === undefined) await api.who().catch(() => undefined);
  return signInElsewhere(view);
}

async function send<T>(method: string, path: string, body: BodyInit | undefined, headers: Record<string, string>): Promise<T> {
  const { status, ok, value } = await (takeEarly(method, path) ?? hear(method, path, body, headers));
  if (status === 204) return undefined as T;
  if (!ok) {
    const known = value !== null && typeof value === "object" && "code" in value;
    if (status === 401 && known) elsewhere = (value as ProblemBody).sign_in_at ?? null;
    throw new Refused(status, known ? value as ProblemBody : { code: `http_${status}`, detail: `HTTP ${status}` });
  }
  return value as T;
}

/** Entries of a history asked for at once: the most the service gives. */
const PAGE = 1_000;

const id = encodeURIComponent;

export const api = {
  who: () => call<Who>("GET", SESSION),
  signIn: (name: string, password: string) => call<Who>("POST", "/api/session", { name, password }),
  signOut: () => call<void>("DELETE", "/api/session"),
  regions: async () => (await call<{ regions: Region[] }>("GET", REGIONS)).regions,
  /** Outlines of the divisions of a level in a box of degrees. */
  outlines: (bbox: readonly number[], level: string) => call<GeoJSON.FeatureCollection>("GET", outlinesUrl(bbox, level)),
  /** Outlines of divisions, by code. */
  outlinesOf: async (regions: readonly Region[]): Promise<Map<string, GeoJSON.Geometry | null>> => {
    const found = await Promise.all(outlinesUrls(regions).map(url => call<GeoJSON.FeatureCollection>("GET", url)));
    return new Map(found.flatMap(f => f.features).map(f => [String(f.properties?.["code"] ?? f.id), f.geometry]));
  },
  gridsInForce: (bbox: readonly number[]) =>
    call<GeoJSON.FeatureCollection>("GET", `/ogc/collections/grids/items?limit=500&bbox=${bbox.map(v => v.toFixed(6)).join(",")}`),
  /** A vector tile; empty where nothing is. */
  tile: async (collection: string, z: number, y: number, x: number): Promise<ArrayBuffer> => {
    const answer = await reach("GET", `/ogc/collections/${collection}/tiles/WebMercatorQuad/${z}/${y}/${x}`, undefined, { accept: "*/*" });
    if (!answer.ok) throw new Refused(answer.status, { code: `http_${answer.status}`, detail: `HTTP ${answer.status}` });
    return answer.arrayBuffer();
  },
  profiles: async () => (await call<{ profiles: ProfileRow[] }>("GET", "/api/profiles")).profiles,
  plans: async (region: string) => (await call<{ plans: Plan[] }>("GET", `/api/plans?region=${id(region)}`)).plans,
  plan: (plan: string) => call<{ plan: Plan; villages: VillageSummary[] }>("GET", `/api/plans/${id(plan)}`),
  generate: async (wish: Defined["NewPlan"]) => {
    const { job } = await call<{ job: string | { id: string } }>("POST", "/api/plans", wish);
    return typeof job === "string" ? job : job.id;
  },
  job: <R = PlanResult>(job: string) => call<Job<R>>("GET", `/api/jobs/${id(job)}`),
  cancelJob: (job: string) => call<void>("DELETE", `/api/jobs/${id(job)}`),
  fork: async (plan: string, name: string) => (await call<{ plan: Plan }>("POST", `/api/plans/${id(plan)}/fork`, { name })).plan,
  village: (plan: string, village: string) => call<Village>("GET", `/api/plans/${id(plan)}/villages/${id(village)}`),
  preview: (plan: string, village: string, operations: Operation[], policy: Policy) =>
    call<Effect>("POST", `/api/plans/${id(plan)}/preview`, { village, operations, policy }),
  edit: (plan: string, request: EditRequest, key: string) =>
    call<{ committed: Committed; effect: Effect | null; village: Village }>("POST", `/api/plans/${id(plan)}/edits`, request, { "idempotency-key": key }),
  undo: (plan: string) => call<{ committed: Committed; villages: string[] }>("POST", `/api/plans/${id(plan)}/undo`, {}),
  redo: (plan: string) => call<{ committed: Committed; villages: string[] }>("POST", `/api/plans/${id(plan)}/redo`, {}),
  history: async (plan: string) => {
    const all: Entry[] = [];
    for (let page: Entry[] = [], after = 0; after === 0 || page.length === PAGE; after = all.at(-1)?.seq ?? 0) {
      page = (await call<{ entries: Entry[] }>("GET", `/api/plans/${id(plan)}/history?after=${after}&limit=${PAGE}`)).entries;
      if (page.length === 0) break;
      all.push(...page);
    }
    return all;
  },
  check: (plan: string) => call<{ version: number; breaches: Breach[] }>("GET", `/api/plans/${id(plan)}/check`),
  publish: async (plan: string, base_version: number, date: string) =>
    (await call<{ plan: Plan }>("POST", `/api/plans/${id(plan)}/publish`, { base_version, date })).plan,
  /** Sends a file to be looked at; the job's result is a {@link Preview}. */
  upload: (layer: string, file: File) =>
    send<{ job: string; import: { id: string } }>("POST", `/api/imports?layer=${id(layer)}&file_name=${id(file.name)}`, file,
      { "content-type": "application/octet-stream", "idempotency-key": freshKey() }),
  previewImport: async (upload: string, wish: Reading) =>
    (await call<{ job: string }>("POST", `/api/imports/${id(upload)}/preview`, wish, { "idempotency-key": freshKey() })).job,
  commitImport: async (upload: string, partial: boolean) =>
    (await call<{ job: string }>("POST", `/api/imports/${id(upload)}/commit`, { partial }, { "idempotency-key": freshKey() })).job,
  forgetImport: (upload: string) => call<void>("DELETE", `/api/imports/${id(upload)}`),
  badRows: (upload: string, format: "csv" | "xlsx") => `/api/imports/${id(upload)}/errors?f=${format}`,
  handOut: async (wish: { layer: string; format: string; plan: string; region: string }) => (await call<{ job: string }>("POST", "/api/exports", wish)).job,
  absorb: async (plan: string, region: string) => (await call<{ job: string }>("POST", `/api/plans/${id(plan)}/absorb`, { region })).job,
  compare: async (a: string, b: string, region: string) =>
    (await call<{ villages: CompareVillage[] }>("GET", `/api/plans/${id(a)}/compare/${id(b)}?region=${id(region)}`)).villages,
};
