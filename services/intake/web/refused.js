// What the service did not take, in the words of the form and beside the field that it is about.

import { $, wrong } from "./dom.js";
import { t } from "./words.js";

const FIELD_WORDS = { text: "no.text", place: "no.place", who: "no.who" };
const PLACES = { text: "text-wrong", place: "where-wrong", photo: "photo-wrong", who: "who-wrong", key: "key-wrong" };
const INPUTS = { text: "text", place: "town", who: "phone", key: "key" };

// Says why a report came back; `parcel` is {token, photos} of what was sent.
export function refused(status, body, parcel) {
  const [first] = body.errors || [];
  const spot = spotOf(status, first?.field || "", parcel);
  if (spot === "key") $("grid").open = true;
  say(spot, wordsOf(status, spot, first?.field || "", body, parcel));
}

export function say(spot, words) {
  const input = $(INPUTS[spot] || "");
  wrong(input, $(PLACES[spot]), words);
  $(PLACES[spot]).scrollIntoView({ block: "center" });
  if (words && input) input.focus({ preventScroll: true });
}

// Whatever was said of the last try is taken back.
export function unsay() {
  for (const spot of Object.keys(PLACES)) wrong($(INPUTS[spot] || ""), $(PLACES[spot]), "");
}

function spotOf(status, field, { token, photos }) {
  if (status === 401) return token ? "key" : "text";
  if (status === 403) return token && /area|place/.test(field) ? "place" : token ? "key" : "text";
  if (/photo/.test(field) || status === 413 || (status === 503 && photos)) return "photo";
  if (/area|place|lon|lat/.test(field)) return "place";
  if (/reporter|name|phone/.test(field)) return "who";
  return "text";
}

function wordsOf(status, spot, field, body, { token }) {
  if ((status === 401 || status === 403) && token) return t(spot === "place" ? "no.area" : "no.key");
  if (spot === "photo") return photoWords(status, field);
  if (status === 422 && FIELD_WORDS[spot] && field) return t(FIELD_WORDS[spot]);
  return t("no.other", { status, why: body.detail || body.title || "" });
}

function photoWords(status, field) {
  if (status === 503) return t("no.photos");
  const number = /photo\/(\d+)/.exec(field);
  return number ? t("no.photo", { n: Number(number[1]) + 1 }) : t("no.heavy");
}
