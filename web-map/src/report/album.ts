// Photos on their way: kept in the browser's own database, as they are too large for its small store, until the service has them.

import { shelf } from "../shelf";

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

/** Where the browser keeps nothing photos live as long as the page. */
export function album(): Album {
  const here = new Map<string, Blob>(), photos = shelf("lianhu.reports", "photos");
  return {
    put: async (key, photo) => { if (!await photos.put({ photo, at: Date.now() } satisfies Kept, key)) here.set(key, photo); },
    get: async key => here.get(key) ?? (await photos.get<Kept>(key))?.photo,
    drop: async key => { here.delete(key); await photos.drop(key); },
    keepOnly: async keys => {
      for (const key of await photos.keys()) {
        if (keys.includes(key)) continue;
        const kept = await photos.get<Kept>(key);
        if (kept === undefined || Date.now() - kept.at > YOUNG_MS) await photos.drop(key);
      }
    },
  };
}
