#!/usr/bin/env python3
"""The register beside ogr2ogr, on the same households, in the same run, turn by turn.

usage: table.py PROGRAM FOLDER [HOUSEHOLDS [TURNS]]
PROGRAM is the release binary; the synthetic county and what is made of it stand in FOLDER. Seconds are medians of TURNS (3); memory is
the highest that one process held. Prints Markdown and ends with 1 where an import takes more than 3 × ogr2ogr's time or 512 MiB."""

import os
import resource
import statistics
import subprocess
import sys
import time


def run(*command):
    """Seconds, CPU seconds and peak MiB of a command and of the children it waits for."""
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)} failed:\n{said}")
    return time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def gone(path):
    for end in ("", "-wal", "-shm", ".lock"):
        if os.path.exists(path + end):
            os.remove(path + end)


def main():
    program, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    households, turns = (int(v) for v in (sys.argv[3:] + ["900000", "3"][len(sys.argv[3:]) :])[:2])
    os.makedirs(folder, exist_ok=True)
    county = os.path.join(folder, f"county_{households}")
    if not os.path.exists(os.path.join(county, "households.csv")):
        run(program, "synth", "--households", str(households), "--villages", str(max(1, households // 600)), "--incidents", "1", "--seed", "1", "--out", county)
    rows = os.path.join(county, "households.csv")
    at = lambda name: os.path.join(folder, name)
    ours, theirs = at("register.gpkg"), at("ogr.gpkg")
    store = f"sqlite:{ours}"
    peer_in = ["-f", "GPKG", "-nln", "households", "-oo", "X_POSSIBLE_NAMES=经度", "-oo", "Y_POSSIBLE_NAMES=纬度", "-oo", "KEEP_GEOM_COLUMNS=NO", "-a_srs", "EPSG:4490"]
    steps = {
        "CSV → store": (
            lambda: (gone(ours), run(program, "import", "--store", store, "--layer", "regions", os.path.join(county, "regions.geojson"))),
            lambda: run(program, "import", "--store", store, "--layer", "households", rows),
            lambda: (gone(theirs), run("ogr2ogr", *peer_in, theirs, rows))[1],
        )
    }
    for name, form, driver, more in (
        ("→ CSV", "csv", "CSV", ["-lco", "GEOMETRY=AS_XY"]),
        ("→ GeoPackage", "gpkg", "GPKG", []),
        ("→ GeoJSON", "geojson", "GeoJSON", []),
        ("→ FlatGeobuf", "fgb", "FlatGeobuf", []),
    ):
        mine, other = at(f"out.{form}"), at(f"ogr_out.{form}")
        steps[name] = (
            lambda mine=mine, other=other: (gone(mine), gone(other)),
            lambda mine=mine, form={"fgb": "flatgeobuf"}.get(form, form): run(program, "export", "--store", store, "--layer", "households", "--format", form, mine),
            lambda other=other, driver=driver, more=more: run("ogr2ogr", "-f", driver, *more, other, theirs, "households"),
        )
    print(time.strftime("Measured %Y-%m-%d, load {:.1f}; {:,} households, medians of {}.".format(os.getloadavg()[0], households, turns)))
    print("\n| | lianhu s | CPU s | MiB | ogr2ogr s | CPU s | MiB | seconds, ratio |\n|---|---|---|---|---|---|---|---|", flush=True)
    good = True
    for name, (before, mine, other) in steps.items():
        seen = []
        for turn in range(turns):
            before()
            seen.append((mine(), other()) if turn % 2 == 0 else (other(), mine())[::-1])
        our, their = ([statistics.median(pair[side][k] for pair in seen) for k in range(3)] for side in range(2))
        row = (f"{v:.1f}" if k < 2 else f"{v:.0f}" for values in (our, their) for k, v in enumerate(values))
        print(f"| {name} | {' | '.join(row)} | {our[0] / their[0]:.2f} |", flush=True)
        if name == "CSV → store":
            good = our[0] <= 3 * their[0] and max(pair[0][2] for pair in seen) <= 512
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
