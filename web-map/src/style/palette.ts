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

/** Lines of longitude and latitude, and their lettering: read on every ground (tested). */
export const degrees = { line: "rgba(60, 80, 95, .13)", ink: "#4e5f6b" };

/** Colours of the room: steps from few to many, what is more and less than chance, what is neither. Lightness orders the steps for every eye (tested). */
export interface Heat { steps: readonly [string, string, string, string, string]; hot: string; cold: string; plain: string; mark: string }

export const heats: Record<PaletteName, Heat> = {
  calm: { steps: ["#f6e7c4", "#f0c68a", "#e0965a", "#bf6136", "#86341c"], hot: "#bf4a2a", cold: "#5b8fbf", plain: "#e9e3d6", mark: "#0b5c8a" },
  strong: { steps: ["#fde725", "#7ad151", "#22a884", "#2a788e", "#440154"], hot: "#d55e00", cold: "#0072b2", plain: "#ececec", mark: "#000000" },
  grey: { steps: ["#ededed", "#c8c8c8", "#9d9d9d", "#6c6c6c", "#353535"], hot: "#4a4a4a", cold: "#b4b4b4", plain: "#f0f0f0", mark: "#111111" },
};
