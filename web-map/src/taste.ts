// What the page remembers of the reader's taste.

import type { Lang } from "./strings";
import type { PaletteName } from "./style/palette";

const TASTE = "lianhu.taste";

export interface Taste { lang?: Lang; palette?: PaletteName }

export function remembered(): Taste {
  try {
    const kept = JSON.parse(localStorage.getItem(TASTE) ?? "{}") as { lang?: unknown; palette?: unknown };
    const palette = (["calm", "strong", "grey"] as const).find(p => p === kept.palette);
    return { ...(kept.lang === "en" ? { lang: "en" as const } : {}), ...(palette === undefined ? {} : { palette }) };
  } catch {
    return {};
  }
}

export function remember({ lang, palette }: { lang: Lang; palette: PaletteName }): void {
  try { localStorage.setItem(TASTE, JSON.stringify({ lang, palette })); } catch { /* a page without memory works too */ }
}
