// A question that must be answered before something is done: a dialog with a few fields.

import { findElsewhere } from "../api";
import { field, h, labelled, marked } from "../panels/dom";
import type { Key } from "../strings";

export interface Asked { name: string; label: string; value?: string; type?: string; required?: boolean; choices?: readonly (readonly [string, string])[]; autocomplete?: string }

/** Asks; the answers by name, or null where the reader thought better of it. */
export function prompt(title: string, why: string, fields: readonly Asked[], words: { go: string; cancel: string }, danger = false, elsewhere: HTMLElement | null = null): Promise<Record<string, string> | null> {
  return new Promise(answer => {
    const inputs = fields.map(f => labelled(f.label,
      f.choices === undefined ? h("input", { name: f.name, testid: `ask-${f.name}`, type: f.type ?? "text", required: f.required === true, value: f.value ?? "", ...(f.type === undefined || f.type === "text" ? { maxlength: 200 } : {}), autocomplete: f.autocomplete ?? "off" })
        : h("select", { name: f.name, testid: `ask-${f.name}` }, ...f.choices.map(([value, word]) => h("option", { value, selected: value === f.value }, word)))));
    const dialog = h("dialog", { class: "dialog", label: title }, h("h2", {}, title), why === "" ? null : h("p", { class: "quiet" }, why),
      h("form", { testid: "ask", submit: e => {
        e.preventDefault();
        const form = e.target as HTMLFormElement;
        end(Object.fromEntries(fields.map(f => [f.name, field(form, f.name)])));
      } }, ...inputs, h("div", { class: "buttons end" }, elsewhere,
        h("button", { type: "button", testid: "ask-cancel", click: () => end(null) }, words.cancel),
        h("button", { type: "submit", class: danger ? "primary danger" : "primary", testid: "ask-go" }, words.go))));
    let ended = false;
    const before = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["testid"] : undefined;
    const end = (values: Record<string, string> | null): void => {
      if (ended) return;
      ended = true;
      dialog.close();
      dialog.remove();
      // what was pressed may have been drawn anew meanwhile
      if (document.activeElement === document.body) marked(document, before)?.focus();
      answer(values);
    };
    dialog.addEventListener("close", () => end(null));
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Asks for a name and a password, or shows the way to the organisation's accounts. */
export async function askName(t: (key: Key) => string, why: string, view: "room" | "wall" | "report"): Promise<Record<string, string> | null> {
  const there = await findElsewhere(view);
  return prompt(t("signIn"), why, [{ name: "name", label: t("user"), required: true, autocomplete: "username" }, { name: "password", label: t("password"), type: "password", required: true, autocomplete: "current-password" }],
    { go: t("signIn"), cancel: t("cancel") }, false, there === null ? null : h("a", { class: "button", href: there, testid: "sign-in-elsewhere" }, t("signInElsewhere")));
}
