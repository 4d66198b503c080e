"""A city's year of incidents from end to end: the three commands, esda on the same cells, and the room's service on a store that they were
imported into.

Usage: real.py LIANHU INCIDENTS.csv PRECINCTS.geojson FOLDER. The incidents have uid, date, lon, lat; the precincts are polygons. Stops where ours and esda
differ, or where something is lost on the way."""

import csv
import json
import os
import subprocess
import sys
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "interop"))

from running import Running

TOWNSHIP = "990101001"


def timed(command):
    begun = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - begun


def rows(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def beside_esda(lianhu, incidents, resolution, folder):
    ours, theirs = (os.path.join(folder, f"{who}-{resolution}.csv") for who in ("lianhu", "esda"))
    seconds = timed([lianhu, "hotspots", incidents, "--resolution", str(resolution), "--out", ours])
    subprocess.run([sys.executable, os.path.join(HERE, "peers.py"), "esda", ours, "ring1", theirs], check=True, stdout=subprocess.DEVNULL)
    a, b = ({r["h3"]: r for r in rows(path)} for path in (ours, theirs))
    if a.keys() != b.keys():
        raise SystemExit("not the same cells")
    apart = max(abs(float(a[c]["z"]) - float(b[c]["z"])) for c in a)
    others = sum(1 for c in a if a[c]["fdr05"] != b[c]["fdr05"])
    found = [sum(1 for r in a.values() if r["class"] == kind) for kind in ("hot", "cold")]
    if apart > 1e-9 or others:
        raise SystemExit(f"z differs by {apart}, {others} discoveries by the normal p do")
    print(f"| resolution {resolution} | {len(a):,} | {found[0]} hot, {found[1]} cold | {apart:.1e} | {sum(int(r['fdr05']) for r in b.values())}, the same | {seconds:.2f} |")


def store_of(lianhu, incidents, precincts, folder):
    """A store with the precincts as villages of one township; rings that cross themselves are mended by GDAL first."""
    mended = os.path.join(folder, "precincts.geojson")
    subprocess.run(["ogr2ogr", "-f", "GeoJSON", "-makevalid", "-nlt", "PROMOTE_TO_MULTI", "-overwrite", mended, precincts], check=True)
    with open(mended) as f:
        shapes = json.load(f)["features"]
    regions = []
    for i, shape in enumerate(shapes, 1):
        regions.append({"type": "Feature", "geometry": shape["geometry"], "properties": {"code": f"{TOWNSHIP}{i:03}", "name": f"辖区{i}", "level": "village"}})
    paths = [os.path.join(folder, name) for name in ("regions.geojson", "incidents.csv", "city.gpkg")]
    with open(paths[0], "w") as f:
        json.dump({"type": "FeatureCollection", "features": regions}, f)
    with open(paths[1], "w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(["id", "region", "category", "level", "state", "occurred_at", "lon", "lat"])
        for r in rows(incidents):
            writer.writerow([r["uid"], TOWNSHIP, "security", "township", "reported", r["date"], r["lon"], r["lat"]])
    if os.path.exists(paths[2]):
        os.remove(paths[2])
    store = f"sqlite:{paths[2]}"
    for layer, path in (("regions", paths[0]), ("incidents", paths[1])):
        subprocess.run([lianhu, "import", "--store", store, "--layer", layer, path], check=True)
    return store


def main(lianhu, incidents, precincts, folder):
    os.makedirs(folder, exist_ok=True)
    n = len(rows(incidents))
    print(f"\n{n:,} incidents\n\n| | cells | by the calibrated p, FDR 0.05 | largest difference of z to esda | discoveries by the normal p, ours and esda's | seconds |\n|---|---|---|---|---|---|")
    for resolution in (8, 9):
        beside_esda(lianhu, incidents, resolution, folder)
    out = os.path.join(folder, "out.csv")
    trend = timed([lianhu, "trends", incidents, "--resolution", "7", "--step", "30d", "--steps", "12", "--out", out])
    classes = {}
    for r in rows(out):
        classes[r["class"]] = classes.get(r["class"], 0) + 1
    print(f"\ntrends, 12 steps of 30 days: {classes}, {trend:.2f} s")
    scan = timed([lianhu, "scan", incidents, "--radius", "3km", "--days", "7", "--permutations", "999", "--out", out])
    best = rows(out)[0]
    print(f"scan: the most likely cluster of the last week has p = {best['p']}, {scan:.2f} s")
    with Running(lianhu, store_of(lianhu, incidents, precincts, folder)) as service:
        period = urllib.parse.urlencode({"from": "2018-12-31", "to": "2020-01-01", "resolution": 8})
        for view in ("count", "gi", "emerging", "density"):
            begun = time.monotonic()
            found = service.get(f"/api/hotspots?view={view}&{period}")
            if found["incidents"] + found["outside"] != n:
                raise SystemExit(f"{view}: {found['incidents']} and {found['outside']} are not {n}")
            print(f"the room, {view}: {found['incidents']:,} incidents in {len(found['cells']):,} cells that have something to say, {found['outside']} outside the precincts, {time.monotonic() - begun:.2f} s")
        print(f"the list: {service.get('/api/incidents?limit=1')['number_matched']:,} incidents")


if __name__ == "__main__":
    main(*sys.argv[1:])
