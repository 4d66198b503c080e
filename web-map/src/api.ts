// The service as calls. Everything else of the page goes through here. What is asked and answered has the types of its definition (service.gen.ts);
// none is written by hand (tested).

import { ITEMS, outlinesIn, outlinesOf, REGIONS, SESSION } from "./regions";
import type { components, paths } from "./service.gen";
import { address, hear, held, reach, takeEarly, type Value } from "./wire";

export { Unreachable } from "./wire";

export type Defined = components["schemas"];
export type Region = Defined["Region"];
export type Plan = Defined["Plan"];
export type Breach = Defined["Breach"];
export type Figures = Defined["Figures"];
export type Effect = Defined["Effect"];
export type Entry = Defined["HistoryEntry"];
export type Committed = Defined["Committed"];
export type VillageSummary = Defined["VillageName"];
export type Who = Defined["Principal"];
export type ProfileRow = Defined["Profile"];
export type LonLat = Defined["LonLat"];
export type Village = Defined["Village"];
export type UnitRow = Defined["PlanUnit"];
export type Operation = Defined["Operation"];
export type EditRequest = Defined["Batch"];
export type Policy = NonNullable<EditRequest["policy"]>;
export type Geometry = Defined["OgcGeometry"];
type Results = { [J in Defined["Job"] as J["kind"]]: J["result"] };
/** A job of a kind; what came of it goes by that. */
export type Job<K extends keyof Results = keyof Results> = Defined["JobHead"] & { kind: K; result: Results[K] };
export type PlanResult = Defined["PlanMade"];
export type NetReport = Defined["KeptNet"];
/** What a file would do to the register, before it does. */
export type Preview = Defined["Preview"];
/** How a file is to be read: column → field, its reference system, its sheet. */
export type Reading = Defined["Reading"];
export type Written = Defined["Imported"];
/** A no; the page's own have no more than a word and a sentence. */
export type ProblemBody = Pick<Defined["Problem"], "code" | "detail"> & Partial<Defined["Problem"]>;

/** The service answered, with a no. */
export class Refused extends Error {
  constructor(readonly status: number, readonly body: ProblemBody) { super(body.detail); }
}

/** A key that makes a repeated request count once. Works without a secure context. */
export function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, "0")).join("");
}
/** Says that a request counts once, however often it comes. */
export const once = (key = freshKey()): Record<string, string> => ({ "idempotency-key": key });

// —— types of a question, by its address and method ——

type Loose<T> = T extends readonly unknown[] ? Readonly<T> : T;
type Places<O> = O extends { path: infer V } ? Readonly<V> : unknown;
type Query<O> = O extends { query: infer Q } ? { readonly [K in keyof Q]: Loose<Q[K]> | (undefined extends Q[K] ? null | undefined : never) } : unknown;
/** What an operation's address wants. */
export type At<P extends keyof paths, M extends keyof paths[P]> = Places<paths[P][M]> & Query<paths[P][M]>;
type More<O> = O extends { body: infer B } ? [body: B, headers?: Record<string, string>] : [body?: undefined, headers?: Record<string, string>];
type AnswerTo<O> = O extends { answer: infer A } ? A : void;
/** What an operation answers. */
export type Answer<P extends keyof paths, M extends keyof paths[P]> = AnswerTo<paths[P][M]>;

/** Asks: an operation of the definition, the places of its address and its query, its body. A file goes as it is, all else as JSON. */
export async function call<P extends keyof paths, M extends keyof paths[P] & string>(method: M, path: P, at: At<P, M>, ...[body, headers]: More<paths[P][M]>): Promise<Answer<P, M>> {
  const url = address(path, at as Readonly<Record<string, Value>>), isFile = body instanceof Blob;
  const { status, ok, value } = await (takeEarly(method, url)
    ?? (body === undefined ? hear(method, url, body, headers) : hear(method, url, isFile ? body : JSON.stringify(body), { "content-type": isFile ? body.type : "application/json", ...headers })));
  if (!ok) {
    const known = value !== null && typeof value === "object" && "code" in value;
    if (status === 401 && known) elsewhere = (value as ProblemBody).sign_in_at ?? null;
    throw new Refused(status, known ? value as ProblemBody : nameless(status));
  }
  return value as Answer<P, M>;
}
const nameless = (status: number): ProblemBody => ({ code: `http_${status}`, detail: `HTTP ${status}` });

let elsewhere: string | null | undefined;
/** Where one signs in with the organisation's accounts and comes back to a view, as the service said when it asked for a name; null where there is no such place. */
export const signInElsewhere = (view?: "room" | "wall" | "report"): string | null => elsewhere == null || view === undefined ? elsewhere ?? null : `${elsewhere}?view=${view}`;
/** The same for whoever was refused on another way than these calls, such as a stream: the service is asked once. */
export async function findElsewhere(view: "room" | "wall" | "report"): Promise<string | null> {
  if (elsewhere === undefined) await api.who().catch(() => undefined);
  return signInElsewhere(view);
}

/** Entries of a history asked for at once: the most the service gives. */
const PAGE = 1_000;
const TILE = "/ogc/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}";

export const api = {
  who: () => call("get", SESSION, {}),
  signIn: (name: string, password: string) => call("post", SESSION, {}, { name, password }),
  signOut: () => call("delete", SESSION, {}),
  regions: async () => (await call("get", REGIONS, {})).regions,
  /** Outlines of the divisions of a level in a box of degrees. */
  outlines: (...of: Parameters<typeof outlinesIn>) => call("get", ITEMS, outlinesIn(...of)),
  /** Outlines of divisions, by code. */
  outlinesOf: async (regions: readonly Region[]): Promise<Map<string, Geometry | null>> => {
    const found = await Promise.all(outlinesOf(regions).map(at => call("get", ITEMS, at)));
    return new Map(found.flatMap(f => f.features).map(f => [String(f.properties["code"] ?? f.id), f.geometry]));
  },
  gridsInForce: (bbox: readonly [number, number, number, number]) => call("get", ITEMS, { collectionId: "grids", limit: 500, bbox }),
  /** A vector tile; empty where nothing is. */
  tile: async (collectionId: "grids" | "buildings", { z, x, y }: { z: number; x: number; y: number }): Promise<ArrayBuffer> => {
    const at: At<typeof TILE, "get"> = { collectionId, tileMatrixSetId: "WebMercatorQuad", tileMatrix: z, tileRow: y, tileCol: x };
    const answer = await reach("get", address(TILE, at as Readonly<Record<string, Value>>), undefined, { accept: "*/*" });
    if (!answer.ok) throw new Refused(answer.status, nameless(answer.status));
    return held(answer.arrayBuffer());
  },
  profiles: async () => (await call("get", "/api/profiles", {})).profiles,
  plans: async (region: string) => (await call("get", "/api/plans", { region })).plans,
  plan: (id: string) => call("get", "/api/plans/{id}", { id }),
  generate: async (wish: Defined["NewPlan"]) => (await call("post", "/api/plans", {}, wish)).job,
  job: (id: string) => call("get", "/api/jobs/{id}", { id }),
  cancelJob: (id: string) => call("delete", "/api/jobs/{id}", { id }),
  fork: async (id: string, name: string) => (await call("post", "/api/plans/{id}/fork", { id }, { name })).plan,
  village: (id: string, village: string) => call("get", "/api/plans/{id}/villages/{village}", { id, village }),
  preview: (id: string, request: EditRequest) => call("post", "/api/plans/{id}/preview", { id }, request),
  edit: (id: string, request: EditRequest, key: string) => call("post", "/api/plans/{id}/edits", { id }, request, once(key)),
  undo: (id: string) => call("post", "/api/plans/{id}/undo", { id }, {}),
  redo: (id: string) => call("post", "/api/plans/{id}/redo", { id }, {}),
  /** Entries after a number, the earliest first. */
  history: async (id: string, after: number) => {
    const all: Entry[] = [];
    for (let many = PAGE; many === PAGE;) {
      const { entries } = await call("get", "/api/plans/{id}/history", { id, after: all.at(-1)?.seq ?? after, limit: PAGE });
      many = entries.length;
      all.push(...entries);
    }
    return all;
  },
  check: (id: string) => call("get", "/api/plans/{id}/check", { id }),
  publish: (id: string, base_version: number, date: string) => call("post", "/api/plans/{id}/publish", { id }, { base_version, date }),
  /** Sends a file to be looked at; the job's result is a {@link Preview}. */
  upload: (layer: At<"/api/imports", "post">["layer"], file: File) => call("post", "/api/imports", { layer, file_name: file.name }, file, { ...once(), "content-type": "application/octet-stream" }),
  previewImport: async (id: string, wish: Reading) => (await call("post", "/api/imports/{id}/preview", { id }, wish, once())).job,
  commitImport: async (id: string, partial: boolean) => (await call("post", "/api/imports/{id}/commit", { id }, { partial }, once())).job,
  forgetImport: (id: string) => call("delete", "/api/imports/{id}", { id }),
  handOut: async (wish: Defined["NewExport"]) => (await call("post", "/api/exports", {}, wish)).job,
  absorb: async (id: string, region: string) => (await call("post", "/api/plans/{id}/absorb", { id }, { region })).job,
  compare: async (id: string, other: string, region: string) => (await call("get", "/api/plans/{id}/compare/{other}", { id, other, region })).villages,
};

/** Where a file is that an operation answers with, for a link. */
export const linkTo = <P extends keyof paths>(path: P, at: At<P, "get" & keyof paths[P]>): string => address(path, at as Readonly<Record<string, Value>>);
