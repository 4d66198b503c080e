"""What GIS programs make of the running service: GDAL and QGIS through OGC API Features, OWSLib as a program would.

Usage: service.py LIANHU [FOLDER]. In FOLDER the store is kept for the next time. Counts are compared with the files that were imported, not with other
answers of ours; hotspots, which no file holds, with those of the monitoring room."""

import contextlib
import csv
import datetime
import os
import subprocess
import sys
import tempfile
import time
import uuid

from owslib.ogcapi.features import Features

from running import Running, county

HOUSEHOLDS = 100_000
REPORTED = 12
COLLECTIONS = ("regions", "grids", "units", "leaders", "buildings", "incidents", "households", "hotspots")


def ogr(service, *arguments):
    headers = {"GDAL_HTTP_HEADERS": f"Authorization: Bearer {service.token}"}
    done = subprocess.run(arguments, env=os.environ | headers, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0 and "ERROR" not in done.stdout, f"{arguments}: {done.stdout[-2000:]}"
    return done.stdout


def ogr_count(service, *more):
    said = ogr(service, "ogrinfo", "-ro", "-so", f"OAPIF:{service.base}/ogc", "households", *more)
    return int(next(line for line in said.splitlines() if line.startswith("Feature Count: ")).split()[-1])


def gdal(service, rows, box):
    print("== GDAL", subprocess.run(["ogrinfo", "--version"], stdout=subprocess.PIPE, text=True).stdout.strip())
    layers = ogr(service, "ogrinfo", "-ro", "-q", f"OAPIF:{service.base}/ogc")
    assert all(f": {c} " in layers for c in COLLECTIONS), layers
    begun = time.monotonic()
    paged = ["ogr2ogr", "-f", "CSV", "/vsistdout/", f"OAPIF:{service.base}/ogc", "households", "-oo", "PAGE_SIZE=1000"]
    lines = ogr(service, *paged).splitlines()
    ids = {row["id"] for row in csv.DictReader(lines)}
    assert len(lines) == 1 + len(rows) and ids == {r["户号"] for r in rows}, f"{len(lines)} lines, {len(ids)} ids"
    print(f"paged through {len(ids):,} households in {time.monotonic() - begun:.1f} s, each once")
    inside = sum(box[0] <= float(r["经度"]) <= box[2] and box[1] <= float(r["纬度"]) <= box[3] for r in rows)
    assert 0 < inside < len(rows)
    begun = time.monotonic()
    assert ogr_count(service, "-spat", *map(str, box)) == inside
    print(f"-spat: {inside:,} households, as in the file, {time.monotonic() - begun:.1f} s")
    four = sum(r["人口"] == "4" for r in rows)
    assert ogr_count(service, "-where", "persons = 4") == four
    both = sum(
        r["人口"] == "4" and box[0] <= float(r["经度"]) <= box[2] and box[1] <= float(r["纬度"]) <= box[3] for r in rows
    )
    assert ogr_count(service, "-where", "persons = 4", "-spat", *map(str, box)) == both
    print(f"-where persons = 4: {four:,}; with -spat: {both:,}")


def owslib(service, rows, box):
    print("== OWSLib")
    ogc = Features(f"{service.base}/ogc", headers={"Authorization": f"Bearer {service.token}"})
    assert sorted(ogc.feature_collections()) == sorted(COLLECTIONS), ogc.feature_collections()
    assert any(c.endswith("/ogcapi-features-1/1.0/conf/core") for c in ogc.conformance()["conformsTo"])
    assert ogc.api()["openapi"].startswith("3.0")
    assert "persons" in ogc.collection_queryables("households")["properties"]
    inside = {r["户号"] for r in rows if box[0] <= float(r["经度"]) <= box[2] and box[1] <= float(r["纬度"]) <= box[3]}
    page = ogc.collection_items("households", bbox=list(box), limit=10_000)
    assert {f["id"] for f in page["features"]} == inside and page["numberMatched"] == len(inside)
    one = rows[len(rows) // 2]
    feature = ogc.collection_item("households", one["户号"])
    assert feature["geometry"]["coordinates"] == [float(one["经度"]), float(one["纬度"])], feature
    few = ogc.collection_items("households", filter="persons = 4 AND building LIKE '0001-%'", limit=10_000)
    wanted = {r["户号"] for r in rows if r["人口"] == "4" and r["楼栋"].startswith("0001-")}
    assert wanted and {f["id"] for f in few["features"]} == wanted
    last = ogc.collection_items("households", sortby=("id", "desc"), limit=1)
    assert last["features"][0]["id"] == max(r["户号"] for r in rows)
    print(f"collections, queryables, definition, bbox ({len(inside):,}), filter ({len(wanted):,}), sort, one feature")


def hotspots(service, rows):
    """Hotspots are made of the last thirty days' incidents. Those of the files are older, so some are reported; then both programs read the
    cells that the monitoring room is told of."""
    print("== hotspots")
    one = rows[len(rows) // 2]
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    body = {"category": "dispute", "occurred_at": now, "at": [float(one["经度"]), float(one["纬度"])]}
    made = [service.post("/api/incidents", body, idempotency_key=uuid.uuid4().hex)["incident"]["id"] for _ in range(REPORTED)]
    begun = time.monotonic()
    while service.get(f"/ogc/collections/incidents/items?ids={made[-1]}")["numberMatched"] != 1:
        assert time.monotonic() - begun < 60, "what was reported is not served"
        time.sleep(0.05)
    told = {cell["h3"]: cell for cell in service.get("/api/hotspots?view=gi")["cells"]}
    assert max(cell["count"] for cell in told.values()) >= REPORTED, "the cell of what was reported"
    read = ogr(service, "ogr2ogr", "-f", "CSV", "/vsistdout/", f"OAPIF:{service.base}/ogc", "hotspots", "-oo", "PAGE_SIZE=100")
    counts = {row["h3"]: int(row["count"]) for row in csv.DictReader(read.splitlines())}
    assert counts == {h3: cell["count"] for h3, cell in told.items()}, f"{len(counts)} cells of {len(told)}"
    ogc = Features(f"{service.base}/ogc", headers={"Authorization": f"Bearer {service.token}"})
    page = ogc.collection_items("hotspots", limit=10_000)
    assert page["numberMatched"] == len(told)
    for feature in page["features"]:
        cell = told[feature["id"]]
        assert all(feature["properties"][name] == cell[name] for name in ("count", "class", "rank")), (feature, cell)
        ring = feature["geometry"]["coordinates"][0]
        far = max(abs(a - b) for p, q in zip(ring, cell["ring"]) for a, b in zip(p, q))
        assert len(ring) == len(cell["ring"]) and far < 1e-8, (feature, cell)
    print(f"{len(told):,} cells of the last thirty days, by GDAL and OWSLib as the room is told of them")


def qgis(service, rows, box):
    print("== QGIS", flush=True)
    inside = sum(box[0] <= float(r["经度"]) <= box[2] and box[1] <= float(r["纬度"]) <= box[3] for r in rows)
    here = os.path.dirname(os.path.abspath(__file__))
    grids = service.get("/ogc/collections/grids/items?limit=1")["numberMatched"]
    command = ["/usr/bin/python3", os.path.join(here, "qgis_reads_service.py"), f"{service.base}/ogc", service.token]
    with tempfile.TemporaryDirectory() as home:
        env = os.environ | {"QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": home, "HOME": home}
        subprocess.run([*command, str(grids), *map(str, box), str(inside)], env=env, check=True, timeout=300)


def main():
    program = os.path.abspath(sys.argv[1])
    with contextlib.ExitStack() as stack:
        folder = sys.argv[2] if len(sys.argv) > 2 else stack.enter_context(tempfile.TemporaryDirectory())
        store = f"sqlite:{folder}/register.gpkg"
        files = county(program, folder, store, HOUSEHOLDS, 400, 2_000, "xixiu")
        with open(os.path.join(files, "households.csv"), encoding="utf-8-sig") as f:
            # a building where nobody lives is no household
            rows = [r for r in csv.DictReader(f) if r["户数"] != "0"]
        # a box around the household in the middle of the file
        x, y = float(rows[HOUSEHOLDS // 2]["经度"]), float(rows[HOUSEHOLDS // 2]["纬度"])
        box = (x - 0.01, y - 0.01, x + 0.01, y + 0.01)
        with Running(program, store, log=os.path.join(folder, "log")) as service:
            gdal(service, rows, box)
            owslib(service, rows, box)
            hotspots(service, rows)
            qgis(service, rows, box)
    print("== 服务互操作检查通过 / the service interoperates")


main()
