// Colours of grids on the map. Each palette was chosen to stay apart for people with red, green or blue blindness (tested).

export type PaletteName = "calm" | "strong" | "grey";
export interface Palette { fills: readonly string[]; ground: string; line: string; outer: string }

export const palettes: Record<PaletteName, Palette> = {
  calm: {
    fills: ["#9cc5e8", "#f6d384", "#7fb5a0", "#e9a98f", "#c9b8e6", "#dfe8a8", "#6f97c4", "#f3c6d6"],
    ground: "#f4f3ef", line: "#33424f", outer: "#1d2a35",
  },
  strong: {
    fills: ["#56b4e9", "#f0e442", "#009e73", "#e69f00", "#cc79a7", "#b5d8f5", "#0072b2", "#f3b995"],
    ground: "#f6f6f4", line: "#1b1b1b", outer: "#000000",
  },
  grey: {
    fills: ["#f2f2f2", "#8f8f8f", "#d0d0d0", "#6b6b6b", "#b0b0b0", "#e2e2e2", "#7d7d7d", "#c0c0c0"],
    ground: "#ffffff", line: "#111111", outer: "#000000",
  },
};
