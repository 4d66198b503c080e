import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Refused, Unreachable, type Region } from "../../src/api";
import { Outbox, type Answer, type Parcel } from "../../src/outbox";
import { ITEMS, Regions, REGIONS, SESSION } from "../../src/regions";
import { initial, reduce } from "../../src/state";
import { half, isKey, keys, percent, text, when } from "../../src/strings";
import { degrees, palettes } from "../../src/style/palette";
import { step } from "../../src/tools/keyboard";
import { FIELDS, LAYERS } from "../../src/planner/fields";
import { digest, document, type Schema } from "../../types/document.mjs";
import { village } from "./village";

const files = (dir: string): string[] => readdirSync(dir).flatMap(n => statSync(join(dir, n)).isDirectory() ? files(join(dir, n)) : [join(dir, n)]);
const sources = files("src").filter(f => f.endsWith(".ts"));

describe("strings", () => {
  it("exist in both languages with the same values", () => {
    const holes = (s: string): string[] => [...s.matchAll(/\{(\w+)\}/g)].map(m => m[1]!).sort();
    for (const key of keys) {
      const [zh, en] = [text("zh", key, new Proxy({}, { get: (_, n) => `{${String(n)}}` })), text("en", key, new Proxy({}, { get: (_, n) => `{${String(n)}}` }))];
      expect(zh, key).not.toBe("");
      expect(en, key).not.toBe("");
      expect(holes(zh), key).toEqual(holes(en));
    }
  });

  it("are all used, and every Chinese word of the page is one of them", () => {
    const code = sources.filter(f => !f.endsWith("strings.ts") && !f.endsWith(".gen.ts")).map(f => readFileSync(f, "utf8")).join("\n");
    const built = /^(level|status|tool|hint|tab|op|palette|layer|figure|field|system|count|weekday|rank|state|role|action|alert|rule|class|course|sign|tile|by|range|layerTitle|barrier|better|tianditu)_/;
    for (const key of keys) expect(built.test(key) || new RegExp(`["'\`]${key}["'\`]`).test(code), key).toBe(true);
    // the colon of a list is punctuation
    expect(code.match(/[\u4e00-\u9fff]+/g) ?? []).toEqual([]);
  });

  it("have no space between wide words, and one beside others", () => {
    expect(text("zh", "strandedTitle", { grid: "004 东街小区" })).toBe("这样划会让 004 东街小区断开");
    expect(text("zh", "strandedTitle", { grid: "004" })).toBe("这样划会让 004 断开");
    expect(text("zh", "importShift", { d: "GCJ-02（火星坐标）" })).toBe("按 GCJ-02（火星坐标）纠正");
    expect(text("zh", "householdsN", { n: 7 })).toBe("7 户");
    expect(text("en", "strandedTitle", { grid: "东街" })).toBe("This would cut 东街 apart");
    expect([when("zh", "2026-11-26T23:50:53.594Z"), when("en", "2026-11-26T23:50:53.594Z"), when("zh", "?")]).toEqual(["11/27 07:50", "27/11, 07:50", "?"]);
  });

  it("take the reader's half of a message of the service", () => {
    expect([half("zh", "断开 / apart"), half("en", "断开 / apart"), half("en", "one"), half("en", "参数 / 一\nfield / one")]).toEqual(["断开", "apart", "one", "field / one"]);
    // what cannot be done and what to do first: both halves in each line
    const refused = "网格 3 已锁定 / 3 is locked\n请先解锁 3 / unlock 3 first";
    expect([half("zh", refused), half("en", refused)]).toEqual(["网格 3 已锁定\n请先解锁 3", "3 is locked\nunlock 3 first"]);
    expect(half("en", "网格 3 已被 张三 修改\n3 was changed by 张三")).toBe("3 was changed by 张三");
    expect(half("en", "网格 A / B 已被 张三 修改\nA / B was changed by 张三")).toBe("A / B was changed by 张三");
    expect([percent(0.1234), percent(-0.01), percent(null)]).toEqual(["+12.3%", "−1.0%", "—"]);
  });
});

describe("the page", () => {
  it("knows Leaflet in one folder only, and no markup from text anywhere", () => {
    for (const f of sources) {
      const code = readFileSync(f, "utf8");
      if (!f.startsWith(join("src", "map"))) expect(/from "leaflet"/.test(code), f).toBe(false);
      expect(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/.test(code), f).toBe(false);
    }
    expect(/<style|style=|<script(?![^>]*src=)/.test(readFileSync("index.html", "utf8"))).toBe(false);
  });
});

describe("controls", () => {
  it("each have a name for tests, others' as well as ours", () => {
    const nameless = sources.flatMap(f => {
      const code = readFileSync(f, "utf8");
      return [...code.matchAll(/\bh\("(?:button|input|select|textarea|a)",.*?(?=\bh\("|$)/gs)].filter(([made]) => !/\btestid\b/.test(made)).map(([made]) => `${f}: ${made.slice(0, 80)}`);
    });
    expect(nameless).toEqual([]);
  });
});

describe("types of the service", () => {
  const { paths, ...schemas } = document.components.schemas;
  const bare = (f: string): string => readFileSync(f, "utf8").replace(/^\s*\/\*\*[^]*?\*\/|\/\/[^\n"'`]*$/gm, "");
  const asking = sources.filter(f => !f.endsWith(".gen.ts"));

  it("are those of its definition; if not: npm run types", () => {
    expect(readFileSync(join("src", "service.gen.ts"), "utf8")).toContain(digest);
  });

  it("are those of an operation in every question, by its address and method", () => {
    let asked = 0;
    for (const f of asking) {
      const code = bare(f), named = new Map([...code.matchAll(/\b([A-Z]+) = "(\/(?:api|ogc)\/[^"]*)"/g)].map(m => [m[1]!, m[2]!]));
      // what is answered goes by the address: nobody says a type of his own, and nobody asks past it
      expect(code, f).not.toMatch(/(?<!function )\bcall</);
      if (!/(wire|feed|basemap-layer)\.ts$/.test(f)) expect(code, f).not.toMatch(/\bfetch\(|EventSource|XMLHttpRequest/);
      if (!/src.(api|wire|start)\.ts$/.test(f)) expect(code, f).not.toMatch(/\b(hear|reach|askEarly)\(/);
      for (const [, method = "", literal, constant = ""] of code.matchAll(/\bcall\("(\w+)", (?:"([^"]*)"|(\w+))/g)) {
        const path = literal ?? named.get(constant) ?? { SESSION, REGIONS, ITEMS }[constant] ?? "";
        expect(paths?.properties?.[path]?.properties, `${f}: ${path}`).toHaveProperty(method);
        asked++;
      }
      for (const [, path = ""] of code.matchAll(/\blinkTo\("([^"]*)"/g)) expect(paths?.properties?.[path]?.properties, `${f}: ${path}`).toHaveProperty("get");
    }
    expect(asked).toBeGreaterThan(45);
  });

  it("are made of the definition wherever they have names", () => {
    for (const f of asking.filter(f => /api\.ts$/.test(f))) {
      const code = bare(f);
      expect(code, f).not.toMatch(/\binterface\b/);
      // a field that is a text or a number here is one that somebody wrote
      for (const [line] of code.matchAll(/^(?:export )?type \w+[^=\n]*=.*$/gm)) expect(line, f).not.toMatch(/\{[^}]*\b(string|number|boolean|unknown)\b/);
    }
  });

  it("have no twin that was written by hand", () => {
    /** Names that a type has, by its name. */
    const own = (code: string): [string, Set<string>][] => [...code.matchAll(/(?:interface (\w+)[^{]*|type (\w+)[^={]*= )\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}/g)]
      .map(([, a, b, body = ""]) => [a ?? b ?? "", new Set([...body.replace(/\{[^{}]*\}|\([^()]*\)/g, "").matchAll(/(?:^|[;,\n])\s*(?:readonly )?(\w+)\??:/g)].map(m => m[1]!))]);
    const flat = (schema: Schema): string[] => [...schema.required ?? [], ...(schema.allOf ?? []).flatMap(flat)];
    const wanted = Object.entries(schemas).flatMap(([name, schema]) => [schema, ...schema.oneOf ?? []].map(s => [name, flat(s)] as const)).filter(([, names]) => names.length > 3);
    expect(own("interface Mine { id: string; name: string; region: string;\n  by?: string; in: { x: number }; role: \"a\" }")[0]).toEqual(["Mine", new Set(["id", "name", "region", "by", "in", "role"])]);
    expect(wanted.length).toBeGreaterThan(40);
    for (const f of asking) for (const [mine, has] of own(bare(f))) for (const [name, names] of wanted)
      expect(names.every(n => has.has(n)), `${f}: ${mine} says what ${name} says`).toBe(false);
  });
});

describe("import", () => {
  const schema = readFileSync(join("..", "src", "exchange", "gate", "schema.rs"), "utf8");
  const known = [...schema.matchAll(/pub const \w+: LayerSchema = LayerSchema \{\s*name: "(\w+)"/g)].map(m => m[1]!);
  it("offers the layers of the register", () => {
    for (const layer of known.filter(l => !["occurrences", "cell_counts"].includes(l))) expect(LAYERS).toContain(layer);
  });
  it.each(LAYERS.filter(l => known.includes(l)))("offers the fields of %s that the service takes, each with its word", layer => {
    const body = new RegExp(`name: "${layer}",[^]*?fields: &\\[([^]*?)\\n    \\],`).exec(schema)?.[1] ?? "";
    const named = [...body.matchAll(/(?:field|needed)\(\s*"(\w+)"/g)].map(m => m[1]!);
    const common = [["OCCURRED_AT", "occurred_at"], ["VALID_FROM", "valid_from"], ["VALID_TO", "valid_to"], ["ROW_VERSION", "row_version"]].filter(([c]) => new RegExp(`\\b${c},`).test(body)).map(([, n]) => n!);
    const offered: readonly string[] = FIELDS[layer].filter(f => !["lon", "lat", "geometry"].includes(f));
    expect([...offered].sort()).toEqual([...named, ...common].sort());
    for (const f of FIELDS[layer]) expect(isKey(`field_${f}`), f).toBe(true);
  });
});

describe("regions", () => {
  const region = (code: string, level: Region["level"], parent: string | null = null): Region => ({ code, name: code, level, parent, bbox: null, grids: null, households: null });
  it("form a tree by the parent named, or by their codes", () => {
    const all = [region("520423102", "township"), region("520423102001", "village"), region("520423102203", "village"), region("520402000000", "county"), region("520402101000", "township", "520402000000"), region("520402101200", "village")];
    const tree = new Regions(all);
    expect(tree.below(null).map(r => r.code)).toEqual(["520402000000", "520423102"]);
    expect(tree.below("520423102").map(r => r.code)).toEqual(["520423102001", "520423102203"]);
    expect(tree.pathTo(all[5]!).map(r => r.code)).toEqual(["520402000000", "520402101000", "520402101200"]);
  });
});

describe("state", () => {
  it("is never changed in place", () => {
    const before = Object.freeze({ ...initial, selection: new Set([1, 2]) });
    const after = reduce(before, { type: "select", atoms: [2, 3], how: "subtract" });
    expect([[...before.selection], [...after.selection]]).toEqual([[1, 2], [1]]);
    expect([...reduce(after, { type: "select", atoms: [7], how: "set" }).selection]).toEqual([7]);
  });
});

describe("keyboard", () => {
  it("walks to the building straight ahead, over ground without buildings", () => {
    const model = village(3, [0, 0, 0, 0, 0, 0, 0, 0, 0], [1, 0, 1, 1, 1, 1, 1, 1, 1]);
    expect(step(model, 0, [1, 0])).toBe(2);
    expect(step(model, 4, [0, 1])).toBe(7);
    expect(step(model, 4, [-1, 0])).toBe(3);
    expect(step(model, 3, [-1, 0])).toBe(-1);
  });
});

describe("outbox", () => {
  const parcel = (key: string): Parcel => ({ plan: "p", key, what: key, revert: () => undefined, request: { village: "v", base_version: 1, operations: [], policy: "refuse" } });
  const answer = (version: number, grids: string[] = []): Answer => ({ committed: { version, seq: version, grids }, effect: null, village: { ...village(1, [0]).data } });

  it("keeps edits while the service is away and sends each once, on top of those before", async () => {
    const sent: [string, unknown, unknown][] = [], done: string[] = [];
    let away = true;
    const box = new Outbox({
      send: p => { if (away) return Promise.reject(new Unreachable("away")); sent.push([p.key, p.request.base_version, p.request.grid_versions]); return Promise.resolve(answer(sent.length + 1, ["001", "002"])); },
      done: p => { done.push(p.key); }, refused: () => { throw new Error("refused"); }, changed: () => undefined, signIn: () => undefined,
    });
    box.post(parcel("a"));
    await new Promise(r => setTimeout(r, 5));
    box.post(parcel("b"));
    await new Promise(r => setTimeout(r, 5));
    expect(sent).toEqual([]);
    away = false;
    box.flush();
    await new Promise(r => setTimeout(r, 5));
    // of the plan as it was when both were made, except for what the first one changed: what others did meanwhile is still asked about
    expect(sent).toEqual([["a", 1, undefined], ["b", 1, [["001", 2], ["002", 2]]]]);
    expect(done).toEqual(["a", "b"]);
  });

  it.each([429, 502, 504])("keeps an edit that nobody has judged: %i", async status => {
    const told: string[] = [];
    let times = 0;
    const box = new Outbox({
      send: () => ++times === 1 ? Promise.reject(new Refused(status, { code: `http_${status}`, detail: "" })) : Promise.resolve(answer(2)),
      done: p => { told.push(`done ${p.key}`); }, refused: p => { told.push(`refused ${p.key}`); return false; }, changed: (waiting, offline) => { told.push(`${waiting} ${offline}`); }, signIn: () => undefined,
    });
    box.post(parcel("a"));
    await new Promise(r => setTimeout(r, 5));
    expect(told.at(-1)).toBe("1 true");
    box.flush();
    await new Promise(r => setTimeout(r, 5));
    expect(told).toContain("done a");
    expect(told).not.toContain("refused a");
  });

  it("loses no edit when the one before it breaks the page's own book-keeping", async () => {
    const told: string[] = [];
    const box = new Outbox({
      send: () => Promise.resolve(answer(2)),
      done: p => { if (p.key === "a") throw new Error("page"); told.push(`done ${p.key}`); },
      refused: (p, e) => { told.push(`${e.body.code} ${p.key}`); return false; }, changed: () => undefined, signIn: () => undefined,
    });
    box.post(parcel("a"));
    box.post(parcel("b"));
    await new Promise(r => setTimeout(r, 5));
    expect(told).toEqual(["page a", "done b"]);
  });

  it("tells of a refusal and waits for a word before the next; what is done instead goes first", async () => {
    const told: string[] = [];
    const box = new Outbox({
      send: p => p.key === "a" ? Promise.reject(new Refused(409, { code: "conflict", detail: "" })) : Promise.resolve(answer(2)),
      done: p => { told.push(`done ${p.key}`); }, refused: (p, e) => { told.push(`${e.body.code} ${p.key}`); return true; }, changed: waiting => { told.push(String(waiting)); }, signIn: () => undefined,
    });
    box.post(parcel("a"));
    box.post(parcel("b"));
    await new Promise(r => setTimeout(r, 5));
    // neither a third edit nor a line that is back sends it
    box.post(parcel("c"));
    box.flush();
    await new Promise(r => setTimeout(r, 5));
    expect(told.filter(w => /\D/.test(w))).toEqual(["conflict a"]);
    expect([told.at(-1), box.isHeld]).toEqual(["2", true]);
    box.letGo(parcel("a2"));
    await new Promise(r => setTimeout(r, 5));
    expect(told.filter(w => /\D/.test(w))).toEqual(["conflict a", "done a2", "done b", "done c"]);
    expect([told.at(-1), box.isHeld]).toEqual(["0", false]);
  });
});

describe("palettes", () => {
  const rgb = (hex: string): number[] => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16) / 255);
  const linear = (v: number): number => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  // Machado, Oliveira, Fernandes 2009, severity 1.0
  const eyes: Record<string, number[][]> = {
    all: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
  };
  const lab = (lin: number[]): [number, number, number] => {
    const [r, g, b] = lin.map(v => Math.min(Math.max(v, 0), 1)) as [number, number, number];
    const f = (t: number): number => t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 * t + 16) / 116;
    const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505), y = f(0.2126 * r + 0.7152 * g + 0.0722 * b), z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
  };
  const seen = (hex: string, eye: number[][]): [number, number, number] => { const lin = rgb(hex).map(linear); return lab(eye.map(row => row.reduce((s, m, i) => s + m * lin[i]!, 0))); };

  it.each(Object.entries(palettes))("%s stays apart for every eye", (name, { fills }) => {
    let least = Infinity, pair = "";
    for (const [eye, m] of Object.entries(eyes)) for (let i = 0; i < fills.length; i++) for (let j = 0; j < i; j++) {
      const a = seen(fills[i]!, m), b = seen(fills[j]!, m), d = Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
      if (d < least) { least = d; pair = `${eye} ${fills[i]} ${fills[j]}`; }
    }
    // eight greys have no more room than this between black and white letters
    expect(least, `${name}: ${pair}`).toBeGreaterThan(name === "grey" ? 7 : 10);
  });

  const light = (hex: string): number => { const [r, g, b] = rgb(hex).map(linear) as [number, number, number]; return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  it("let the map's lettering be read on all of them", () => {
    // letters stand on a plate that is 88 % white over the fill
    const ink = light("#16232d");
    for (const { fills } of Object.values(palettes)) for (const fill of fills) expect((0.88 + 0.12 * light(fill) + 0.05) / (ink + 0.05)).toBeGreaterThan(4.5);
  });

  it("let degrees be read on the bare ground and on the areas of a basemap", () => {
    const areas = /const AREAS = (.*)/.exec(readFileSync(join("src", "map", "basemap-layer.ts"), "utf8"))![1]!.match(/#[0-9a-f]{6}/g)!;
    expect([areas.length, /fillStyle = degrees\.ink/.test(readFileSync(join("src", "map", "graticule.ts"), "utf8"))]).toEqual([3, true]);
    expect(degrees.ink).toMatch(/^#[0-9a-f]{6}$/);
    for (const ground of [...Object.values(palettes).map(p => p.ground), ...areas]) expect((light(ground) + 0.05) / (light(degrees.ink) + 0.05), ground).toBeGreaterThanOrEqual(4.5);
  });
});

describe("the built page", () => {
  const assets = join("dist", "assets");    // npm run build

  it("brings each view with its styles", () => {
    // a minifier that merges two ways to choose a view leaves one without what belongs to it
    const index = readFileSync(join(assets, readdirSync(assets).find(f => /^index-.*\.js$/.test(f))!), "utf8");
    const views = [...index.matchAll(/import\([`"']\.\/([^`"']+\.js)[`"']\)/g)].map(m => m[1]!), brought = [...index.matchAll(/__vite__mapDeps\(\[/g)];
    expect(views.length).toBe(3);
    expect(brought.length).toBe(3);
  });

  it("weighs at most 150 kB of compressed JavaScript, all views together", () => {
    const scripts = readdirSync(assets).filter(f => f.endsWith(".js"));
    const bytes = scripts.map(f => gzipSync(readFileSync(join(assets, f)), { level: 9 }).length).reduce((a, b) => a + b, 0);
    expect(scripts.length).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(150_000);
  });
});
