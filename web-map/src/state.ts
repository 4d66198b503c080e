// One immutable state; actions make the next one; whoever shows something subscribes.

import type { Breach, Effect, Entry, Figures, Job, Operation, Plan, Preview, ProblemBody, Region, VillageSummary, Who, Written } from "./api";
import type { Basemap } from "./map/basemap-layer";
import type { Parcel } from "./outbox";
import type { Layer } from "./planner/fields";
import type { Lang } from "./strings";
import type { PaletteName } from "./style/palette";
import type { Model } from "./village/model";
import type { Outcome } from "./village/stroke";

export type ToolName = "select" | "brush" | "rectangle" | "lasso" | "cut";
export type Tab = "grids" | "units" | "problems" | "history" | "plan";
export interface Notice { kind: "info" | "good" | "bad"; text: string; at: number }
/** What a draft of a stroke waits for: an answer of the planner. */
export interface Pending { outcome: Outcome; refusal?: ProblemBody }
/** An edit that was not stored, and why. */
export interface Lost { parcel: Parcel; problem: ProblemBody }
export interface Compared {
  plan: Plan;
  /** Of the village on the table: in another grid than in the other plan. */
  households: ReadonlySet<string>;
  /** Of every village: households in another grid, and how many are in another unit. */
  rows: { village: string; ids: readonly string[]; unit: number }[];
  /** Of that village, in the other plan and in this one. */
  figures: readonly [Figures, Figures] | null;
  /** That village in the other plan. */
  model: Model | null;
}

/** What is shown of a file that was looked at. */
export type Judged = Omit<Preview, "layer" | "file_name" | "bytes" | "cautions" | "caution_count">;
/** A file on its way into the register. */
export type Intake = { file: string; layer: Layer } & (
  | { step: "choose" }
  | { step: "reading" | "writing"; job: string; share: number; stage: string; preview: Judged | null }
  | { step: "preview"; preview: Judged; confirmed: boolean; trouble: { text: string; layers: readonly string[] } | null }
  | { step: "done"; written: Written });

export type Dialog =
  | { kind: "fork" } | { kind: "generate" } | { kind: "job" } | { kind: "publish" } | { kind: "keys" }
  | { kind: "import" } | { kind: "refused"; lost: Lost };

export interface State {
  lang: Lang;
  palette: PaletteName;
  basemap: Basemap | null;
  who: Who | null;
  needsSignIn: boolean;
  /** From the top region down to the chosen one. */
  path: readonly Region[];
  /** Regions below the chosen one. */
  children: readonly Region[];
  plans: readonly Plan[];
  plan: Plan | null;
  villages: readonly VillageSummary[];
  /** Whether what there is at the chosen region is not known yet; null: it could not be read. */
  going: boolean | null;
  /** The village on the table; a new object for every version. */
  model: Model | null;
  tool: ToolName;
  brushM: number;
  tab: Tab;
  /** Grid that receives, by index; -1 none. */
  active: number;
  /** Chosen atoms. */
  selection: ReadonlySet<number>;
  /** Atom with the keyboard's focus, or -1. */
  focus: number;
  /** Stroke under the hand. */
  stroke: Outcome | null;
  pending: Pending | null;
  problem: number;
  /** Cells that lie apart, of the problem that is looked at. */
  troubled: readonly number[];
  history: readonly Entry[];
  proposal: { effect: Effect; title: string; operation: Operation } | null;
  dialog: Dialog | null;
  job: Job<"plan"> | null;
  intake: Intake | null;
  compared: Compared | null;
  /** Where the divider between two plans stands, share of the map's width. */
  swipe: number;
  checked: { version: number; breaches: Breach[] } | null;
  /** An edit that met another's; it waits for the planner's word, whatever news arrives and wherever he goes meanwhile. */
  conflict: Lost | null;
  /** Edits that met another's and were put aside, to look first. */
  aside: readonly Lost[];
  offline: boolean;
  /** Edits that wait for the service. */
  waiting: number;
  busy: boolean;
  /** How often the register or a plan in force was heard to change. */
  changes: number;
  notice: Notice | null;
  /** What a screen reader is told. */
  spoken: string;
}

export const initial: State = {
  lang: "zh", palette: "calm", basemap: null, who: null, needsSignIn: false, path: [], children: [], plans: [], plan: null, villages: [], going: true, model: null,
  tool: "select", brushM: 25, tab: "grids", active: -1, selection: new Set(), focus: -1, stroke: null, pending: null, problem: -1, troubled: [],
  history: [], proposal: null, dialog: null, job: null, intake: null, compared: null, swipe: 0.5, checked: null, conflict: null, aside: [], offline: false, waiting: 0, busy: false, changes: 0,
  notice: null, spoken: "",
};

export type Action =
  | { type: "set"; change: Partial<State> }
  | { type: "village"; model: Model | null }
  | { type: "select"; atoms: Iterable<number>; how: "set" | "add" | "subtract" }
  | { type: "tool"; tool: ToolName }
  | { type: "notice"; kind: Notice["kind"]; text: string }
  | { type: "say"; text: string };

/** The next state. Pure. */
export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "set": return { ...state, ...action.change };
    case "village": {
      const { model } = action, old = state.model;
      const same = model !== null && old !== null && model.data.village === old.data.village;
      const code = same ? old.data.grids[state.active]?.code : undefined;
      const active = code === undefined || model === null ? -1 : model.data.grids.findIndex(g => g.code === code);
      const alike = same && model.atoms === old.atoms;
      const plan = model?.data.plan ?? state.plan;
      return {
        ...state, model, plan, active, stroke: null, pending: null, proposal: null,
        plans: plan === null ? state.plans : state.plans.map(p => p.id === plan.id ? plan : p),
        selection: alike ? state.selection : new Set(), focus: alike ? state.focus : -1,
        problem: -1, troubled: [], compared: same ? state.compared : null,
      };
    }
    case "select": {
      const next = new Set(action.how === "set" ? [] : state.selection);
      for (const a of action.atoms) if (action.how === "subtract") next.delete(a); else next.add(a);
      return { ...state, selection: next };
    }
    case "tool": return { ...state, tool: action.tool };
    case "notice": return { ...state, notice: { kind: action.kind, text: action.text, at: (state.notice?.at ?? 0) + 1 }, spoken: action.text };
    case "say": return { ...state, spoken: action.text };
  }
}

export type Listener = (now: State, before: State) => void;

export class Store {
  private current: State;
  private readonly listeners: Listener[] = [];
  constructor(start: Partial<State> = {}) { this.current = { ...initial, ...start }; }
  get state(): State { return this.current; }
  dispatch(action: Action): void {
    const before = this.current;
    this.current = reduce(before, action);
    if (this.current !== before) for (const l of this.listeners) l(this.current, before);
  }
  set(change: Partial<State>): void { this.dispatch({ type: "set", change }); }
  subscribe(listener: Listener): void { this.listeners.push(listener); }
}
