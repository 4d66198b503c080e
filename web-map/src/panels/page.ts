// What every view of the page has: a language and a name, a choice of divisions, and a word where something went wrong that nobody expected.

import type { Region } from "../api";
import { text, type Key, type Lang } from "../strings";
import { h } from "./dom";

const tag = (lang: Lang): string => lang === "zh" ? "zh-CN" : "en";

/** Language and name of the page itself, for readers, fonts and tabs. */
export function nameThePage(lang: Lang, view: Key): void {
  document.documentElement.lang = tag(lang);
  document.title = `${text(lang, "app")} · ${text(lang, view)}`;
}

/** The button for the other language. */
export function languageButton(lang: Lang, choose: (lang: Lang) => void): HTMLElement {
  const other = lang === "zh" ? "en" : "zh";
  return h("button", { testid: "language", lang: tag(other), click: () => choose(other) }, text(lang, "language"));
}

/** Divisions to choose from, level by level, as far as one has gone down and one further. */
export function regionChoices(lang: Lang, path: readonly Region[], below: (code: string | null) => readonly Region[], choose: (code: string | null) => void): HTMLElement[] {
  return [null, ...path].flatMap((parent, i) => {
    const code = parent?.code ?? null, [first, ...others] = below(code), word = first === undefined ? "" : text(lang, `level_${first.level}`);
    return first === undefined ? [] : [h("select", {
      testid: `region-${i}`, label: word,
      change: e => { const chosen = (e.target as HTMLSelectElement).value; choose(chosen === "" ? code : chosen); },
    }, h("option", { value: "" }, `${word}…`), ...[first, ...others].map(r => h("option", { value: r.code, selected: r.code === path[i]?.code }, r.name)))];
  });
}

/** What nobody expected is said, not only written into the browser's log. */
export function tellFaults(say: (kind: "bad", key: "failed", values: { why: string }) => void): void {
  window.addEventListener("unhandledrejection", e => say("bad", "failed", { why: String(e.reason) }));
}
