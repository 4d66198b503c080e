// Time as the office counts it: days, hours and windows of Asia/Shanghai, which has been eight hours ahead all year since 1992.

const AHEAD_MS = 8 * 3_600_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** Longest window a reader may choose. */
export const MOST_DAYS = 366;
/** Windows longer than this are counted by weeks. */
const DAILY = 62;

export type Preset = "24h" | "7d" | "30d";
export const PRESETS: readonly Preset[] = ["24h", "7d", "30d"];
/** A preset that ends now, or days from and to, both counted. */
export type Range = { kind: Preset } | { kind: "custom"; from: string; to: string };
/** A piece of a window: from and before, ms of the epoch. */
export interface Span { from: number; to: number }

const shifted = (at: number): Date => new Date(at + AHEAD_MS);
/** Day of a moment, YYYY-MM-DD. */
export const dayOf = (at: number): string => shifted(at).toISOString().slice(0, 10);
/** First moment of a day; NaN where it is none. */
export function startOf(day: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) - AHEAD_MS : Number.NaN;
  return Number.isNaN(at) || dayOf(at) !== day ? Number.NaN : at;
}
export const nextMidnight = (at: number): number => startOf(dayOf(at)) + DAY_MS;
/** RFC 3339 with the office's offset, to the second. */
export const stamp = (at: number): string => `${shifted(at).toISOString().slice(0, 19)}+08:00`;
/** 14:05 */
export const clock = (at: number): string => shifted(at).toISOString().slice(11, 16);
/** 14:05:09 */
export const clockSeconds = (at: number): string => shifted(at).toISOString().slice(11, 19);
/** 11-26 14:05, with the year where it is another one. */
export function moment(at: number, now: number): string {
  const said = shifted(at).toISOString(), year = said.slice(0, 4) === dayOf(now).slice(0, 4);
  return `${said.slice(year ? 5 : 0, 10)} ${said.slice(11, 16)}`;
}
/** Day of the week, Sunday 0. */
export const weekday = (at: number): number => shifted(at).getUTCDay();
/** What a field for a local time holds, to the minute; and back. */
export const fieldOf = (at: number): string => shifted(at).toISOString().slice(0, 16);
export const ofField = (value: string): number => Date.parse(`${value.slice(0, 16)}:00Z`) - AHEAD_MS;

/** A window that can be asked for, or null: days in order, not too many. */
export function customRange(from: string, to: string): Range | null {
  const [a, b] = [startOf(from), startOf(to)];
  return a <= b && b - a < MOST_DAYS * DAY_MS ? { kind: "custom", from, to } : null;
}

/** The window of a range. One that ends now reaches to the end of its running hour or day. */
export function windowOf(range: Range, now: number): Span {
  const today = startOf(dayOf(now));
  switch (range.kind) {
    case "24h": { const end = Math.floor(now / HOUR_MS) * HOUR_MS + HOUR_MS; return { from: end - DAY_MS, to: end }; }
    case "7d": return { from: today - 6 * DAY_MS, to: today + DAY_MS };
    case "30d": return { from: today - 29 * DAY_MS, to: today + DAY_MS };
    case "custom": return { from: startOf(range.from), to: startOf(range.to) + DAY_MS };
  }
}

/** The pieces a window is played in: hours of one day, days, or weeks; together they are the window. */
export function pieces({ from, to }: Span): Span[] {
  const step = to - from <= DAY_MS ? HOUR_MS : to - from <= DAILY * DAY_MS ? DAY_MS : 7 * DAY_MS;
  const list: Span[] = [];
  for (let at = from; at < to; at += step) list.push({ from: at, to: Math.min(at + step, to) });
  return list;
}

/** How far this machine's clock is ahead of the service's, ms: from the second the service named and when we asked and heard. */
export function skewOf(date: string | null, asked: number, heard: number): number | null {
  const said = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(said)) return null;
  // the service names whole seconds: half of one is what it means on average
  const skew = (asked + heard) / 2 - (said + 500), blur = (heard - asked) / 2 + 1_000;
  return Math.abs(skew) <= blur ? 0 : Math.round(skew);
}
