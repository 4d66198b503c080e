// The application: the state, its words, and the parts that change it. Panels, tools and map call the parts.

import { api, Refused, Unreachable, type Plan } from "./api";
import type { Store } from "./state";
import { half, listed, text, type Key } from "./strings";
import { Atlas } from "./planner/atlas";
import { Edits } from "./planner/edits";
import { Hand } from "./planner/hand";
import { Intake } from "./planner/intake";
import { Looks } from "./planner/looks";
import { News } from "./planner/news";
import { Planning } from "./planner/planning";

/** What the map offers to the rest. */
export interface View {
  showAtoms(atoms: readonly number[]): void;
  showVillage(): void;
  /** Comes nearer when these are too small to be seen. */
  comeNear(atoms: readonly number[]): void;
  showBox(box: readonly [number, number, number, number]): void;
  focusMap(): void;
}

export class App {
  view: View | null = null;
  readonly atlas = new Atlas(this);
  readonly hand = new Hand(this);
  readonly edits: Edits;
  readonly looks = new Looks(this);
  readonly planning = new Planning(this);
  readonly intake = new Intake(this);
  private readonly news = new News(this);

  constructor(readonly store: Store) { this.edits = new Edits(this); }

  get state() { return this.store.state; }
  t = (key: Key, values?: Record<string, string | number>): string => text(this.state.lang, key, values);
  say(kind: "info" | "good" | "bad", key: Key, values?: Record<string, string | number>): void {
    this.store.dispatch({ type: "notice", kind, text: this.t(key, values) });
  }
  speak(sentence: string): void { this.store.dispatch({ type: "say", text: sentence }); }

  /** Name of a grid for people: its own name, or the last three digits. */
  gridName(index: number): string {
    const g = this.state.model?.data.grids[index];
    if (g === undefined) return this.t("unassigned");
    return g.name === "" ? g.code.slice(12) : `${g.code.slice(12)} ${g.name}`;
  }

  /** From which day to which a plan is or was in force. */
  spanOf({ valid_from, valid_to }: Plan): string { return valid_to ? `${valid_from ?? ""} – ${valid_to}` : this.t("since", { date: valid_from ?? "" }); }

  /** Runs what may fail and tells the planner why it did. */
  async guard<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (e) {
      // while one signs in, the service's no is to the name or the password
      if (e instanceof Refused && e.status === 401 && !this.state.needsSignIn) this.store.set({ needsSignIn: true });
      else if (e instanceof Refused) this.store.dispatch({ type: "notice", kind: "bad", text: half(this.state.lang, e.body.detail) });
      else if (e instanceof Unreachable) this.store.set({ offline: true });
      else throw e;
      return undefined;
    }
  }

  /** The first names of a list, and how many there are. */
  some(ids: readonly string[], most = 6): string {
    const first = listed(this.state.lang, ids.slice(0, most));
    return ids.length <= most ? first : `${first} ${this.t("andMore", { n: ids.length })}`;
  }

  async start(): Promise<void> {
    await this.guard(async () => {
      this.store.set({ who: await api.who(), needsSignIn: false, offline: false });
      this.news.listen();
      await this.atlas.begin();
    });
  }

  /** There may be a line again. */
  retry(): void {
    const { offline } = this.state;    // with nothing to send, flushing says at once that the line is back
    this.edits.flush();
    if (offline && this.state.waiting === 0) void this.start();
  }

  async signIn(name: string, password: string): Promise<void> {
    await this.guard(async () => {
      const who = await api.signIn(name, password);
      const first = this.state.who === null;
      this.store.set({ who, needsSignIn: false });
      if (first) { await this.start(); return; }
      this.news.listen();
      this.edits.flush();
      this.atlas.again();
    });
  }

  async signOut(): Promise<void> {
    await this.guard(async () => { await api.signOut(); location.reload(); });
  }
}
