import { clearOf, covered, overlaps, type Plate } from "../../src/map/places";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Refused, Unreachable } from "../../src/api";
import type { Album } from "../../src/report/album";
import { Reports, type Keeper } from "../../src/report/queue";
import type { Alert, Cell, Filter, Hotspots, Incident } from "../../src/room/api";
import { isNews, isOverdue, isUnseen, later, lets, merge, put } from "../../src/room/book";
import { breaks, brief, classOf, contains, COARSEST, drawables, fitting, meets, MOST_CELLS, power, resolutionAt, silenceOf, valueOf } from "../../src/room/cells";
import { Feed, Once, Parser, type Hearer } from "../../src/feed";
import { Turns } from "../../src/room/turns";
import { clock, customRange, dayOf, DAY_MS, fieldOf, HOUR_MS, moment, nextMidnight, ofField, pieces, skewOf, stamp, startOf, windowOf } from "../../src/room/time";
import { plain, read, write, type Looking } from "../../src/room/url";
import { heats } from "../../src/style/palette";
import { address } from "../../src/wire";

const incident = (id: string, change: Partial<Incident> = {}): Incident => ({
  id, region: "520423102001", region_name: "", grid: null, grid_name: null, unit: null, category: "other", category_name: "", dispute: null, level: "grid", state: "reported",
  occurred_at: "2026-11-26T10:00:00+08:00", due_at: null, overdue: false, summary: null, at: [105.6, 26], source: null, version: 1, emergency: false, ...change,
});

describe("time in Asia/Shanghai", () => {
  const evening = Date.parse("2026-11-26T15:59:59Z"), midnight = Date.parse("2026-11-26T16:00:00Z");
  it("begins a day at 16:00 UTC, whatever zone this machine is in", () => {
    expect([dayOf(evening), dayOf(midnight), clock(evening), stamp(midnight)]).toEqual(["2026-11-26", "2026-11-27", "23:59", "2026-11-27T00:00:00+08:00"]);
    expect([startOf("2026-11-27"), nextMidnight(evening), nextMidnight(midnight)]).toEqual([midnight, midnight, midnight + DAY_MS]);
    expect(startOf("2026-02-30")).toBeNaN();
    expect(startOf("yesterday")).toBeNaN();
    expect([moment(evening, midnight), moment(Date.parse("2025-01-02T03:04:00Z"), midnight)]).toEqual(["11-26 23:59", "2025-01-02 11:04"]);
    expect(ofField(fieldOf(midnight))).toBe(midnight);
  });

  it("windows move at the hour or at midnight, and their pieces are the window", () => {
    for (const [kind, n] of [["24h", 24], ["7d", 7], ["30d", 30]] as const) {
      const window = windowOf({ kind }, evening), list = pieces(window);
      expect(list.length).toBe(n);
      expect([list[0]!.from, list.at(-1)!.to]).toEqual([window.from, window.to]);
      list.forEach((p, i) => { if (i > 0) expect(p.from).toBe(list[i - 1]!.to); });
      expect(window.from <= evening && evening < window.to).toBe(true);
      expect(windowOf({ kind }, evening - 59 * 60_000)).toEqual(window);
      expect(windowOf({ kind }, midnight).from - window.from).toBe(kind === "24h" ? HOUR_MS : DAY_MS);
    }
    const year = customRange("2026-01-01", "2026-12-31")!;
    const weeks = pieces(windowOf(year, evening));
    expect([weeks.length, weeks.at(-1)!.to]).toEqual([53, startOf("2027-01-01")]);
    expect([customRange("2026-02-02", "2026-02-01"), customRange("2024-01-01", "2026-01-01"), customRange("2026-13-01", "2026-13-02")]).toEqual([null, null, null]);
    expect(pieces(windowOf(customRange("2026-11-26", "2026-11-26")!, evening)).length).toBe(24);
  });

  it("tells how far this clock is off, and nothing where the second it is told in is the reason", () => {
    const said = "Thu, 26 Nov 2026 16:00:00 GMT";
    expect(skewOf(said, midnight + 100, midnight + 300)).toBe(0);
    expect(skewOf(said, midnight + 180_000, midnight + 180_200)).toBe(179_600);
    expect(skewOf(said, midnight - 60_000, midnight - 59_900)).toBe(-60_450);
    expect(skewOf(null, 0, 0)).toBeNull();
  });
});

describe("the address", () => {
  it("reproduces the view", () => {
    const looks: Partial<Looking>[] = [
      {}, { wall: true, rotate: 5 }, { region: "520423102000", layer: "gi", resolution: 9, tab: "hot", pick: { kind: "cell", id: "89400d8ee0bffff" } },
      { range: { kind: "custom", from: "2026-11-01", to: "2026-11-20" }, slice: startOf("2026-11-03"), category: "dispute", level: "township", status: "overdue" },
      { range: { kind: "24h" }, at: [105.65432, 25.98765, 13.25], pick: { kind: "incident", id: "i:1-2" }, palette: "grey", lang: "en", status: "handling", layer: "none" },
    ];
    for (const look of looks) expect(read(write({ ...plain, ...look }))).toEqual({ ...plain, ...look });
    expect(write(plain)).toBe("?view=room");
  });

  it("takes no nonsense", () => {
    expect(read("?view=room&range=9d&layer=x&res=40&status=nice&at=1,2&slice=now&region=%3Cscript%3E&incident=a%20b&rotate=-1&level=moon&tab=9&palette=pink&lang=fr")).toEqual(plain);
    expect(read("?view=room", { lang: "en", palette: "grey" })).toEqual({ ...plain, lang: "en", palette: "grey" });
  });

  it("of a question holds what is set, with offsets intact", () => {
    expect(address("/x", { a: null, b: "", c: "2026-11-26T00:00:00+08:00", bbox: [1, 2.5, 3, 4] })).toBe("/x?c=2026-11-26T00%3A00%3A00%2B08%3A00&bbox=1.000000,2.500000,3.000000,4.000000");
    expect([address("/x", {}), address("/a/{id}/b/{z}", { id: "甲/1", z: 0, f: "csv", n: 0 })]).toEqual(["/x", "/a/%E7%94%B2%2F1/b/0?f=csv&n=0"]);
  });
});

describe("incidents", () => {
  const all: Filter = { region: null, category: null, level: null, state: null, from: null, to: null }, now = Date.parse("2026-11-26T12:00:00+08:00");
  it("stand once, in the newest version, the latest first, in whatever order news comes", () => {
    const news = [incident("a"), incident("b", { occurred_at: "2026-11-26T11:00:00+08:00" }), incident("a", { version: 3, state: "closed" }), incident("a", { version: 2, state: "accepted" }), incident("c"), incident("b", { occurred_at: "2026-11-26T11:00:00+08:00" })];
    for (let k = 0; k < news.length; k++) {
      const turned = [...news.slice(k), ...news.slice(0, k)];
      const list = turned.reduce<readonly Incident[]>((known, i) => put(known, i, true), []);
      expect(list.map(i => i.id)).toEqual(["b", "c", "a"]);
      expect(list.find(i => i.id === "a")?.state).toBe("closed");
    }
  });
  it("leave when the filter no longer lets them through, and older news does not bring them back", () => {
    const list = put([incident("a"), incident("b")], incident("a", { version: 2 }), false);
    expect(list.map(i => i.id)).toEqual(["b"]);
    expect(put(list, incident("z"), false)).toBe(list);
  });
  it("of a page from the service yield to newer ones that came meanwhile", () => {
    const page = merge([incident("a"), incident("b", { version: 4 })], [incident("a", { version: 2 }), incident("b", { version: 3 }), incident("gone")]);
    expect(page.map(i => [i.id, i.version])).toEqual([["b", 4], ["a", 2]]);
    expect([...page].sort(later)).toEqual(page);
  });
  it("are filtered as the service filters", () => {
    const late = incident("a", { due_at: "2026-11-26T11:00:00+08:00" });
    expect([isOverdue(late, now), isOverdue({ ...late, state: "closed" }, now), isOverdue({ ...late, state: "suspended" }, now), isOverdue({ ...late, due_at: "2026-11-26T13:00:00+08:00" }, now)]).toEqual([true, false, false, false]);
    expect(lets({ ...all, region: "520423102000" }, late, now)).toBe(true);
    expect(lets({ ...all, region: "520424000000" }, late, now)).toBe(false);
    expect(lets({ ...all, state: "open" }, incident("r", { state: "rejected" }), now)).toBe(false);
    expect(lets({ ...all, state: "overdue" }, late, now)).toBe(true);
    expect(lets({ ...all, from: "2026-11-26T10:00:00+08:00", to: "2026-11-26T10:00:01+08:00" }, late, now)).toBe(true);
    expect(lets({ ...all, to: "2026-11-26T10:00:00+08:00" }, late, now)).toBe(false);
  });
});

describe("answers", () => {
  it("count in the order of their questions, also where a newer question is always on its way", () => {
    const turns = new Turns(), first = turns.ask("list"), second = turns.ask("list"), third = turns.ask("list");
    expect([turns.counts("list", first), turns.counts("list", third), turns.counts("list", second)]).toEqual([true, true, false]);
  });
  it("to what was asked before the reader looked elsewhere do not count", () => {
    const turns = new Turns(), list = turns.ask("list"), hot = turns.ask("hot");
    turns.drop("list");
    const again = turns.ask("list");
    expect([turns.counts("list", list), turns.counts("hot", hot), turns.counts("list", again)]).toEqual([false, true, true]);
    const late = turns.ask("hot");
    turns.drop("list", "hot", "never");
    expect([turns.counts("hot", late), turns.counts("never", turns.ask("never"))]).toEqual([false, true]);
  });
});

describe("the feed", () => {
  const stream = "retry: 2000\nid: 41\n: hello\n\nid: 42\nevent: incident\ndata: {\"id\":\"一\"}\n\n: beat\n\nid:43\r\nevent:alert\r\ndata: a\r\ndata: b\r\n\r\nevent: x\n\n";
  it("is read alike in whatever pieces it comes", () => {
    const whole = new Parser().push(stream);
    expect(whole).toEqual([{ id: "42", kind: "incident", data: "{\"id\":\"一\"}" }, { id: "43", kind: "alert", data: "a\nb" }]);
    for (const size of [1, 2, 3, 7, 20]) {
      const parser = new Parser(), told = [];
      for (let i = 0; i < stream.length; i += size) told.push(...parser.push(stream.slice(i, i + size)));
      expect(told, String(size)).toEqual(whole);
      expect(parser.lastId).toBe("43");
    }
    const greeted = new Parser();
    greeted.push("retry: 2000\nid: 41\n: hello\n\n");
    expect(greeted.lastId).toBe("41");
  });

  it("lets each event through once, and begins anew with a new log", () => {
    const once = new Once();
    expect(["5", "6", "6", "5", "7", null, null].map(id => once.isNews(id))).toEqual([true, true, false, false, true, true, true]);
    once.startAt("2");
    expect(["2", "3"].map(id => once.isNews(id))).toEqual([false, true]);
  });

  it("comes again after a break with the last id it saw: nothing missing, nothing twice", async () => {
    const log = Array.from({ length: 40 }, (_, k) => `id: ${k + 1}\nevent: incident\ndata: ${k + 1}\n\n`), asked: (string | null)[] = [], told: string[] = [], states: string[] = [];
    let turn = 0;
    const real = globalThis.fetch;
    globalThis.fetch = (_url, init) => {
      const last = new Headers(init?.headers).get("last-event-id");
      asked.push(last);
      if (turn === 1) { turn++; return Promise.reject(new TypeError("down")); }
      // each connection repeats one event, sends ten more and is cut in the middle of the next
      const from = Number(last ?? 0), body = log.slice(Math.max(0, from - 1), from + 10).join("") + (log[from + 10]?.slice(0, 12) ?? "");
      turn++;
      return Promise.resolve(new Response(new Blob([body]).stream(), { headers: { date: new Date().toUTCString() } }));
    };
    try {
      await new Promise<void>(done => {
        const hearer: Hearer = { told: e => { told.push(e.data); if (told.length === 40) { feed.end(); done(); } }, connected: again => { states.push(again ? "again" : "first"); }, lost: () => { states.push("lost"); }, reset: () => undefined, signIn: () => undefined, skew: () => undefined };
        const feed = new Feed(hearer);
        feed.start();
      });
    } finally { globalThis.fetch = real; }
    expect(told).toEqual(Array.from({ length: 40 }, (_, k) => String(k + 1)));
    expect(asked.slice(0, 3)).toEqual([null, "10", "10"]);
    expect(states[0]).toBe("first");
    expect(states).toContain("again");
  });
});

describe("cells", () => {
  const ring = (x: number, y: number, r = 1): [number, number][] => Array.from({ length: 7 }, (_, k) => [x + r * Math.cos(k * Math.PI / 3), y + r * Math.sin(k * Math.PI / 3)]);
  const cell = (h3: string, count: number, change: Partial<Cell> = {}): Cell => ({ h3, ring: ring(count, 0), count, households: 10, expected: 1, neighbours: 6, z: 0, p: 1, p_sim: null, fdr05: false, class: "none", emerging: "none", density: null, rank: 1, why: "", ...change });
  it("show what the view is about, and their counts sum to the whole", () => {
    const cells = [cell("a", 3), cell("b", 0), cell("c", 0, { class: "hot", z: 4 }), cell("d", 5, { households: 0 })];
    expect(drawables(cells, "count").map(d => d.cell.h3)).toEqual(["a", "d"]);
    expect(drawables(cells, "count").reduce((s, d) => s + d.cell.count, 0)).toBe(cells.reduce((s, c) => s + c.count, 0));
    expect(drawables(cells, "gi").map(d => d.cell.h3)).toEqual(["a", "c", "d"]);
    expect(valueOf(cells[0]!, "rate")).toBe(300);
    // where nobody lives there is no rate; what happened there is drawn all the same
    expect(valueOf(cells[3]!, "rate")).toBeNaN();
    expect(valueOf(cell("e", 4, { density: 0 }), "density")).toBe(0);
    for (const view of ["count", "rate", "gi", "emerging", "density"] as const) expect(drawables(cells, view).reduce((s, d) => s + d.cell.count, 0), view).toBe(8);
  });
  it("say why nothing is said of them, each in the views that judge it", () => {
    const why = (change: Partial<Cell>) => (["gi", "rate", "count", "emerging", "density"] as const).map(v => silenceOf(cell("a", 1, change), v));
    expect(why({})).toEqual([null, null, null, null, null]);
    expect(why({ class: "island" })).toEqual(["island", "island", null, null, null]);
    expect(why({ class: "no_households", households: 0 })).toEqual(["no_households", "no_households", null, null, null]);
    expect(why({ class: "constant" })).toEqual(["constant", null, null, null, null]);
    expect(why({ class: "hot", households: 0 })).toEqual([null, "no_rate", null, null, null]);
  });
  it("fall into classes that never part equal values", () => {
    expect(breaks([1, 1, 1, 1, 1, 1])).toEqual([1]);
    const bounds = breaks([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(bounds).toEqual([2, 4, 6, 8, 10]);
    expect([1, 2, 3, 10].map(v => classOf(v, bounds))).toEqual([0, 0, 1, 4]);
    expect(breaks([])).toEqual([]);
    expect([12_345, 345.6, 12.3, 3, 0.1234].map(brief)).toEqual(["12k", "346", "12", "3", "0.12"]);
    expect([9.99e-4, 1.04e-29, 0, 1e-310].map(power)).toEqual([{ mantissa: "1.0", exponent: "−3" }, { mantissa: "1.0", exponent: "−29" }, { mantissa: null, exponent: "−300" }, { mantissa: null, exponent: "−300" }]);
  });
  it("hold a place once where they touch", () => {
    const left = ring(0, 0), right = ring(1.5, Math.sqrt(3) / 2);
    for (let k = 0; k < 500; k++) {
      const at: [number, number] = [(k * 0.618) % 3 - 1, (k * 0.414) % 2.6 - 0.9];
      expect(Number(contains(left, at)) + Number(contains(right, at))).toBeLessThanOrEqual(1);
    }
    expect([contains(left, [0, 0]), contains(left, [2, 2])]).toEqual([true, false]);
  });
  it("are the finest that can be seen", () => {
    const at = [8, 10, 12, 14, 16].map(z => resolutionAt(z, 26, 24));
    expect(at).toEqual([...at].sort((a, b) => a - b));
    expect([at[0], at[4]]).toEqual([5, 9]);
    expect(resolutionAt(12, 26, 74)).toBeLessThan(resolutionAt(12, 26, 24));
  });
});

describe("cells on a map", () => {
  // a city of small squares, one incident more in each; coarser ones are twice as wide and hold what theirs held
  const wide = 32, world: [number, number, number, number] = [105, 25, 106, 26];
  const city = (resolution: number): Hotspots => {
    const n = Math.max(1, wide >> (9 - resolution)), step = 1 / n, cells = Array.from({ length: n * n }, (_, k): Cell => {
      const [x, y] = [105 + (k % n) * step, 25 + Math.floor(k / n) * step], fold = wide / n;
      let count = 0;
      for (let i = 0; i < fold; i++) for (let j = 0; j < fold; j++) count += 1 + (Math.floor(k / n) * fold + i) * wide + (k % n) * fold + j;
      return { households: 10, expected: 1, neighbours: 6, z: 0, p: 1, p_sim: null, fdr05: false, class: "none", emerging: "none", density: null, rank: 1, why: "", h3: `${resolution}-${k}`, count, ring: [[x, y], [x + step, y], [x + step, y + step], [x, y + step], [x, y]] };
    });
    return { view: "count", resolution, from: "", to: "", as_of: "", incidents: 0, outside: 0, mean: 0, study_cells: cells.length, cells, notes: [] };
  };
  const seen = (hot: Hotspots, box: readonly [number, number, number, number]) => drawables(hot.cells, hot.view).filter(c => meets(c.box, box));
  const sum = (hot: Hotspots, box: readonly [number, number, number, number]): number => seen(hot, box).reduce((s, c) => s + c.cell.count, 0);

  it("grow until there are not too many, and still hold every incident", async () => {
    expect(seen(city(9), world).length).toBeGreaterThan(MOST_CELLS);
    const asked: number[] = [], hot = await fitting(r => { asked.push(r); return Promise.resolve(city(r)); }, 9, world);
    expect(asked).toEqual([9, 8]);
    expect(hot.resolution).toBe(8);
    expect(seen(hot, world).length).toBeLessThanOrEqual(MOST_CELLS);
    const many = wide * wide;
    expect(sum(hot, world)).toBe(many * (many + 1) / 2);
  });
  it("stay as fine as they were asked for where few are in view", async () => {
    const near: [number, number, number, number] = [105.001, 25.001, 105.3, 25.3], hot = await fitting(r => Promise.resolve(city(r)), 9, near);
    expect([hot.resolution, seen(hot, near).length]).toEqual([9, 100]);
  });
  it("are the coarsest at last, however many these are", async () => {
    const asked: number[] = [], same = city(9), hot = await fitting(r => { asked.push(r); return Promise.resolve({ ...same, resolution: r }); }, 9, world);
    expect(asked).toEqual([9, 8, 7, 6, COARSEST]);
    expect(sum(hot, world)).toBe(sum(same, world));
  });
});

describe("an emergency", () => {
  const opened = Date.parse("2026-11-26T08:00:00Z");
  const alert = (at: string, change: Partial<Alert> = {}): Alert => ({ id: "a", kind: "emergency", title: "", region: "", incident: "i", cell: null, opened_at: at, level: "grid", acknowledged: null, escalates_at: null, closed_at: null, ...change });
  it("rings when it is news to the page, and stands quietly when it was old before", () => {
    const told = (["2026-11-26T17:30:00+08:00", "2026-11-26T15:30:00+08:00", "2026-11-26T14:59:59+08:00", "2026-11-20T10:00:00+08:00"]).map(at => [isNews(alert(at), opened), isUnseen(alert(at))]);
    expect(told).toEqual([[true, true], [true, true], [false, true], [false, true]]);
    for (const seen of [{ acknowledged: { by: "x", at: "" } }, { closed_at: "2026-11-26T16:00:00+08:00" }, { kind: "overdue" }] satisfies Partial<Alert>[]) expect([isNews(alert("2026-11-26T16:30:00+08:00", seen), opened), isUnseen(alert("2026-11-26T16:30:00+08:00", seen))]).toEqual([false, false]);
  });
});

describe("reports from a phone", () => {
  const keeper = (): Keeper & { kept: string | null } => ({ kept: null, getItem() { return this.kept; }, setItem(_, v) { this.kept = v; } });
  const quiet = { sent: () => undefined, changed: () => undefined, signIn: () => undefined, sendPhoto: () => Promise.resolve() };
  const album = (): Album & { kept: Map<string, Blob> } => {
    const kept = new Map<string, Blob>();
    return { kept, put: (k, p) => { kept.set(k, p); return Promise.resolve(); }, get: k => Promise.resolve(kept.get(k)), drop: k => { kept.delete(k); return Promise.resolve(); }, keepOnly: () => Promise.resolve() };
  };
  const settle = () => new Promise(r => setTimeout(r, 5));
  it("are kept while there is no line, also over a reload, and sent once each with their key", async () => {
    const store = keeper(), keys: string[] = [];
    let away = true;
    const send = (_: unknown, key: string): Promise<Incident> => { keys.push(key); return away ? Promise.reject(new Unreachable("away")) : Promise.resolve(incident(key)); };
    const first = new Reports(store, { send, ...quiet }, album());
    void first.add({ category: "other", occurred_at: "2026-11-26T10:00:00+08:00" }, new Date(0));
    await settle();
    void first.add({ category: "dispute", occurred_at: "2026-11-26T10:01:00+08:00" }, new Date(1));
    await settle();
    expect(first.list().length).toBe(2);
    away = false;
    const done: string[] = [], second = new Reports(store, { send, ...quiet, sent: w => { done.push(w.wish.category); } }, album());
    const [a, b] = second.list().map(w => w.key);
    second.flush();
    await settle();
    expect(done).toEqual(["other", "dispute"]);
    expect([second.list(), keys.filter(k => k === b).length, new Set(keys).size]).toEqual([[], 1, 2]);
    expect(keys.at(-2)).toBe(a);
  });
  it("that are refused say why and do not hold up the next", async () => {
    const store = keeper(), done: string[] = [];
    const box = new Reports(store, { ...quiet, send: w => w.category === "bad" ? Promise.reject(new Refused(400, { code: "person_field", detail: "姓名 / a name" })) : Promise.resolve(incident("x")), sent: w => { done.push(w.wish.category); } }, album());
    void box.add({ category: "bad", occurred_at: "" }, new Date(0));
    void box.add({ category: "other", occurred_at: "" }, new Date(0));
    await settle();
    expect(done).toEqual(["other"]);
    expect(box.list().map(w => w.refused)).toEqual(["姓名 / a name"]);
    box.forget(box.list()[0]!.key);
    expect(box.list()).toEqual([]);
  });
  it("go before their photo, which goes once, also when the line breaks between the two", async () => {
    const store = keeper(), photos = album(), told: string[] = [], photo = new Blob(["x"], { type: "image/jpeg" });
    let away = true;
    const carrier = {
      ...quiet, sent: () => { told.push("sent"); },
      send: (_: unknown, key: string): Promise<Incident> => { told.push("report"); return Promise.resolve(incident(`of-${key}`)); },
      sendPhoto: (id: string, file: Blob): Promise<void> => { told.push(`photo ${id.slice(0, 3)} ${file.size}`); return away ? Promise.reject(new Unreachable("away")) : Promise.resolve(); },
    };
    const first = new Reports(store, carrier, photos);
    await first.add({ category: "other", occurred_at: "" }, new Date(0), photo);
    await settle();
    const [w] = first.list();
    expect([w!.sent, w!.photo, photos.kept.size, told]).toEqual([`of-${w!.key}`, true, 1, ["report", "sent", "photo of- 1"]]);
    away = false;
    new Reports(store, carrier, photos).flush();
    await settle();
    expect([first.list(), photos.kept.size, told]).toEqual([[], 0, ["report", "sent", "photo of- 1", "photo of- 1"]]);
    // a photo that is refused is told of, and goes with its report
    const other = new Reports(store, { ...carrier, sendPhoto: () => Promise.reject(new Refused(422, { code: "broken_photo", detail: "坏 / broken" })) }, photos);
    await other.add({ category: "other", occurred_at: "" }, new Date(1), photo);
    await settle();
    expect([other.list().map(x => x.refused), photos.kept.size]).toEqual([["坏 / broken"], 1]);
    other.forget(other.list()[0]!.key);
    expect([other.list(), photos.kept.size]).toEqual([[], 0]);
  });
});

describe("the room's colours", () => {
  const light = (hex: string): number => { const [r, g, b] = [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16) / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4) as [number, number, number]; return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  it.each(Object.entries(heats))("%s: steps darken one by one, hot and cold differ in lightness", (_, { steps, hot, cold }) => {
    for (let k = 1; k < steps.length; k++) expect(light(steps[k]!), steps[k]!).toBeLessThan(light(steps[k - 1]!) * 0.8);
    expect(Math.abs(light(hot) - light(cold))).toBeGreaterThan(0.05);
  });
});

describe("the address of the page", () => {
  it("leads to the planner, the room and the form", () => {
    const start = readFileSync("src/start.ts", "utf8");
    for (const page of ["./main", "./room/start", "./report/start"]) expect(start).toContain(`import("${page}")`);
  });
});

describe("names on the map", () => {
  it("stand at the first place that is clear of words and of signs, or nowhere", () => {
    const rows: Plate[] = [0, -14, 14].map(dy => [100, 100 + dy, 20, 7]);
    expect(clearOf(rows, [], [])).toEqual([100, 100, 20, 7]);
    // a sign on its own place, and a label where it would go next
    expect(clearOf(rows, [[100, 80, 60, 10]], [[118, 100, 6]])).toEqual([100, 114, 20, 7]);
    expect(clearOf(rows, [[100, 80, 60, 10]], [[100, 108, 6]])).toBeUndefined();
    // beside each other is not over each other
    expect([overlaps([0, 0, 10, 5], [20, 0, 10, 5]), overlaps([0, 0, 10, 5], [19, 0, 10, 5]), covered([0, 0, 10, 5], [[15, 0, 5], [14, 0, 5], [0, 11, 5]])]).toEqual([false, true, 1]);
  });
});
