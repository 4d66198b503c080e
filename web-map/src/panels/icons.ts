// Our own icons, 20 × 20, drawn with one pen.

const paths = {
  select: "M5 3l10 7-4.6 1L8 16z",
  brush: "M15.5 3.2l1.6 1.6-7.6 8.2-2.2-2.2zM6.6 11.6l1.9 1.9c-.4 2.3-2.6 3.2-5.3 3 1.2-1 .9-3.7 3.4-4.9z",
  rectangle: "M3.5 5.5h13v9h-13zM3.5 5.5h0M16.5 14.5h0",
  lasso: "M10 4c4 0 6.8 1.7 6.8 4.2S14 12.5 10 12.5 3.2 10.700 3.200 8.200 6 4 10 4zM6 12c-1 1-1 2.400.300 3.200 1 .7.500 1.500-.5 2",
  cut: "M3 15c3-1 3-9 7-9s3 6 7 5M4 5l2 2M14 14l2 2",
  undo: "M7 5L3.500 8.500 7 12M4 8.500h7.500a4.500 4.500 0 010 9H8",
  redo: "M13 5l3.500 3.500L13 12M16 8.500H8.500a4.500 4.500 0 000 9H12",
  plus: "M10 4v12M4 10h12", minus: "M4 10h12",
  fit: "M4 8V4h4M12 4h4v4M16 12v4h-4M8 16H4v-4",
  lock: "M5.500 9h9v7h-9zM7.500 9V6.500a2.500 2.500 0 015 0V9",
  unlock: "M5.500 9h9v7h-9zM7.500 9V6.500a2.500 2.500 0 014.800-.900",
  check: "M4 10.500l4 4 8-9",
  ground: "M3 6.500l7-3.500 7 3.500-7 3.500zM3 10l7 3.500L17 10M3 13.500L10 17l7-3.500",
  inbox: "M10 3v8M6.500 7.500L10 11l3.500-3.500M3.500 12v4.500h13V12",
  flag: "M5 17V3.500h9l-2 3.200 2 3.200H5",
  bell: "M10 3.500c-2.800 0-4.500 2-4.500 4.700 0 3.300-1.500 4.300-1.500 5.300h12c0-1-1.500-2-1.500-5.300 0-2.700-1.700-4.700-4.500-4.700zM8.500 16c.3.700.8 1 1.500 1s1.200-.3 1.500-1",
  bellOff: "M6 6.500c-.3.500-.5 1.100-.5 1.700 0 3.300-1.500 4.300-1.500 5.300h9.500M8 4.100c.6-.4 1.300-.6 2-.6 2.800 0 4.500 2 4.500 4.700 0 1.200.2 2.100.5 2.800M8.500 16c.3.700.8 1 1.500 1s1.200-.3 1.500-1M3.500 3.500l13 13",
  wall: "M3 4h14v9.500H3zM10 13.500V17M6.500 17h7",
  back: "M16 10H4.500M9 5l-5 5 5 5",
  play: "M6.500 4.500l9 5.500-9 5.500z", pause: "M7 4.500v11M13 4.500v11",
  alarm: "M10 3l7.500 13.500h-15zM10 8v4.300M10 14.500h0",
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
