// The only place that knows Leaflet: a view of the ground with our own canvas layers, and where the pointer is in it.

import L from "leaflet";
import "leaflet/dist/leaflet.css";
import type { App, View } from "../app";
import { palettes } from "../style/palette";
import type { Tool, Where } from "../tools/tool";
import { WORLD_PX, type Model } from "../village/model";
import { BasemapLayer } from "./basemap-layer";
import { Graticule } from "./graticule";
import { OverviewLayer } from "./overview-layer";
import { RegionLayer } from "./region-layer";
import { SketchLayer } from "./sketch-layer";
import { SwipeLayer } from "./swipe-layer";
import { VillageLayer } from "./village-layer";

/** Zoom at which local pixels are screen pixels. */
const NATIVE_ZOOM = 18;
/** What is smaller than this on the screen is not seen well. */
const SMALL_PX = 28;
/** Where the map stands before anything is known: Anshun. */
const HOME: L.LatLngTuple = [26.0, 105.9];

export class MapView implements View {
  readonly leaflet: L.Map;
  readonly village: VillageLayer;
  readonly sketch: SketchLayer;
  readonly regions: RegionLayer;
  private readonly swipe: SwipeLayer;
  readonly overview: OverviewLayer;
  readonly basemap: BasemapLayer;
  private tool: Tool | null = null;
  private pressed = false;

  constructor(private readonly app: App, box: HTMLElement) {
    box.style.backgroundColor = palettes[app.state.palette].ground;
    this.leaflet = L.map(box, {
      center: HOME, zoom: 12, minZoom: 5, maxZoom: 21, zoomControl: false, attributionControl: false,
      zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false, inertia: false, zoomSnap: 0.25, zoomDelta: 0.75,
      wheelPxPerZoomLevel: 100,
    });
    L.control.scale({ imperial: false, position: "bottomleft" }).addTo(this.leaflet);
    this.basemap = new BasemapLayer(app).addTo(this.leaflet);
    new Graticule().addTo(this.leaflet);
    this.overview = new OverviewLayer(app).addTo(this.leaflet);
    this.regions = new RegionLayer(app).addTo(this.leaflet);
    this.village = new VillageLayer(app).addTo(this.leaflet);
    this.swipe = new SwipeLayer(app, this.village).addTo(this.leaflet);
    this.sketch = new SketchLayer(app).addTo(this.leaflet);
    new ResizeObserver(() => this.leaflet.invalidateSize({ pan: false })).observe(box);
    this.pointer(box);
    app.store.subscribe((now, before) => {
      if (now.palette !== before.palette) box.style.backgroundColor = palettes[now.palette].ground;
      if (now.children !== before.children || now.villages !== before.villages) void this.regions.load(now);
    });
  }

  setTool(tool: Tool): void {
    this.cancelTool();
    this.app.hand.dropStroke();
    this.tool = tool;
    const { dragging } = this.leaflet;
    if (tool.pans) dragging.enable(); else dragging.disable();
    this.leaflet.getContainer().dataset["tool"] = tool.name;
  }

  cancelTool(): void { this.tool?.cancel(); this.pressed = false; }

  /** Local pixels of a place on the screen, where a tool may work there. */
  private local(event: MouseEvent): Where | null {
    const { model } = this.app.state;
    if (model === null) return null;
    const at = this.leaflet.mouseEventToContainerPoint(event), divider = this.swipe.dividerAt(this.leaflet.getSize().x);
    // beyond the divider lies another plan: no tool reaches it
    if (divider !== null && at.x > divider && !this.pressed) return null;
    const { x, y } = this.toLocal(model, at);
    return { x, y, perScreenPx: 2 ** (NATIVE_ZOOM - this.leaflet.getZoom()), add: event.shiftKey, subtract: event.altKey };
  }

  private toLocal(model: Model, at: L.Point): { x: number; y: number } {
    const p = this.leaflet.project(this.leaflet.containerPointToLatLng(at), NATIVE_ZOOM);
    return { x: p.x - model.origin[0], y: p.y - model.origin[1] };
  }

  private pointer(box: HTMLElement): void {
    const { app } = this;
    const touches = new Set<number>();
    let panFrom: L.Point | null = null;
    box.addEventListener("pointerdown", event => {
      if (event.target instanceof Element && event.target.closest("button, select, input") !== null) return;
      box.focus({ preventScroll: true });
      if (event.pointerType === "touch") touches.add(event.pointerId);
      if (touches.size > 1) { this.cancelTool(); app.hand.dropStroke(); return; }
      if (event.button === 1 || event.button === 2) { panFrom = this.leaflet.mouseEventToContainerPoint(event); return; }
      const at = this.local(event);
      if (at === null || event.button !== 0) return;
      this.pressed = true;
      if (this.tool?.pans === false) box.setPointerCapture(event.pointerId);
      this.tool?.down(at);
    });
    box.addEventListener("pointermove", event => {
      if (panFrom !== null) {
        const to = this.leaflet.mouseEventToContainerPoint(event);
        this.leaflet.panBy(panFrom.subtract(to), { animate: false });
        panFrom = to;
        return;
      }
      if (this.pressed && this.tool?.name === "brush" && this.village.stamp === 0) this.village.stamp = event.timeStamp;
      const at = this.local(event);
      if (at === null) return;
      // where the hand was since the last frame, this place included
      const way = this.pressed ? event.getCoalescedEvents?.().map(one => this.local(one)).filter(w => w !== null) ?? [] : [];
      this.tool?.move(way.length > 1 ? way : [at], this.pressed);
      // a move that changed nothing has no picture to wait for
      if (!this.village.isWaiting) this.village.stamp = 0;
    });
    const up = (event: PointerEvent): void => {
      touches.delete(event.pointerId);
      panFrom = null;
      if (!this.pressed) return;
      this.pressed = false;
      const at = this.local(event);
      if (at !== null) this.tool?.up(at);
    };
    box.addEventListener("pointerup", up);
    box.addEventListener("pointercancel", event => { touches.delete(event.pointerId); this.cancelTool(); app.hand.dropStroke(); });
    box.addEventListener("pointerleave", () => { if (!this.pressed) this.sketch.show(null); });
    // a press on the map never begins to mark text
    box.addEventListener("mousedown", event => event.preventDefault());
    box.addEventListener("contextmenu", event => event.preventDefault());
  }

  // —— what the rest asks for ——

  showBox([w, s, e, n]: readonly [number, number, number, number]): void {
    // the page may have grown since the map last looked how large it is
    this.leaflet.invalidateSize({ pan: false });
    this.leaflet.fitBounds([[s, w], [n, e]], { animate: false, padding: [24, 24] });
  }

  private showLocal([w, n, e, s]: readonly [number, number, number, number], most: number, padding: number): void {
    const { model } = this.app.state;
    if (model === null || !(w <= e)) return;
    const [ox, oy] = model.origin;
    const sw = this.leaflet.unproject([w + ox, s + oy], NATIVE_ZOOM), ne = this.leaflet.unproject([e + ox, n + oy], NATIVE_ZOOM);
    this.leaflet.fitBounds(L.latLngBounds(sw, ne), { animate: false, padding: [padding, padding], maxZoom: most });
  }

  showVillage(): void {
    const { model } = this.app.state;
    if (model !== null) this.showLocal(model.bounds(), NATIVE_ZOOM, 28);
  }

  private boxOf(model: Model, atoms: readonly number[]): [number, number, number, number] {
    const b: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const a of atoms) {
      b[0] = Math.min(b[0], model.box[4 * a]!); b[1] = Math.min(b[1], model.box[4 * a + 1]!);
      b[2] = Math.max(b[2], model.box[4 * a + 2]!); b[3] = Math.max(b[3], model.box[4 * a + 3]!);
    }
    return b;
  }

  showAtoms(atoms: readonly number[]): void {
    const { model } = this.app.state;
    if (model !== null && atoms.length > 0) this.showLocal(this.boxOf(model, atoms), 18, 90);
  }

  comeNear(atoms: readonly number[]): void {
    const { model } = this.app.state;
    if (model === null || atoms.length === 0) return;
    const [w, n, e, s] = this.boxOf(model, atoms), scale = 2 ** (this.leaflet.getZoom() - NATIVE_ZOOM);
    if (Math.max(e - w, s - n) * scale < SMALL_PX) this.showAtoms(atoms);
  }

  /** Moves the view only when an atom is out of sight. */
  reveal(atom: number): void {
    const { model } = this.app.state;
    if (model === null) return;
    const at = this.leaflet.unproject([model.site[2 * atom]! + model.origin[0], model.site[2 * atom + 1]! + model.origin[1]], NATIVE_ZOOM);
    if (!this.leaflet.getBounds().pad(-0.1).contains(at)) this.leaflet.panTo(at, { animate: false });
  }

  zoom(step: number): void { this.leaflet.setZoom(this.leaflet.getZoom() + step, { animate: false }); }
  focusMap(): void { this.leaflet.getContainer().focus({ preventScroll: true }); }
  /** Screen place of an atom, in CSS pixels of the page: for tests. */
  screenOf(atom: number): [number, number] | null {
    const { model } = this.app.state;
    if (model === null || atom < 0 || atom >= model.atoms) return null;
    const p = this.leaflet.latLngToContainerPoint(this.leaflet.unproject([model.site[2 * atom]! + model.origin[0], model.site[2 * atom + 1]! + model.origin[1]], NATIVE_ZOOM));
    const box = this.leaflet.getContainer().getBoundingClientRect();
    return [p.x + box.left, p.y + box.top];
  }
  /** Degrees of a local place. */
  lonLat(x: number, y: number): [number, number] {
    const { model } = this.app.state;
    const [ox, oy] = model?.origin ?? [0, 0];
    const at = this.leaflet.unproject([x + ox, y + oy], NATIVE_ZOOM);
    return [at.lng, at.lat];
  }
  /** Local pixels per metre here. */
  pxPerM(): number {
    const lat = this.leaflet.getCenter().lat * Math.PI / 180;
    return WORLD_PX / (2 * Math.PI * 6_378_137 * Math.cos(lat));
  }
}
