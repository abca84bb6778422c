// The form: what, where, who; kept as a draft, compared with what neighbours reported, sent, answered by a code.

import { forget, load, save } from "./draft.js";
import { $, h, plain, randomKey, wrong } from "./dom.js";
import { CountyMap } from "./map.js";
import { MOST, smaller } from "./photo.js";
import { refused, say, unsay } from "./refused.js";
import { deliver, Stopped } from "./send.js";
import { apply, pick, switching, t, when } from "./words.js";

const EMPTY = { text: "", town: "", village: "", place: null, address: "", name: "", phone: "", secret: false, category: "", photos: [], sameAs: null, key: null, sending: false, keyed: false };
const FIELDS = ["text", "address", "name", "phone"];
const PATIENCE_ALIKE = 6000;
const LONGEST_TEXT = 2000;
const VIEWS = ["report", "alike", "sending", "done"];

let draft = { ...EMPTY };
let county = null;
let map = null;
let stopping = null;
let saving = null;
let busy = false;
let near = [];
let outcome = "";

function show(view) {
  for (const one of VIEWS) $(one).hidden = one !== view;
  if (view !== "report") $(view).focus();
  scrollTo(0, 0);
}

// Whatever is changed is another report: it gets a name of its own when it is sent.
function changed() {
  Object.assign(draft, { key: null, sameAs: null });
  clearTimeout(saving);
  saving = setTimeout(keep, 300);
}

async function keep() {
  clearTimeout(saving);
  saving = null;
  $("saved").textContent = (await save(draft)) ? t("saved") : t("saved.not");
}

function fill() {
  for (const name of FIELDS) $(name).value = draft[name];
  $("secret").checked = draft.secret;
  photos();
  places();
}

function photos() {
  for (const image of $("photos").querySelectorAll("img")) URL.revokeObjectURL(image.src);
  $("photos").replaceChildren(
    ...draft.photos.map((blob, number) =>
      h("div", { class: "shot", role: "listitem" },
        h("img", { src: URL.createObjectURL(blob), alt: t("photo.one", { n: number + 1 }) }),
        h("button", { type: "button", "aria-label": t("photo.remove", { n: number + 1 }), onclick: () => removePhoto(number) }, "×"))),
  );
}

function removePhoto(number) {
  draft.photos = draft.photos.filter((_, one) => one !== number);
  changed();
  keep();
  photos();
  $("photo").focus();
}

async function addPhotos(files) {
  wrong(null, $("photo-wrong"), "");
  for (const file of files) {
    if (draft.photos.length >= MOST) {
      wrong(null, $("photo-wrong"), t("photo.many"));
      break;
    }
    try {
      draft.photos = [...draft.photos, await smaller(file)];
    } catch {
      wrong(null, $("photo-wrong"), t("photo.unreadable"));
    }
  }
  changed();
  // What is shown is kept: nobody takes the same photo twice because the page was closed too soon.
  await keep();
  photos();
}

function places() {
  const option = (code, words) => h("option", { value: code }, words);
  const towns = county ? county.towns : [];
  const villages = county && draft.town ? county.villages.filter((one) => one.code.startsWith(draft.town)) : [];
  $("town").replaceChildren(option("", t("town.any")), ...towns.map((one) => option(one.code, pick(one))));
  $("village").replaceChildren(option("", t("village.any")), ...villages.map((one) => option(one.code, pick(one))));
  $("town").value = draft.town;
  $("village").value = draft.village;
  $("village").disabled = !draft.town;
  map?.mark(draft.village || draft.town);
  map?.pin(draft.place);
  $("map-said").textContent = said();
}

function said() {
  const names = [draft.town, draft.village].map((code) => named(code)).filter(Boolean).join(" ");
  if (!names) return "";
  return t("chosen", { where: draft.place ? t("point", { where: names }) : names });
}

function named(code) {
  if (!county || !code) return "";
  return pick([...county.towns, ...county.villages].find((one) => one.code === code));
}

function chosenPlace(place, village) {
  if (!village) {
    $("map-said").textContent = t("outside");
    map.pin(draft.place);
    return;
  }
  Object.assign(draft, { place, village, town: village.slice(0, 9) });
  places();
  changed();
  wrong($("town"), $("where-wrong"), "");
}

function passing(village) {
  $("map-said").textContent = village ? t("passing", { where: named(village) }) : t("outside");
}

function chosenArea(town, village) {
  Object.assign(draft, { place: null, town, village });
  places();
  map?.show(draft.village || draft.town);
  changed();
  wrong($("town"), $("where-wrong"), "");
}

function here() {
  if (!navigator.geolocation || !map) {
    $("map-said").textContent = t("here.no");
    return;
  }
  $("map-said").textContent = t("here.asking");
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      const place = { lon: Number(coords.longitude.toFixed(6)), lat: Number(coords.latitude.toFixed(6)) };
      chosenPlace(place, map.villageAt(place));
      if (draft.place === place) map.show(draft.village);
    },
    () => ($("map-said").textContent = t("here.no")),
    { enableHighAccuracy: true, timeout: 15_000, maximumAge: 0 },
  );
}

const token = () => $("key").value.trim();

function about() {
  const [text, words] = [plain(draft.text), plain(draft.address)];
  return words ? `${text}\n${t("address")}：${words}` : text;
}

// What the service gets of the draft. Where is said in words as well: who goes there reads them.
function report() {
  const body = { text: about(), secret: draft.secret };
  if (draft.place) body.place = draft.place;
  else if (draft.village || draft.town) body.area = draft.village || draft.town;
  const [name, phone] = [plain(draft.name), plain(draft.phone)];
  if (name || phone) body.reporter = { name, phone };
  if (draft.sameAs) body.same_as = draft.sameAs;
  if (token()) return { ...body, source: "grid", ...(draft.category ? { category: draft.category } : {}) };
  return { ...body, ...($("homepage").value ? { homepage: $("homepage").value } : {}) };
}

function doors() {
  return token()
    ? { plain: "/v1/reports", withPhotos: "/v1/reports/with-photos", alike: "/v1/reports/alike" }
    : { plain: "/v1/public/reports", withPhotos: "/v1/public/reports/with-photos", alike: "/v1/public/alike" };
}

function complete() {
  unsay();
  const long = [...about()].length;
  const missing = !plain(draft.text) ? t("text.missing") : long > LONGEST_TEXT ? t("text.long", { most: LONGEST_TEXT, n: long }) : "";
  const nowhere = draft.place || draft.town || plain(draft.address) ? "" : t("where.missing");
  const badKey = /^[\x21-\x7e]*$/.test(token()) ? "" : t("no.key");
  if (badKey) say("key", badKey);
  if (nowhere) say("place", nowhere);
  if (missing) say("text", missing);
  return !missing && !nowhere && !badKey;
}

async function submit(event) {
  event.preventDefault();
  if (busy || !complete()) return;
  busy = $("send").disabled = true;
  try {
    await keep();
    // Under a key this very report may be there already: its author would be shown their own as a neighbour's.
    near = draft.key ? [] : await alike();
  } finally {
    busy = $("send").disabled = false;
  }
  if (near.length) offer();
  else await send(draft.sameAs);
}

// Who cannot be asked in time is not asked: a bad line must not stand between a resident and the county.
async function alike() {
  if (!navigator.onLine) return [];
  const headers = { "Content-Type": "application/json", ...(token() ? { Authorization: `Bearer ${token()}` } : {}) };
  try {
    const answer = await fetch(doors().alike, { method: "POST", headers, body: JSON.stringify(report()), signal: AbortSignal.timeout(PATIENCE_ALIKE) });
    return answer.ok ? (await answer.json()).alike.filter((one) => one.takes_reports) : [];
  } catch {
    return [];
  }
}

function offer() {
  neighbours();
  show("alike");
}

function neighbours() {
  $("cases").replaceChildren(...near.map((one) =>
    h("li", {},
      h("strong", {}, one.title),
      h("span", { class: "hint" }, [
        t("alike.reports", { n: one.reports }),
        one.metres === null ? "" : t("alike.metres", { n: one.metres }),
        t("alike.since", { when: when(one.opened_at) }),
      ].filter(Boolean).join(" · ")),
      h("button", { type: "button", class: "second wide", onclick: () => send(one.case_id) }, t("alike.join")))));
}

// One at a time: a second tap would send another report, or put an empty one over the code that is shown once.
async function send(sameAs) {
  if (busy) return;
  busy = true;
  try {
    await sent(sameAs);
  } finally {
    busy = false;
  }
}

async function sent(sameAs) {
  if (sameAs !== draft.sameAs) draft.key = null;
  Object.assign(draft, { sameAs, key: draft.key || randomKey(), sending: true, keyed: Boolean(token()) });
  // First kept, then sent: closed in the middle and opened again, the same report goes on under the same key.
  await keep();
  show("sending");
  $("progress").value = 0;
  $("sending-said").textContent = "";
  stopping = new AbortController();
  const hooks = {
    progress: (percent) => {
      $("progress").value = percent;
      $("sending-said").textContent = t("sending.at", { n: percent });
    },
    waits: (seconds, why) => ($("sending-said").textContent = t(`sending.${why}`, { n: seconds })),
  };
  try {
    const answer = await deliver({ url: doors(), report: report(), photos: draft.photos, key: draft.key, token: token() }, hooks, stopping.signal);
    await answered(answer);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    draft.sending = false;
    await keep();
    show("report");
  }
}

async function answered({ status, body }) {
  if (status === 201) {
    draft = { ...EMPTY, photos: [] };
    await forget();
    fill();
    $("saved").textContent = "";
    $("code").textContent = body.tracking_code;
    $("follow").href = `/report/track#${body.tracking_code}`;
    outcome = body.merged ? "done.joined" : body.state === "received" ? "done.waits" : "done.new";
    $("done-said").textContent = t(outcome);
    show("done");
    return;
  }
  const parcel = { token: token(), photos: draft.photos.length > 0 };
  // Under this key something else may have been kept: what is mended is sent under another.
  Object.assign(draft, { sending: false, key: null });
  await keep();
  show("report");
  refused(status, body, parcel);
}

async function copy() {
  const code = $("code").textContent;
  try {
    await navigator.clipboard.writeText(code);
  } catch {
    // Without the right to the clipboard the code is marked, ready to be copied by hand.
    getSelection().selectAllChildren($("code"));
    return;
  }
  $("copy").textContent = t("copied");
}

function headed() {
  $("county").textContent = county ? pick(county.county) : "";
  document.title = [county ? pick(county.county) : "", t("title")].filter(Boolean).join(" ");
}

function line() {
  $("line").hidden = navigator.onLine;
  $("line").textContent = t("line");
}

function categories() {
  const chip = (code, words) =>
    h("label", {}, h("input", { type: "radio", name: "category", value: code, checked: code === draft.category, onchange: () => { draft.category = code; changed(); } }), h("span", {}, words));
  $("categories").replaceChildren(chip("", t("grid.any")), ...(county?.categories || []).map((one) => chip(one.code, pick(one))));
}

async function draw() {
  try {
    const answer = await fetch("/v1/public/county");
    if (!answer.ok) throw new Error(String(answer.status));
    county = await answer.json();
  } catch {
    $("map-said").textContent = t("map.none");
    addEventListener("online", draw, { once: true });
    return;
  }
  if (!map) map = new CountyMap(county, chosenPlace, passing);
  headed();
  places();
  categories();
  if (draft.town) map.show(draft.village || draft.town);
}

function listen() {
  for (const name of FIELDS) {
    $(name).addEventListener("input", () => {
      draft[name] = $(name).value;
      if (name === "text") wrong($("text"), $("text-wrong"), "");
      if (name === "address") wrong($("town"), $("where-wrong"), "");
      if (name === "name" || name === "phone") wrong($("phone"), $("who-wrong"), "");
      changed();
    });
  }
  $("key").addEventListener("input", () => wrong($("key"), $("key-wrong"), ""));
  $("secret").addEventListener("change", () => { draft.secret = $("secret").checked; changed(); });
  $("photo").addEventListener("change", async () => {
    const files = [...$("photo").files];
    $("photo").value = "";
    await addPhotos(files);
  });
  $("town").addEventListener("change", () => chosenArea($("town").value, ""));
  $("village").addEventListener("change", () => chosenArea(draft.town, $("village").value));
  $("here").addEventListener("click", here);
  $("report").addEventListener("submit", submit);
  $("mine").addEventListener("click", () => send(null));
  $("back").addEventListener("click", () => show("report"));
  $("stop").addEventListener("click", () => stopping?.abort());
  $("copy").addEventListener("click", copy);
  $("another").addEventListener("click", () => { $("copy").textContent = t("copy"); show("report"); });
  document.addEventListener("visibilitychange", () => document.hidden && saving !== null && keep());
  addEventListener("online", line);
  addEventListener("offline", line);
  switching(() => { unsay(); fill(); categories(); line(); headed(); neighbours(); if (outcome) $("done-said").textContent = t(outcome); });
}

// On a slow line somebody may have written before this file came: that is newer than any draft.
function written() {
  for (const name of FIELDS) if ($(name).value) draft[name] = $(name).value;
  if ($("secret").checked) draft.secret = true;
}

async function begin() {
  apply();
  draft = { ...EMPTY, ...(await load()) };
  if (!draft.sending) written();
  listen();
  line();
  fill();
  if ($("photo").files.length) await addPhotos([...$("photo").files]);
  await draw();
  if (draft.sending) await goOn();
}

// A grid worker's key is kept nowhere: without it the same report would come in once more, as a resident's.
async function goOn() {
  if (!draft.keyed) return send(draft.sameAs);
  draft.sending = false;
  await keep();
  $("grid").open = true;
  say("key", t("key.again"));
}

begin();
