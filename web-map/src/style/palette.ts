// Colours of grids on the map. Each palette was chosen to stay apart for people with red, green or blue blindness (tested).

export type PaletteName = "calm" | "strong" | "grey";
export interface Palette { fills: readonly string[]; ground: string; line: string; outer: string }

export const palettes: Record<PaletteName, Palette> = {
  calm: {
    fills: ["#9ec9ed", "#fee392", "#82b6a2", "#e9a98f", "#b9a6ca", "#dfe8a8", "#6f97c4", "#f4c5d5"],
    ground: "#f4f3ef", line: "#33424f", outer: "#1d2a35",
  },
  strong: {
    fills: ["#56b4e9", "#f0e442", "#009e73", "#e69f00", "#cc79a7", "#b5d8f5", "#0072b2", "#f3b995"],
    ground: "#f6f6f4", line: "#1b1b1b", outer: "#000000",
  },
  grey: {
    fills: ["#f3f3f3", "#9b9b9b", "#c6c6c6", "#717171", "#dddddd", "#868686", "#b0b0b0", "#5e5e5e"],
    ground: "#ffffff", line: "#111111", outer: "#000000",
  },
};
