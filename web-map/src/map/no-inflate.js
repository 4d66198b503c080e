// Takes the place of the package "fflate" (vite.config.ts): PMTiles asks for it only where a browser has no DecompressionStream.
export const decompressSync = () => { throw new Error("this browser cannot inflate"); };
