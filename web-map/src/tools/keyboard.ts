// The whole journey without a mouse: arrows walk from building to building, keys assign.

import type { App } from "../app";
import type { MapView } from "../map/map";
import type { Model } from "../village/model";
import { row } from "../village/model";

const ARROWS: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The next building in a direction: of those beside it (over ground without buildings too), the one most straight ahead. */
export function step(model: Model, from: number, [dx, dy]: readonly [number, number]): number {
  const beside = new Set<number>(), passed = new Set([from]);
  for (const queue = [from]; queue.length > 0;) for (const b of row(model.touch, queue.pop()!)) {
    if (passed.has(b)) continue;
    passed.add(b);
    if (model.isLived(b)) beside.add(b); else queue.push(b);
  }
  let best = -1, least = Infinity;
  for (const b of beside) {
    const x = model.site[2 * b]! - model.site[2 * from]!, y = model.site[2 * b + 1]! - model.site[2 * from + 1]!;
    const ahead = x * dx + y * dy, aside = Math.abs(x * dy - y * dx);
    if (ahead <= 0 || aside > ahead * 2) continue;
    const cost = ahead + 2 * aside;
    if (cost < least) { least = cost; best = b; }
  }
  return best;
}

export class Keyboard {
  constructor(private readonly app: App, private readonly map: MapView) {
    window.addEventListener("keydown", event => { if (this.press(event)) event.preventDefault(); });
  }

  private focusAtom(atom: number): void {
    const { model } = this.app.state;
    if (model === null || atom < 0) return;
    this.app.store.set({ focus: atom });
    this.map.reveal(atom);
    this.app.speak(this.app.t("focusAt", {
      ids: this.app.some(model.buildingIds([atom]), 2), h: model.weight[atom]!, grid: this.app.gridName(model.grid[atom]!),
    }));
  }

  private press(event: KeyboardEvent): boolean {
    const { app } = this, { state } = app;
    const typing = event.target instanceof HTMLElement && event.target.closest("input, select, textarea, dialog") !== null;
    const plain = !event.ctrlKey && !event.metaKey;
    if (event.key === "Escape" && !typing) { this.map.cancelTool(); app.hand.cancel(); return true; }
    if (!plain && /^[zy]$/i.test(event.key) && !typing) {
      void (event.key.toLowerCase() === "y" || event.shiftKey ? app.edits.redo() : app.edits.undo());
      return true;
    }
    if (typing || !plain || state.model === null) return false;
    if (state.pending !== null) {
      if (/^g$/i.test(event.key)) { app.hand.giveStranded(); return true; }
      if (/^k$/i.test(event.key)) { app.hand.keepStranded(); return true; }
    }
    if (/^n$/i.test(event.key)) { app.looks.walkProblems(event.shiftKey ? -1 : 1); return true; }
    const onMap = event.target instanceof HTMLElement && event.target.closest("[data-testid=map]") !== null;
    const digit = /^Digit([1-9])$/.exec(event.code)?.[1];
    if (digit !== undefined && (onMap || event.target === document.body) && !event.altKey) {
      if (Number(digit) <= state.model.data.grids.length) app.hand.assign(Number(digit) - 1);
      return true;
    }
    return onMap && this.onMap(event, state.model);
  }

  private onMap(event: KeyboardEvent, model: Model): boolean {
    const { app } = this, { focus, active } = app.state;
    const arrow = ARROWS[event.key];
    if (arrow !== undefined) {
      const first = focus < 0 ? model.data.buildings[0]?.atom ?? -1 : step(model, focus, arrow);
      this.focusAtom(first);
      if (event.shiftKey && first >= 0) { app.store.dispatch({ type: "select", atoms: [first], how: "add" }); app.looks.speakSelection(); }
      return true;
    }
    switch (event.key) {
      case " ":
        if (focus < 0) return true;
        app.store.dispatch({ type: "select", atoms: [focus], how: app.state.selection.has(focus) ? "subtract" : "add" });
        app.looks.speakSelection();
        return true;
      case "Enter": app.hand.assign(active); return true;
      case "a": case "A": if (focus >= 0) app.looks.setActive(model.grid[focus]!); return true;
      case "[": case "]": {
        const n = model.data.grids.length;
        if (n > 0) app.looks.setActive((active + (event.key === "]" ? 1 : n - (active < 0 ? 0 : 1))) % n);
        return true;
      }
      case "+": case "=": this.map.zoom(0.5); return true;
      case "-": this.map.zoom(-0.5); return true;
      case "0": this.map.showVillage(); return true;
      default: return false;
    }
  }
}
