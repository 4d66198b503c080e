// How the page asks the service, and what it asks before its own code is here: what every view begins with is on its way while that is read.

/** The service did not answer. */
export class Unreachable extends Error {}

/** What the service said; the value is null where it was no JSON. */
export interface Heard { status: number; ok: boolean; value: unknown }

export type Value = string | number | readonly number[] | null | undefined;

/** The address of an operation: the places of its path, and as a query what else is set. */
export function address(path: string, values: Readonly<Record<string, Value>>): string {
  const rest = new Map(Object.entries(values));
  const place = path.replace(/\{(\w+)\}/g, (_, name: string) => { const value = String(rest.get(name)); rest.delete(name); return encodeURIComponent(value); });
  const said = [...rest].filter(([, v]) => v !== null && v !== undefined && v !== "");
  return place + said.map(([name, v], i) => `${i === 0 ? "?" : "&"}${name}=${typeof v === "object" ? v!.map(n => n.toFixed(6)).join(",") : encodeURIComponent(v!)}`).join("");
}

export async function reach(method: string, url: string, body?: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
  return held(fetch(url, { method, headers: { accept: "application/json", ...headers }, credentials: "same-origin", ...(body === undefined ? {} : { body }) }));
}

/** What a line brings that may break; where it does nobody knows what the service did. */
export async function held<T>(coming: Promise<T>): Promise<T> {
  try { return await coming; } catch (e) { throw new Unreachable(String(e)); }
}

export async function hear(method: string, url: string, body?: BodyInit, headers?: Record<string, string>): Promise<Heard> {
  const answer = await reach(method, url, body, headers), text = await held(answer.text());
  let value: unknown = null;
  try { value = text === "" ? null : JSON.parse(text); } catch { /* no JSON */ }
  return { status: answer.status, ok: answer.ok, value };
}

const early = new Map<string, Promise<Heard>>();

/** Asks now what will be wanted soon. */
export function askEarly(url: string): Promise<Heard> {
  const heard = hear("get", url);
  early.set(url, heard);
  // what did not come is asked for anew by whoever wants it later
  heard.catch(() => { if (early.get(url) === heard) early.delete(url); });
  return heard;
}

/** The answer to what was asked early, once; whatever changes something makes what was asked before it old. */
export function takeEarly(method: string, url: string): Promise<Heard> | undefined {
  if (method !== "get") { early.clear(); return undefined; }
  const heard = early.get(url);
  early.delete(url);
  return heard;
}
