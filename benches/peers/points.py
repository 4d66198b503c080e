#!/usr/bin/env python3
"""Seedable synthetic household points (metres, local plane; hilly-Guizhou-like).
usage: gen.py N SEED OUT.csv [--urban 0.3]
columns: id,x,y,building   (one row per household; households of one building share the very same point)
Rural: natural villages (hamlets) = 1-3 winding roads, houses both sides with gaps, some infill; 1-3 households per house.
Urban: street blocks of slab buildings with 2-4 stairwells; 10-48 households at ONE building point."""

import sys, argparse, numpy as np


def road(rng, p0, length):
    step = 10.0
    n = max(2, int(length / step))
    h = rng.uniform(0, 2 * np.pi)
    pts = [np.array(p0, float)]
    hs = [h]
    curv = rng.normal(0, 0.02)
    for _ in range(n):
        curv = 0.9 * curv + rng.normal(0, 0.03)
        h += curv
        pts.append(pts[-1] + step * np.array([np.cos(h), np.sin(h)]))
        hs.append(h)
    return np.array(pts), np.array(hs)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("n", type=int)
    ap.add_argument("seed", type=int)
    ap.add_argument("out")
    ap.add_argument("--urban", type=float, default=0.3)
    a = ap.parse_args()
    rng = np.random.default_rng(a.seed)
    n = a.n
    side = 1000.0 * np.sqrt(max(n, 1) / 250.0)  # ~250 households per km2 overall
    rows = []
    b = 0
    cnt = 0
    nu = int(n * a.urban)
    # towns
    while cnt < nu:
        cx, cy = rng.uniform(0.15 * side, 0.85 * side, 2)
        th = rng.uniform(0, np.pi / 2)
        R = np.array([[np.cos(th), -np.sin(th)], [np.sin(th), np.cos(th)]])
        quota = min(nu - cnt, int(rng.integers(400, 2500)))
        got = 0
        nb = 1
        cells = [(i, j) for i in range(-12, 13) for j in range(-12, 13)]
        cells.sort(key=lambda c: c[0] ** 2 + c[1] ** 2 + rng.uniform(0, 6))
        for i, j in cells:
            if got >= quota:
                break
            if rng.random() < 0.15:
                continue  # park, school, empty plot
            ox, oy = i * 110.0, j * 80.0
            kind = rng.random()
            if kind < 0.55:  # slabs
                for s in range(int(rng.integers(2, 4))):
                    for t in range(int(rng.integers(1, 4))):
                        h = int(rng.integers(10, 49))
                        h = min(h, quota - got)
                        if h <= 0:
                            break
                        p = R @ np.array([ox + 10 + t * 28 + rng.normal(0, 1.5), oy + 12 + s * 24 + rng.normal(0, 1.5)]) + [
                            cx,
                            cy,
                        ]
                        rows += [(p[0], p[1], b)] * h
                        b += 1
                        got += h
            else:  # old self-built houses
                for s in range(3):
                    for t in range(int(rng.integers(4, 8))):
                        h = min(int(rng.choice([1, 2, 3, 4], p=[0.4, 0.3, 0.2, 0.1])), quota - got)
                        if h <= 0:
                            break
                        p = R @ np.array([ox + 6 + t * 13 + rng.normal(0, 1.2), oy + 10 + s * 18 + rng.normal(0, 1.2)]) + [cx, cy]
                        rows += [(p[0], p[1], b)] * h
                        b += 1
                        got += h
        cnt += got
    # hamlets
    while cnt < n:
        c = rng.uniform(0, side, 2)
        quota = min(n - cnt, int(np.clip(rng.lognormal(3.7, 0.6), 8, 260)))
        got = 0
        tries = 0
        while got < quota and tries < 12:
            tries += 1
            p0 = c + rng.normal(0, 40, 2)
            pts, hs = road(rng, p0, rng.uniform(120, 700))
            s = 0.0
            L = 10.0 * (len(pts) - 1)
            while s < L and got < quota:
                s += rng.gamma(2.0, 7.0) + (rng.exponential(60) if rng.random() < 0.08 else 0)
                i = int(s // 10)
                if i >= len(pts) - 1:
                    break
                base = pts[i] + (pts[i + 1] - pts[i]) * ((s % 10) / 10)
                nrm = np.array([-np.sin(hs[i]), np.cos(hs[i])])
                for sd in (-1, 1):
                    if rng.random() < 0.55 and got < quota:
                        rowsd = 1 if rng.random() < 0.8 else 2
                        for r in range(rowsd):
                            if got >= quota:
                                break
                            p = base + nrm * sd * (rng.uniform(6, 14) + r * 16) + rng.normal(0, 1, 2)
                            h = min(int(rng.choice([1, 2, 3], p=[0.8, 0.15, 0.05])), quota - got)
                            rows += [(p[0], p[1], b)] * h
                            b += 1
                            got += h
        cnt += got
    rows = rows[:n]
    perm = rng.permutation(n)  # no order to exploit
    with open(a.out, "w") as f:
        f.write("id,x,y,building\n")
        for k, i in enumerate(perm):
            x, y, bb = rows[i]
            f.write(f"{k},{x:.2f},{y:.2f},{bb}\n")


if __name__ == "__main__":
    main()
