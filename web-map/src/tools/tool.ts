// What every tool of the hand is: places come in local pixels, the tool calls the application.

import type { ToolName } from "../state";

/** A place under the pointer. */
export interface Where { x: number; y: number; perScreenPx: number; add: boolean; subtract: boolean }

export interface Tool {
  readonly name: ToolName;
  /** Whether dragging moves the map. */
  readonly pans: boolean;
  down(at: Where): void;
  /** Places the pointer has come by since the last call, the present one last. Called while hovering too. */
  move(way: readonly Where[], pressed: boolean): void;
  up(at: Where): void;
  cancel(): void;
}

export const howOf = (at: Where): "set" | "add" | "subtract" => at.subtract ? "subtract" : at.add ? "add" : "set";
