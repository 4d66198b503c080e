// Elements without a framework: text goes in as text, never as markup.

export type Child = Node | string | number | null | undefined | false;
export interface Props {
  class?: string; testid?: string; title?: string; label?: string; id?: string; role?: string; disabled?: boolean; value?: string;
  type?: string; href?: string; pressed?: boolean; selected?: boolean; checked?: boolean; expanded?: boolean; name?: string; min?: number; max?: number;
  step?: number; required?: boolean; colspan?: number; scope?: string; lang?: string; autocomplete?: string; live?: "polite" | "assertive"; tabindex?: number;
  for?: string; maxlength?: number; current?: boolean; open?: boolean; download?: boolean;
  click?: (event: MouseEvent) => void; input?: (event: Event) => void; change?: (event: Event) => void; submit?: (event: SubmitEvent) => void; toggle?: (event: Event) => void;
  key?: (event: KeyboardEvent) => void; hint?: string;
}

const ATTRIBUTES: Partial<Record<keyof Props, string>> = {
  class: "class", testid: "data-testid", title: "title", label: "aria-label", id: "id", role: "role", type: "type", href: "href", name: "name", min: "min",
  max: "max", step: "step", colspan: "colspan", scope: "scope", lang: "lang", autocomplete: "autocomplete", live: "aria-live", tabindex: "tabindex", for: "for",
  maxlength: "maxlength", hint: "placeholder",
};

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [key, name] of Object.entries(ATTRIBUTES)) {
    const value = props[key as keyof Props];
    if (value !== undefined && value !== "") made.setAttribute(name, String(value));
  }
  if (props.pressed !== undefined) made.setAttribute("aria-pressed", String(props.pressed));
  if (props.selected !== undefined && !(made instanceof HTMLOptionElement)) made.setAttribute("aria-selected", String(props.selected));
  if (props.expanded !== undefined) made.setAttribute("aria-expanded", String(props.expanded));
  if (props.current === true) made.setAttribute("aria-current", "true");
  for (const flag of ["disabled", "required", "open", "download"] as const) if (props[flag] === true) made.setAttribute(flag, "");
  made.append(...children.filter(c => c !== null && c !== undefined && c !== false).map(c => typeof c === "number" ? String(c) : c));
  if (made instanceof HTMLOptionElement && props.selected === true) made.selected = true;
  if (made instanceof HTMLInputElement && props.checked !== undefined) made.checked = props.checked;
  if (props.value !== undefined && (made instanceof HTMLInputElement || made instanceof HTMLSelectElement || made instanceof HTMLOptionElement)) made.value = props.value;
  const on = (name: string, f: ((e: never) => void) | undefined): void => { if (f !== undefined) made.addEventListener(name, f as EventListener); };
  on("click", props.click); on("input", props.input); on("change", props.change); on("submit", props.submit); on("toggle", props.toggle); on("keydown", props.key);
  return made;
}

/** The element of a mark, which may hold whatever a file calls its columns. */
export const marked = (place: ParentNode, mark: string | undefined): HTMLElement | null => mark === undefined ? null : place.querySelector<HTMLElement>(`[data-testid="${CSS.escape(mark)}"]`);

/** Whoever has a state that changes. */
export interface Holder<S> { readonly store: { readonly state: S; subscribe(listener: (now: S, before: S) => void): void } }

/** Fills a place again whenever what it depends on changes; the keyboard's focus stays where it was, with what is being typed. */
export function mount<S>(place: HTMLElement, app: Holder<S>, on: (state: S) => readonly unknown[], draw: () => Child[]): () => void {
  let last: readonly unknown[] = [], top = 0;
  // asking for it while filling would have the whole page laid out twice
  place.addEventListener("scroll", () => { top = place.scrollTop; }, { passive: true });
  const fill = (): void => {
    const focused = document.activeElement;
    const held = focused instanceof HTMLElement && place.contains(focused) ? focused.dataset["testid"] : undefined;
    const was = top;
    place.replaceChildren(...draw().filter(c => c !== null && c !== undefined && c !== false).map(c => typeof c === "number" ? String(c) : c));
    if (was > 0) place.scrollTop = was;
    if (held === undefined) return;
    const again = marked(place, held);
    if (again instanceof HTMLInputElement && focused instanceof HTMLInputElement && again.type === focused.type && again.type !== "file") again.value = focused.value;
    again?.focus({ preventScroll: true });
  };
  app.store.subscribe(now => {
    const next = on(now);
    if (next.length === last.length && next.every((v, i) => v === last[i])) return;
    last = next;
    fill();
  });
  last = on(app.store.state);
  fill();
  return fill;
}

/** A field of a form under its word. */
export const labelled = (word: string, input: HTMLElement, ...more: Child[]): HTMLElement => h("label", { class: "field" }, h("span", {}, word), input, ...more);

/** Value of a field of a form. */
export const field = (form: HTMLFormElement, name: string): string => String(new FormData(form).get(name) ?? "").trim();
