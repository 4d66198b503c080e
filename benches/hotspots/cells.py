#!/usr/bin/env python3
"""Cells to compare with: an H3 disk of resolution 10 around Anshun, Poisson counts of mean 0.8 and five planted zones.

usage: cells.py RINGS OUT.csv      57 rings are 9,919 cells, 182 are 99,919; columns h3,lat,lon,count"""

import csv
import sys

import h3
import numpy as np

LAT, LON = 26.2456, 105.9320


def main():
    rings, out = int(sys.argv[1]), sys.argv[2]
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(LAT, LON, 10), rings))
    places = np.array([h3.cell_to_latlng(c) for c in cells])
    rng = np.random.default_rng(20261126)
    mean = np.full(len(cells), 0.8)
    for lat, lon in places[rng.choice(len(cells), 5, replace=False)]:
        km = np.hypot((places[:, 0] - lat) * 111.2, (places[:, 1] - lon) * 111.2 * np.cos(np.radians(LAT)))
        mean += 6 * np.exp(-((km / 0.4) ** 2))
    counts = rng.poisson(mean)
    with open(out, "w", newline="") as f:
        w = csv.writer(f)
        w.writerow(["h3", "lat", "lon", "count"])
        for cell, (lat, lon), n in zip(cells, places, counts):
            w.writerow([cell, f"{lat:.9f}", f"{lon:.9f}", int(n)])


if __name__ == "__main__":
    main()
