// Patterns of the map: what means something is told by texture as well as colour.

export interface Ink { hatch: CanvasPattern | string; lock: CanvasPattern | string; dots: CanvasPattern | string }

/** A piece of pattern that repeats. */
export function tile(pen: CanvasRenderingContext2D, size: number, draw: (tile: CanvasRenderingContext2D) => void, otherwise: string): CanvasPattern | string {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const on = canvas.getContext("2d");
  if (on === null) return otherwise;
  draw(on);
  return pen.createPattern(canvas, "repeat") ?? otherwise;
}

/** Slanted lines. */
export function slanted(on: CanvasRenderingContext2D, size: number, ink: string, width: number): void {
  on.strokeStyle = ink;
  on.lineWidth = width;
  on.beginPath();
  for (const shift of [-size, 0, size]) { on.moveTo(shift, size); on.lineTo(shift + size, 0); }
  on.stroke();
}

export function inkOf(pen: CanvasRenderingContext2D): Ink {
  return {
    hatch: tile(pen, 10, on => { on.fillStyle = "rgba(255, 255, 255, .55)"; on.fillRect(0, 0, 10, 10); slanted(on, 10, "#a1260d", 3); }, "rgba(161, 38, 13, .5)"),
    lock: tile(pen, 14, on => slanted(on, 14, "rgba(22, 35, 45, .30)", 1), "rgba(22, 35, 45, .15)"),
    dots: tile(pen, 9, on => { on.fillStyle = "rgba(22, 35, 45, .38)"; on.beginPath(); on.arc(4.5, 4.5, 1.2, 0, 2 * Math.PI); on.fill(); }, "rgba(22, 35, 45, .15)"),
  };
}
