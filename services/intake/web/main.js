// The form: what, where, who; kept as a draft, compared with what neighbours reported, sent, answered by a code.

import { forget, load, save } from "./draft.js";
import { $, h, randomKey, wrong } from "./dom.js";
import { CountyMap } from "./map.js";
import { MOST, smaller } from "./photo.js";
import { deliver, Stopped } from "./send.js";
import { apply, pick, switching, t, when } from "./words.js";

const EMPTY = { text: "", town: "", village: "", place: null, address: "", name: "", phone: "", secret: false, category: "", photos: [], sameAs: null, key: null, sending: false };
const FIELDS = ["text", "address", "name", "phone"];
const PATIENCE_ALIKE = 6000;
const VIEWS = ["report", "alike", "sending", "done"];

let draft = { ...EMPTY };
let county = null;
let map = null;
let stopping = null;
let saving = null;

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
  wrong(null, $("where-wrong"), "");
}

function chosenArea(town, village) {
  Object.assign(draft, { place: null, town, village });
  places();
  map?.show(draft.village || draft.town);
  changed();
  wrong(null, $("where-wrong"), "");
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

// What the service gets of the draft. Where is said in words as well: who goes there reads them.
function report() {
  const words = draft.address.trim();
  const about = words ? `${draft.text.trim()}\n${t("address")}：${words}` : draft.text.trim();
  const body = { text: about, secret: draft.secret };
  if (draft.place) body.place = draft.place;
  else if (draft.village || draft.town) body.area = draft.village || draft.town;
  if (draft.name.trim() || draft.phone.trim()) body.reporter = { name: draft.name.trim(), phone: draft.phone.trim() };
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
  const missing = draft.text.trim() ? "" : t("text.missing");
  const nowhere = draft.place || draft.town || draft.address.trim() ? "" : t("where.missing");
  wrong($("text"), $("text-wrong"), missing);
  wrong($("town"), $("where-wrong"), nowhere);
  if (missing) $("text").focus();
  else if (nowhere) $("town").focus();
  return !missing && !nowhere;
}

async function submit(event) {
  event.preventDefault();
  if (!complete()) return;
  await keep();
  $("send").disabled = true;
  const near = await alike();
  $("send").disabled = false;
  if (near.length) offer(near);
  else await send(null);
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

function offer(near) {
  $("cases").replaceChildren(...near.map((one) =>
    h("li", {},
      h("strong", {}, one.title),
      h("span", { class: "hint" }, [
        t("alike.reports", { n: one.reports }),
        one.metres === null ? "" : t("alike.metres", { n: one.metres }),
        t("alike.since", { when: when(one.opened_at) }),
      ].filter(Boolean).join(" · ")),
      h("button", { type: "button", class: "second wide", onclick: () => send(one.case_id) }, t("alike.join")))));
  show("alike");
}

async function send(sameAs) {
  if (sameAs !== draft.sameAs) draft.key = null;
  Object.assign(draft, { sameAs, key: draft.key || randomKey(), sending: true });
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
    $("done-said").textContent = t(body.merged ? "done.joined" : body.state === "received" ? "done.waits" : "done.new");
    show("done");
    return;
  }
  // Under this key something else may have been kept: what is mended is sent under another.
  Object.assign(draft, { sending: false, key: null });
  await keep();
  show("report");
  refused(status, body);
}

function refused(status, body) {
  const [first] = body.errors || [];
  const field = first?.field || "";
  const why = first ? t("no.field", { field: field.split("/").pop() || "", problem: [first.problem, ...(first.allowed || [])].join("; ") }) : body.detail || body.title || String(status);
  const spot = /area|place|lon|lat/.test(field) ? "where-wrong" : /photo/.test(field) ? "photo-wrong" : "text-wrong";
  const words = status === 401 || status === 403 ? t("no.key") : status === 503 ? t("no.photos") : t("no.other", { why });
  wrong(spot === "text-wrong" ? $("text") : null, $(spot), words);
  $(spot).scrollIntoView({ block: "center" });
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
  if (!map) map = new CountyMap(county, chosenPlace);
  $("county").textContent = pick(county.county);
  places();
  categories();
  if (draft.town) map.show(draft.village || draft.town);
}

function listen() {
  for (const name of FIELDS) {
    $(name).addEventListener("input", () => {
      draft[name] = $(name).value;
      if (name === "text") wrong($("text"), $("text-wrong"), "");
      changed();
    });
  }
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
  switching(() => { fill(); categories(); line(); if (county) $("county").textContent = pick(county.county); });
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
  if (draft.sending) await send(draft.sameAs);
}

begin();
