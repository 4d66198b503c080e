// Incidents one by one, clusters of a scan, and names above them. What a sign means is told by its shape: filled open, hollow closed, ringed overdue, triangle emergency.

import type L from "leaflet";
import { isOpen, isOverdue } from "../room/book";
import type { Incident } from "../room/api";
import { BY_CHANCE } from "../room/cells";
import type { Room } from "../room/room";
import type { BorderLayer } from "./border-layer";
import { CanvasLayer } from "./canvas-layer";
import type { HeatLayer } from "./heat-layer";
import { label, plate } from "./lettering";

/** How near a click must be, px. */
const NEAR_PX = 14;
const INK = "#16232d", OPEN = "#0b5c8a", LATE = "#a1260d", CLOSED = "#5f6d77";

/** Draws the sign of an incident; also for the legend. */
export function sign(pen: CanvasRenderingContext2D, x: number, y: number, kind: { open: boolean; late: boolean; emergency: boolean }, size: number): void {
  pen.beginPath();
  if (kind.emergency) {
    pen.moveTo(x, y - size * 1.35); pen.lineTo(x + size * 1.25, y + size * 0.85); pen.lineTo(x - size * 1.25, y + size * 0.85);
    pen.closePath();
  } else pen.arc(x, y, size, 0, 2 * Math.PI);
  pen.fillStyle = kind.open ? kind.emergency || kind.late ? LATE : OPEN : "#ffffff";
  pen.fill();
  pen.strokeStyle = kind.open ? "#ffffff" : kind.emergency ? LATE : CLOSED;
  pen.lineWidth = kind.open ? 1.2 : 2;
  pen.stroke();
  if (kind.emergency && kind.open) {
    pen.fillStyle = "#ffffff";
    pen.fillRect(x - size * 0.13, y - size * 0.6, size * 0.26, size * 0.8);
    pen.fillRect(x - size * 0.13, y + size * 0.35, size * 0.26, size * 0.26);
  }
  if (kind.late && kind.open && !kind.emergency) {
    pen.beginPath();
    pen.arc(x, y, size + 3, 0, 2 * Math.PI);
    pen.strokeStyle = LATE;
    pen.lineWidth = 1.6;
    pen.stroke();
  }
}

export class IncidentLayer extends CanvasLayer {
  /** Signs at the last drawing. */
  drawn = 0;

  constructor(private readonly room: Room, private readonly borders: BorderLayer, private readonly heat: HeatLayer) {
    super(415);
    borders.changed = () => this.redraw();
    room.store.subscribe((now, before) => {
      if (now.points !== before.points || now.pick !== before.pick || now.fresh !== before.fresh || now.urgent !== before.urgent || now.scan !== before.scan || now.tab !== before.tab
        || now.children !== before.children || now.lang !== before.lang || now.layer !== before.layer || now.cellIncidents !== before.cellIncidents || now.hot !== before.hot) this.redraw();
    });
  }

  /** The incident under a place of the screen. */
  at(map: L.Map, x: number, y: number): Incident | null {
    let best: Incident | null = null, least = NEAR_PX;
    for (const i of this.shown()) {
      if (i.at === null) continue;
      const p = map.latLngToContainerPoint([i.at[1], i.at[0]]), far = Math.hypot(p.x - x, p.y - y);
      if (far < least) { least = far; best = i; }
    }
    return best;
  }

  /** What is drawn one by one: over a layer of cells only the chosen cell's, and what is new. */
  private shown(): readonly Incident[] {
    const { points, layer, cellIncidents, fresh } = this.room.state;
    if (layer === "none") return points;
    const own = new Set(cellIncidents?.map(i => i.id));
    return [...cellIncidents ?? [], ...points.filter(i => fresh.has(i.id) && !own.has(i.id))];
  }

  protected override draw(pen: CanvasRenderingContext2D, map: L.Map, size: L.Point): void {
    const { points, pick, fresh, urgent, wall, scan, tab } = this.room.state, now = this.room.now(), r = wall ? 9 : 6;
    this.drawn = 0;
    const place = (i: Incident): L.Point | null => i.at === null ? null : map.latLngToContainerPoint([i.at[1], i.at[0]]);
    if (tab === "scan" && !wall) scan?.result?.clusters.forEach((c, k) => c.p <= BY_CHANCE && this.circle(pen, map, c.centre, c.radius_m, `${k + 1}`));
    const shown = this.shown(), order = [...shown].reverse(), signs: [number, number, number][] = [];
    for (const i of order) {
      const p = place(i);
      if (p === null || p.x < -20 || p.y < -20 || p.x > size.x + 20 || p.y > size.y + 20) continue;
      this.drawn++;
      signs.push([p.x, p.y, r]);
      if (fresh.has(i.id)) {
        pen.beginPath();
        pen.arc(p.x, p.y, r * 2.6, 0, 2 * Math.PI);
        pen.fillStyle = "rgba(230, 159, 0, .35)";
        pen.fill();
        pen.strokeStyle = "#6d4c00";
        pen.lineWidth = 2;
        pen.stroke();
      }
      sign(pen, p.x, p.y, { open: isOpen(i), late: isOverdue(i, now), emergency: i.emergency }, r);
    }
    // a new incident says where it is, and an emergency until somebody has seen to it
    const told = urgent === null || shown.some(i => i.id === urgent.incident.id) ? shown : [...shown, urgent.incident];
    const labels = told.flatMap(i => {
      const p = fresh.has(i.id) || i.id === urgent?.incident.id ? place(i) : null;
      return p === null ? [] : [{ x: p.x, y: p.y - r * 4.6, lines: [i.category_name, this.room.whereOf(i)], look: { size: wall ? 20 : 12, mark: i.id === urgent?.incident.id ? LATE : "#6d4c00" } }];
    });
    this.borders.drawNames(pen, map, [...this.heat.discs, ...signs], labels.map(l => [l.x, l.y, ...plate(pen, l.lines, l.look)] as const));
    const chosen = pick?.kind === "incident" ? this.room.state.detail?.incident ?? points.find(i => i.id === pick.id) : undefined;
    for (const i of [chosen, urgent?.incident]) {
      const p = i === undefined ? null : place(i);
      if (i === undefined || p === null) continue;
      pen.beginPath();
      pen.arc(p.x, p.y, r * 2.4, 0, 2 * Math.PI);
      pen.strokeStyle = i === urgent?.incident ? LATE : INK;
      pen.lineWidth = 3;
      pen.stroke();
      sign(pen, p.x, p.y, { open: isOpen(i), late: isOverdue(i, now), emergency: i.emergency }, r);
    }
    for (const { x, y, lines, look } of labels) label(pen, x, y, lines, look);
  }

  private circle(pen: CanvasRenderingContext2D, map: L.Map, [lon, lat]: readonly [number, number], radius_m: number, name: string): void {
    const p = map.latLngToContainerPoint([lat, lon]), up = map.latLngToContainerPoint([lat + radius_m / 111_320, lon]), r = Math.max(Math.abs(p.y - up.y), 6);
    pen.beginPath();
    pen.arc(p.x, p.y, r, 0, 2 * Math.PI);
    pen.fillStyle = "rgba(161, 38, 13, .10)";
    pen.fill();
    pen.setLineDash([8, 5]);
    pen.strokeStyle = LATE;
    pen.lineWidth = 2.2;
    pen.stroke();
    pen.setLineDash([]);
    label(pen, p.x, p.y - r, [name], { size: 13, mark: LATE });
  }
}
