// Leaflet as anybody would use it, doing what our map does: a village as polygons that change colour under the hand, or every household a
// circle. No contiguity, no units, no locks: what it costs is the least that could be expected of it.

const asked = new URLSearchParams(location.search);
const map = L.map("map", { preferCanvas: asked.get("with") !== "svg", zoomSnap: 0.25, zoomAnimation: false, fadeAnimation: false, inertia: false });
const size = asked.get("size")?.split(",") ?? null;
if (size !== null) { Object.assign(map.getContainer().style, { width: `${size[0]}px`, height: `${size[1]}px` }); map.invalidateSize(); }
const FILLS = ["#9ec9ed", "#fee392", "#82b6a2", "#e9a98f", "#b9a6ca", "#dfe8a8", "#6f97c4", "#f4c5d5"];
const shown = { first_ms: null, moved: 0, stroke_ms: [] };
window.plain = shown;
const drawn = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))));

async function city() {
  const places = await (await fetch("/places.json")).json();
  map.fitBounds(L.latLngBounds(places));
  for (const at of places) L.circleMarker(at, { radius: 3, weight: 1 }).addTo(map);
  shown.first_ms = await drawn();
}

/** What a service can sum up beforehand: a disc a village, its number beside it. */
async function clusters() {
  const sums = await (await fetch("/clusters.json")).json();
  map.fitBounds(L.latLngBounds(sums.map(([lat, lon]) => [lat, lon])));
  const most = Math.max(...sums.map(([, , n]) => n));
  for (const [lat, lon, n] of sums) L.circleMarker([lat, lon], { radius: 6 + 14 * Math.sqrt(n / most), weight: 1 }).bindTooltip(String(n), { permanent: true, direction: "center" }).addTo(map);
  shown.first_ms = await drawn();
}

async function village() {
  const data = await (await fetch("/village.json")).json();
  const grid = [...data.atom_grid], weight = data.atoms.map(() => 0), lived = [...new Set(data.buildings.map(b => b.atom))], total = data.grids.map(g => g.households);
  for (const b of data.buildings) weight[b.atom] += b.households;
  const turn = ([lon, lat]) => [lat, lon];
  const [lon, lat, zoom] = asked.get("view").split(",").map(Number);
  map.setView([lat, lon], zoom);
  const polygons = data.atoms.map((atom, a) => L.polygon(atom.parts.map(part => part.map(ring => ring.map(turn))), { weight: 1, color: "#33424f", fillColor: FILLS[grid[a] % FILLS.length], fillOpacity: 0.78 }).addTo(map));
  for (const a of lived) L.circleMarker(turn(data.atoms[a].at), { radius: 3, weight: 0, fillOpacity: 0.8, fillColor: "#16232d" }).addTo(map);
  shown.first_ms = await drawn();
  const to = Number(asked.get("to")), reach_m = Number(asked.get("reach")), totals = document.getElementById("totals");
  let pressed = false, stamp = 0;
  map.dragging.disable();
  map.on("mousedown", () => { pressed = true; });
  map.on("mouseup", () => { pressed = false; });
  map.on("mousemove", event => {
    if (!pressed) return;
    if (stamp === 0) stamp = event.originalEvent.timeStamp;
    const hit = lived.filter(a => grid[a] !== to && map.distance(event.latlng, turn(data.atoms[a].at)) <= reach_m);
    for (const a of hit) {
      total[grid[a]] -= weight[a];
      total[to] += weight[a];
      grid[a] = to;
      polygons[a].setStyle({ fillColor: FILLS[to % FILLS.length] });
      shown.moved++;
    }
    totals.textContent = total.join(" | ");
    // Leaflet draws in a frame of its own that it asked for just now
    if (hit.length > 0) requestAnimationFrame(() => { if (stamp > 0) shown.stroke_ms.push(performance.now() - stamp); stamp = 0; }); else stamp = 0;
  });
}

void ({ city, clusters }[asked.get("show")] ?? village)();
