"""900,000 households in memory: from the start to ready, resident, and what a GET of everything takes above that.

Usage: whole.py LIANHU FOLDER [HOUSEHOLDS [STARTS]]. The store is made once and kept in FOLDER; STORE=postgis makes it in a PostgreSQL of
its own there."""

import contextlib
import os
import resource
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "interop"))

from postgres import Cluster
from running import Running, county


def streamed(service, path):
    """Bytes, seconds and the service's peak above what it had before, MiB."""
    # from here on the peak is counted anew
    with open(f"/proc/{service.process.pid}/clear_refs", "w") as f:
        f.write("5")
    before = service.memory_mib()
    begun, size = time.monotonic(), 0
    request = urllib.request.Request(service.base + path, headers={"Authorization": f"Bearer {service.token}"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        while chunk := answer.read(1 << 20):
            size += len(chunk)
    return size, time.monotonic() - begun, service.memory_mib("VmHWM") - before


def paged(service, path):
    with open(f"/proc/{service.process.pid}/clear_refs", "w") as f:
        f.write("5")
    before, begun, seen = service.memory_mib(), time.monotonic(), 0
    while path:
        page = service.get(path)
        seen += len(page["features"])
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        path = following[0][len(service.base) :] if following else None
    return seen, time.monotonic() - begun, service.memory_mib("VmHWM") - before


def settled(service):
    """Waits until what begins with the service is through: incidents follow the plan in force, public counts are made."""
    before = -1.0
    while abs(service.memory_mib() - before) > 1:
        before = service.memory_mib()
        time.sleep(3)
    return before


def main():
    program, folder = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    households, starts = (int(v) for v in (sys.argv[3:] + ["900000", "3"][len(sys.argv[3:]) :])[:2])
    os.makedirs(folder, exist_ok=True)
    os.environ.setdefault("LIANHU_LOG", "info")
    if os.environ.get("STORE") == "postgis":
        # PostgreSQL's own user reaches no folder of ours
        place = os.path.join(tempfile.gettempdir(), f"lianhu_postgis_{households}")
        made, keeping = os.path.exists(place), Cluster(place)
    else:
        place = os.path.join(folder, f"register_{households}.gpkg")
        made, keeping = os.path.exists(place), contextlib.nullcontext()
    with keeping as cluster:
        look(program, folder, cluster.url if cluster else f"sqlite:{place}", made, households, starts)


def look(program, folder, store, made, households, starts):
    """Makes the store where it is not there yet, and starts the service on it."""
    if not made:
        begun = time.monotonic()
        county(program, folder, store, households, households // 600, households // 18, "xixiu")
        print(f"store made in {time.monotonic() - begun:.0f} s", flush=True)
    log = os.path.join(folder, "whole.log")
    for turn in range(starts):
        with Running(program, store, log=log) as service:
            counts = {c: service.get(f"/ogc/collections/{c}/items?limit=1")["numberMatched"] for c in ("households", "buildings", "grids", "units")}
            ticks = open(f"/proc/{service.process.pid}/stat").read().rsplit(")", 1)[1].split()
            cpu = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
            print(
                f"start to ready {service.ready_s:.1f} s ({cpu:.1f} s of CPU), resident {service.memory_mib():.0f} MiB,"
                f" highest while loading {service.memory_mib('VmHWM'):.0f} MiB; {counts}; load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
            if turn < starts - 1:
                continue
            print(f"resident once settled {settled(service):.0f} MiB, highest until then {service.memory_mib('VmHWM'):.0f} MiB")
            for form in ("geojsonseq", "csv", "fgb", "gpkg", "xlsx", "kml", "shp", "json&limit=10000"):
                items = f"/ogc/collections/households/items?f={form}"
                size, seconds, above = streamed(service, items)
                print(f"GET households f={form}: {size / 1e6:.0f} MB in {seconds:.1f} s, peak {above:.0f} MiB above", flush=True)
            seen, seconds, above = paged(service, "/ogc/collections/households/items?limit=10000")
            print(f"{seen:,} households in pages of 10,000: {seconds:.1f} s, peak {above:.0f} MiB above", flush=True)
            print(f"resident at the end {service.memory_mib():.0f} MiB")
    print(f"peak of this script's children: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB")


main()
