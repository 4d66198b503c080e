// The browser's own database, for what is too large for its small store: one shelf of values by their names.

export interface Shelf {
  put(value: unknown, key: string): Promise<boolean>;
  get<T>(key: string): Promise<T | undefined>;
  drop(key: string): Promise<void>;
  keys(): Promise<string[]>;
}

/** Where the browser keeps nothing, as some do in private windows, nothing is there and `put` says so. */
export function shelf(database: string, store: string): Shelf {
  const base = new Promise<IDBDatabase | null>(done => {
    try {
      const asked = indexedDB.open(database, 1);
      asked.onupgradeneeded = () => { asked.result.createObjectStore(store); };
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => done(null);
    } catch { done(null); }
  });
  async function run<T>(mode: IDBTransactionMode, work: (values: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
    const open = await base;
    if (open === null) return undefined;
    return new Promise((done, fail) => {
      const turn = open.transaction(store, mode), asked = work(turn.objectStore(store));
      turn.oncomplete = () => done(asked.result);
      turn.onabort = turn.onerror = () => fail(turn.error ?? new Error(store));
    });
  }
  return {
    put: async (value, key) => { try { return await run("readwrite", values => values.put(value, key)) !== undefined; } catch { return false; } },
    get: key => run("readonly", values => values.get(key)),
    drop: async key => { await run("readwrite", values => values.delete(key)); },
    keys: async () => (await run("readonly", values => values.getAllKeys()) ?? []).map(String),
  };
}
