// What this page needs of Leaflet: a map that is dragged, wheeled and pinched, a scale, layers. Other handlers, markers, paths, popups and tiles would be another half of
// the library, and everything here is drawn on canvas layers of our own. Takes the place of the package "leaflet" (vite.config.ts).

import { Control } from "leaflet/src/control/Control.js";
import { scale } from "leaflet/src/control/Control.Scale.js";
import { LatLng, toLatLng as latLng } from "leaflet/src/geo/LatLng.js";
import { LatLngBounds, toLatLngBounds as latLngBounds } from "leaflet/src/geo/LatLngBounds.js";
import { Bounds, toBounds as bounds } from "leaflet/src/geometry/Bounds.js";
import { Point, toPoint as point } from "leaflet/src/geometry/Point.js";
import { Layer } from "leaflet/src/layer/Layer.js";
import { createMap as map, Map } from "leaflet/src/map/Map.js";
import "leaflet/src/map/handler/Map.Drag.js";
import "leaflet/src/map/handler/Map.ScrollWheelZoom.js";
import "leaflet/src/map/handler/Map.TouchZoom.js";

export default { Bounds, Control, LatLng, LatLngBounds, Layer, Map, Point, bounds, control: { scale }, latLng, latLngBounds, map, point };
