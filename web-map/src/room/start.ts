import "../style/base.css";
import "../style/parts.css";
import "../style/room.css";
import { RoomMap } from "../map/room-map";
import { basemap } from "../panels/basemap";
import { h, mount } from "../panels/dom";
import { icon } from "../panels/icons";
import { nameThePage, tellFaults } from "../panels/page";
import { remember, remembered } from "../taste";
import { emergency, unseenLine } from "./panels/alerts";
import { legend, wallLegend } from "./panels/legend";
import { roomSide } from "./panels/side";
import { timebar } from "./panels/timebar";
import { roomBar } from "./panels/top";
import { districtCard, wallHead, wallSide } from "./panels/wall";
import { askName } from "./prompt";
import { Room } from "./room";
import { Sound } from "./sound";
import { beginning, RoomStore } from "./state";
import { expose } from "./testing";
import { read, write } from "./url";

/** How long a message stays, ms. */
const STAYS_MS = 6_000;

const store = new RoomStore({ ...beginning, ...read(location.search, remembered()) });
const room = new Room(store), sound = new Sound(), { t } = room, { wall } = store.state;
room.alarm = on => sound.ring(on && store.state.sound);
const switchSound = (): void => {
  void (async () => {
    const on = store.state.sound ? (await sound.disable(), false) : await sound.enable();
    store.set({ sound: on });
    sound.ring(on && room.emergency() !== undefined);
  })();
};

const page = document.getElementById("app"), head = h("header", { class: "top" }), aside = h("aside", { class: "side" }), urgent = h("div", { class: "urgent" }), over = h("div", { class: "banners" });
const ground = h("div", { class: "ground", id: "map", testid: "map", role: "application", tabindex: 0 });
const middle = h("main", { class: "middle" }, ground, over), under = h("div", { class: "unders" }), notice = h("div", { class: "notices" }), spoken = h("div", { class: "spoken", live: "polite", testid: "spoken", role: "status" });
page?.classList.add("room");
document.documentElement.classList.toggle("wall", wall);
page?.append(head, middle, urgent, aside, notice, spoken);
const map = new RoomMap(room, ground);
room.ground = map;
emergency(room, urgent);
unseenLine(room, over);
if (wall) {
  wallHead(room, head, switchSound);
  wallSide(room, aside);
  middle.append(wallLegend(room), districtCard(room), under);
  basemap(room, map.basemap, under, false);
} else {
  roomBar(room, head, switchSound);
  roomSide(room, aside);
  const bar = h("section", { class: "timebar" });
  const zooms = h("div", { class: "zooms" });
  mount(zooms, room, s => [s.lang], () => [
    h("button", { testid: "zoom-in", title: t("zoomIn"), label: t("zoomIn"), click: () => map.zoomBy(0.75) }, icon("plus")),
    h("button", { testid: "zoom-out", title: t("zoomOut"), label: t("zoomOut"), click: () => map.zoomBy(-0.75) }, icon("minus")),
    h("button", { testid: "zoom-all", title: t("zoomRegion"), label: t("zoomRegion"), click: () => room.chooseRegion(room.state.region) }, icon("fit"))]);
  middle.append(zooms, under, legend(room, map.heat));
  basemap(room, map.basemap, under);
  page?.append(bar);
  timebar(room, bar);
}

let timer = 0;
mount(notice, room, s => [s.notice], () => {
  const { notice: now } = room.state;
  window.clearTimeout(timer);
  if (now === null) return [];
  timer = window.setTimeout(() => store.set({ notice: null }), STAYS_MS);
  return [h("span", { class: `notice ${now.kind}`, testid: "notice" }, now.text)];
});
mount(spoken, room, s => [s.spoken], () => [room.state.spoken]);

let asking = false;
const signIn = async (why: string): Promise<void> => {
  if (asking) return;
  asking = true;
  const said = await askName(t, why, wall ? "wall" : "room");
  asking = false;
  store.set({ needsSignIn: false });
  const no = said === null ? null : await room.signIn(said["name"] ?? "", said["password"] ?? "");
  if (no !== null) await signIn(no);
};
const named = (): void => {
  nameThePage(store.state.lang, wall ? "wallTitle" : "room");
  ground.setAttribute("aria-label", t("roomMapLabel"));
};
named();
let address = 0;
store.subscribe((now, before) => {
  if (now.lang !== before.lang) named();
  if (now.lang !== before.lang || now.palette !== before.palette) remember(now);
  if (now.needsSignIn && !before.needsSignIn) void signIn(t("signInRoom"));
  // the address follows what is looked at, not faster than browsers allow
  window.clearTimeout(address);
  address = window.setTimeout(() => { const next = write(store.state); if (next !== location.search) history.replaceState(null, "", next); }, 150);
});
tellFaults((...said) => room.say(...said));
expose(room, map, sound);
void room.start();
