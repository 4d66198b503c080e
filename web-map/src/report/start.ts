// The form to report an incident from a phone: what, where, when. What cannot be sent now is kept and sent once.

import "../style/base.css";
import "../style/parts.css";
import "../style/room.css";
import { api, Refused, type LonLat } from "../api";
import { PlaceMap } from "../map/place-map";
import { boxAround } from "../regions";
import { field, h, labelled, marked, type Child } from "../panels/dom";
import { languageButton, nameThePage } from "../panels/page";
import { nameOf, roomApi, type Dictionaries, type Incident } from "../room/api";
import { askName } from "../room/prompt";
import { clock, fieldOf, moment, ofField, stamp } from "../room/time";
import { colon, count, half, text, type Key } from "../strings";
import { remember, remembered } from "../taste";
import { album } from "./album";
import { keeper, Reports, type Waiting } from "./queue";
import { shrink } from "./shrink";

/** The categories are kept: the form must work where there is no line. */
const KEPT = "lianhu.dictionaries";

let { lang = "zh", palette = "calm" } = remembered();
const t = (key: Key, values?: Record<string, string | number>): string => text(lang, key, values);
/** A committee's full title is too long for a line. */
const shortName = (name: string): string => name.replace(new RegExp(`(${t("committee")})$`), "");
const page = document.getElementById("app");
page?.classList.add("report");

let categories: Dictionaries["categories"] = [];
try { ({ categories } = JSON.parse(keeper.getItem(KEPT) ?? "") as Dictionaries); } catch { /* nothing is kept */ }
const sent: Incident[] = [];
let offline = false, asking = false;
/** The photo of the report that is being written, made small already; the file that is being made small; and how both are drawn now. */
let photo: Blob | null = null, reading: Blob | null = null, drawPhoto: (said: Key) => void;
const go = h("button", { type: "submit", class: "primary wide", testid: "report-go" });

const head = h("header", { class: "top" }), main = h("main", {}), place = h("div", { class: "ground", id: "map", testid: "map", role: "application", tabindex: 0 }), said = h("div", { class: "said", testid: "reports", live: "polite" });
page?.append(head, main);
let map: PlaceMap;

const photos = album(), reports = new Reports(keeper, {
  send: (wish, key) => roomApi.report(wish, key),
  sendPhoto: (incident, file) => roomApi.putPhoto(incident, file),
  sent: (_, incident) => { sent.unshift(incident); },
  changed: (_, away) => { offline = away; showSaid(); },
  signIn: () => void signIn(),
}, photos);

async function signIn(why = t("reportsKept")): Promise<void> {
  if (asking) return;
  asking = true;
  const values = await askName(t, why, "report");
  asking = false;
  if (values === null) return;
  try { await api.signIn(values["name"] ?? "", values["password"] ?? ""); } catch (e) {
    // without a line one is asked again when there is one
    if (e instanceof Refused) void signIn(half(lang, e.body.detail));
    return;
  }
  await load();
  reports.flush();
}

function showSaid(): void {
  const waiting = reports.list(), open = waiting.filter(w => w.refused === undefined), words = (w: Waiting): string => `${nameOf(categories, w.wish.category, lang) ?? w.wish.category} · ${clock(Date.parse(w.made_at))}`;
  const list: Child[] = [
    offline && open.length > 0 ? h("p", { class: "banner bad", testid: "reports-offline" }, t("reportsOffline", { n: open.length })) : null,
    open.length === 0 ? null : h("ul", { class: "list" }, ...open.map(w => h("li", { testid: `waiting-${w.key}` }, h("span", { class: "chip draft" }, t(w.sent === undefined ? "reportWaiting" : "photoWaiting")), h("span", { class: "grow" }, words(w))))),
    ...waiting.filter(w => w.refused !== undefined).map(w => h("p", { class: "banner bad" }, h("span", { class: "grow" }, `${words(w)}${colon(lang)}${half(lang, w.refused ?? "")}`), h("button", { testid: `drop-${w.key}`, click: () => reports.forget(w.key) }, t("drop")))),
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
  const place = h("div", { class: "photo" }), words = h("span", { class: "quiet", role: "status", testid: "photo-said" });
  const file = h("input", { type: "file", name: "photo", testid: "report-photo", id: "report-photo", change: () => {
    const chosen = file.files?.[0];
    if (chosen === undefined) return;
    reading = chosen;
    drawPhoto("photoReading");
    const ended = (made: Blob | null): void => {
      // another one was taken meanwhile
      if (reading !== chosen) return;
      reading = null;
      photo = made ?? photo;
      drawPhoto(made === null ? "photoBad" : "photoWhy");
    };
    shrink(chosen).then(ended, () => ended(null));
  } });
  file.accept = "image/jpeg,image/png,image/webp";
  drawPhoto = said => {
    words.textContent = t(said);
    // a report waits for its photo: it would go with the next one
    go.disabled = reading !== null || categories.length === 0;
    if (photo === null) { if (reading === null) file.value = ""; place.replaceChildren(); return; }
    const picture = new Image(), address = URL.createObjectURL(photo);
    picture.onload = picture.onerror = () => URL.revokeObjectURL(address);
    picture.src = address;
    picture.alt = t("photoOf");
    picture.dataset["testid"] = "photo-seen";
    place.replaceChildren(picture, h("button", { type: "button", testid: "photo-drop", click: () => { photo = null; drawPhoto("photoWhy"); } }, t("photoDrop")));
  };
  drawPhoto(reading === null ? "photoWhy" : "photoReading");
  return h("div", { class: "field" }, h("label", { for: "report-photo" }, t("reportPhoto")), file, words, place);
}

function show(): void {
  const before = main.querySelector("form"), had = before === null ? null : { category: field(before, "category"), summary: field(before, "summary"), time: field(before, "occurred_at") };
  const held = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["testid"] : undefined;
  go.textContent = t("reportGo");
  nameThePage(lang, "reportTitle");
  head.replaceChildren(h("h1", { class: "brand" }, h("strong", {}, t("app")), h("span", {}, t("reportTitle"))), h("span", { class: "grow" }),
    h("a", { class: "button", href: "/?view=room", testid: "to-room" }, t("room")),
    languageButton(lang, other => { lang = other; remember({ lang, palette }); show(); }));
  const words = h("p", { class: "quiet", testid: "located", role: "status" }, t("crossWhy"));
  const where = h("button", { type: "button", testid: "locate", disabled: !window.isSecureContext || !("geolocation" in navigator), click: () => locate(where, words) }, t("locate"));
  place.setAttribute("aria-label", t("crossLabel"));
  const summary = h("textarea", { name: "summary", maxlength: 500, testid: "report-summary", hint: t("reportHint") });
  summary.setAttribute("rows", "3");
  summary.value = had?.summary ?? "";
  let pictured = photoField();
  const time = h("input", { name: "occurred_at", type: "datetime-local", required: true, value: had?.time ?? fieldOf(Date.now()), testid: "report-time" });
  main.replaceChildren(h("form", { class: "reporting", testid: "report-form", submit: e => {
    e.preventDefault();
    const form = e.target as HTMLFormElement, at: LonLat = map.place(), words = field(form, "summary");
    void reports.add({ category: field(form, "category"), occurred_at: stamp(Math.min(ofField(field(form, "occurred_at")), Date.now())), at: [Number(at[0].toFixed(6)), Number(at[1].toFixed(6))], ...(words === "" ? {} : { summary: words }) }, new Date(), photo ?? undefined);
    summary.value = "";
    photo = null;
    pictured.replaceWith(pictured = photoField());
    time.value = fieldOf(Date.now());
  } },
  h("fieldset", {}, h("legend", {}, t("category")), h("div", { class: "choices" }, ...categories.filter(c => c.enabled).map((c, k) => h("label", { class: "choice" },
    h("input", { type: "radio", name: "category", value: c.key, required: true, checked: had === null || had.category === "" ? k === 0 : c.key === had.category, testid: `category-${c.key}` }), h("span", {}, nameOf(categories, c.key, lang)))))),
  h("div", { class: "where-on" }, place, h("span", { class: "cross" })),
  h("div", { class: "inline" }, where, words),
  labelled(t("reportWhat"), summary),
  h("p", { class: "quiet" }, t("reportNoPersons")),
  pictured,
  labelled(t("occurred"), time),
  go,
  said));
  showSaid();
  // whoever writes goes on writing when the categories come
  marked(document, held)?.focus({ preventScroll: true });
}

async function load(): Promise<void> {
  try {
    ({ categories } = await roomApi.dictionaries());
    keeper.setItem(KEPT, JSON.stringify({ categories }));
    const box = boxAround(await api.regions());
    if (!map.isMoved && box !== null) map.showBox(box);
    show();
  } catch (e) {
    // what is kept is used until there is a line; where nothing is, nothing can be reported before one has signed in
    if (e instanceof Refused && e.status === 401 && categories.length === 0) void signIn();
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
