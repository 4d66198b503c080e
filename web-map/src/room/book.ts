// Incidents as they are known: each once, in its newest version, latest first, whatever order news of them comes in.

import { core } from "../regions";
import type { Alert, Filter, Incident } from "./api";

const CLOSED: ReadonlySet<string> = new Set(["rejected", "closed"]);
export const isOpen = (i: Pick<Incident, "state">): boolean => !CLOSED.has(i.state);

/** States in which the due time runs: not while it is suspended, and not once it was handled. */
const RUNNING: ReadonlySet<string> = new Set(["reported", "accepted", "dispatched", "handling"]);
/** Whether an incident is overdue at a moment. */
export const isOverdue = (i: Incident, now: number): boolean => i.due_at !== null && RUNNING.has(i.state) && Date.parse(i.due_at) < now;

/** Whether nobody has seen to an emergency yet. */
export const isUnseen = (a: Alert): boolean => a.kind === "emergency" && a.acknowledged === null && a.closed_at === null;
/** An emergency flashes and rings where it began while the page was open, or at most so long before, ms; an older one is no news to whoever opens it. */
const NEWS_MS = 3_600_000;
/** Whether an emergency is news for a page that was opened at a moment of the service's clock. */
export const isNews = (a: Alert, opened: number): boolean => isUnseen(a) && Date.parse(a.opened_at) >= opened - NEWS_MS;

/** Whether a filter lets an incident through. */
export function lets(f: Filter, i: Incident, now: number): boolean {
  const at = Date.parse(i.occurred_at);
  return (f.region === null || core(i.region).startsWith(core(f.region)))
    && (f.category === null || i.category === f.category) && (f.level === null || i.level === f.level)
    && (f.state === null || (f.state === "open" ? isOpen(i) : f.state === "overdue" ? isOverdue(i, now) : i.state === f.state))
    && (f.from === null || at >= Date.parse(f.from)) && (f.to === null || at < Date.parse(f.to));
}

/** Latest first; those of one moment by id, so that two pages agree. */
export function later(a: Incident, b: Incident): number {
  const d = Date.parse(b.occurred_at) - Date.parse(a.occurred_at);
  return d !== 0 ? d : a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}

/** A list with an incident put into it: known versions win over older ones, and what the filter no longer lets through leaves. */
export function put(list: readonly Incident[], i: Incident, fits: boolean): readonly Incident[] {
  const known = list.find(x => x.id === i.id);
  if (known !== undefined && known.version > i.version) return list;
  const rest = known === undefined ? list : list.filter(x => x.id !== i.id);
  if (!fits) return known === undefined ? list : rest;
  const at = rest.findIndex(x => later(i, x) < 0);
  return at < 0 ? [...rest, i] : [...rest.slice(0, at), i, ...rest.slice(at)];
}

/** A fresh list from the service, with what came in newer versions while it was on its way. */
export function merge(fresh: readonly Incident[], known: readonly Incident[]): Incident[] {
  const by = new Map(known.map(i => [i.id, i]));
  return fresh.map(i => { const had = by.get(i.id); return had !== undefined && had.version > i.version ? had : i; }).sort(later);
}
