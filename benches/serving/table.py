"""The service beside tipg, pygeoapi, Martin and PostGIS itself: the same rows in the same database, in the same run, two cores shared with wrk.

Usage: table.py LIANHU FOLDER [SECONDS [ROUNDS]]. Wants wrk; Martin takes part where the environment names its program in MARTIN. Ours answers with a token, links of pages and an ETag, as always. Beside each
rate stands the CPU that the server (with its database) took for an answer: on a busy machine that is the figure to compare."""

import contextlib
import gzip
import json
import math
import os
import random
import statistics
import subprocess
import sys
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "interop"))

import peers
from postgres import Cluster
from running import Running, ask, county

HOUSEHOLDS, VILLAGES, TARGET = 100_000, 400, 33
WANTED = 500
BOXES, WARM = 2_000, 100
ZOOM = 14
# somebody else for each pass over all tiles, so that nothing made for another is of use
SCOPES = 60
FIELDS = "id, village, building, stairwell, floor, hamlet, group_name, valid_from, valid_to, persons, tenure, eligible"
OF_TILES = "id, village, building, stairwell, floor, hamlet, group_name"
OF_GRIDS = "code, name, kind, households, buildings, persons, deviation, area_m2, perimeter_m, polsby_popper, locked, valid_from, plan"


def profile(folder):
    """About 3,000 grids."""
    path = os.path.join(folder, "profile.toml")
    with open(path, "w") as f:
        f.write(
            'name = "bench"\ntitle = "bench"\n[unit]\nmin = 10\nmax = 15\ndeputies = 0\n'
            f'[grid]\ndivide = "balance"\ntarget_households = {TARGET}\ntolerance = 0.05\n'
        )
    return path


def boxes(places):
    """Around households, each with about WANTED households in it."""
    rng = np.random.default_rng(20261126)
    found = []
    for x, y in places[rng.choice(len(places), BOXES, replace=False)]:
        away = np.maximum(np.abs(places[:, 0] - x) * math.cos(math.radians(26)), np.abs(places[:, 1] - y))
        half = np.partition(away, WANTED)[WANTED]
        dx = half / math.cos(math.radians(26))
        found.append((x - dx, y - half, x + dx, y + half))
    return found


def tiles(places):
    n = 1 << ZOOM
    x = ((places[:, 0] + 180) / 360 * n).astype(int)
    lat = np.radians(places[:, 1])
    y = ((1 - np.arcsinh(np.tan(lat)) / math.pi) / 2 * n).astype(int)
    return sorted(set(zip(x.tolist(), y.tolist())))


def wrk(base, paths, seconds, headers=(), tokens=None, connections=4):
    env = os.environ | {"PATHS": paths} | ({"TOKENS": tokens} if tokens else {})
    named = [part for h in headers for part in ("-H", h)]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", os.path.join(HERE, "paths.lua"), *named, base]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    # a peer may close a connection under us now and then
    if found["bad"] or found["broken"] > 0.05 * found["requests"] + 1:
        raise SystemExit(f"{base} {paths}: {found}")
    found["rate"] = found["requests"] / found["seconds"]
    return found


def cpu_s(roots):
    """CPU seconds of processes and all their children, those that ended included."""
    parents, used = {}, {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(pid)], used[int(pid)] = int(fields[1]), sum(map(int, fields[11:15]))
    total = 0
    for pid in used:
        at = pid
        while at and at not in roots:
            at = parents.get(at, 0)
        total += used[pid] if at else 0
    return total / os.sysconf("SC_CLK_TCK")


def counted(roots, work):
    """What work finds, with the CPU milliseconds of an answer."""
    # what ended just now is to be reaped before it is counted
    time.sleep(0.5)
    before = cpu_s(roots)
    found = work()
    found["cpu_ms"] = 1e3 * (cpu_s(roots) - before) / found["requests"]
    return found


class Bench:
    def __init__(self, folder, seconds):
        self.folder, self.seconds, self.rows = folder, seconds, {}

    def file(self, name, lines):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write("\n".join(lines) + "\n")
        return path

    def note(self, row, found):
        self.rows.setdefault(row, []).append(found)

    def median(self, row, what="rate"):
        return statistics.median(r[what] for r in self.rows[row])


def prepared(cluster, bench, program):
    """Data, plan and what is asked for."""
    folder = bench.folder
    files = os.path.join(folder, f"county_{HOUSEHOLDS}")
    if cluster.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'bench'") == "0":
        county(program, folder, cluster.url, HOUSEHOLDS, VILLAGES, 1_000, profile(folder), seed=2)
    with open(os.path.join(files, "households.csv"), encoding="utf-8-sig") as f:
        places = np.loadtxt((",".join(line.split(",")[1:3]) for line in f.readlines()[1:]), delimiter=",")
    here = boxes(places)
    there = tiles(places)
    if cluster.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'bench'") == "1":
        return here, there
    rows = ",".join(f"({i}, ST_MakeEnvelope({a},{b},{c},{d},4326))" for i, (a, b, c, d) in enumerate(here, 1))
    cluster.sql(f"CREATE SCHEMA bench; CREATE TABLE bench.boxes (i int PRIMARY KEY, geom geometry); INSERT INTO bench.boxes VALUES {rows};")
    rows = ",".join(f"({i}, {x}, {y})" for i, (x, y) in enumerate(there, 1))
    cluster.sql(f"CREATE TABLE bench.tiles (i int PRIMARY KEY, x int, y int); INSERT INTO bench.tiles VALUES {rows};")
    cluster.sql(f"CREATE VIEW bench.grids_in_force AS SELECT {OF_GRIDS}, geom FROM lianhu.grids WHERE in_force")
    cluster.sql("VACUUM ANALYZE")
    return here, there


def scripts(bench, there):
    box = f"\\set i random(1, {BOXES})\nSELECT {FIELDS}, ST_AsGeoJSON(geom) FROM lianhu.households"
    box += " WHERE geom && (SELECT geom FROM bench.boxes WHERE i = :i) ORDER BY id LIMIT 1000;"
    features = f"\\set i random(1, {BOXES})\nSELECT json_build_object('type', 'FeatureCollection', 'features', json_agg(ST_AsGeoJSON(t.*)::json))"
    features += f" FROM (SELECT {FIELDS}, geom FROM lianhu.households"
    features += " WHERE geom && (SELECT geom FROM bench.boxes WHERE i = :i) ORDER BY id LIMIT 1000) AS t;"

    def tile(table, fields, more):
        return (
            f"\\set i random(1, {len(there)})\nSELECT ST_AsMVT(t, '{table}') FROM (SELECT {fields}, ST_AsMVTGeom(ST_Transform(geom, 3857),"
            f" ST_TileEnvelope({ZOOM}, x, y), 4096, 64) AS geom FROM lianhu.{table}, (SELECT x, y FROM bench.tiles WHERE i = :i) AS at"
            f" WHERE geom && ST_Transform(ST_TileEnvelope({ZOOM}, x, y, margin => 64.0 / 4096), 4326){more}) AS t;"
        )

    of = {"box": box, "features": features, "households": tile("households", OF_TILES, "")}
    of["grids"] = tile("grids", OF_GRIDS, " AND in_force")
    return {name: bench.file(f"{name}.sql", [text]) for name, text in of.items()}


def strangers(service, seed):
    """Tokens of as many zones. Each is all townships, in an order of its own: that order is the zone's name."""
    townships = [r["code"] for r in service.get("/api/regions?level=township")["regions"]]
    random.seed(seed)
    tokens = []
    for _ in range(SCOPES):
        random.shuffle(townships)
        wish = {"name": "bench", "role": "planner", "region": "+".join(townships)}
        tokens.append(service.post("/api/tokens", wish)["token"])
    return tokens


def main():
    program, folder = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    seconds, rounds = (int(v) for v in (sys.argv[3:] + ["5", "3"][len(sys.argv[3:]) :])[:2])
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)
    os.environ.setdefault("LIANHU_LOG", "warn")
    bench = Bench(folder, seconds)
    with Cluster(os.path.join(folder, "pg")) as cluster:
        here, there = prepared(cluster, bench, program)
        sql = scripts(bench, there)
        text = [",".join(f"{v:.7f}" for v in b) for b in here]
        tile_paths = {c: bench.file(f"tiles_{c}", [f"/ogc/collections/{c}/tiles/WebMercatorQuad/{ZOOM}/{y}/{x}" for x, y in there]) for c in ("households", "grids")}
        tipg_tiles = {
            c: bench.file(f"tipg_{c}", [f"/collections/lianhu.{c}/tiles/WebMercatorQuad/{ZOOM}/{x}/{y}" for x, y in there])
            for c in ("households", "grids")
        }
        martin_tiles = {c: bench.file(f"martin_{c}", [f"/{c}/{ZOOM}/{x}/{y}" for x, y in there]) for c in ("households", "grids")}
        ours = bench.file("boxes", [f"/ogc/collections/households/items?limit=1000&bbox={b}" for b in text])
        warm = bench.file("boxes_warm", [f"/ogc/collections/households/items?limit=1000&bbox={b}" for b in text[:WARM]])
        theirs = bench.file("tipg_boxes", [f"/collections/lianhu.households/items?limit=1000&bbox={b}" for b in text])
        other = bench.file("pygeoapi_boxes", [f"/collections/households/items?f=json&limit=1000&bbox={b}" for b in text])
        with contextlib.ExitStack() as started:
            service = started.enter_context(Running(program, cluster.url, log=os.path.join(folder, "log")))
            tipg, tipg_pid = started.enter_context(peers.tipg(cluster, folder))
            pygeoapi, pygeoapi_pid = started.enter_context(peers.pygeoapi(cluster, folder))
            martins = {}
            if os.environ.get("MARTIN"):
                fields = {"households": OF_TILES.split(", "), "grids": OF_GRIDS.split(", ")}
                for kind, cache_mb in (("cold", 0), ("warm", 512)):
                    martins[kind] = started.enter_context(peers.martin(os.environ["MARTIN"], cluster, folder, fields, cache_mb))
            admin = [f"Authorization: Bearer {service.token}"]
            packed = [*admin, "Accept-Encoding: gzip"]
            first = next(open(ours)).strip(), next(open(theirs)).strip(), next(open(other)).strip()
            counts = [len(json.loads(ask(b + p, t)[2])["features"]) for b, p, t in ((service.base, first[0], service.token), (tipg, first[1], None), (pygeoapi, first[2], None))]
            if len(set(counts)) != 1:
                raise SystemExit(f"not the same features: {counts}")
            print(f"{HOUSEHOLDS:,} households, {service.get('/ogc/collections/grids/items?limit=1')['numberMatched']:,} grids, {len(there)} tiles of z{ZOOM}; {counts[0]} features in the first box", flush=True)
            for turn in range(rounds):
                print(f"round {turn + 1}, load {os.getloadavg()[0]:.1f}", flush=True)
                us, they = {service.process.pid, cluster.pid}, {tipg_pid, pygeoapi_pid, cluster.pid}

                def ask_us(row, paths, how_long=seconds, **more):
                    bench.note(row, counted(us, lambda: wrk(service.base, paths, how_long, **more)))

                ask_us("bbox lianhu", ours, headers=admin)
                bench.note("bbox PostGIS", counted({cluster.pid}, lambda: cluster.rate(sql["box"], seconds)))
                bench.note("bbox PostGIS GeoJSON", counted({cluster.pid}, lambda: cluster.rate(sql["features"], seconds)))
                bench.note("bbox tipg", counted(they, lambda: wrk(tipg, theirs, seconds)))
                bench.note("bbox pygeoapi", counted(they, lambda: wrk(pygeoapi, other, seconds)))
                ask_us("bbox lianhu again", warm, headers=admin)
                ask_us("bbox lianhu again gzip", warm, headers=packed)
                tokens = bench.file("tokens", strangers(service, turn))
                for c in ("households", "grids"):
                    ask_us(f"{c} cold", tile_paths[c], 2, tokens=tokens)
                    if bench.rows[f"{c} cold"][-1]["requests"] > SCOPES * len(there):
                        raise SystemExit("some of the cold tiles were warm: more SCOPES")
                    bench.note(f"{c} ST_AsMVT", counted({cluster.pid}, lambda: cluster.rate(sql[c], seconds)))
                    bench.note(f"{c} tipg", counted(they, lambda: wrk(tipg, tipg_tiles[c], seconds)))
                    ask_us(f"{c} warm", tile_paths[c], headers=admin)
                    ask_us(f"{c} warm gzip", tile_paths[c], headers=packed)
                    for kind, (martin, martin_pid) in martins.items():
                        paths, theirs_now = martin_tiles[c], {martin_pid, cluster.pid}
                        if kind == "warm":
                            wrk(martin, paths, 2, packed[1:])
                        gzip_too = packed[1:] if kind == "warm" else ()
                        bench.note(f"{c} Martin {kind}", counted(theirs_now, lambda: wrk(martin, paths, seconds, gzip_too)))
            sizes = tile_sizes(service, tipg, tile_paths, tipg_tiles)
            resident = service.memory_mib()
    printed(bench, sizes, resident)


def tile_sizes(service, tipg, ours, theirs):
    """Mean bytes of a tile: ours plain and packed, tipg's."""
    found = {}
    for c in ("households", "grids"):
        plain = [len(ask(service.base + p.strip(), service.token)[2]) for p in list(open(ours[c]))[::10]]
        body = ask(service.base + next(open(ours[c])).strip(), service.token, Accept_Encoding="gzip")[2]
        if body[:2] == b"\x1f\x8b":
            gzip.decompress(body)
        their = [len(ask(tipg + p.strip())[2]) for p in list(open(theirs[c]))[::10]]
        found[c] = statistics.mean(plain), statistics.mean(their)
    return found


def printed(bench, sizes, resident):
    print("\n| four connections, medians of the rounds | answers/s | CPU ms | beside it: by rate | by CPU | p50 ms | p99 ms | kB |")
    print("|---|---|---|---|---|---|---|---|")

    def line(row, what, against=None, bar=None):
        found = bench.rows[row]
        by_rate = by_cpu = ""
        if against:
            # of the same round, so that what else the machine does falls out
            pairs = list(zip(found, bench.rows[against]))
            by_rate = f"{statistics.median(a['rate'] / b['rate'] for a, b in pairs):.1f} × {against}" + (f" (bar {bar} ×)" if bar else "")
            by_cpu = f"{statistics.median(b['cpu_ms'] / a['cpu_ms'] for a, b in pairs):.1f} ×"
        times = [f"{bench.median(row, p):.2f}" if p in found[0] else "" for p in ("p50_ms", "p99_ms")]
        size = f"{statistics.median(r['bytes'] / r['requests'] for r in found) / 1000:.0f}" if "bytes" in found[0] else ""
        print(f"| {what} | {bench.median(row):,.0f} | {bench.median(row, 'cpu_ms'):.2f} | {by_rate} | {by_cpu} | {times[0]} | {times[1]} | {size} |")

    line("bbox lianhu", "bbox of about 500 households, each another: **lianhu**", "bbox tipg", 30)
    line("bbox lianhu", "the same", "bbox PostGIS", 5)
    line("bbox lianhu", "the same", "bbox PostGIS GeoJSON")
    line("bbox lianhu", "the same", "bbox pygeoapi")
    line("bbox lianhu again", "a box asked for before: lianhu")
    line("bbox lianhu again gzip", "a box asked for before, gzip: lianhu")
    line("bbox PostGIS", "bbox: the bare query (pgbench, prepared, `ST_AsGeoJSON`)")
    line("bbox PostGIS GeoJSON", "bbox: the query that makes the same document (`json_agg`)")
    line("bbox tipg", "bbox: tipg, 2 workers")
    line("bbox pygeoapi", "bbox: pygeoapi, 2 workers")
    for c in ("households", "grids"):
        line(f"{c} cold", f"z{ZOOM} tiles of {c}, never asked for before: **lianhu**", f"{c} ST_AsMVT")
        line(f"{c} warm", f"z{ZOOM} tiles of {c}, asked for before: lianhu", f"{c} ST_AsMVT")
        line(f"{c} warm gzip", f"z{ZOOM} tiles of {c}, asked for before, gzip: lianhu", f"{c} tipg")
        if f"{c} Martin cold" in bench.rows:
            line(f"{c} cold", "the same, never asked for before: lianhu", f"{c} Martin cold", 1.5)
            line(f"{c} warm gzip", "the same, asked for before, gzip: lianhu", f"{c} Martin warm", 4)
            line(f"{c} Martin cold", f"z{ZOOM} tiles of {c}: Martin without its cache")
            line(f"{c} Martin warm", f"z{ZOOM} tiles of {c}, asked for before, gzip: Martin")
        line(f"{c} ST_AsMVT", f"z{ZOOM} tiles of {c}: the bare query (pgbench, prepared, `ST_AsMVT`)")
        line(f"{c} tipg", f"z{ZOOM} tiles of {c}: tipg")
        print(f"| mean tile of {c}, bytes: lianhu, tipg | {sizes[c][0]:,.0f}, {sizes[c][1]:,.0f} | | | | | | |")
    print(f"\nResident after all that: {resident:.0f} MiB.")


if __name__ == "__main__":
    main()
