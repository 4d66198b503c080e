// Our own icons, 20 × 20, drawn with one pen.

const paths = {
  select: "M5 3l10 7-4.6 1L8 16z",
  brush: "M15.5 3.2l1.6 1.6-7.6 8.2-2.2-2.2zM6.6 11.6l1.9 1.9c-.4 2.3-2.6 3.2-5.3 3 1.2-1 .9-3.7 3.4-4.9z",
  rectangle: "M3.5 5.5h13v9h-13zM3.5 5.5h0M16.5 14.5h0",
  lasso: "M10 4c4 0 6.8 1.7 6.8 4.2S14 12.5 10 12.5 3.2 10.7 3.2 8.2 6 4 10 4zM6 12c-1 1-1 2.4.3 3.2 1 .7.5 1.5-.5 2",
  cut: "M3 15c3-1 3-9 7-9s3 6 7 5M4 5l2 2M14 14l2 2",
  undo: "M7 5L3.5 8.5 7 12M4 8.5h7.5a4.5 4.5 0 010 9H8",
  redo: "M13 5l3.5 3.5L13 12M16 8.5H8.5a4.5 4.5 0 000 9H12",
  plus: "M10 4v12M4 10h12", minus: "M4 10h12",
  fit: "M4 8V4h4M12 4h4v4M16 12v4h-4M8 16H4v-4",
  lock: "M5.5 9h9v7h-9zM7.5 9V6.5a2.5 2.5 0 015 0V9",
  unlock: "M5.5 9h9v7h-9zM7.5 9V6.5a2.5 2.5 0 014.8-.9",
  check: "M4 10.5l4 4 8-9",
  ground: "M3 6.5l7-3.5 7 3.5-7 3.5zM3 10l7 3.5L17 10M3 13.5L10 17l7-3.5",
  inbox: "M10 3v8M6.5 7.5L10 11l3.5-3.5M3.5 12v4.5h13V12",
  flag: "M5 17V3.5h9l-2 3.2 2 3.2H5",
  bell: "M10 3.5c-2.8 0-4.5 2-4.5 4.7 0 3.3-1.5 4.3-1.5 5.3h12c0-1-1.5-2-1.5-5.3 0-2.7-1.7-4.7-4.5-4.7zM8.5 16c.3.7.8 1 1.5 1s1.2-.3 1.5-1",
  bellOff: "M6 6.5c-.3.5-.5 1.1-.5 1.7 0 3.3-1.5 4.3-1.5 5.3h9.5M8 4.1c.6-.4 1.3-.6 2-.6 2.8 0 4.5 2 4.5 4.7 0 1.2.2 2.1.5 2.8M8.5 16c.3.7.8 1 1.5 1s1.2-.3 1.5-1M3.5 3.5l13 13",
  wall: "M3 4h14v9.5H3zM10 13.5V17M6.5 17h7",
  back: "M16 10H4.5M9 5l-5 5 5 5",
  play: "M6.5 4.5l9 5.5-9 5.5z", pause: "M7 4.5v11M13 4.5v11",
  alarm: "M10 3l7.5 13.5h-15zM10 8v4.3M10 14.5h0",
  keys: "M3 6h14v9H3zM6 9h0M9 9h0M12 9h0M14 9h0M6 12h8",
} as const;

export type Icon = keyof typeof paths;

export function icon(name: Icon): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", paths[name]);
  svg.append(path);
  return svg;
}
