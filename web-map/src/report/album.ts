// Photos on their way: kept in the browser's own database, as they are too large for its small store, until the service has them.

export interface Album {
  put(key: string, photo: Blob): Promise<void>;
  get(key: string): Promise<Blob | undefined>;
  drop(key: string): Promise<void>;
  /** Leaves nothing behind of reports that are no more. */
  keepOnly(keys: readonly string[]): Promise<void>;
}

interface Kept { photo: Blob; at: number }
/** A photo is put here a moment before its report is: younger ones are nobody's leavings. */
const YOUNG_MS = 60_000;

/** Where the browser keeps nothing, as some do in private windows, photos live as long as the page. */
export function album(): Album {
  const here = new Map<string, Blob>();
  const base = new Promise<IDBDatabase | null>(done => {
    try {
      const asked = indexedDB.open("lianhu.reports", 1);
      asked.onupgradeneeded = () => { asked.result.createObjectStore("photos"); };
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => done(null);
    } catch { done(null); }
  });
  async function run<T>(mode: IDBTransactionMode, work: (photos: IDBObjectStore) => IDBRequest<T>): Promise<T | null> {
    const open = await base;
    if (open === null) return null;
    return new Promise((done, fail) => {
      const turn = open.transaction("photos", mode), asked = work(turn.objectStore("photos"));
      turn.oncomplete = () => done(asked.result);
      turn.onabort = turn.onerror = () => fail(turn.error ?? new Error("photos"));
    });
  }
  return {
    put: async (key, photo) => {
      try { if (await run("readwrite", photos => photos.put({ photo, at: Date.now() } satisfies Kept, key)) === null) here.set(key, photo); } catch { here.set(key, photo); }
    },
    get: async key => here.get(key) ?? (await run<Kept | undefined>("readonly", photos => photos.get(key) as IDBRequest<Kept | undefined>))?.photo,
    drop: async key => { here.delete(key); await run("readwrite", photos => photos.delete(key)); },
    keepOnly: async keys => {
      const found = await run("readonly", photos => photos.getAllKeys()) ?? [];
      for (const key of found) {
        if (typeof key !== "string" || keys.includes(key)) continue;
        const kept = await run<Kept | undefined>("readonly", photos => photos.get(key) as IDBRequest<Kept | undefined>);
        if (kept === null || kept === undefined || Date.now() - kept.at > YOUNG_MS) await run("readwrite", photos => photos.delete(key));
      }
    },
  };
}
