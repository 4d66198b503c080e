// `window.lianhu`: what tests, ours and others', may read. Copies only.

import type { App } from "./app";
import type { MapView } from "./map/map";
import { row } from "./village/model";
import { issuesOf } from "./village/problems";

export function expose(app: App, map: MapView) {
  const state = () => {
    const s = app.state, { model } = s;
    const code = (g: number): string | null => model?.data.grids[g]?.code ?? null;
    return structuredClone({
      plan: s.plan === null ? null : { id: s.plan.id, version: s.plan.version, status: s.plan.status, name: s.plan.name },
      village: model?.data.village ?? null, hash: model?.data.hash ?? null, mode: s.tool, tab: s.tab, lang: s.lang,
      active: code(s.active), focus: s.focus < 0 || model === null ? null : model.buildingIds([s.focus]),
      selection: model?.buildingIds(s.selection) ?? [], problem: s.problem,
      problems: model === null ? [] : issuesOf(model).map(({ rule, hard, ids, message }) => ({ rule, hard, ids, message })),
      totals: Object.fromEntries(model?.data.grids.map((g, i) => [g.code, { households: model.total[i]!, deviation: model.deviation(i), locked: g.locked }]) ?? []),
      stroke: s.stroke === null ? null : {
        receiver: code(s.stroke.receiver), buildings: s.stroke.buildings, households: s.stroke.households, units: s.stroke.units,
        totals: s.stroke.totals.map(x => ({ ...x, grid: code(x.grid) })), held: s.stroke.held,
        stranded: s.stroke.stranded.map(p => ({ grid: code(p.grid), households: p.households, buildings: model?.buildingIds(p.atoms) ?? [], neighbour: code(p.neighbour) })),
      },
      compared: s.compared === null ? null : { plan: s.compared.plan.id, households: [...s.compared.households].sort(), swipe: s.swipe, grids: s.compared.model?.data.grids.length ?? null },
      basemap: s.basemap === null ? null : { ...s.basemap, tiles: map.basemap.shown },
      overview: { ...map.overview.counts, regions: map.regions.shown },
      pending: s.pending !== null, offline: s.offline, waiting: s.waiting, busy: s.busy, dialog: s.dialog?.kind ?? null, conflict: s.conflict !== null, aside: s.aside.map(l => l.parcel.what),
      history: s.history.map(e => ({ seq: e.seq, undone: e.undone, version: e.version })),
      colours: Object.fromEntries(model?.data.grids.map((g, i) => [g.code, map.village.colourOf(i)]) ?? []),
    });
  };
  /** Cells: whose ground, what stands there, which cells one can walk to. */
  const atoms = () => {
    const { model } = app.state;
    return model === null ? [] : Array.from({ length: model.atoms }, (_, a) => ({
      grid: model.data.grids[model.grid[a]!]?.code ?? null, buildings: model.buildingIds([a]), households: model.weight[a]!, near: [...row(model.near, a)],
    }));
  };
  /** Where a cell's site is on the screen, CSS pixels. */
  const screen = (atom: number) => map.screenOf(atom);
  /** Looks at a place from a zoom level. */
  const look = (lon: number, lat: number, zoom: number): void => { map.leaflet.setView([lat, lon], zoom, { animate: false }); };
  /** Milliseconds: of drawings, from the hand to the picture, from the start of the page to the first map with something on it. */
  const timings = () => ({ first_ms: map.regions.first_ms ?? map.village.first_ms, draw_ms: [...map.village.timings], stroke_ms: [...map.village.latencies] });
  const exposed = Object.freeze({ state, atoms, screen, look, timings });
  Object.defineProperty(window, "lianhu", { value: exposed, writable: false });
  return exposed;
}
