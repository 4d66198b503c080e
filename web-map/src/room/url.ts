// What a reader looks at, as the address that shows it again.

import type { Lang } from "../strings";
import type { PaletteName } from "../style/palette";
import { LEVELS, STATES, type HotView } from "./api";
import { customRange, PRESETS, type Range } from "./time";

export type Layer = "none" | HotView;
export const LAYERS: readonly Layer[] = ["none", "count", "rate", "gi", "emerging", "density"];
export type RoomTab = "live" | "hot" | "alerts" | "figures" | "scan";
export const TABS: readonly RoomTab[] = ["live", "hot", "alerts", "figures", "scan"];
export const RESOLUTIONS = [6, 7, 8, 9, 10] as const;
export type Status = "open" | "overdue" | typeof STATES[number];
export const STATUSES: readonly Status[] = ["open", "overdue", ...STATES];
export type Pick = { kind: "incident" | "cell"; id: string };

export interface Looking {
  wall: boolean; region: string | null; range: Range;
  /** Start of the piece of the window that is shown alone, or null for all of it. */
  slice: number | null;
  layer: Layer; resolution: number | null; category: string | null; level: string | null; status: Status | null; tab: RoomTab;
  /** Longitude, latitude, zoom. */
  at: readonly [number, number, number] | null;
  pick: Pick | null; palette: PaletteName; lang: Lang;
  /** Seconds a district stays on the wall; 0 does not change. */
  rotate: number;
}

export const plain: Looking = {
  wall: false, region: null, range: { kind: "7d" }, slice: null, layer: "none", resolution: null, category: null, level: null, status: null, tab: "live",
  at: null, pick: null, palette: "calm", lang: "zh", rotate: 20,
};

const oneOf = <T extends string>(list: readonly T[], value: string | null): T | null => list.find(v => v === value) ?? null;
const word = (value: string | null): string | null => value !== null && /^[\w.:-]{1,100}$/.test(value) ? value : null;

function rangeOf(text: string | null): Range {
  const preset = oneOf(PRESETS, text);
  if (preset !== null) return { kind: preset };
  const [from, to] = text?.split("..") ?? [];
  return (from !== undefined && to !== undefined ? customRange(from, to) : null) ?? plain.range;
}

function placeOf(text: string | null): Looking["at"] {
  const [lon, lat, zoom] = (text ?? "").split(",").map(v => v === "" ? Number.NaN : Number(v));
  return lon !== undefined && lat !== undefined && zoom !== undefined && Math.abs(lon) <= 180 && Math.abs(lat) <= 85 && zoom >= 3 && zoom <= 21 ? [lon, lat, zoom] : null;
}

/** Reads an address; what it does not understand is as if it were not said. */
export function read(search: string, taste: { lang?: Lang; palette?: PaletteName } = {}): Looking {
  const q = new URLSearchParams(search), slice = q.get("slice") === null ? Number.NaN : Date.parse(q.get("slice")!);
  const resolution = RESOLUTIONS.find(r => String(r) === q.get("res")) ?? null, rotate = Number(q.get("rotate") ?? plain.rotate);
  const [incident, cell] = [word(q.get("incident")), word(q.get("cell"))];
  return {
    wall: q.get("wall") === "1", region: word(q.get("region")), range: rangeOf(q.get("range")), slice: Number.isNaN(slice) ? null : slice,
    layer: oneOf(LAYERS, q.get("layer")) ?? plain.layer, resolution, category: word(q.get("category")), level: oneOf(LEVELS, q.get("level")),
    status: oneOf(STATUSES, q.get("status")), tab: oneOf(TABS, q.get("tab")) ?? plain.tab, at: placeOf(q.get("at")),
    pick: incident !== null ? { kind: "incident", id: incident } : cell !== null ? { kind: "cell", id: cell } : null,
    palette: oneOf(["calm", "strong", "grey"] as const, q.get("palette")) ?? taste.palette ?? plain.palette, lang: oneOf(["zh", "en"] as const, q.get("lang")) ?? taste.lang ?? plain.lang,
    rotate: Number.isInteger(rotate) && rotate >= 0 && rotate <= 3_600 ? rotate : plain.rotate,
  };
}

/** The address of what is looked at; what is as usual is left out. */
export function write(now: Looking): string {
  const q = new URLSearchParams({ view: "room" });
  const put = (key: string, value: string | null, usual: string | null = null): void => { if (value !== null && value !== usual) q.set(key, value); };
  put("wall", now.wall ? "1" : null);
  put("region", now.region);
  put("range", now.range.kind === "custom" ? `${now.range.from}..${now.range.to}` : now.range.kind, plain.range.kind);
  put("slice", now.slice === null ? null : new Date(now.slice).toISOString().slice(0, 16) + "Z");
  put("layer", now.layer, plain.layer);
  put("res", now.resolution === null ? null : String(now.resolution));
  put("category", now.category);
  put("level", now.level);
  put("status", now.status);
  put("tab", now.tab, plain.tab);
  put("at", now.at === null ? null : `${now.at[0].toFixed(5)},${now.at[1].toFixed(5)},${now.at[2]}`);
  if (now.pick !== null) put(now.pick.kind, now.pick.id);
  put("palette", now.palette, plain.palette);
  put("lang", now.lang, plain.lang);
  put("rotate", String(now.rotate), String(plain.rotate));
  return `?${q.toString().replaceAll("%2C", ",").replaceAll("%3A", ":")}`;
}
