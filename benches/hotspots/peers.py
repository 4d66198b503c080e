#!/usr/bin/env python3
"""One peer on one file, in a process of its own; prints JSON with its CPU seconds by step and peak memory.

usage: peers.py esda CELLS.csv ring1|band:METRES|arc:METRES OUT.csv     G_Local(star=True, transform='B') and fdr, from file to file
       peers.py csr CELLS.csv           a scipy CSR product, alone and with the formula, best of nine (milliseconds)
       peers.py pygeoda CELLS.csv PERMUTATIONS
       peers.py density                 80,000 points, linear binning and scipy's fftconvolve, best of 7 (milliseconds)
       peers.py rates                   esda's Empirical_Bayes on counts and households of standard input, as JSON"""

import csv
import json
import os
import resource
import sys
import time
import warnings

# One thread, as ours is measured.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np

warnings.filterwarnings("ignore")


def cpu():
    r = resource.getrusage(resource.RUSAGE_SELF)
    return r.ru_utime + r.ru_stime


def read(path):
    with open(path) as f:
        rows = list(csv.DictReader(f))
    return [r["h3"] for r in rows], np.array([float(r["count"]) for r in rows]), rows


def ring1(ids):
    import h3

    at = {c: i for i, c in enumerate(ids)}
    return [[at[n] for n in h3.grid_disk(c, 1) if n != c and n in at] for c in ids]


def esda(path, mode, out):
    import libpysal
    from esda import fdr
    from esda.getisord import G_Local
    from scipy.stats import norm

    steps = {"import": cpu()}
    ids, y, rows = read(path)
    steps["read"] = cpu()
    if mode == "ring1":
        w = libpysal.weights.W(dict(enumerate(ring1(ids))), silence_warnings=True)
    else:
        kind, metres = mode.split(":")
        lon, lat = [float(r["lon"]) for r in rows], [float(r["lat"]) for r in rows]
        if kind == "arc":
            # Great circles on H3's own sphere, in kilometres.
            places = np.column_stack([lon, lat])
            tree = libpysal.cg.KDTree(places, distance_metric="Arc", radius=6371.007180918475)
            w = libpysal.weights.DistanceBand(tree, threshold=float(metres) / 1000, binary=True, silence_warnings=True)
        else:
            from pyproj import Transformer

            places = np.column_stack(Transformer.from_crs(4326, 4524, always_xy=True).transform(lon, lat))
            w = libpysal.weights.DistanceBand(places, threshold=float(metres), binary=True, silence_warnings=True)
    steps["weights"] = cpu()
    g = G_Local(y, w, transform="B", permutations=0, star=True, n_jobs=1)
    steps["gi"] = cpu()
    p = 2 * norm.sf(np.abs(g.Zs))
    cut = fdr(p, 0.05)
    with open(out, "w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(["h3", "z", "p", "fdr05"])
        for c, z, v in zip(ids, g.Zs, p):
            writer.writerow([c, repr(float(z)), repr(float(v)), int(v <= cut)])
    return {"steps": steps, "neighbours": float(w.mean_neighbors)}


def csr(path):
    from scipy.sparse import csr_matrix

    ids, x, _ = read(path)
    rows = ring1(ids)
    n = len(ids)
    i = np.concatenate([[k] * (len(r) + 1) for k, r in enumerate(rows)])
    j = np.concatenate([r + [k] for k, r in enumerate(rows)])
    w = csr_matrix((np.ones(len(i)), (i, j)), (n, n))

    def formula():
        s = w @ x
        k = np.diff(w.indptr)
        m = x.mean()
        sd = np.sqrt((x * x).mean() - m * m)
        return (s - m * k) / (sd * np.sqrt((n * k - k * k) / (n - 1)))

    def best_ms(work, times=200):
        best = 1e9
        for _ in range(9):
            t = time.process_time()
            for _ in range(times):
                work()
            best = min(best, (time.process_time() - t) * 1e3 / times)
        return best

    return {"product_ms": best_ms(lambda: w @ x), "with_formula_ms": best_ms(formula), "z0": float(formula()[0])}


def pygeoda(path, permutations):
    """pygeoda takes weights from a file: ring-1 as GAL, beside a table of points it can open."""
    import tempfile

    import pygeoda as geoda

    ids, y, rows = read(path)
    near = ring1(ids)
    folder = tempfile.mkdtemp()
    name = os.path.join(folder, "w.gal")
    with open(name, "w") as f:
        f.write(f"0 {len(ids)} w id\n")
        for k, r in enumerate(near):
            f.write(f"{k + 1} {len(r)}\n{' '.join(str(v + 1) for v in r)}\n")
    w = geoda.read_gal(name, [str(k + 1) for k in range(len(ids))])
    t = cpu()
    lisa = geoda.local_gstar(w, list(y), permutations=permutations, cpu_threads=1, seed=12345)
    return {"cpu_s": cpu() - t, "z0": float(lisa.lisa_values()[0])}


def density():
    from scipy.signal import fftconvolve

    rng = np.random.default_rng(1)
    x, y = 40_000 * rng.random(80_000), 30_000 * rng.random(80_000) ** 2
    h, spacing = 300.0, 50.0

    def surface():
        x0, y0 = (np.floor((v.min() - 3 * h) / spacing) * spacing for v in (x, y))
        nx, ny = (int(np.ceil((v.max() + 3 * h) / spacing) - o / spacing) + 1 for v, o in ((x, x0), (y, y0)))
        u, v = (x - x0) / spacing, (y - y0) / spacing
        i, j = u.astype(int), v.astype(int)
        a, b = u - i, v - j
        flat = np.zeros(nx * ny)
        for di, dj, part in ((0, 0, (1 - a) * (1 - b)), (1, 0, a * (1 - b)), (0, 1, (1 - a) * b), (1, 1, a * b)):
            flat += np.bincount((j + dj) * nx + i + di, part, nx * ny)
        k = np.arange(-int(np.ceil(5 * h / spacing)), int(np.ceil(5 * h / spacing)) + 1) * spacing
        g = np.exp(-0.5 * (k / h) ** 2)
        return fftconvolve(flat.reshape(ny, nx), np.outer(g, g) * 1e6 / (2 * np.pi * h * h), mode="same")

    best = 1e9
    for _ in range(7):
        t = time.process_time()
        d = surface()
        best = min(best, time.process_time() - t)
    return {"density_ms": best * 1e3, "nodes": int(d.size)}


def rates():
    from esda.smoothing import Empirical_Bayes

    given = json.load(sys.stdin)
    eb = Empirical_Bayes(np.array(given["counts"], float).reshape(-1, 1), np.array(given["households"], float).reshape(-1, 1))
    return {"rates": np.asarray(eb.r, float).ravel().tolist()}


def main():
    kind, rest = sys.argv[1], sys.argv[2:]
    found = {
        "esda": lambda: esda(*rest),
        "csr": lambda: csr(*rest),
        "pygeoda": lambda: pygeoda(rest[0], int(rest[1])),
        "density": density,
        "rates": rates,
    }[kind]()
    found["cpu"] = found.get("cpu_s", cpu())
    found["max_rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


if __name__ == "__main__":
    main()
