// What the room does: asks, listens, moves through time, acts on incidents. Panels and map call this and show the state.

import { api, Refused, type Defined, type LonLat, type Region } from "../api";
import { Feed, type Told } from "../feed";
import { follow } from "../jobs";
import { boxAround, Regions } from "../regions";
import { half } from "../strings";
import { isNews, isUnseen, lets, merge, put } from "./book";
import { boxOf, contains, fitting, MOST_POINTS, NARROWEST_PX, resolutionAt, type Box } from "./cells";
import { Desk } from "./desk";
import { roomApi, type Action, type Alert, type AlertEvent, type By, type Detail, type Filter, type Incident, type IncidentEvent } from "./api";
import { Rules } from "./rules";
import type { RoomStore, Series } from "./state";
import { Pace } from "./pace";
import { pieces, stamp, windowOf, type Span } from "./time";
import { plain, type Looking, type Pick } from "./url";

/** What the map offers to the rest. */
export interface Ground {
  showBox(box: Box): void;
  showPlace(at: LonLat): void;
  bounds(): Box;
  zoom(): number;
  lat(): number;
}

const PAGE = 100;
/** Most incidents the service gives at once. */
const LONGEST = 1_000;
/** The wall's list. */
const WALL_PAGE = 10;
const MARKED_MS = 12_000;
/** What is asked anew when the reader looks at another piece of the window, and at another window. */
const OF_THE_PIECE = ["list", "points", "hot"] as const, OF_THE_WINDOW = [...OF_THE_PIECE, "totals", "series", "figures"] as const;
/** Requests of one kind at once. */
const ABREAST = 4;

export class Room extends Desk {
  ground: Ground | null = null;
  /** An emergency began or was dealt with. */
  alarm: (on: boolean) => void = () => undefined;
  readonly pace = new Pace(this);
  readonly rules = new Rules(this);
  private readonly feed: Feed;
  /** When the page was opened, by this machine's clock. */
  private readonly opened = Date.now();
  /** Pages of the list that were asked for. */
  private pages = 1;
  /** Whether the map stands where the reader wants it. */
  private isPlaced = false;

  constructor(store: RoomStore) {
    super(store);
    this.feed = new Feed({
      told: event => this.onEvent(event),
      connected: again => {
        this.store.set({ connected: true, everConnected: true, heard: this.feed.heard });
        if (again) void this.refresh();
      },
      reset: () => void this.refresh(),
      lost: () => this.store.set({ connected: false }),
      signIn: () => this.store.set({ needsSignIn: true }),
      skew: ms => this.store.set({ skew: ms }),
    });
  }

  // —— beginning ——

  async start(): Promise<void> {
    this.feed.start();
    await this.guard(async () => {
      const [who, regions] = await Promise.all([api.who(), api.regions()]);
      this.tree = new Regions(regions);
      this.store.set({ who, regions, needsSignIn: false });
      this.place(this.state.region);
      await Promise.all([this.loadWords(), this.refresh()]);
    });
    if (this.state.pick !== null) void this.pick(this.state.pick);
    this.pace.begin();
  }

  /** Why one is not let in; null where one is, or nobody could be asked. */
  async signIn(name: string, password: string): Promise<string | null> {
    let no: string | null = null;
    await this.guard(async () => {
      try { await api.signIn(name, password); } catch (e) {
        if (!(e instanceof Refused)) throw e;
        no = half(this.state.lang, e.body.detail);
        this.tell("bad", no);
        return;
      }
      await this.start();
    });
    return no;
  }

  private place(code: string | null): void {
    const region = (code === null ? undefined : this.tree.find(code)) ?? this.tree.descend(null);
    const path = region === undefined ? [] : this.tree.pathTo(region), below = this.tree.below(region?.code ?? null);
    this.store.set({ region: region?.code ?? null, path, children: below.length > 0 ? below : region === undefined ? [] : [region] });
    if (this.state.at === null) this.showRegion();
    this.isPlaced = true;
  }

  showRegion(): void {
    const box = boxAround([...this.state.path.slice(-1), ...this.state.children]);
    if (box !== null) this.ground?.showBox(box);
  }

  chooseRegion(code: string | null): void {
    this.turns.drop(...OF_THE_WINDOW, "alerts");
    this.store.set({ at: null });
    this.place(code);
    void this.refresh();
  }

  // —— what is looked at ——

  /** The whole window, or the piece that is shown alone. */
  span(whole = false): Span {
    const window = windowOf(this.state.range, this.now());
    const { slice } = this.state;
    return slice === null || whole ? window : pieces(window).find(p => p.from === slice) ?? window;
  }

  filter(whole = false): Filter {
    const { region, category, level, status } = this.state, { from, to } = this.span(whole);
    return { region, category, level, state: status, from: stamp(from), to: stamp(to) };
  }

  look(change: Partial<Looking>): void {
    const before = this.state, resolution = this.resolution();
    const timed = "range" in change, narrowed = "category" in change || "level" in change || "status" in change;
    this.turns.drop(...timed || narrowed ? OF_THE_WINDOW : "slice" in change ? OF_THE_PIECE : "layer" in change ? ["hot"] : []);
    if (timed || narrowed || "slice" in change) this.pages = 1;
    this.store.set(timed ? { slice: null, ...change } : change);
    if (timed || narrowed) void this.refresh();
    else if ("slice" in change) { void this.loadList(); this.loadMap(); }
    else if (("layer" in change && this.state.layer !== before.layer) || this.resolution() !== resolution) this.loadHot();
    if (change.tab === "figures" || (this.state.tab === "figures" && (timed || narrowed))) void this.loadFigures(this.state.by);
  }

  async refresh(): Promise<void> {
    this.loadMap();
    await Promise.all([this.loadList(), this.loadTotals(), this.loadAlerts(), this.state.wall ? undefined : this.loadSeries()]);
    if (this.state.tab === "figures" && !this.state.wall) void this.loadFigures(this.state.by);
  }

  /** Divisions that came, went or have other names. */
  private loadRegions(): Promise<void> {
    return this.ask("regions", () => api.regions(), regions => { this.tree = new Regions(regions); this.store.set({ regions }); this.place(this.state.region); });
  }

  /** Categories and disputes: a county has its own, and changes them. */
  private loadWords(): Promise<void> { return this.ask("words", () => roomApi.dictionaries(), dictionaries => this.store.set({ dictionaries })); }

  private loadList(): Promise<void> {
    return this.ask("list", () => roomApi.incidents(this.filter(), { limit: this.state.wall ? WALL_PAGE : Math.min(PAGE * this.pages, LONGEST) }),
      page => this.store.set({ list: merge(page.incidents, this.state.list), next: page.next, matched: page.number_matched }));
  }

  async more(): Promise<void> {
    const { next } = this.state;
    if (next === null) return;
    this.pages++;
    await this.ask("list", () => roomApi.incidents(this.filter(), { limit: PAGE, after: next }), page => {
      const known = new Set(this.state.list.map(i => i.id));
      this.store.set({ list: [...this.state.list, ...page.incidents.filter(i => !known.has(i.id))], next: page.next, matched: page.number_matched });
    });
  }

  private loadTotals(): Promise<void> {
    // what is open or overdue is so whenever it began
    const { region } = this.state;
    return this.ask("totals", () => roomApi.statistics("category", { region, from: null, to: null }), s => this.store.set({ totals: s.totals }));
  }

  loadFigures(by: By): Promise<void> {
    const f = this.filter(true);
    this.store.set({ by });
    return this.ask("figures", () => roomApi.statistics(by, f), figures => this.store.set({ figures }));
  }

  private loadAlerts(): Promise<void> {
    return this.ask("alerts", () => roomApi.alerts(this.state.region), alerts => { this.store.set({ alerts }); this.ring(); });
  }

  /** How many began in each piece of the window: exact, from the service's own count of each. */
  private loadSeries(): Promise<void> {
    const window = this.span(true), list = pieces(window), f = this.filter(true);
    return this.ask("series", async (): Promise<Series> => {
      const counts = new Array<number>(list.length).fill(0);
      let at = 0;
      await Promise.all(Array.from({ length: ABREAST }, async () => {
        for (let i = at++; i < list.length; i = at++) counts[i] = (await roomApi.incidents({ ...f, from: stamp(list[i]!.from), to: stamp(list[i]!.to) }, { limit: 1 })).number_matched;
      }));
      return { ...window, counts };
    }, series => this.store.set({ series }));
  }

  /** What the map shows where it stands. */
  loadMap(): void { void this.loadPoints(); this.loadHot(); }

  moved(at: Looking["at"]): void {
    if (!this.isPlaced) return;
    this.store.set({ at });
    this.later("map", 250, () => this.loadMap());
  }

  private loadPoints(): Promise<void> {
    const box = this.ground?.bounds(), all = boxAround([...this.state.path.slice(-1), ...this.state.children]);
    if (box === undefined) return Promise.resolve();
    // where the map shows the whole of the region nothing needs to be looked for by its place
    const isWhole = all !== null && box[0] <= all[0] && box[1] <= all[1] && box[2] >= all[2] && box[3] >= all[3];
    return this.ask("points", () => roomApi.incidents(this.filter(), { limit: MOST_POINTS, bbox: isWhole ? null : box }), page => {
      // more than can be drawn: the cells tell them
      this.store.set({ points: page.number_matched <= MOST_POINTS ? merge(page.incidents, this.state.points) : [], matchedHere: page.number_matched });
    });
  }

  /** Resolution of the cells: the reader's, or what can be seen. */
  resolution(): number {
    const { resolution, layer, wall } = this.state, narrowest = layer !== "none" ? NARROWEST_PX.hexagon : wall ? NARROWEST_PX.wall : NARROWEST_PX.disc;
    return (layer === "none" ? null : resolution) ?? resolutionAt(this.ground?.zoom() ?? 12, this.ground?.lat() ?? 26, narrowest);
  }

  private loadHot(): void {
    const { layer } = this.state, f = this.filter();
    const view = layer === "none" ? "count" : layer, resolution = this.resolution();
    this.store.set({ hotBusy: true });
    const turn = this.turns.ask("hot");
    void (async () => {
      try {
        const hot = await fitting(r => roomApi.hotspots(view, r, f), resolution, this.ground?.bounds());
        if (!this.turns.counts("hot", turn)) return;
        this.store.set({ hot, hotBusy: false, hotProblem: null });
        const { pick } = this.state;
        if (pick?.kind === "cell") await this.lookInto(pick.id);
      } catch (e) {
        if (!this.turns.counts("hot", turn)) return;
        if (e instanceof Refused && e.status === 401) this.store.set({ needsSignIn: true });
        // the place for the cells says why there are none
        this.store.set({ hotBusy: false, ...(e instanceof Refused ? { hot: null, hotProblem: half(this.state.lang, e.body.detail) } : {}) });
      }
    })();
  }

  // —— what changes ——

  private onEvent(event: Told): void {
    let said: unknown;
    // an event that cannot be read must not stop those after it
    try { said = JSON.parse(event.data); } catch { return; }
    if (event.kind === "incident") this.onIncident(said as IncidentEvent);
    else if (event.kind === "alert") this.onAlert(said as AlertEvent);
    else if (event.kind === "register") {
      this.later("all", 2_000, () => void this.refresh());
      const { layer } = said as Defined["RegisterEvent"];
      if (layer === "dictionaries") this.later("words", 2_000, () => void this.loadWords());
      if (layer === "regions") this.later("regions", 2_000, () => void this.loadRegions());
    }
  }

  private onIncident(event: IncidentEvent): void {
    void this.ask(`incident ${event.id}`, () => roomApi.incident(event.id), detail => {
      this.know(detail.incident, event.operation === "created");
      if (this.state.pick?.kind === "incident" && this.state.pick.id === event.id) this.store.set({ detail });
      if (this.state.urgent?.incident.id === event.id) this.store.set({ urgent: detail });
    });
    this.later("totals", 400, () => void this.loadTotals());
    this.later("series", 15_000, () => void this.loadSeries());
    this.later("hot", 2_000, () => this.loadHot());
    this.later("list", 1_500, () => void this.loadList());
    if (this.state.tab === "figures") this.later("figures", 2_000, () => void this.loadFigures(this.state.by));
  }

  /** Puts an incident where it belongs, and marks it for a while when it is new. */
  private know(i: Incident, isNew: boolean): void {
    const fits = lets(this.filter(), i, this.now()), had = this.state.list.some(x => x.id === i.id);
    const box = this.ground?.bounds(), here = fits && i.at !== null && box !== undefined && i.at[0] >= box[0] && i.at[0] <= box[2] && i.at[1] >= box[1] && i.at[1] <= box[3];
    let list = put(this.state.list, i, fits);
    list = list.slice(0, this.state.wall ? WALL_PAGE : LONGEST);
    const hadPoint = this.state.points.some(x => x.id === i.id), drawn = this.state.points.length > 0 || this.state.matchedHere <= MOST_POINTS;
    const points = drawn ? put(this.state.points, i, here).slice(0, MOST_POINTS) : this.state.points;
    const change = Number(fits) - Number(had);
    this.store.set({ list, points, ...(isNew && !had ? { matched: this.state.matched === null ? null : this.state.matched + change, matchedHere: this.state.matchedHere + Number(here && !hadPoint) } : {}) });
    if (isNew && !had) this.countIn(i);
    if (!isNew || !fits || had) return;
    this.store.set({
      fresh: new Map(this.state.fresh).set(i.id, Date.now()),
      spoken: this.t("newIncident", { what: i.category_name, where: this.whereOf(i) }),
    });
    setTimeout(() => { const fresh = new Map(this.state.fresh); fresh.delete(i.id); this.store.set({ fresh }); }, MARKED_MS);
  }

  /** A bar of the time line grows with what is told; the service's own count follows. */
  private countIn(i: Incident): void {
    const { series } = this.state, at = Date.parse(i.occurred_at);
    if (series === null || !lets(this.filter(true), i, this.now())) return;
    const k = pieces(series).findIndex(p => p.from <= at && at < p.to);
    if (k >= 0) this.store.set({ series: { ...series, counts: series.counts.map((n, j) => j === k ? n + 1 : n) } });
  }

  private onAlert(event: AlertEvent): void {
    // an emergency rings at once, before the list is asked for
    if (event.operation === "opened" && event.kind === "emergency" && !this.state.alerts.some(a => a.id === event.id)) {
      const { id, kind, region, incident, level, at_time } = event;
      this.store.set({ alerts: [{ id, kind, title: "", region, incident, cell: null, opened_at: at_time, level, acknowledged: null, escalates_at: null, closed_at: null }, ...this.state.alerts] });
    }
    if (event.operation === "closed") this.store.set({ alerts: this.state.alerts.filter(a => a.id !== event.id) });
    // and what somebody has seen to is silent at once
    if (event.operation === "acknowledged") {
      const by = { by: "", at: event.at_time };
      this.store.set({ alerts: this.state.alerts.map(a => a.id === event.id ? { ...a, acknowledged: a.acknowledged ?? by } : a) });
    }
    this.turns.drop("alerts");
    this.ring();
    void this.loadAlerts();
  }

  /** The emergency that rings: nobody has seen to it, and it is news. */
  emergency(): Alert | undefined { return this.state.alerts.find(a => isNews(a, this.opened - this.state.skew)); }
  /** Emergencies that nobody has seen to and that were old when the page was opened: they are told of and do not ring. */
  unseen(): Alert[] { return this.state.alerts.filter(a => isUnseen(a) && !isNews(a, this.opened - this.state.skew)); }

  private ring(): void {
    const alert = this.emergency(), known = this.state.urgent?.incident.id ?? null;
    this.alarm(alert !== undefined);
    if (alert === undefined) {
      if (known === null) return;
      this.store.set({ urgent: null, revealed: null });
      // nobody stands at the wall to bring it back
      if (this.state.wall) this.showRegion();
      return;
    }
    const { incident } = alert;
    if (incident === null || incident === known) return;
    this.store.set({ spoken: this.t("emergencyNow", { what: this.regionName(alert.region) }) });
    void this.ask("urgent", () => roomApi.incident(incident), urgent => {
      this.findHome(urgent);
      if (this.emergency()?.incident !== urgent.incident.id) return;
      this.store.set({ urgent });
      if (urgent.incident.at !== null) this.ground?.showPlace(urgent.incident.at);
    });
  }

  async acknowledge(alert: string): Promise<void> {
    await this.guard(async () => {
      const done = await roomApi.acknowledge(alert);
      this.turns.drop("alerts");
      this.store.set({ alerts: this.state.alerts.map(a => a.id === done.id ? done : a) });
      this.ring();
      this.say("good", "acknowledged");
    });
  }

  // —— one incident, one cell ——

  async pick(pick: Pick | null): Promise<void> {
    this.store.set({ pick, revealed: null, ...(pick?.kind === "incident" && this.state.detail?.incident.id === pick.id ? {} : { detail: null }), cellIncidents: null });
    if (pick === null) return;
    if (pick.kind === "incident") { await this.ask("detail", () => roomApi.incident(pick.id), detail => { if (this.state.pick?.id === pick.id) { this.store.set({ detail }); this.findHome(detail); } }); return; }
    await this.lookInto(pick.id);
  }

  /** The incidents of a cell, as soon as the cells it is one of are here. */
  private async lookInto(h3: string): Promise<void> {
    const cell = this.cell(h3);
    if (cell === undefined) return;
    // who looks at a cell keeps its size while he comes nearer
    this.look({ resolution: this.state.hot?.resolution ?? null });
    await this.ask("cell", () => roomApi.incidents(this.filter(), { limit: LONGEST, bbox: boxOf(cell.ring) }),
      page => { if (this.state.pick?.id === h3) this.store.set({ cellIncidents: page.incidents.filter(i => i.at !== null && contains(cell.ring, i.at)) }); });
  }

  /** The cell of an alert, from near: an index names its own resolution. */
  openCell(cell: string, region: string): void {
    const box = this.tree.find(region)?.bbox;
    if (box) this.ground?.showBox(box);
    this.look({ layer: "gi", resolution: parseInt(cell.charAt(1), 16) });
    void this.pick({ kind: "cell", id: cell });
  }

  private findHome({ incident: { unit } }: Detail): void {
    if (unit !== null) void this.ask("home", () => roomApi.leaderHome(unit), household => this.store.set({ home: { unit, household } }));
  }

  cell(h3: string) { return this.state.hot?.cells.find(c => c.h3 === h3); }

  show(at: LonLat): void { this.ground?.showPlace(at); }

  async act(detail: Detail, action: Action, more: Partial<Parameters<typeof roomApi.transition>[1]>): Promise<boolean> {
    const { id, version } = detail.incident;
    try {
      const incident = await roomApi.transition(id, { action, base_version: version, ...more });
      this.know(incident, false);
      this.say("good", "acted", { state: this.stateName(incident.state) });
    } catch (e) {
      if (!(e instanceof Refused) || e.status !== 409) { await this.guard(() => Promise.reject(e as Error)); return false; }
      this.say("bad", "actedBefore");
    }
    await this.ask("detail", () => roomApi.incident(id), fresh => { if (this.state.pick?.id === id) this.store.set({ detail: fresh }); });
    return true;
  }

  async dropPhoto(incident: string): Promise<void> {
    await this.guard(async () => {
      await roomApi.dropPhoto(incident);
      if (this.state.detail?.incident.id === incident) this.store.set({ detail: { ...this.state.detail, photo: null } });
      this.say("good", "photoRemoved");
    });
  }

  async reveal(officer: string, purpose: string): Promise<void> {
    await this.guard(async () => { this.store.set({ revealed: await roomApi.reveal(officer, purpose) }); });
  }

  /** What grows old is asked for again. */
  renew(): void {
    void this.loadTotals();
    void this.loadList();
    void this.loadAlerts();
  }

  /** Tries the line at once where it waits. */
  listen(): void { this.feed.start(); }

  /** How old what is shown is goes with the clock. */
  beat(): void { this.store.set({ heard: this.feed.heard }); }

  /** Figures of one district, for the wall. */
  loadDistrict(region: Region): Promise<void> {
    this.store.set({ district: { region, totals: null } });
    if (region.bbox !== null) this.ground?.showBox(region.bbox);
    return this.ask("district", () => roomApi.statistics("category", { region: region.code, from: null, to: null }), s => { if (this.state.district?.region === region) this.store.set({ district: { region, totals: s.totals } }); });
  }

  /** Seconds since the service last gave a sign of life; null before the first. */
  age(): number | null { return this.feed.heard === 0 ? null : Math.max(0, Math.round((Date.now() - this.feed.heard) / 1_000)); }

  // —— scan ——

  async runScan(radius_m: number, days: number, permutations: number): Promise<void> {
    // what is usual is learnt from all that is known, unless days were chosen
    const { from, to } = this.state.range.kind === "custom" ? this.filter(true) : { from: null, to: null };
    await this.guard(async () => {
      await follow<"scan">(await roomApi.scan(this.state.region, radius_m, days, from, to, permutations), scan => this.store.set({ scan }));
    });
    // one that the service no longer knows does not end by itself
    if (this.state.scan?.status === "running") this.store.set({ scan: null });
  }

  /** Whether any of the looking is not as usual. */
  get isNarrowed(): boolean { const { category, level, status } = this.state; return category !== plain.category || level !== plain.level || status !== plain.status; }
}
