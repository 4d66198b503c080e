// What a column of a file can be, by layer: the names the service takes, in the order its exports write them.

import type { At } from "../api";

export type Layer = At<"/api/imports", "post">["layer"];

const PLACE = ["lon", "lat", "geometry"] as const;
const VALID = ["valid_from", "valid_to", "row_version"] as const;

export const FIELDS = {
  households: ["id", "village", "building", "stairwell", "floor", "hamlet", "group", "persons", "tenure", "eligible", "households", "dedicated", ...VALID, ...PLACE],
  buildings: ["id", "village", "name", "kind", "households", "dedicated", "stairwells", ...VALID, ...PLACE],
  regions: ["code", "name", "level", "parent", ...VALID, ...PLACE],
  barriers: ["id", "region", "kind", "hard", "name", ...VALID, ...PLACE],
  old_nets: ["id", "net", "region", "name", ...VALID, ...PLACE],
  incidents: ["id", "region", "grid", "category", "dispute", "level", "state", "occurred_at", "due_at", "summary", "row_version", ...PLACE],
  officers: ["id", "region", "role", "name", "phone", "household", "elected_on", ...VALID],
  centres: ["id", "region", "level", "name", "address", "duty_hours", ...VALID, ...PLACE],
  zones: ["id", "name", "townships", ...VALID],
  profiles: ["name", "title", "toml", "row_version"],
  dictionaries: ["dictionary", "key", "name", "name_en", "position", "enabled", "due_hours", "row_version"],
} as const satisfies Record<Layer, readonly string[]>;

export const LAYERS = Object.keys(FIELDS) as Layer[];

/** Reference systems a file may be in, as the service names them: the first is the register's own. */
export const SYSTEMS = ["wgs84", "cgcs2000", "gcj02", "bd09", "EPSG:4523"] as const;
