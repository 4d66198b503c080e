// What this page needs of Leaflet: a map with its handlers, a scale, layers. Markers, paths, popups and tiles would be another half of
// the library, and everything here is drawn on canvas layers of our own. Takes the place of the package "leaflet" (vite.config.ts).

import { Control } from "leaflet/src/control/Control.js";
import { scale } from "leaflet/src/control/Control.Scale.js";
import { LatLng, toLatLng as latLng } from "leaflet/src/geo/LatLng.js";
import { LatLngBounds, toLatLngBounds as latLngBounds } from "leaflet/src/geo/LatLngBounds.js";
import { Bounds, toBounds as bounds } from "leaflet/src/geometry/Bounds.js";
import { Point, toPoint as point } from "leaflet/src/geometry/Point.js";
import { Layer } from "leaflet/src/layer/Layer.js";
import { Map, map } from "leaflet/src/map/index.js";

export default { Bounds, Control, LatLng, LatLngBounds, Layer, Map, Point, bounds, control: { scale }, latLng, latLngBounds, map, point };
