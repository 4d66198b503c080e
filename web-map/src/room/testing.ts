// `window.lianhu` on the room's page: what tests, ours and others', may read. Copies only.

import type { LonLat } from "../api";
import type { RoomMap } from "../map/room-map";
import type { Room } from "./room";
import type { Sound } from "./sound";

export function expose(room: Room, map: RoomMap, sound: Sound) {
  const state = () => {
    const s = room.state;
    return structuredClone({
      view: s.wall ? "wall" : "room", region: s.region, range: s.range, slice: s.slice, layer: s.layer, filter: room.filter(), tab: s.tab, pick: s.pick, lang: s.lang, basemap: s.basemap === null ? null : { ...s.basemap, tiles: map.basemap.shown }, palette: s.palette,
      incidents: s.list.map(i => ({ id: i.id, version: i.version, grid: i.grid, unit: i.unit, state: i.state, category: i.category })), matched: s.matched, matched_here: s.matchedHere, points: s.points.map(i => i.id),
      totals: s.totals, series: s.series, alerts: s.alerts.map(a => ({ id: a.id, kind: a.kind, acknowledged: a.acknowledged !== null })), emergency: room.emergency()?.id ?? null, unseen: room.unseen().map(a => a.id),
      hot: s.hot === null ? null : { view: s.hot.view, resolution: s.hot.resolution, incidents: s.hot.incidents, outside: s.hot.outside, cells: s.hot.cells.map(c => ({ h3: c.h3, count: c.count, class: c.class, z: c.z, p: c.p })) },
      detail: s.detail?.incident.id ?? null, photo: s.detail?.photo ?? null, cell_incidents: s.cellIncidents?.map(i => i.id) ?? null, scan: s.scan === null ? null : { status: s.scan.status, clusters: s.scan.result?.clusters ?? null },
      connected: s.connected, age_s: room.age(), skew_ms: s.skew, sound: s.sound, tones: sound.played, playing: s.playing, busy: s.hotBusy, district: s.district?.region.code ?? null, signed_in: s.who !== null,
    });
  };
  const drawn = () => map.drawn();
  const screen = (at: LonLat) => map.screenOf(at);
  let first_ms: number | null = null;
  room.store.subscribe(now => {
    // the list, the figures, the alerts and what the map counts: then a picture of them
    if (first_ms !== null || now.totals === null || now.hot === null || now.hotBusy || now.matched === null) return;
    first_ms = Infinity;
    requestAnimationFrame(() => requestAnimationFrame(at => { first_ms = at; }));
  });
  /** Milliseconds from the start of the page to the first whole picture. */
  const timings = () => ({ first_ms: first_ms === Infinity ? null : first_ms });
  const exposed = Object.freeze({ state, drawn, screen, timings });
  Object.defineProperty(window, "lianhu", { value: exposed, writable: false });
  return exposed;
}
