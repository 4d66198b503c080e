// The village on the table: ground in its grid's colour, borders, buildings, what the hand is doing, what is wrong.

import type L from "leaflet";
import type { App } from "../app";
import type { State } from "../state";
import { palettes } from "../style/palette";
import { colour, neighbours } from "../village/colouring";
import type { Model } from "../village/model";
import { row } from "../village/model";
import { type Outline, outlineOf } from "../village/outline";
import type { Box } from "./boxes";
import { CanvasLayer } from "./canvas-layer";
import { label, plate } from "./lettering";
import { homesOf, middles, paintBorders, paintBuildings, paintGround, paintLabels, paintRim, paintRings, placing, type Sight, sightOf, type Sign, signsOf, trace, wordsOfUnit } from "./paint";
import { type Ink, inkOf } from "./patterns";

/** Sum of the places of a unit's households. */
interface Middle { x: number; y: number; n: number; atoms: number[] }

/** Widest line beside a cell. */
const MARGIN_PX = 6;
/** Half the width and height of the widest label. */
const LABEL_PX: readonly [number, number] = [110, 24];
/** Pixels of the screen per local one from which single buildings are told. */
const CLOSE = 0.5;
/** Timings kept. */
const KEPT = 1_000;
const NOBODY: readonly string[] = [];

export class VillageLayer extends CanvasLayer {
  private outline: Outline | null = null;
  private colours: Int32Array = new Int32Array();
  private readonly former = new Map<string, number>();
  private drawn: Model | null = null;
  private ink: Ink | null = null;
  /** Where each grid's words stand, local pixels: they do not move while the hand does. */
  private labelAt: Float64Array = new Float64Array();
  /** Labels that have room, of the last drawing of all. */
  private labels: readonly Sign[] = [];
  /** Whether all is to be drawn, labels placed anew. */
  private isWhole = true;
  /** Cells round which a circle is drawn, of a proposal or a comparison. */
  private ringed: { of: Iterable<string>; atoms: ReadonlySet<number> } | null = null;
  /** Where those live who have no unit yet, local pixels. */
  private newcomers: readonly (readonly [number, number])[] = [];
  /** How many cells of the stroke are drawn as moved. */
  private followed = 0;
  private spent = 0;
  /** When a village stood on the screen for the first time, ms of the page. */
  first_ms: number | null = null;
  /** When the hand last moved in a stroke (ms of the page), to be told how long its picture took. */
  stamp = 0;
  /** Milliseconds from a move of the hand to its picture, newest last. */
  readonly latencies: number[] = [];
  /** Milliseconds of the last drawings, newest last. */
  readonly timings: number[] = [];

  constructor(private readonly app: App) {
    super(410);
    app.store.subscribe((now, before) => {
      if (this.concerns(now, before)) this.redraw();
      else if (now.stroke !== before.stroke) this.follow(now, before);
    });
  }

  /** A stroke went on: what it moved and what it says is drawn again, nothing else. */
  private follow(now: State, before: State): void {
    const { map } = this, { model, stroke } = now, { trail } = this.app.hand;
    if (map === null || model === null || stroke === null || this.drawn !== model || trail.length < this.followed) { this.followed = 0; this.redraw(); return; }
    const place = placing(model, map);
    this.mark(model, place, trail.slice(this.followed));
    this.followed = trail.length;
    const old = new Set(before.stroke?.stranded.map(p => p.atoms) ?? []), fresh = new Set(stroke.stranded.map(p => p.atoms));
    const gone = new Set([...old].filter(p => !fresh.has(p)).flat()), come = new Set([...fresh].filter(p => !old.has(p)).flat());
    this.mark(model, place, [...gone].filter(a => !come.has(a)));
    this.mark(model, place, [...come].filter(a => !gone.has(a)));
    const said = new Map(before.stroke?.totals.map(t => [t.grid, t.after]) ?? []);
    for (const { grid, after } of stroke.totals) {
      if (said.get(grid) === after) continue;
      const x = place.X(this.labelAt[2 * grid]!), y = place.Y(this.labelAt[2 * grid + 1]!);
      this.touch([x - LABEL_PX[0], y - LABEL_PX[1], x + LABEL_PX[0], y + LABEL_PX[1]]);
    }
  }

  /** Draws some cells again. */
  private mark(model: Model, { X, Y }: Pick<Sight, "X" | "Y">, atoms: readonly number[]): void {
    if (atoms.length === 0) return;
    const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const a of atoms) {
      box[0] = Math.min(box[0], model.box[4 * a]!); box[1] = Math.min(box[1], model.box[4 * a + 1]!);
      box[2] = Math.max(box[2], model.box[4 * a + 2]!); box[3] = Math.max(box[3], model.box[4 * a + 3]!);
    }
    this.touch([X(box[0]) - MARGIN_PX, Y(box[1]) - MARGIN_PX, X(box[2]) + MARGIN_PX, Y(box[3]) + MARGIN_PX]);
  }

  override redraw(): void { this.isWhole = true; super.redraw(); }

  private concerns(now: State, before: State): boolean {
    return now.model !== before.model || now.pending !== before.pending || now.selection !== before.selection || now.focus !== before.focus
      || now.active !== before.active || now.palette !== before.palette || now.troubled !== before.troubled || now.compared !== before.compared || now.proposal !== before.proposal || now.tab !== before.tab || now.lang !== before.lang;
  }

  /** Colour index of a grid, by code, where it has one. */
  indexOf(code: string): number | undefined { return this.former.get(code); }

  /** Colour of a grid, for the panels. */
  colourOf(grid: number): string {
    const { fills } = palettes[this.app.state.palette];
    const { model } = this.app.state;
    if (model !== null) this.prepare(model);
    return fills[this.colours[grid] ?? 0] ?? fills[0]!;
  }

  private prepare(model: Model): void {
    if (this.drawn === model) return;
    if (this.drawn?.data.village !== model.data.village) this.former.clear();
    this.drawn = model;
    this.ringed = null;
    this.outline = outlineOf(model);
    const { grids } = model.data;
    this.colours = colour(neighbours(model), palettes.calm.fills.length, grids.map(g => this.former.get(g.code)));
    grids.forEach((g, i) => this.former.set(g.code, this.colours[i]!));
    this.labelAt = middles(model);
    this.newcomers = model.data.behind?.unassigned.map(u => model.local(u.at)) ?? [];
  }

  protected override isBlank(): boolean { return this.app.state.model === null; }

  protected override draw(pen: CanvasRenderingContext2D, map: L.Map, _size: L.Point, box: Box): void {
    const begun = performance.now();
    const { state } = this.app;
    const { model } = state;
    if (model === null) return;
    this.prepare(model);
    const sight = sightOf(model, map, box), { palette, active, tab } = state;
    this.ink ??= inkOf(pen);
    paintGround(pen, sight, this.colours, palettes[palette]);
    this.signs(pen, sight);
    if (this.outline !== null) paintBorders(pen, sight, this.outline, palettes[palette], active);
    this.buildings(pen, sight);
    if (this.isWhole) { this.labels = signsOf(pen, sight, this.labelAt, active, this.app); this.isWhole = false; }
    if (tab !== "units" || active < 0) paintLabels(pen, sight, this.labels, active, this.app);
    this.spent += performance.now() - begun;
  }

  protected override painted(): void {
    this.first_ms ??= performance.now();
    this.timings.push(this.spent);
    this.spent = 0;
    if (this.stamp > 0) this.latencies.push(performance.now() - this.stamp);
    this.stamp = 0;
    for (const list of [this.timings, this.latencies]) if (list.length > KEPT) list.shift();
  }

  /** Locks, dedicated grids, the selection, moved and stranded cells: by pattern, never by colour alone. */
  private signs(pen: CanvasRenderingContext2D, sight: Sight): void {
    const { state } = this.app, { ink } = this, { model } = sight;
    if (ink === null) return;
    const where = (test: (grid: number) => boolean): number[] => sight.cells.filter(a => test(model.grid[a]!));
    const paint = (atoms: readonly number[], fill: string | CanvasPattern): void => {
      if (atoms.length === 0) return;
      trace(pen, sight, atoms);
      pen.fillStyle = fill;
      pen.fill("evenodd");
    };
    const { grids } = model.data;
    if (grids.some(g => g.kind === "dedicated")) paint(where(g => grids[g]?.kind === "dedicated"), ink.dots);
    paint(sight.cells.filter(a => model.isLocked(a)), ink.lock);
    const { moved } = this.app.hand;
    if (moved.size > 0) paint(sight.cells.filter(a => moved.has(a)), "rgba(255, 255, 255, .38)");
    for (const part of state.stroke?.stranded ?? []) paint(part.atoms, ink.hatch);
    if (state.stroke === null) paint(state.troubled, ink.hatch);
    if (state.selection.size > 0) {
      const chosen = sight.cells.filter(a => state.selection.has(a));
      paint(chosen, "rgba(12, 74, 110, .28)");
      if (this.outline !== null) paintRim(pen, sight, this.outline, chosen, a => state.selection.has(a));
    }
    if (state.focus >= 0) {
      trace(pen, sight, [state.focus]);
      pen.strokeStyle = "#ffffff";
      pen.lineWidth = 6;
      pen.stroke();
      pen.strokeStyle = "#0b3a57";
      pen.lineWidth = 3;
      pen.stroke();
    }
  }

  private buildings(pen: CanvasRenderingContext2D, sight: Sight): void {
    const { state } = this.app, { model, scale, X, Y, cells } = sight, { data } = model;
    const middle = state.tab === "units" && state.active >= 0 ? this.units(pen, model, X, Y) : null;
    paintBuildings(pen, sight);
    const moved = state.proposal?.effect.households_in_other_grid ?? state.compared?.households ?? NOBODY;
    if (this.ringed?.of !== moved) this.ringed = { of: moved, atoms: homesOf(model, new Set(moved)) };
    // and whoever has no unit yet
    paintRings(pen, sight, this.ringed.atoms, this.newcomers);
    if (middle !== null) { this.unitLabels(pen, model, middle, X, Y); return; }
    if (scale < CLOSE) return;
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "center";
    for (const a of cells) {
      if (!model.isLived(a)) continue;
      const x = X(model.site[2 * a]!), y = Y(model.site[2 * a + 1]!);
      if (scale >= 1.4) pen.fillText(this.app.t("homesShort", { n: model.weight[a]! }), x, y + 20);
      if (row(model.buildingsOf, a).some(b => data.buildings[b]!.locked)) { pen.lineWidth = 1.5; pen.strokeStyle = "#16232d"; pen.strokeRect(x - 7, y - 7, 14, 14); }
    }
    pen.textAlign = "start";
  }

  /** Units of the chosen grid: every building tied to the middle of its unit. */
  private units(pen: CanvasRenderingContext2D, model: Model, X: (x: number) => number, Y: (y: number) => number): Map<number, Middle> {
    const middle = new Map<number, Middle>();
    for (const [, b, u] of model.data.households) {
      const atom = model.data.buildings[b]!.atom;
      if (model.grid[atom] !== this.app.state.active) continue;
      const m = middle.get(u) ?? { x: 0, y: 0, n: 0, atoms: [] };
      m.x += model.site[2 * atom]!; m.y += model.site[2 * atom + 1]!; m.n += 1;
      m.atoms.push(atom);
      middle.set(u, m);
    }
    pen.strokeStyle = "rgba(11, 58, 87, .75)";
    pen.lineWidth = 1.2;
    pen.beginPath();
    for (const m of middle.values()) for (const a of new Set(m.atoms)) {
      pen.moveTo(X(m.x / m.n), Y(m.y / m.n));
      pen.lineTo(X(model.site[2 * a]!), Y(model.site[2 * a + 1]!));
    }
    pen.stroke();
    return middle;
  }

  /** Numbers of units over everything else. Those that stand in one place share a plate; one that would lie on another waits for room. */
  private unitLabels(pen: CanvasRenderingContext2D, model: Model, middle: ReadonlyMap<number, Middle>, X: (x: number) => number, Y: (y: number) => number): void {
    const places = new Map<string, { x: number; y: number; codes: string[] }>();
    for (const [u, m] of middle) {
      const x = X(m.x / m.n), y = Y(m.y / m.n), key = `${Math.round(x / 4)} ${Math.round(y / 4)}`;
      const unit = model.data.units[u];
      (places.get(key) ?? places.set(key, { x, y, codes: [] }).get(key)!).codes.push(unit === undefined ? "?" : wordsOfUnit(unit, this.app));
    }
    const taken: [number, number, number, number][] = [];
    for (const { x, y, codes } of places.values()) {
      const lines = codes.length > 3 ? [`${codes[0]!.slice(0, 3)}–${codes.at(-1)!.slice(0, 3)}`] : codes, look = { size: 11 };
      const [w, h] = plate(pen, lines, look);
      if (taken.some(([tx, ty, tw, th]) => Math.abs(tx - x) < tw + w && Math.abs(ty - y) < th + h)) continue;
      taken.push([x, y, w, h]);
      label(pen, x, y, lines, look);
    }
  }
}
