// The form to report an incident from a phone: what, where, when. What cannot be sent now is kept and sent once.

import "../style/base.css";
import "../style/parts.css";
import "../style/room.css";
import { api, Refused, type LonLat } from "../api";
import { PlaceMap } from "../map/place-map";
import { field, h, labelled, type Child } from "../panels/dom";
import { roomApi, type Dictionaries, type Incident } from "../room/api";
import { askName } from "../room/prompt";
import { clock, fieldOf, moment, ofField, stamp } from "../room/time";
import { count, half, text, type Key } from "../strings";
import { remember, remembered } from "../taste";
import { album } from "./album";
import { Reports, type Waiting } from "./queue";
import { shrink } from "./shrink";

/** The categories are kept: the form must work where there is no line. */
const KEPT = "lianhu.dictionaries";

let { lang = "zh", palette = "calm" } = remembered();
const t = (key: Key, values?: Record<string, string | number>): string => text(lang, key, values);
/** A committee's full title is too long for a line. */
const shortName = (name: string): string => name.replace(new RegExp(`(${t("committee")})$`), "");
const page = document.getElementById("app");
page?.classList.add("report");

let dictionaries: Dictionaries = (() => {
  try { return JSON.parse(localStorage.getItem(KEPT) ?? "null") as Dictionaries | null; } catch { return null; }
})() ?? { categories: [], disputes: [] };
const sent: Incident[] = [];
let offline = false, asking = false;
/** The photo of the report that is being written, made small already. */
let photo: Blob | null = null;

const head = h("header", { class: "top" }), main = h("main", {}), place = h("div", { class: "ground", id: "map", testid: "map", role: "application", tabindex: 0 }), said = h("div", { class: "said", testid: "reports", live: "polite" });
page?.append(head, main);
let map: PlaceMap;

const photos = album(), reports = new Reports(localStorage, {
  send: (wish, key) => roomApi.report(wish, key),
  sendPhoto: (incident, file) => roomApi.putPhoto(incident, file),
  sent: (_, incident) => { sent.unshift(incident); },
  changed: (_, away) => { offline = away; showSaid(); },
  signIn: () => void signIn(),
}, photos);

async function signIn(): Promise<void> {
  if (asking) return;
  asking = true;
  const values = await askName(t, "reportsKept", "report");
  asking = false;
  if (values === null) return;
  try { await api.signIn(values["name"] ?? "", values["password"] ?? ""); } catch { void signIn(); return; }
  await load();
  reports.flush();
}

function showSaid(): void {
  const waiting = reports.list(), open = waiting.filter(w => w.refused === undefined), words = (w: Waiting): string => `${dictionaries.categories.find(c => c.key === w.wish.category)?.[lang === "zh" ? "name" : "name_en"] ?? w.wish.category} · ${clock(Date.parse(w.made_at))}`;
  const list: Child[] = [
    offline && open.length > 0 ? h("p", { class: "banner bad", testid: "reports-offline" }, t("reportsOffline", { n: open.length })) : null,
    open.length === 0 ? null : h("ul", { class: "list" }, ...open.map(w => h("li", { testid: `waiting-${w.key}` }, h("span", { class: "chip draft" }, t(w.sent === undefined ? "reportWaiting" : "photoWaiting")), h("span", { class: "grow" }, words(w))))),
    ...waiting.filter(w => w.refused !== undefined).map(w => h("p", { class: "banner bad" }, h("span", { class: "grow" }, `${words(w)}：${half(lang, w.refused ?? "")}`), h("button", { click: () => reports.forget(w.key) }, t("drop")))),
    sent.length === 0 ? null : h("ul", { class: "list", testid: "sent" }, ...sent.map(i => h("li", {}, h("span", { class: "chip live" }, t("reportSent")),
      h("span", { class: "grow" }, `${i.category_name} · ${[shortName(i.region_name), i.grid === null ? t("noGrid") : i.grid_name === null || i.grid_name === "" ? t("gridNo", { n: i.grid.slice(12) }) : i.grid_name, i.unit === null ? "" : t("unitNo", { n: i.unit.slice(15) })].filter(w => w !== "").join(" · ")}`), h("span", { class: "quiet number" }, moment(Date.parse(i.occurred_at), Date.now()))))),
  ];
  said.replaceChildren(...list.filter(c => c !== null && c !== undefined && c !== false).map(c => typeof c === "number" ? count(c) : c));
}

function locate(button: HTMLButtonElement, words: HTMLElement): void {
  button.disabled = true;
  const done = (key: Key, values?: Record<string, string | number>): void => { button.disabled = false; words.textContent = t(key, values); };
  navigator.geolocation.getCurrentPosition(({ coords }) => { map.show([coords.longitude, coords.latitude]); done("located", { n: Math.round(coords.accuracy) }); }, () => done("notLocated"), { enableHighAccuracy: true, timeout: 15_000, maximumAge: 10_000 });
}

/** What was taken, made small, looked at before it is sent. */
function photoField(): HTMLElement {
  const place = h("div", { class: "photo" }), words = h("span", { class: "quiet", role: "status", testid: "photo-said" }, t("photoWhy"));
  const file = h("input", { type: "file", name: "photo", testid: "report-photo", id: "report-photo", change: () => {
    const chosen = file.files?.[0];
    if (chosen === undefined) return;
    words.textContent = t("photoReading");
    shrink(chosen).then(made => { photo = made; fill(); words.textContent = t("photoWhy"); }, () => { words.textContent = t("photoBad"); });
  } });
  file.accept = "image/jpeg,image/png,image/webp";
  const fill = (): void => {
    if (photo === null) { file.value = ""; place.replaceChildren(); return; }
    const picture = new Image(), address = URL.createObjectURL(photo);
    picture.onload = () => URL.revokeObjectURL(address);
    picture.src = address;
    picture.alt = t("photoOf");
    picture.dataset["testid"] = "photo-seen";
    place.replaceChildren(picture, h("button", { type: "button", testid: "photo-drop", click: () => { photo = null; fill(); } }, t("photoDrop")));
  };
  fill();
  return h("div", { class: "field" }, h("label", { for: "report-photo" }, t("reportPhoto")), file, words, place);
}

function show(): void {
  const before = main.querySelector("form"), had = before === null ? null : { category: field(before, "category"), summary: field(before, "summary") };
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  document.title = `${t("app")} · ${t("reportTitle")}`;
  head.replaceChildren(h("h1", { class: "brand" }, h("strong", {}, t("app")), h("span", {}, t("reportTitle"))), h("span", { class: "grow" }),
    h("a", { class: "button", href: "/?view=room" }, t("room")),
    h("button", { testid: "language", lang: lang === "zh" ? "en" : "zh-CN", click: () => { lang = lang === "zh" ? "en" : "zh"; remember({ lang, palette }); show(); } }, t("language")));
  const words = h("p", { class: "quiet", testid: "located", role: "status" }, t("crossWhy"));
  const where = h("button", { type: "button", testid: "locate", disabled: !window.isSecureContext || !("geolocation" in navigator), click: () => locate(where, words) }, t("locate"));
  place.setAttribute("aria-label", t("crossLabel"));
  const summary = h("textarea", { name: "summary", maxlength: 500, testid: "report-summary", hint: t("reportHint") });
  summary.setAttribute("rows", "3");
  summary.value = had?.summary ?? "";
  let pictured = photoField();
  const time = h("input", { name: "occurred_at", type: "datetime-local", required: true, value: fieldOf(Date.now()), testid: "report-time" });
  main.replaceChildren(h("form", { class: "reporting", testid: "report-form", submit: e => {
    e.preventDefault();
    const form = e.target as HTMLFormElement, at: LonLat = map.place(), words = field(form, "summary");
    void reports.add({ category: field(form, "category"), occurred_at: stamp(Math.min(ofField(field(form, "occurred_at")), Date.now())), at: [Number(at[0].toFixed(6)), Number(at[1].toFixed(6))], ...(words === "" ? {} : { summary: words }) }, new Date(), photo ?? undefined);
    summary.value = "";
    photo = null;
    pictured.replaceWith(pictured = photoField());
    time.value = fieldOf(Date.now());
  } },
  h("fieldset", {}, h("legend", {}, t("category")), h("div", { class: "choices" }, ...dictionaries.categories.filter(c => c.enabled !== false).map((c, k) => h("label", { class: "choice" },
    h("input", { type: "radio", name: "category", value: c.key, required: true, checked: had === null || had.category === "" ? k === 0 : c.key === had.category, testid: `category-${c.key}` }), h("span", {}, lang === "zh" ? c.name : c.name_en))))),
  h("div", { class: "where-on" }, place, h("span", { class: "cross" })),
  h("div", { class: "inline" }, where, words),
  labelled(t("reportWhat"), summary),
  h("p", { class: "quiet" }, t("reportNoPersons")),
  pictured,
  labelled(t("occurred"), time),
  h("button", { type: "submit", class: "primary wide", testid: "report-go", disabled: dictionaries.categories.length === 0 }, t("reportGo")),
  said));
  showSaid();
}

async function load(): Promise<void> {
  try {
    dictionaries = await roomApi.dictionaries();
    localStorage.setItem(KEPT, JSON.stringify(dictionaries));
    const boxes = (await roomApi.regions()).map(r => r.bbox).filter(b => b !== null);
    if (!map.isMoved && boxes.length > 0) map.showBox([Math.min(...boxes.map(b => b[0])), Math.min(...boxes.map(b => b[1])), Math.max(...boxes.map(b => b[2])), Math.max(...boxes.map(b => b[3]))]);
    show();
  } catch (e) {
    // what is kept is used until there is a line; where nothing is, nothing can be reported before one has signed in
    if (e instanceof Refused && e.status === 401 && dictionaries.categories.length === 0) void signIn();
  }
}

Object.defineProperty(window, "lianhu", { writable: false, value: Object.freeze({ state: () => structuredClone({ view: "report", waiting: reports.list().length, photo: photo === null ? null : { bytes: photo.size, kind: photo.type }, sent: sent.map(i => ({ id: i.id, grid: i.grid, unit: i.unit, at: i.at })), offline, place: map.place() }) }) });
show();
// a map must stand on the page before it is made
map = new PlaceMap(place, palette, () => t("crossLabel"), shortName);
void load();
void photos.keepOnly(reports.list().map(w => w.key)).catch(() => undefined);
reports.flush();
window.addEventListener("online", () => reports.flush());
document.addEventListener("visibilitychange", () => { if (!document.hidden) reports.flush(); });
