// A planner's edits on their way, against a service that judges by versions as the real one does.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { EditRequest, Operation, Village } from "../../src/api";
import { App } from "../../src/app";
import { Store } from "../../src/state";
import { Model } from "../../src/village/model";
import { Stroke } from "../../src/village/stroke";
import { village } from "./village";

const CODE = (n: number): string => `520423102001${String(n).padStart(3, "0")}`;

/** What is stored, and who touched which grid last. */
class Office {
  readonly stored: string[] = [];
  private readonly touched = new Map<string, number>();
  private readonly data: Village = structuredClone(village(4, [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3]).data);

  get village(): Village {
    const { data } = this;
    data.grids.forEach((g, i) => { g.households = data.buildings.reduce((n, b) => n + (b.grid === i ? b.households : 0), 0); g.version = this.touched.get(g.code) ?? 0; });
    return structuredClone(data);
  }

  private concerned(operations: readonly Operation[]): string[] {
    const { grids, buildings } = this.data;
    return [...new Set(operations.flatMap(o => o.operation === "rename" ? [o.grid] : o.operation === "transfer_buildings" ? [o.to, ...o.buildings.map(id => grids[buildings.find(b => b.id === id)!.grid]!.code)] : []))];
  }

  /** Stores an edit, this planner's or another's. */
  edit(operations: readonly Operation[]): string[] {
    const { data } = this, grids = this.concerned(operations);
    data.plan.version += 1;
    for (const o of operations) {
      if (o.operation === "rename") data.grids.find(g => g.code === o.grid)!.name = o.name;
      if (o.operation === "transfer_buildings") for (const b of data.buildings) if (o.buildings.includes(b.id)) { b.grid = data.grids.findIndex(g => g.code === o.to); data.atom_grid[b.atom] = b.grid; }
      this.stored.push(o.operation === "rename" ? `${o.grid.slice(12)} ${o.name}` : o.operation);
    }
    for (const g of grids) this.touched.set(g, data.plan.version);
    return grids;
  }

  answer(url: string, init: { method?: string; body?: string } = {}): [number, unknown] {
    if (/\/history/.test(url)) return [200, { entries: [] }];
    if (/\/villages\/\d+$/.test(url)) return [200, this.village];
    if (/\/plans\/p$/.test(url)) return [200, { plan: this.data.plan, villages: [] }];
    const { base_version, grid_versions = [], operations } = JSON.parse(init.body ?? "") as EditRequest, seen = new Map(grid_versions);
    const { version } = this.data.plan, grids = this.concerned(operations).filter(g => { const v = this.touched.get(g) ?? 0; return v > base_version! && seen.get(g) !== v; });
    if (grids.length > 0) return [409, { code: "conflict", detail: "冲突 / conflict", grids, author: "li", time: "2026-11-27T10:00:00Z", current_version: version }];
    if (operations.some(o => o.operation === "rename" && o.name === "")) return [422, { code: "invariant", detail: "没有名称 / no name" }];
    const touched = this.edit(operations);
    return [200, { committed: { version: this.data.plan.version, seq: 1, grids: touched }, effect: null, village: this.village }];
  }
}

let office: Office, app: App;
beforeEach(() => {
  office = new Office();
  vi.stubGlobal("history", { replaceState: () => undefined });
  vi.stubGlobal("fetch", (url: string, init?: { method?: string; body?: string }) => { const [status, body] = office.answer(url, init); return Promise.resolve(new Response(JSON.stringify(body), { status })); });
  const model = new Model(office.village);
  app = new App(new Store({ model, plan: model.data.plan }));
});
afterEach(() => { vi.unstubAllGlobals(); });

const rename = (n: number, name: string): Operation => ({ operation: "rename", grid: CODE(n), name });
const give = (building: string, n: number): Operation => ({ operation: "transfer_buildings", buildings: [building], to: CODE(n) });
const asked = (what: string | null): Promise<void> => vi.waitFor(() => { expect(app.state.conflict?.parcel.what ?? null).toBe(what); expect(app.state.busy).toBe(false); });

describe("edits that met another's", () => {
  it("are all kept: each is asked about, put aside whatever it is, and done again as it was", async () => {
    office.edit([rename(2, "theirs")]);
    app.edits.commit([give("B1", 2)], "A");
    app.edits.commit([rename(2, "mine")], "B");
    await asked("A");
    expect([app.state.waiting, office.stored]).toEqual([1, ["002 theirs"]]);
    await app.edits.settleConflict("look");
    await asked("B");
    expect([...app.state.selection]).toEqual([1]);
    await app.edits.settleConflict("look");
    expect([app.state.aside.map(l => l.parcel.what), app.state.waiting, app.state.plan!.version]).toEqual([["A", "B"], 0, 2]);
    app.edits.settleAside(app.state.aside[1]!, true);
    await vi.waitFor(() => { expect(office.stored).toEqual(["002 theirs", "002 mine"]); });
    await vi.waitFor(() => { expect(app.state.plan!.version).toBe(3); });
    expect(app.state.aside.map(l => l.parcel.what)).toEqual(["A"]);
    app.edits.settleAside(app.state.aside[0]!, true);
    await vi.waitFor(() => { expect(office.stored).toEqual(["002 theirs", "002 mine", "transfer_buildings"]); });
    expect([app.state.aside, app.state.conflict]).toEqual([[], null]);
  });

  it("are done on top before those behind them, which are asked about what nobody has decided yet", async () => {
    office.edit([rename(2, "theirs")]);
    office.edit([rename(4, "theirs")]);
    app.edits.commit([give("B1", 2)], "A");
    app.edits.commit([rename(2, "mine")], "B");
    app.edits.commit([rename(4, "mine")], "C");
    await asked("A");
    await app.edits.settleConflict("mine");
    await asked("C");
    expect(office.stored).toEqual(["002 theirs", "004 theirs", "transfer_buildings", "002 mine"]);
    await app.edits.settleConflict("theirs");
    await asked(null);
    expect([office.stored.length, app.state.waiting, app.state.aside]).toEqual([4, 0, []]);
  });

  it("wait for a word while the planner is elsewhere, and go where they belong", async () => {
    office.edit([rename(2, "theirs")]);
    app.edits.commit([rename(2, "mine")], "A");
    await asked("A");
    app.store.dispatch({ type: "village", model: null });
    expect(app.state.conflict?.parcel.what).toBe("A");
    await app.edits.settleConflict("mine");
    await vi.waitFor(() => { expect(office.stored).toEqual(["002 theirs", "002 mine"]); });
  });
});

describe("an edit that was refused", () => {
  it("holds those behind it until its reasons were read; what is done instead goes first", async () => {
    for (const end of ["close", "instead"] as const) {
      const from = office.stored.length;
      app.edits.commit([rename(1, "")], "bad");
      app.edits.commit([rename(2, end)], "next");
      await vi.waitFor(() => { expect(app.state.dialog?.kind).toBe("refused"); expect(app.state.busy).toBe(false); });
      expect([app.state.waiting, office.stored.length]).toEqual([1, from]);
      const { dialog } = app.state;
      if (dialog?.kind !== "refused") throw new Error("no dialog");
      if (end === "close") app.store.set({ dialog: null }); else app.edits.instead(dialog.lost, [rename(1, "good")], "refuse");
      await vi.waitFor(() => { expect(office.stored.slice(from)).toEqual(end === "close" ? ["002 close"] : ["001 good", "002 instead"]); expect(app.state.waiting).toBe(0); });
    }
  });
});

describe("what is spoken", () => {
  it("after an edit are the totals of the grids it changed", async () => {
    app.edits.commit([give("B1", 2)], "A");
    await vi.waitFor(() => { expect(app.state.spoken).toMatch(/A；网格 001：3 户；网格 002：5 户$/); });
    app.store.set({ lang: "en" });
    app.edits.commit([give("B1", 1)], "A");
    await vi.waitFor(() => { expect(app.state.spoken).toMatch(/A; grid 001: 4 households; grid 002: 4 households$/); });
    // a name changes no total
    app.edits.commit([rename(1, "x")], "N");
    await vi.waitFor(() => { expect(app.state.spoken).toMatch(/N$/); });
  });

  it("of parts that would lie apart are the buildings and households of each", () => {
    // the middle of a row and of a column go to grid 1: the corners of grid 0 lie apart
    const model = village(5, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]), stroke = new Stroke(model, 1);
    stroke.add([1, 3]);
    const outcome = stroke.outcome();
    app.store.set({ model, pending: { outcome } });
    expect(outcome.stranded.length).toBe(2);
    expect(app.hand.strandedSentences()).toEqual(outcome.stranded.map(p => {
      const [a] = p.atoms;
      return `画斜线的 1 栋 1 户与 001 的其余部分不相连：B${a}（户号 H${a}-0）`;
    }));
    // whoever may not see households hears how many there are
    app.store.set({ model: new Model({ ...model.data, households: [] }) });
    expect(app.hand.strandedSentences()[0]).toMatch(/1 户与 001 的其余部分不相连：B\d$/);
  });
});
