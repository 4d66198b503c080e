#!/usr/bin/env python3
"""Edits that another program made while the service was stopped: what they cost when it starts again, and when they are settled.

usage: elsewhere.py PROGRAM FOLDER [EDITS…]
PROGRAM is the release binary; a synthetic county with more buildings than the most edits (100,000 by default; 25,000 and 50,000 before it)
and its store stand in FOLDER. For each number a copy of the store gets that many buildings moved by GDAL, as QGIS does it, each to the place
of another. Then, each on a copy of that: the next start (whatever opens the store for writing), `foreign list`, `check`, `foreign accept`,
`foreign take-back`. Prints Markdown: CPU seconds and MiB of each, which a busy machine leaves as they are; ends with 1 where the seconds of
any grow faster than 1.3 × in proportion from the least number to the greatest."""

import os
import shutil
import sys
import time

from table import gone, run

# Households of the synthetic county for one building, less than there are.
HOUSEHOLDS_A_BUILDING = 1.5
MOVE = "UPDATE buildings SET geom = (SELECT b.geom FROM buildings AS b WHERE b.fid = buildings.fid + {n}) WHERE fid <= {n}"


def main():
    program, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    sizes = sorted(int(v) for v in sys.argv[3:]) or [25_000, 50_000, 100_000]
    os.makedirs(folder, exist_ok=True)
    at = lambda name: os.path.join(folder, name)
    # each moved building takes the place of one that stays
    households = int(sizes[-1] * 2 * HOUSEHOLDS_A_BUILDING * 1.2)
    whole, moved, copy = at(f"whole_{households}.gpkg"), at("moved.gpkg"), at("copy.gpkg")
    url = f"sqlite:{os.path.abspath(copy)}"
    if not os.path.exists(whole):
        county = at(f"county_{households}")
        if not os.path.exists(county):
            run(program, "synth", "--households", str(households), "--villages", str(max(1, households // 600)), "--incidents", "1", "--out", county)
        made = f"sqlite:{os.path.abspath(whole)}"
        run(program, "import", "--store", made, "--layer", "regions", os.path.join(county, "regions.geojson"))
        run(program, "import", "--store", made, "--layer", "households", os.path.join(county, "households.csv"))
    steps = {
        "next start": ("migrate", "--store", url),
        "foreign list": ("foreign", "list", "--store", url),
        "check": ("check", url),
        "foreign accept": ("foreign", "accept", "--store", url, "--all"),
        "foreign take-back": ("foreign", "take-back", "--store", url, "--all"),
    }
    print(time.strftime("Measured %Y-%m-%d, load {:.1f}.".format(os.getloadavg()[0])))
    print(f"\n| edits | {' | '.join(f'{name}, CPU s | MiB' for name in steps)} |\n|---|{'---|---|' * len(steps)}", flush=True)
    seconds = {}
    for size in sizes:
        gone(moved)
        shutil.copyfile(whole, moved)
        run("ogrinfo", moved, "-q", "-sql", MOVE.format(n=size))
        cells = []
        for name, step in steps.items():
            gone(copy)
            shutil.copyfile(moved, copy)
            # what waits is a finding: `check` ends with 1
            used = run(program, *step, fine=(0, 1) if name == "check" else (0,))
            seconds.setdefault(name, []).append(used[1])
            cells += [f"{used[1]:.1f}", f"{used[2]:.0f}"]
        print(f"| {size:,} | {' | '.join(cells)} |", flush=True)
    gone(moved)
    gone(copy)
    times = sizes[-1] / sizes[0] * 1.3
    sys.exit(0 if all(of[-1] <= times * max(of[0], 0.1) for of in seconds.values()) else 1)


if __name__ == "__main__":
    main()
