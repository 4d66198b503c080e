// Words on a canvas: a quiet plate under them so that they stay legible on any colour.

const FONT = `"Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", system-ui, sans-serif`;

export interface Look { strong?: boolean; mark?: string; size?: number }

const fontOf = (line: number, size: number): string => `${line === 0 ? 600 : 400} ${line === 0 ? size : size - 1}px ${FONT}`;

/** Half the width and height that a label takes. */
export function plate(pen: CanvasRenderingContext2D, lines: readonly string[], look: Look = {}): [number, number] {
  const size = look.size ?? 13;
  return [Math.max(...lines.map((line, i) => { pen.font = fontOf(i, size); return pen.measureText(line).width; })) / 2 + 6, (lines.length * size * 1.35 + 5) / 2];
}

/** Lines of text centred on a place. */
export function label(pen: CanvasRenderingContext2D, x: number, y: number, lines: readonly string[], look: Look = {}): void {
  const size = look.size ?? 13, high = size * 1.35;
  const [halfW, halfH] = plate(pen, lines, look), w = 2 * halfW, h = 2 * halfH;
  pen.fillStyle = "rgba(255, 255, 255, .88)";
  pen.strokeStyle = look.mark ?? "rgba(30, 45, 58, .25)";
  pen.lineWidth = look.mark === undefined ? 1 : 2;
  pen.beginPath();
  pen.roundRect(x - w / 2, y - h / 2, w, h, 4);
  pen.fill();
  pen.stroke();
  pen.fillStyle = "#16232d";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  lines.forEach((line, i) => { pen.font = fontOf(i, size); pen.fillText(line, x, y - h / 2 + 2.5 + high * (i + 0.5)); });
  pen.textAlign = "start";
  pen.textBaseline = "alphabetic";
}
