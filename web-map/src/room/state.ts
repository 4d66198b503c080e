// What the room knows and shows: one immutable value; whoever shows something subscribes.

import type { Answer, Job, Region, Who } from "../api";
import type { Basemap } from "../map/basemap-layer";
import type { Alert, AlertRule, By, Detail, Dictionaries, Hotspots, Incident, Statistics, Totals } from "./api";
import { plain, type Looking } from "./url";

/** Bars of the time line: incidents that began in each piece of the window. */
export interface Series { from: number; to: number; counts: readonly number[] }
export type Revealed = Answer<"/api/officers/{id}/reveal", "post">;
export interface District { region: Region; totals: Totals | null }

export interface RoomState extends Looking {
  basemap: Basemap | null; who: Who | null; needsSignIn: boolean; regions: readonly Region[]; path: readonly Region[]; children: readonly Region[]; dictionaries: Dictionaries;
  /** Newest first, as far as they were asked for; how many there are is not known before the first answer. */
  list: readonly Incident[]; next: string | null; matched: number | null;
  /** What is drawn one by one, or nothing where that would be too many. */
  points: readonly Incident[]; matchedHere: number;
  /** Incidents that came while the room was open, with when (ms): they are marked for a while. */
  fresh: ReadonlyMap<string, number>;
  totals: Totals | null; by: By; figures: Statistics | null;
  hot: Hotspots | null; hotBusy: boolean; hotProblem: string | null;
  detail: Detail | null; cellIncidents: readonly Incident[] | null;
  /** The household of the leader of the unit last looked at. */
  home: { unit: string; household: string | null } | null; revealed: Revealed | null;
  /** The rules that alarm, while somebody looks at them; and why one of them was not kept. */
  rules: readonly AlertRule[] | null; ruleProblem: { rule: string; field: string | null; text: string } | null;
  alerts: readonly Alert[]; urgent: Detail | null;
  series: Series | null; playing: boolean;
  scan: Job<"scan"> | null;
  district: District | null; turning: boolean;
  connected: boolean; heard: number; everConnected: boolean;
  /** This machine's clock minus the service's, ms. */
  skew: number;
  sound: boolean;
  notice: { kind: "info" | "good" | "bad"; text: string; at: number } | null; spoken: string;
}

export const beginning: RoomState = {
  ...plain, basemap: null, who: null, needsSignIn: false, regions: [], path: [], children: [], dictionaries: { categories: [], disputes: [], states: [], levels: [], actions: [] },
  list: [], next: null, matched: null, points: [], matchedHere: 0, fresh: new Map(), totals: null, by: "category", figures: null,
  hot: null, hotBusy: false, hotProblem: null, detail: null, cellIncidents: null, home: null, revealed: null, alerts: [], rules: null, ruleProblem: null, urgent: null, series: null, playing: false, scan: null,
  district: null, turning: true, connected: false, heard: 0, everConnected: false, skew: 0, sound: false, notice: null, spoken: "",
};

export class RoomStore {
  private readonly listeners: ((now: RoomState, before: RoomState) => void)[] = [];
  constructor(private current: RoomState) {}
  get state(): RoomState { return this.current; }
  set(change: Partial<RoomState>): void {
    const before = this.current;
    if (Object.entries(change).every(([k, v]) => before[k as keyof RoomState] === v)) return;
    this.current = { ...before, ...change };
    for (const l of this.listeners) l(this.current, before);
  }
  subscribe(listener: (now: RoomState, before: RoomState) => void): void { this.listeners.push(listener); }
}
