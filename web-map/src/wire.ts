// How the page asks the service, and what it asks before its own code is here: what every view begins with is on its way while that is read.

/** The service did not answer. */
export class Unreachable extends Error {}

/** What the service said; the value is null where it was no JSON. */
export interface Heard { status: number; ok: boolean; value: unknown }

export async function reach(method: string, path: string, body: BodyInit | undefined, headers: Record<string, string>): Promise<Response> {
  try {
    return await fetch(path, { method, headers: { accept: "application/json", ...headers }, credentials: "same-origin", ...(body === undefined ? {} : { body }) });
  } catch (e) {
    throw new Unreachable(String(e));
  }
}

export async function hear(method: string, path: string, body: BodyInit | undefined, headers: Record<string, string>): Promise<Heard> {
  const answer = await reach(method, path, body, headers), text = answer.status === 204 ? "" : await answer.text();
  let value: unknown = null;
  try { value = text === "" ? null : JSON.parse(text); } catch { /* no JSON */ }
  return { status: answer.status, ok: answer.ok, value };
}

const early = new Map<string, Promise<Heard>>();

/** Asks now what will be wanted soon. */
export function askEarly(path: string): Promise<Heard> {
  const heard = hear("GET", path, undefined, {});
  early.set(path, heard);
  // whoever wants it hears why there is none
  heard.catch(() => undefined);
  return heard;
}

/** The answer to what was asked early, once; whatever changes something makes what was asked before it old. */
export function takeEarly(method: string, path: string): Promise<Heard> | undefined {
  if (method !== "GET") { early.clear(); return undefined; }
  const heard = early.get(path);
  early.delete(path);
  return heard;
}
