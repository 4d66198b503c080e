// Answers of the service that come late, in pieces, or never: what the page shows then.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { api, Unreachable, type Entry, type Plan, type Region } from "../../src/api";
import { App } from "../../src/app";
import { grown } from "../../src/planner/edits";
import { keeper } from "../../src/report/queue";
import { Room } from "../../src/room/room";
import { beginning, RoomStore } from "../../src/room/state";
import { Store } from "../../src/state";
import { hear } from "../../src/wire";
import { village } from "./village";

type Ask = (url: URL, how: RequestInit) => unknown;
const json = (value: unknown, status = 200): Response => new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });
const no = (status: number, code: string, detail = ""): Response => json({ code, detail }, status);
const later = (ms = 0): Promise<void> => new Promise(done => setTimeout(done, ms));
/** What was asked, without what follows the path. */
let asked: string[] = [];
/** Lets a service answer; what it does not know is not there. */
function serve(answer: Ask): void {
  asked = [];
  vi.stubGlobal("fetch", async (url: string, how: RequestInit = {}) => {
    const at = new URL(url, "http://localhost");
    asked.push(`${how.method ?? "get"} ${at.pathname}`);
    const said = await answer(at, how);
    return said instanceof Response ? said : said === undefined ? no(404, "not_found") : json(said);
  });
}
/** The stream of events with some of them, open until the page is left. */
const stream = (events: string): Response => new Response(new ReadableStream({ start: to => { to.enqueue(new TextEncoder().encode(events)); } }), { status: 200 });

beforeEach(() => { vi.stubGlobal("location", { hash: "" }); });
afterEach(() => { vi.unstubAllGlobals(); vi.useRealTimers(); });

describe("an answer that breaks off", () => {
  it("is no answer: nobody knows what the service did", async () => {
    const broken = new ReadableStream({ start: to => { to.enqueue(new TextEncoder().encode("{\"a\":")); setTimeout(() => to.error(new TypeError("network error")), 1); } });
    vi.stubGlobal("fetch", () => Promise.resolve(new Response(broken, { status: 200 })));
    await expect(hear("get", "/api/regions")).rejects.toBeInstanceOf(Unreachable);
  });
});

describe("a job that the service no longer knows", () => {
  it("does not keep the dialog of a plan that is made", async () => {
    serve((at, how) => at.pathname === "/api/plans" && how.method === "post" ? { job: "j" } : undefined);
    const app = new App(new Store());
    await app.planning.generate({ region: "520423102", profile: "puding" });
    expect([app.state.dialog, app.state.job, app.state.notice?.kind]).toEqual([null, null, "bad"]);
  });

  it("lets the room scan again", async () => {
    serve(at => at.pathname === "/api/scan" ? { job: "j" } : at.pathname === "/api/jobs/j" && asked.length === 2 ? { id: "j", kind: "scan", status: "running", share: 0, stage: "", rows: null, bytes: null, result: null, problem: null } : undefined);
    const room = new Room(new RoomStore(beginning)), seen: (string | undefined)[] = [];
    room.store.subscribe(now => { seen.push(now.scan?.status); });
    await room.runScan(3_000, 7, 999);
    expect(seen).toContain("running");
    expect(room.state.scan).toBeNull();
  });
});

describe("the planner who goes on", () => {
  const region = (code: string, level: Region["level"]): Region => ({ code, name: code, level, parent: null, bbox: null, grids: null, households: null });
  const plan = (id: string, region: string, status: Plan["status"] = "live"): Plan => ({ id, name: id, region, status, version: 1, seed: 1, valid_from: "2026-01-01", valid_to: null, profile: "puding", input_version: 1 });

  it("sees the plan of where he went last, whichever answer comes last", async () => {
    const regions = ["520423102", "520424107"].flatMap(c => [region(c, "township"), region(`${c}001`, "village"), region(`${c}002`, "village")]);
    serve(async at => {
      if (at.pathname === "/api/regions") return { regions };
      const of = at.searchParams.get("region") ?? at.pathname.split("/").at(-1)!;
      if (of === "520423102") await later(20);
      return at.pathname === "/api/plans" ? { plans: [plan(of, of)] } : { plan: plan(of, of), villages: [] };
    });
    const app = new App(new Store());
    await app.atlas.begin();
    await Promise.all([app.atlas.chooseRegion("520423102"), app.atlas.chooseRegion("520424107")]);
    expect([app.state.path.at(-1)?.code, app.state.plan?.id, app.state.plans.map(p => p.id)]).toEqual(["520424107", "520424107", ["520424107"]]);
  });

  it("does not lose the edit that waits for a draft when the first name is refused", async () => {
    serve(() => no(422, "bad_field", "名称不对 / no such name"));
    const app = new App(new Store({ plan: plan("p", "520423102") })), edit = vi.fn();
    app.edits.afterFork = edit;
    await app.edits.fork("x");
    expect(app.edits.afterFork).toBe(edit);
  });

  it("hears of a plan that is in force now, and of what others changed", async () => {
    serve(at => at.pathname === "/api/events" ? stream("retry: 1\nid: 4\n\nid: 5\nevent: plan\ndata: {\"operation\":\"plan.publish\",\"plan\":\"q\",\"region\":\"52\",\"at\":\"\"}\n\n")
      : at.pathname === "/api/session" ? { id: "u", name: "u", role: "planner", region: "*", by: "session", basemaps: [] } : at.pathname === "/api/regions" ? { regions: [] } : undefined);
    const app = new App(new Store());
    await app.start();
    await vi.waitFor(() => expect(app.state.changes).toBe(1));
  });

  it("keeps the stroke under his hand when the answer to the one before comes", () => {
    vi.stubGlobal("history", { replaceState: () => undefined });
    const grids = [0, 0, 0, 0, 1, 1, 1, 1], model = village(4, grids), app = new App(new Store({ plan: model.data.plan }));
    app.store.dispatch({ type: "village", model });
    app.hand.begin(1);
    app.hand.extend([1]);
    const before = app.state.stroke;
    expect(before?.buildings).toEqual(["B1"]);
    // the same village, in which the edit before gave the first cell to the second grid
    app.atlas.show({ ...village(4, [1, 0, 0, 0, 1, 1, 1, 1]).data, plan: { ...model.data.plan, version: 2 } });
    expect([app.hand.isBusy, app.state.stroke?.buildings, [...app.hand.moved]]).toEqual([true, ["B1"], [[1, 0]]]);
    expect(app.state.stroke?.totals.map(t => [t.before, t.after])).toEqual([[3, 2], [5, 6]]);
    // another village has nothing of it
    app.atlas.show({ ...village(4, grids).data, village: "520423102009" });
    expect([app.hand.isBusy, app.state.stroke]).toEqual([false, null]);
  });
});

describe("a history", () => {
  const entry = (seq: number, kind: Entry["kind"] = "edit", target: number | null = null): Entry => ({ seq, kind, target, version: seq, actor: "a", actor_name: null, at: "", operation: null, undone: false, grids: [] });
  it("grows by what is new, and says of each edit whether it stands", () => {
    const one = grown([], [entry(1), entry(2), entry(3, "undo", 2)]);
    expect(one.map(e => [e.seq, e.undone])).toEqual([[3, false], [2, true], [1, false]]);
    const two = grown(one, [entry(4, "redo", 2), entry(5, "undo", 1)]);
    expect(two.map(e => [e.seq, e.undone])).toEqual([[5, false], [4, false], [3, false], [2, false], [1, true]]);
    // an answer that was asked for before the last one changes nothing
    expect(grown(two, [entry(3, "undo", 2), entry(4, "redo", 2)])).toEqual(two);
  });
  it("is asked for from where it is known", async () => {
    const all = Array.from({ length: 2_500 }, (_, i) => entry(i + 1)), after: string[] = [];
    serve(at => { const from = Number(at.searchParams.get("after")); after.push(`${from}`); return { entries: all.slice(from, from + 1_000) }; });
    expect((await api.history("p", 0)).length).toBe(2_500);
    expect((await api.history("p", 2_499)).map(e => e.seq)).toEqual([2_500]);
    expect(after).toEqual(["0", "1000", "2000", "2499"]);
  });
  it("has no hole when the planner left the plan and came back before the answer", async () => {
    const all = [entry(1), entry(2), entry(3)], draft: Plan = { id: "p", name: "p", region: "520423102", status: "draft", version: 3, seed: 1, valid_from: null, valid_to: null, profile: "puding", input_version: 1 };
    serve(async at => { const from = Number(at.searchParams.get("after")); if (from > 0) await later(20); return { entries: all.slice(from) }; });
    const app = new App(new Store({ plan: draft, history: [entry(2), entry(1)] })), late = app.edits.loadHistory();
    app.store.set({ history: [] });
    await late;
    expect(app.state.history).toEqual([]);
    await app.edits.loadHistory();
    expect(app.state.history.map(e => e.seq)).toEqual([3, 2, 1]);
  });
});

describe("the room", () => {
  const H3 = "88283082bffffff";
  const cell = { h3: H3, ring: [[105.6, 26], [105.61, 26], [105.61, 26.01], [105.6, 26.01], [105.6, 26]], count: 1, households: null, expected: 1, neighbours: 6, z: 3, p: 0.001, p_sim: 0.001, fdr05: true, class: "hot", emerging: null, density: null, rank: 1, why: "" };
  const incident = (id: string) => ({ incident: { id, region: "520423102001", region_name: "", grid: null, grid_name: null, unit: null, category: "other", category_name: "", dispute: null, level: "grid", state: "accepted", occurred_at: "2026-11-26T10:00:00+08:00", due_at: null, overdue: false, summary: null, at: [105.605, 26.005], source: null, version: 1, emergency: false }, transitions: [], photo: null, allowed: [], near: { grid_officers: [], unit_officers: [] } });
  const page = { incidents: [incident("in").incident, { ...incident("out").incident, at: [105.7, 26.1] }], next: null, number_matched: 2 };

  it("opens the cell of an alert at the cell's own size, and lists its incidents once the cells are here", async () => {
    let size = "";
    serve(async at => {
      if (at.pathname === "/api/hotspots") { size = at.searchParams.get("resolution")!; await later(5); return { view: "gi", resolution: 8, from: "", to: "", as_of: "", incidents: 1, outside: 0, mean: 1, study_cells: 1, cells: [cell], notes: [] }; }
      return at.pathname === "/api/incidents" ? page : undefined;
    });
    const room = new Room(new RoomStore(beginning));
    room.openCell(H3, "520423102001");
    await vi.waitFor(() => expect(room.state.cellIncidents?.map(i => i.id)).toEqual(["in"]));
    expect([size, room.state.layer, room.state.resolution]).toEqual(["8", "gi", 8]);
  });

  it("shows the incident that was picked last, also when another one's step is answered later", async () => {
    serve(async (at, how) => {
      if (how.method === "post") { await later(20); return { incident: incident("a").incident }; }
      return incident(at.pathname.split("/").at(-1)!);
    });
    const room = new Room(new RoomStore(beginning));
    await room.pick({ kind: "incident", id: "a" });
    const step = room.act(room.state.detail!, "accept", {});
    await room.pick({ kind: "incident", id: "b" });
    await step;
    expect(room.state.detail?.incident.id).toBe("b");
  });

  it("reads the county's words anew when they change", async () => {
    vi.useFakeTimers();
    let names = ["旧"];
    serve(at => {
      if (at.pathname === "/api/events") return stream("id: 5\nevent: register\ndata: {\"operation\":\"register.import\",\"layer\":\"dictionaries\",\"at\":\"\"}\n\n");
      return at.pathname === "/api/dictionaries" ? { categories: names.map(name => ({ key: "x", name, name_en: "", enabled: true, due_hours: [1, 2, 3, 4] })), disputes: [], states: [{ key: "closed", name: "已销号" }], levels: [], actions: [] } : undefined;
    });
    const room = new Room(new RoomStore(beginning));
    names = ["新"];
    room.listen();
    await vi.advanceTimersByTimeAsync(2_500);
    expect([room.categoryName("x"), room.stateName("closed"), room.stateName("open")]).toEqual(["新", "已销号", "未办结"]);
    // what has no English name has the other one
    room.store.set({ lang: "en" });
    expect([room.categoryName("x"), room.stateName("closed")]).toEqual(["新", "Closed"]);
  });

  it("says why nobody is let in", async () => {
    serve(() => no(401, "unauthenticated", "密码不对 / wrong password"));
    const room = new Room(new RoomStore(beginning));
    expect(await room.signIn("li", "x")).toBe("密码不对");
  });
});

describe("the store of a browser that is full or shut", () => {
  it("loses no report while the page is open", () => {
    vi.stubGlobal("localStorage", { getItem: () => "[]", setItem: () => { throw new DOMException("full", "QuotaExceededError"); } });
    keeper.setItem("lianhu.reports", "[1]");
    expect(keeper.getItem("lianhu.reports")).toBe("[1]");
    vi.stubGlobal("localStorage", { getItem: () => { throw new DOMException("shut", "SecurityError"); }, setItem: () => undefined });
    expect(keeper.getItem("lianhu.reports")).toBe("[1]");
    keeper.setItem("lianhu.reports", "[]");
    expect(keeper.getItem("lianhu.reports")).toBeNull();
  });
});
