// What every part of the room leans on: its state, its words, and questions to the service that may come too late or fail.

import { Refused, Unreachable, type Region } from "../api";
import { Regions } from "../regions";
import { half, isKey, text, type Key } from "../strings";
import { LEVELS, nameOf, type Alert, type Incident, type Level } from "./api";
import type { RoomState, RoomStore } from "./state";
import { Turns } from "./turns";
import type { Status } from "./url";

export class Desk {
  protected tree = new Regions([]);
  private readonly soon = new Map<string, ReturnType<typeof setTimeout>>();
  protected readonly turns = new Turns();

  constructor(readonly store: RoomStore) {}

  get state(): RoomState { return this.store.state; }
  t = (key: Key, values?: Record<string, string | number>): string => text(this.state.lang, key, values);
  /** Now, by the service's clock. */
  now(): number { return Date.now() - this.state.skew; }
  say(kind: "info" | "good" | "bad", key: Key, values?: Record<string, string | number>): void { this.tell(kind, this.t(key, values)); }
  protected tell(kind: "info" | "good" | "bad", words: string): void { this.store.set({ notice: { kind, text: words, at: (this.state.notice?.at ?? 0) + 1 }, spoken: words }); }

  /** Runs what may fail and tells the reader why it did. */
  async guard<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (e) {
      if (e instanceof Refused && e.status === 401) this.store.set({ needsSignIn: true });
      else if (e instanceof Refused) this.tell("bad", half(this.state.lang, e.body.detail));
      else if (e instanceof Unreachable) this.store.set({ connected: false });
      else throw e;
      return undefined;
    }
  }

  /** Asks, and uses the answer if it still counts. */
  protected async ask<T>(kind: string, work: () => Promise<T>, use: (answer: T) => void): Promise<void> {
    const turn = this.turns.ask(kind), answer = await this.guard(work);
    if (answer !== undefined && this.turns.counts(kind, turn)) use(answer);
    // kinds that are one incident's would be kept for ever
    if (kind.includes(" ")) this.turns.forget(kind, turn);
  }

  /** Does something once, a little later, however often it is wished for. */
  protected later(kind: string, ms: number, work: () => void): void {
    if (this.soon.has(kind)) return;
    this.soon.set(kind, setTimeout(() => { this.soon.delete(kind); work(); }, ms));
  }

  // —— words ——

  below(code: string | null): readonly Region[] { return this.tree.below(code); }
  /** Whom an alert that nobody acknowledges goes to: the governance centre one level up, or nobody from the highest. */
  goesTo(alert: Alert): string | null {
    const next = LEVELS[LEVELS.indexOf(alert.level) + 1];
    if (next === undefined) return null;
    const home = this.tree.find(alert.region), centre = home === undefined ? undefined : this.tree.pathTo(home).find(r => r.level === next);
    return this.t("centreOf", { of: centre === undefined ? this.levelName(next) : this.shortName(centre.name) });
  }
  regionName(code: string): string { return this.tree.find(code)?.name ?? code; }
  /** A committee's full title is too long for a line. */
  shortName(name: string): string { return name.replace(new RegExp(`(${this.t("committee")})$`), ""); }
  categoryName(key: string): string { return nameOf(this.state.dictionaries.categories, key, this.state.lang) ?? key; }
  disputeName(key: string): string { return nameOf(this.state.dictionaries.disputes, key, this.state.lang) ?? key; }
  /** States and levels have the office's own names in Chinese, where it has given them some. */
  stateName(key: Status): string { return this.office("states", key) ?? this.t(`state_${key}`); }
  levelName(key: Level): string { return this.office("levels", key) ?? this.t(`rank_${key}`); }
  private office(list: "states" | "levels", key: string): string | undefined { return this.state.lang === "zh" ? this.state.dictionaries[list].find(x => x.key === key)?.name : undefined; }

  /** One character for the course of an emerging hot spot. */
  sign(emerging: string, lang = this.state.lang): string {
    const key = `sign_${emerging.replace(/_(hot|cold)$/, "")}`;
    return isKey(key) ? text(lang, key) : "?";
  }

  /** Where an incident is, in words: village, grid, unit. */
  whereOf(i: Incident): string {
    const grid = i.grid === null ? this.t("noGrid") : i.grid_name !== null && i.grid_name !== "" ? i.grid_name : this.t("gridNo", { n: i.grid.slice(12) });
    return [this.shortName(i.region_name === "" ? this.regionName(i.region) : i.region_name), grid, i.unit === null ? "" : this.t("unitNo", { n: i.unit.slice(15) })].filter(w => w !== "").join(" · ");
  }
}
