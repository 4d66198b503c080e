#!/usr/bin/env python3
"""The register beside ogr2ogr, on the same households, in the same run, turn by turn.

usage: table.py PROGRAM FOLDER [HOUSEHOLDS [TURNS]] [--store FILE.gpkg]
PROGRAM is the release binary; the synthetic county and what is made of it stand in FOLDER. Seconds are medians of TURNS (3); memory is
the highest that one process held. With --store nothing is imported: both hand out the households of that store, which is only read.
Where this ogr2ogr lacks a format, a dash stands. Prints Markdown and ends with 1 where an import takes more than 3 × ogr2ogr's time or
512 MiB."""

import os
import statistics
import subprocess
import sys
import time


def run(*command, fine=(0,)):
    """Seconds, CPU seconds and peak MiB of a command and of the children it waits for."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in fine:
        sys.exit(f"{' '.join(command)} failed:\n{said}")
    return time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def gone(path):
    for end in ("", "-wal", "-shm", ".lock"):
        if os.path.exists(path + end):
            os.remove(path + end)


def drivers():
    """Formats this ogr2ogr writes."""
    said = subprocess.run(["ogr2ogr", "--formats"], capture_output=True, text=True).stdout
    return {line.split(" -")[0].strip() for line in said.splitlines() if "w" in line.partition("(")[2].partition(")")[0]}


# Name, our format, the ending, ogr2ogr's driver, ending and options.
FORMATS = (
    ("→ CSV", "csv", "csv", "CSV", "csv", ["-lco", "GEOMETRY=AS_XY"]),
    ("→ GeoPackage", "gpkg", "gpkg", "GPKG", "gpkg", []),
    ("→ GeoJSON", "geojson", "geojson", "GeoJSON", "geojson", []),
    ("→ GeoJSONSeq", "geojsonseq", "geojsonl", "GeoJSONSeq", "geojsonl", []),
    ("→ FlatGeobuf", "flatgeobuf", "fgb", "FlatGeobuf", "fgb", []),
    ("→ Shapefile (zip)", "shapefile", "zip", "ESRI Shapefile", "shz", ["-lco", "ENCODING=UTF-8"]),
    ("→ KML", "kml", "kml", "KML", "kml", []),
    ("→ XLSX", "xlsx", "xlsx", "XLSX", "xlsx", []),
    ("→ GeoParquet", "geoparquet", "parquet", "Parquet", "parquet", []),
)


def main():
    arguments = sys.argv[1:]
    given = None
    if "--store" in arguments:
        place = arguments.index("--store")
        given = os.path.abspath(arguments[place + 1])
        del arguments[place : place + 2]
    program, folder = os.path.abspath(arguments[0]), arguments[1]
    households, turns = (int(v) for v in (arguments[2:] + ["900000", "3"][len(arguments[2:]) :])[:2])
    os.makedirs(folder, exist_ok=True)
    at = lambda name: os.path.join(folder, name)
    ours, theirs = (given, given) if given else (at("register.gpkg"), at("ogr.gpkg"))
    store = f"sqlite:{ours}"
    steps = {}
    if not given:
        county = at(f"county_{households}")
        rows = os.path.join(county, "households.csv")
        if not os.path.exists(rows):
            run(program, "synth", "--households", str(households), "--villages", str(max(1, households // 600)), "--incidents", "1", "--seed", "1", "--out", county)
        peer_in = ["-f", "GPKG", "-nln", "households", "-oo", "X_POSSIBLE_NAMES=经度", "-oo", "Y_POSSIBLE_NAMES=纬度", "-oo", "KEEP_GEOM_COLUMNS=NO", "-a_srs", "EPSG:4490"]
        steps["CSV → store"] = (
            lambda: (gone(ours), run(program, "import", "--store", store, "--layer", "regions", os.path.join(county, "regions.geojson"))),
            lambda: run(program, "import", "--store", store, "--layer", "households", rows),
            lambda: (gone(theirs), run("ogr2ogr", *peer_in, theirs, rows))[1],
        )
    can = drivers()
    for name, form, ending, driver, their_ending, more in FORMATS:
        mine, other = at(f"out.{ending}"), at(f"ogr_out.{their_ending}")
        steps[name] = (
            lambda mine=mine, other=other: (gone(mine), gone(other)),
            lambda mine=mine, form=form: run(program, "export", "--store", store, "--layer", "households", "--format", form, mine),
            (lambda other=other, driver=driver, more=more: run("ogr2ogr", "-f", driver, *more, other, theirs, "households"))
            if driver in can
            else None,
        )
    print(time.strftime("Measured %Y-%m-%d, load {:.1f}; {:,} households, medians of {}.".format(os.getloadavg()[0], households, turns)))
    print("\n| | lianhu s | CPU s | MiB | ogr2ogr s | CPU s | MiB | seconds, ratio |\n|---|---|---|---|---|---|---|---|", flush=True)
    good = True
    for name, (before, mine, other) in steps.items():
        seen = []
        for turn in range(turns):
            before()
            if other is None:
                seen.append((mine(), None))
            else:
                seen.append((mine(), other()) if turn % 2 == 0 else (other(), mine())[::-1])
        our = [statistics.median(pair[0][k] for pair in seen) for k in range(3)]
        their = [statistics.median(pair[1][k] for pair in seen) for k in range(3)] if other else None
        shown = lambda values: [f"{v:.1f}" if k < 2 else f"{v:.0f}" for k, v in enumerate(values)]
        row = shown(our) + (shown(their) + [f"{our[0] / their[0]:.2f}"] if their else ["–"] * 4)
        print(f"| {name} | {' | '.join(row)} |", flush=True)
        if name != "CSV → store":
            before()
        else:
            good = our[0] <= 3 * their[0] and max(pair[0][2] for pair in seen) <= 512
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
