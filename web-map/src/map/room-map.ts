// The room's map: borders, hexagons, incidents; a click opens what is under it.

import L from "leaflet";
import "leaflet/dist/leaflet.css";
import type { LonLat } from "../api";
import { contains, type Box } from "../room/cells";
import type { Ground, Room } from "../room/room";
import { palettes } from "../style/palette";
import { BasemapLayer } from "./basemap-layer";
import { BorderLayer } from "./border-layer";
import { Graticule } from "./graticule";
import { HeatLayer } from "./heat-layer";
import { IncidentLayer } from "./incident-layer";

const HOME: L.LatLngTuple = [26.0, 105.9];
const NEAR_ZOOM = 15;
const ARROW_PX = 120;
const EDGE_PX = 28, FOOT_PX = 150;

/** A map of ours on a place of the page. */
export function ground(box: HTMLElement, options: L.MapOptions = {}): L.Map {
  const map = L.map(box, {
    center: HOME, zoom: 11, minZoom: 3, maxZoom: 21, zoomControl: false, attributionControl: false, zoomAnimation: false, fadeAnimation: false,
    markerZoomAnimation: false, inertia: false, zoomSnap: 0.25, zoomDelta: 0.75, wheelPxPerZoomLevel: 100, ...options,
  });
  new Graticule().addTo(map);
  new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(box);
  return map;
}

export class RoomMap implements Ground {
  private readonly leaflet: L.Map;
  readonly basemap: BasemapLayer;
  readonly heat: HeatLayer;
  private readonly borders: BorderLayer;
  private readonly incidents: IncidentLayer;

  constructor(private readonly room: Room, box: HTMLElement) {
    const { state } = room;
    box.style.backgroundColor = palettes[state.palette].ground;
    const map = this.leaflet = ground(box);
    if (!state.wall) L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
    if (state.at !== null) map.setView([state.at[1], state.at[0]], state.at[2], { animate: false });
    this.basemap = new BasemapLayer(room).addTo(map);
    this.borders = new BorderLayer(room).addTo(map);
    this.heat = new HeatLayer(room).addTo(map);
    this.incidents = new IncidentLayer(room, this.borders, this.heat).addTo(map);
    map.on("moveend", () => {
      const c = map.getCenter();
      room.moved(state.wall ? null : [c.lng, c.lat, map.getZoom()]);
    });
    map.on("click", e => {
      const hit = this.incidents.at(map, e.containerPoint.x, e.containerPoint.y);
      const cell = hit === null ? this.heat.at(e.latlng.lng, e.latlng.lat, ring => contains(ring, [e.latlng.lng, e.latlng.lat])) : null;
      void room.pick(hit !== null ? { kind: "incident", id: hit.id } : cell !== null ? { kind: "cell", id: cell } : null);
    });
    map.on("mousemove", e => {
      const hit = this.incidents.at(map, e.containerPoint.x, e.containerPoint.y) !== null || this.heat.at(e.latlng.lng, e.latlng.lat, ring => contains(ring, [e.latlng.lng, e.latlng.lat])) !== null;
      box.classList.toggle("pointing", hit);
    });
    box.addEventListener("keydown", e => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
      if (by !== undefined) map.panBy([by[0]! * ARROW_PX, by[1]! * ARROW_PX], { animate: false });
      else if (e.key === "+" || e.key === "=") this.zoomBy(0.75);
      else if (e.key === "-") this.zoomBy(-0.75);
      else if (e.key === "Escape") void room.pick(null);
      else return;
      e.preventDefault();
    });
    room.store.subscribe((now, before) => { if (now.palette !== before.palette) box.style.backgroundColor = palettes[now.palette].ground; });
  }

  showBox([w, s, e, n]: Box): void {
    // the page may have grown since the map last looked how large it is
    this.leaflet.invalidateSize({ pan: false });
    // the legend stands at the foot; on the wall it stands at the head and a district's card at the foot
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize), [head, foot] = this.room.state.wall ? [4.4 * rem, 6 * rem] : [EDGE_PX, FOOT_PX];
    this.leaflet.fitBounds([[s, w], [n, e]], { animate: false, paddingTopLeft: [EDGE_PX, head], paddingBottomRight: [EDGE_PX, foot] });
  }
  showPlace([lon, lat]: LonLat): void { this.leaflet.setView([lat, lon], Math.max(this.leaflet.getZoom(), NEAR_ZOOM), { animate: false }); }
  bounds(): Box { const b = this.leaflet.getBounds(); return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()]; }
  zoom(): number { return this.leaflet.getZoom(); }
  lat(): number { return this.leaflet.getCenter().lat; }
  zoomBy(step: number): void { this.leaflet.setZoom(this.leaflet.getZoom() + step, { animate: false }); }
  /** What is on the screen, for tests: features drawn, and the sum of the cells' counts. */
  drawn() { return { borders: this.borders.drawn, cells: this.heat.drawn, incidents: this.incidents.drawn, sum: this.heat.inView(this.leaflet).reduce((s, c) => s + c.cell.count, 0) }; }
  /** Where a place is on the screen, CSS pixels of the page. */
  screenOf([lon, lat]: LonLat): [number, number] {
    const p = this.leaflet.latLngToContainerPoint([lat, lon]), box = this.leaflet.getContainer().getBoundingClientRect();
    return [p.x + box.left, p.y + box.top];
  }
}
