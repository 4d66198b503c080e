#!/usr/bin/env python3
"""Balanced contiguous grids beside their peers.
pip install numpy scipy shapely pymetis kahip gerrychain k-means-constrained scikit-learn
usage: grids.py POINTS.csv [--per 300] [--peers ..] [--limit 180] [--csv out.csv] [--external 'NAME=CMD {in} {out} {k} {seed}']
Atoms = buildings (unique points, weight = households); graph = Voronoi adjacency clipped to the buffered hull (edge only if the shared side lies inside);
external program writes one label per household line of the csv. One CSV row per peer:
file,n,atoms,peer,k,seed,time_s,max_dev_pct,mean_dev_pct,extra_parts,k_out,cut_edges,cut_km,mean_pp,min_pp,sse_hh,max_radius
extra_parts = connected components beyond one per grid; pp = Polsby-Popper of the dissolved Voronoi polygons (4*pi*A/P^2)."""

import sys, os, time, argparse, subprocess, json, tempfile, resource, signal
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def prep(f):
    d = np.genfromtxt(f, delimiter=",", skip_header=1, usecols=(1, 2))
    X, inv = np.unique(d, axis=0, return_inverse=True)
    inv = inv.ravel()
    w = np.bincount(inv)
    from scipy.spatial import Voronoi, ConvexHull
    import shapely

    hull = shapely.Polygon(X[ConvexHull(X).vertices]).buffer(50.0, quad_segs=4)
    c = X.mean(0)
    R = 20 * np.ptp(X, axis=0).max()
    a = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    far = c + R * np.c_[np.cos(a), np.sin(a)]
    V = Voronoi(np.vstack([X, far]))
    n = len(X)
    rp = V.ridge_points
    rv = np.array(V.ridge_vertices, dtype=object)
    ok = np.array([(p[0] < n or p[1] < n) and -1 not in r for p, r in zip(rp, V.ridge_vertices)])
    rp = rp[ok]
    rv = np.array([r for r, o in zip(V.ridge_vertices, ok) if o])
    S = V.vertices[rv]
    lines = shapely.linestrings(S)
    ln = shapely.length(shapely.intersection(lines, hull))
    inner = (rp[:, 0] < n) & (rp[:, 1] < n) & (ln > 1e-6)
    E = rp[inner]
    EL = ln[inner]
    # cell areas clipped + outer boundary length per cell
    area = np.zeros(n)
    outer = np.zeros(n)
    shapely.prepare(hull)
    polys = [
        shapely.Polygon(V.vertices[V.regions[V.point_region[i]]]) if -1 not in V.regions[V.point_region[i]] else None
        for i in range(n)
    ]
    P = np.array(polys, dtype=object)
    inside = shapely.contains_properly(hull, P)
    area[inside] = shapely.area(P[inside])
    o = np.where(~inside)[0]
    I = shapely.intersection(P[o], hull)
    area[o] = shapely.area(I)
    per = shapely.length(I)
    inn = np.zeros(n)
    np.add.at(inn, E[:, 0], EL)
    np.add.at(inn, E[:, 1], EL)
    outer[o] = np.maximum(per - inn[o], 0)
    return d, X, inv, w, E, EL, area, outer


def metrics(G, lab, k):
    d, X, inv, w, E, EL, area, outer = G
    u, l = np.unique(lab, return_inverse=True)
    ko = len(u)
    s = np.bincount(l, w, ko)
    mean = w.sum() / k
    cut = l[E[:, 0]] != l[E[:, 1]]
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    same = ~cut
    nc, _ = connected_components(
        coo_matrix((np.ones(same.sum()), (E[same, 0], E[same, 1])), shape=(len(X), len(X))), directed=False
    )
    A = np.bincount(l, area, ko)
    P = np.bincount(l, outer, ko)
    np.add.at(P, l[E[cut, 0]], EL[cut])
    np.add.at(P, l[E[cut, 1]], EL[cut])
    pp = 4 * np.pi * A / np.maximum(P, 1e-9) ** 2
    cx = np.bincount(l, w * X[:, 0], ko) / s
    cy = np.bincount(l, w * X[:, 1], ko) / s
    r2 = (X[:, 0] - cx[l]) ** 2 + (X[:, 1] - cy[l]) ** 2
    dev = np.abs(s / mean - 1) * 100
    return dict(
        max_dev=dev.max(),
        mean_dev=dev.mean(),
        extra=int(nc - ko),
        k_out=ko,
        cut=int(cut.sum()),
        cut_km=EL[cut].sum() / 1000,
        pp=pp.mean(),
        pp_min=pp.min(),
        sse=float((w * r2).sum()),
        maxr=float(np.sqrt(r2.max())),
    )


def csr(n, E, EL):
    from scipy.sparse import coo_matrix

    i = np.r_[E[:, 0], E[:, 1]]
    j = np.r_[E[:, 1], E[:, 0]]
    v = np.r_[EL, EL]
    A = coo_matrix((v, (i, j)), shape=(n, n)).tocsr()
    A.sort_indices()
    return A


def run_peer(p, G, k, seed):
    d, X, inv, w, E, EL, area, outer = G
    n = len(X)
    if p.startswith("metis"):
        import pymetis

        A = csr(n, E, EL)
        wt = np.maximum(1, (A.data * 10).astype(int)) if "len" in p else None
        uf = 10 if p.endswith("10") else 30
        o = pymetis.Options(seed=seed, ufactor=uf, contig=1) if "rec" not in p else pymetis.Options(seed=seed, ufactor=uf)
        t = time.time()
        _, l = pymetis.part_graph(
            k,
            xadj=A.indptr.tolist(),
            adjncy=A.indices.tolist(),
            vweights=w.tolist(),
            eweights=None if wt is None else wt.tolist(),
            recursive="rec" in p,
            options=o,
        )
        return np.array(l), time.time() - t
    if p.startswith("kahip"):
        import kahip

        A = csr(n, E, EL)
        m = {"fast": 0, "eco": 1, "strong": 2}[p.split("_")[1]]
        wt = np.maximum(1, (A.data * 10).astype(int)).tolist() if p.endswith("len") else np.ones(len(A.data), int).tolist()
        t = time.time()
        c, l = kahip.kaffpa(w.tolist(), A.indptr.tolist(), wt, A.indices.tolist(), k, 0.03, True, seed, m)
        return np.array(l), time.time() - t
    if p == "tree_part":
        import networkx as nx, random

        random.seed(seed)
        from gerrychain.tree import recursive_tree_part

        try:
            from gerrychain import Graph

            g = nx.Graph()
            g.add_nodes_from((i, {"pop": int(w[i])}) for i in range(n))
            g.add_edges_from(map(tuple, E.tolist()))
            gg = Graph.from_networkx(g)
        except Exception:
            gg = g
        t = time.time()
        try:
            a = recursive_tree_part(gg, range(k), w.sum() / k, "pop", 0.10)
        except Exception:
            a = recursive_tree_part(
                gg.convert_from_nx_to_rx() if hasattr(gg, "convert_from_nx_to_rx") else gg, range(k), w.sum() / k, "pop", 0.10
            )
        dt = time.time() - t
        m = [a[i] for i in range(n)]
        return np.array(m), dt
    if p == "kmc":
        from k_means_constrained import KMeansConstrained

        m = len(d) / k
        t = time.time()
        r = KMeansConstrained(k, int(0.97 * m), int(np.ceil(1.03 * m)), n_init=1, random_state=seed, n_jobs=1).fit_predict(d)
        dt = time.time() - t
        lab = np.zeros(n, int)
        lab[inv] = r
        return lab, dt
    from units import hilbert

    if p == "hilbert":
        t = time.time()
        o = np.argsort(hilbert(X), kind="stable")
        cw = np.cumsum(w[o]) - w[o] / 2
        lab = np.empty(n, int)
        lab[o] = np.minimum((cw * k / w.sum()).astype(int), k - 1)
        return lab, time.time() - t
    if p == "rcb":
        t = time.time()
        lab = np.zeros(n, int)
        st = [(np.arange(n), k)]
        nx_ = 0
        while st:
            idx, kk = st.pop()
            if kk == 1:
                lab[idx] = nx_
                nx_ += 1
                continue
            a = kk // 2
            Q = X[idx]
            ax = int(np.argmax(np.ptp(Q, axis=0)))
            o = np.argsort(Q[:, ax])
            cw = np.cumsum(w[idx][o])
            m = int(np.searchsorted(cw, cw[-1] * a / kk))
            m = min(max(m, 1), len(idx) - 1)
            if m > 0 and abs(cw[m - 1] - cw[-1] * a / kk) > abs(cw[m] - cw[-1] * a / kk):
                m += 1
            st.append((idx[o[:m]], a))
            st.append((idx[o[m:]], kk - a))
        return lab, time.time() - t
    if p == "kmeans_free":
        from sklearn.cluster import KMeans

        t = time.time()
        r = KMeans(k, n_init=1, random_state=seed).fit(X, sample_weight=w).labels_
        return r, time.time() - t
    raise SystemExit("unknown " + p)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("points")
    ap.add_argument("--per", type=float, default=300)
    ap.add_argument("--k", type=int, default=0)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--limit", type=float, default=180)
    ap.add_argument("--csv")
    ap.add_argument("--child")
    ap.add_argument("--external", action="append", default=[])
    ap.add_argument(
        "--peers",
        default="hilbert,rcb,metis,metis_len,metis_len10,metis_rec_len,kahip_eco_len,kahip_strong_len,tree_part,kmc,kmeans_free",
    )
    a = ap.parse_args()
    import pickle

    cache = a.points + ".graph.pkl"
    if os.path.exists(cache):
        G = pickle.load(open(cache, "rb"))
    else:
        t = time.time()
        G = prep(a.points)
        pickle.dump(G, open(cache, "wb"))
        print("# graph built in %.2fs, %d atoms %d edges" % (time.time() - t, len(G[1]), len(G[4])))
    k = a.k or max(2, round(len(G[0]) / a.per))
    if a.child:
        lab, dt = run_peer(a.child, G, k, a.seed)
        m = metrics(G, lab, k)
        m["time"] = dt
        m["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print("RESULT " + json.dumps(m, default=float))
        return
    out = open(a.csv, "a") if a.csv else None
    name = os.path.basename(a.points)

    def emit(r):
        s = ",".join(str(x) for x in r)
        print(s, flush=True)
        if out:
            out.write(s + "\n")
            out.flush()

    if out is None or out.tell() == 0:
        emit(
            "file,n,atoms,peer,k,seed,time_s,max_dev_pct,mean_dev_pct,extra_parts,k_out,cut_edges,cut_km,mean_pp,min_pp,sse_hh,max_radius,rss_mb".split(
                ","
            )
        )
    for p, cmd in [(p, None) for p in a.peers.split(",") if p] + [tuple(e.split("=", 1)) for e in a.external]:
        h = [name, len(G[0]), len(G[1]), p, k, a.seed]
        if cmd:
            o = tempfile.mktemp()
            t = time.time()
            try:
                subprocess.run(
                    cmd.format(**{"in": a.points, "out": o, "k": k, "seed": a.seed}),
                    shell=True,
                    check=True,
                    timeout=a.limit,
                    stdout=subprocess.DEVNULL,
                )
            except Exception:
                emit(h + ["FAIL"])
                continue
            dt = time.time() - t
            r = np.loadtxt(o, dtype=int)
            lab = np.zeros(len(G[1]), int)
            lab[G[2]] = r
            m = metrics(G, lab, k)
            m["time"] = dt
            m["rss"] = 0
            os.unlink(o)
        else:
            pr = subprocess.Popen(
                [sys.executable, __file__, a.points, "--child", p, "--k", str(k), "--seed", str(a.seed)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            try:
                so, se = pr.communicate(timeout=a.limit)
                m = [l for l in so.splitlines() if l.startswith("RESULT ")]
                if not m:
                    emit(h + ["FAIL:" + (se.strip().splitlines() or ["?"])[-1].replace(",", ";")[:100]])
                    continue
                m = json.loads(m[0][7:])
            except subprocess.TimeoutExpired:
                os.killpg(pr.pid, signal.SIGKILL)
                pr.wait()
                emit(h + [">%g" % a.limit])
                continue
        emit(
            h
            + [
                "%.3f" % m["time"],
                "%.2f" % m["max_dev"],
                "%.2f" % m["mean_dev"],
                m["extra"],
                m["k_out"],
                m["cut"],
                "%.2f" % m["cut_km"],
                "%.4f" % m["pp"],
                "%.4f" % m["pp_min"],
                "%.0f" % m["sse"],
                "%.0f" % m["maxr"],
                "%.0f" % m["rss"],
            ]
        )


if __name__ == "__main__":
    main()
