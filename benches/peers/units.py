#!/usr/bin/env python3
"""Ten-household units beside their peers: size-constrained 2-D clustering, sizes L..U.
pip install numpy scipy scikit-learn k-means-constrained
usage: units.py POINTS.csv [--peers a,b] [--L 10] [--U 15] [--div 12] [--limit 180] [--csv out.csv] [--external NAME=CMD]
External program (ours): CMD gets  {in} (csv id,x,y,...), {out} (one label per line, same order), {L} {U} {k} {seed}.
Prints one CSV row per peer (header line first); sse in m2, mean_dist and max_radius in m.
Times: wall time of the peer's own call, measured in a child process after loading the points (file IO of C++ tools included)."""

import sys, os, time, argparse, subprocess, json, tempfile, resource, signal
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def load(f):
    d = np.genfromtxt(f, delimiter=",", skip_header=1, usecols=(1, 2))
    return d


def metrics(X, lab, L, U):
    u, l = np.unique(lab, return_inverse=True)
    k = len(u)
    c = np.bincount(l, minlength=k)
    cx = np.bincount(l, X[:, 0]) / c
    cy = np.bincount(l, X[:, 1]) / c
    d2 = (X[:, 0] - cx[l]) ** 2 + (X[:, 1] - cy[l]) ** 2
    mx = np.zeros(k)
    np.maximum.at(mx, l, d2)
    return dict(
        sse=d2.sum(),
        mean_dist=np.sqrt(d2).mean(),
        max_rad=np.sqrt(mx.max()),
        k=k,
        min=int(c.min()),
        max=int(c.max()),
        viol=int(((c < L) | (c > U)).sum()),
    )


def hilbert(X, bits=16):
    lo = X.min(0)
    s = (2**bits - 1) / max((X.max(0) - lo).max(), 1e-9)
    q = ((X - lo) * s).astype(np.int64)
    x = q[:, 0].copy()
    y = q[:, 1].copy()
    d = np.zeros(len(X), np.int64)
    s = 1 << (bits - 1)
    while s > 0:
        rx = ((x & s) > 0).astype(np.int64)
        ry = ((y & s) > 0).astype(np.int64)
        d += s * s * ((3 * rx) ^ ry)
        m = ry == 0
        f = m & (rx == 1)
        x = np.where(f, s - 1 - (x & (s - 1)), x & (s - 1))
        y = np.where(f, s - 1 - (y & (s - 1)), y & (s - 1))
        x, y = np.where(m, y, x), np.where(m, x, y)
        s >>= 1
    return d


def run_peer(name, X, L, U, k, seed):
    n = len(X)
    if name == "kmc":  # PyPI k-means-constrained, n_init=1
        from k_means_constrained import KMeansConstrained

        t = time.time()
        r = KMeansConstrained(n_clusters=k, size_min=L, size_max=U, n_init=1, random_state=seed, n_jobs=1).fit_predict(X)
        return r, time.time() - t
    if name == "kmc10":  # default n_init=10
        from k_means_constrained import KMeansConstrained

        t = time.time()
        r = KMeansConstrained(n_clusters=k, size_min=L, size_max=U, n_init=10, random_state=seed, n_jobs=1).fit_predict(X)
        return r, time.time() - t
    if name == "hilbert":
        t = time.time()
        o = np.argsort(hilbert(X), kind="stable")
        lab = np.empty(n, int)
        lab[o] = (np.arange(n) * k) // n
        return lab, time.time() - t
    if name == "rcb":
        t = time.time()
        lab = np.zeros(n, int)
        st = [(np.arange(n), k)]
        nx = 0
        while st:
            idx, kk = st.pop()
            if kk == 1:
                lab[idx] = nx
                nx += 1
                continue
            a = kk // 2
            P = X[idx]
            ax = int(np.argmax(P.max(0) - P.min(0)))
            m = round(len(idx) * a / kk)
            o = np.argpartition(P[:, ax], m)
            st.append((idx[o[:m]], a))
            st.append((idx[o[m:]], kk - a))
        return lab, time.time() - t
    if name == "mdav":  # MDAV-generic (Domingo-Ferrer & Torra 2005), own numpy port, min size L
        t = time.time()
        lab = -np.ones(n, int)
        rem = np.arange(n)
        c = 0

        def take(P, rem, p):
            d = ((P[rem] - p) ** 2).sum(1)
            o = np.argpartition(d, L - 1)[:L]
            return o

        while len(rem) >= 3 * L:
            ctr = X[rem].mean(0)
            r = X[rem[np.argmax(((X[rem] - ctr) ** 2).sum(1))]]
            s = X[rem[np.argmax(((X[rem] - r) ** 2).sum(1))]]
            for q in (r, s):
                o = take(X, rem, q)
                lab[rem[o]] = c
                c += 1
                rem = np.delete(rem, o)
        if len(rem) >= 2 * L:
            ctr = X[rem].mean(0)
            r = X[rem[np.argmax(((X[rem] - ctr) ** 2).sum(1))]]
            o = take(X, rem, r)
            lab[rem[o]] = c
            c += 1
            rem = np.delete(rem, o)
        lab[rem] = c
        return lab, time.time() - t
    if name == "kmeans_free":  # sklearn, NO size constraint: reference only
        from sklearn.cluster import KMeans

        t = time.time()
        r = KMeans(k, n_init=1, random_state=seed).fit_predict(X)
        return r, time.time() - t
    if name == "ward_free":
        from sklearn.cluster import AgglomerativeClustering
        from scipy.cluster.hierarchy import linkage, fcluster

        if n > 12000:
            raise RuntimeError("n too big for ward")
        t = time.time()
        Z = linkage(X, "ward")
        r = fcluster(Z, k, "maxclust")
        return r, time.time() - t
    raise SystemExit("unknown " + name)


def child(a):
    X = load(a.points)
    lab, dt = run_peer(a.child, X, a.L, a.U, a.k, a.seed)
    m = metrics(X, np.asarray(lab), a.L, a.U)
    m["time"] = dt
    m["rss"] = (
        max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024
    )
    print("RESULT " + json.dumps(m))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("points")
    ap.add_argument("--peers", default="hilbert,rcb,mdav,kmc,kmc10,kmeans_free,ward_free")
    ap.add_argument("--L", type=int, default=10)
    ap.add_argument("--U", type=int, default=15)
    ap.add_argument("--div", type=float, default=12)
    ap.add_argument("--limit", type=float, default=180)
    ap.add_argument("--csv")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--child")
    ap.add_argument("--k", type=int, default=0)
    ap.add_argument("--external", action="append", default=[])
    a = ap.parse_args()
    if a.child:
        return child(a)
    X = load(a.points)
    n = len(X)
    k = a.k or max(1, round(n / a.div))
    name = os.path.basename(a.points)
    out = open(a.csv, "a") if a.csv else None

    def emit(row):
        s = ",".join(str(x) for x in row)
        print(s, flush=True)
        if out:
            out.write(s + "\n")
            out.flush()

    if out is None or out.tell() == 0:
        emit(
            [
                "file",
                "n",
                "peer",
                "k_asked",
                "seed",
                "time_s",
                "sse",
                "mean_dist",
                "max_radius",
                "k",
                "min",
                "max",
                "size_violations",
                "rss_mb",
            ]
        )
    jobs = [(p, None) for p in a.peers.split(",") if p] + [tuple(e.split("=", 1)) for e in a.external]
    for p, cmd in jobs:
        if cmd is None:
            pr = subprocess.Popen(
                [
                    sys.executable,
                    __file__,
                    a.points,
                    "--child",
                    p,
                    "--L",
                    str(a.L),
                    "--U",
                    str(a.U),
                    "--k",
                    str(k),
                    "--seed",
                    str(a.seed),
                ],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            try:
                so, se = pr.communicate(timeout=a.limit)
                m = [l for l in so.splitlines() if l.startswith("RESULT ")]
                if not m:
                    emit(
                        [name, n, p, k, a.seed, "FAIL:" + (se.strip().splitlines() or ["?"])[-1].replace(",", ";")[:90]]
                        + [""] * 8
                    )
                    continue
                m = json.loads(m[0][7:])
            except subprocess.TimeoutExpired:
                os.killpg(pr.pid, signal.SIGKILL)
                pr.wait()
                emit([name, n, p, k, a.seed, ">%g" % a.limit] + [""] * 8)
                continue
        else:
            o = tempfile.mktemp()
            t = time.time()
            c = cmd.format(**{"in": a.points, "out": o, "L": a.L, "U": a.U, "k": k, "seed": a.seed})
            try:
                subprocess.run(c, shell=True, check=True, timeout=a.limit, stdout=subprocess.DEVNULL)
            except Exception as e:
                emit([name, n, p, k, a.seed, "FAIL"] + [""] * 8)
                continue
            dt = time.time() - t
            m = metrics(X, np.loadtxt(o, dtype=int), a.L, a.U)
            m["time"] = dt
            m["rss"] = 0
            os.unlink(o)
        emit(
            [
                name,
                n,
                p,
                k,
                a.seed,
                "%.3f" % m["time"],
                "%.1f" % m["sse"],
                "%.4f" % m["mean_dist"],
                "%.1f" % m["max_rad"],
                m["k"],
                m["min"],
                m["max"],
                m["viol"],
                "%.0f" % m["rss"],
            ]
        )


if __name__ == "__main__":
    main()
