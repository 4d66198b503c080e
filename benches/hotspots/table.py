#!/usr/bin/env python3
"""Hotspots beside their peers, on the same cells, in the same run.

usage: table.py PROGRAM FOLDER [--kernels FILE]
PROGRAM is the release binary; cells and results stand in FOLDER; FILE is what `cargo bench --bench hotspots` printed, without which it is
run. Prints Markdown and ends with 1 where a result differs from esda's: |dz| above 1e-9 or another set of discoveries."""

import csv
import json
import multiprocessing
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def peer(*arguments):
    out = subprocess.run([sys.executable, os.path.join(HERE, "peers.py"), *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(out.stdout.splitlines()[-1])


def ours(program, *arguments):
    """CPU seconds and peak memory in MiB of one run of the program."""
    process = subprocess.Popen([program, "hotspots", *arguments], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{program} hotspots {' '.join(arguments)} failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def compared(path, reference):
    """In a process of its own: the peak that the system reports of a child begins with what its parent holds."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(differences, (path, reference))


def differences(path, reference):
    def rows(p):
        with open(p) as f:
            return {r["h3"]: r for r in csv.DictReader(f)}

    a, b = rows(path), rows(reference)
    dz = max(abs(float(a[c]["z"]) - float(b[c]["z"])) for c in b) if a.keys() == b.keys() else float("inf")
    return dz, sum(a[c]["fdr05"] != b[c]["fdr05"] for c in b if c in a)


def kernels(path):
    if path is None:
        out = subprocess.run(["cargo", "bench", "--bench", "hotspots"], stdout=subprocess.PIPE, text=True, check=True).stdout
    else:
        with open(path) as f:
            out = f.read()
    return {k: float(v) for k, v in (line.split() for line in out.splitlines() if len(line.split()) == 2)}


def line(what, our, their, bar):
    verdict = "" if bar is None else f" {'yes' if our <= their * bar else 'NO'} (≤ {bar:.3g})"
    print(f"| {what} | {our:.4g} | {their:.4g} | {our / their:.3g} |{verdict} |", flush=True)


def main():
    program, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    given = sys.argv[sys.argv.index("--kernels") + 1] if "--kernels" in sys.argv else None
    os.makedirs(folder, exist_ok=True)
    at = lambda name: os.path.join(folder, name)
    cells = {}
    for rings, n in ((57, 9_919), (182, 99_919)):
        cells[n] = at(f"cells_{n}.csv")
        if not os.path.exists(cells[n]):
            subprocess.run([sys.executable, os.path.join(HERE, "cells.py"), str(rings), cells[n]], check=True)
    differing = 0
    print(time.strftime("Measured %Y-%m-%d, load {:.1f}; CPU seconds of whole processes, from file to file.".format(os.getloadavg()[0])))
    print("\n| | lianhu | peer | ratio | bar met |\n|---|---|---|---|---|")
    for n, mode, weights, bar in (
        (9_919, "ring1", "ring1", None),
        (99_919, "ring1", "ring1", 1 / 20),
        (9_919, "arc:500", "band:500", None),
        (99_919, "band:500", "band:500", 1 / 50),
    ):
        out, reference = at("ours.csv"), at(f"esda_{n}_{mode.replace(':', '_')}.csv")
        run = lambda: ours(program, cells[n], "--cells", "--weights", weights, "--permutations", "0", "--out", out)
        # before and after the peer: the machine may be another one by then
        runs = [run() for _ in range(3)]
        esda = peer("esda", cells[n], mode, reference)
        runs += [run() for _ in range(3)]
        cpu, rss = min(r[0] for r in runs), max(r[1] for r in runs)
        line(f"{n:,} cells, {weights}: CSV → z + FDR, s of CPU beside esda ({mode})", cpu, esda["cpu"], bar)
        line(f"{n:,} cells, {weights}: peak MiB beside esda", rss, esda["max_rss_mib"], None)
        if mode.startswith("band"):
            print(f"| mean neighbours {esda['neighbours']:.1f}; our peak ≤ 100 MiB | {rss:.0f} | | | {'yes' if rss <= 100 else 'NO'} |")
            continue
        dz, sets = compared(out, reference)
        differing += dz > 1e-9 or sets > 0
        print(f"| {n:,} cells, {weights}: max dz, differing FDR marks | {dz:.2g} | {sets} | | {'NO' if dz > 1e-9 or sets else 'yes'} |")
    own, floor = kernels(given), peer("csr", cells[99_919])
    line("99,919 cells, kernel ms beside scipy's CSR product", own["kernel_ms"], floor["product_ms"], 2)
    line("99,919 cells, kernel ms beside the product and its formula in numpy", own["kernel_ms"], floor["with_formula_ms"], None)
    line("99,919 cells, 999 permutations, s beside pygeoda (one thread)", own["permutations_ms"] / 1e3, peer("pygeoda", cells[99_919], "999")["cpu"], 1 / 5)
    line("80,000 points, density ms beside scipy's fftconvolve", own["density_ms"], peer("density")["density_ms"], 1)
    print(f"\nring-1 weights {own['ring1_ms']:.1f} ms; one incident more {own['update_us']:.2f} µs; {own['density_nodes']:,.0f} nodes.")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
