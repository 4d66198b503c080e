// Stores to measure: counties made by the program itself, and one village of a county in a store of its own.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { programme } from "../journeys/service";

export interface County { store: string; data: string; village: string }

const run = (...args: string[]): void => { execFileSync(programme(), args, { stdio: ["ignore", "ignore", "inherit"] }); };

function fill(folder: string, data: string): string {
  const store = `sqlite:${join(folder, "store.gpkg")}`;
  run("import", "--store", store, "--layer", "regions", join(data, "regions.geojson"));
  run("import", "--store", store, "--layer", "households", join(data, "households.csv"));
  if (existsSync(join(data, "incidents.csv"))) run("import", "--store", store, "--layer", "incidents", join(data, "incidents.csv"));
  return store;
}

/** Columns of a written line that has no quotes. */
const village = (line: string): string => line.split(",")[4] ?? "";
const lines = (data: string): string[] => readFileSync(join(data, "households.csv"), "utf8").trimEnd().split("\n");

/** A county of so many households; its first village is the one to paint in. */
export function countyOf(households: number, villages: number, folder: string, incidents = 0): County {
  const data = join(folder, "data");
  run("synth", "--households", String(households), "--villages", String(villages), "--incidents", String(incidents), "--out", data);
  return { store: fill(folder, data), data, village: village(lines(data)[1] ?? "") };
}

/** The same village and nothing else. */
export function aloneOf(county: County, folder: string): County {
  const data = join(folder, "data"), [head, ...rest] = lines(county.data);
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, "households.csv"), [head, ...rest.filter(line => village(line) === county.village), ""].join("\n"));
  const regions = JSON.parse(readFileSync(join(county.data, "regions.geojson"), "utf8")) as GeoJSON.FeatureCollection;
  const code = (f: GeoJSON.Feature): string => String(f.properties?.["code"]);
  const kept = regions.features.filter(f => code(f) === county.village || (code(f).length < 12 ? county.village.startsWith(code(f)) : f.properties?.["level"] !== "village" && county.village.startsWith(code(f).replace(/(000)+$/, ""))));
  writeFileSync(join(data, "regions.geojson"), JSON.stringify({ ...regions, features: kept }));
  return { store: fill(folder, data), data, village: county.village };
}

/** Latitude and longitude of every household, as JSON. */
export const placesOf = ({ data }: County): string =>
  `[${lines(data).slice(1).map(line => { const [, lon, lat] = line.split(","); return `[${lat},${lon}]`; }).join(",")}]`;

/** Latitude, longitude and number of the households of every village, as JSON: what the service's own sums would be. */
export function clustersOf({ data }: County): string {
  const sums = new Map<string, [lat: number, lon: number, n: number]>();
  for (const line of lines(data).slice(1)) {
    const [, lon, lat] = line.split(","), sum = sums.get(village(line)) ?? [0, 0, 0];
    sums.set(village(line), [sum[0] + Number(lat), sum[1] + Number(lon), sum[2] + 1]);
  }
  return JSON.stringify([...sums.values()].map(([lat, lon, n]) => [lat / n, lon / n, n]));
}
