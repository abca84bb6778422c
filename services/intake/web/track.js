// A report followed by its code. The code stands behind the # of the address, so no server writes it down with the page.

import { $, h, randomKey, wrong } from "./dom.js";
import { apply, language, pick, switching, t, when } from "./words.js";

const LOOK_AGAIN = 15_000;
const SOON = [2000, 3000, 5000, 8000];

let readUrl = null;
let code = "";
let shown = null;
let timer = null;

async function read() {
  if (readUrl === null) {
    const answer = await fetch("/v1/public/county");
    readUrl = answer.ok ? (await answer.json()).read_url : "";
  }
  return fetch(`${readUrl}/v1/track/${encodeURIComponent(code)}`, { cache: "no-store" });
}

async function look({ tries = 0, quiet = false } = {}) {
  clearTimeout(timer);
  if (!code) return;
  try {
    const answer = await read();
    if (answer.status === 404 && tries < SOON.length && !shown) {
      // The page that follows is told by Kafka, a moment after the code was.
      wrong(null, $("code-wrong"), t("code.soon"));
      timer = setTimeout(() => look({ tries: tries + 1 }), SOON[tries]);
      return;
    }
    if (!answer.ok) throw answer;
    shown = await answer.json();
    wrong($("code"), $("code-wrong"), "");
    tell(quiet);
  } catch (error) {
    if (quiet) return;
    const words = error instanceof Response ? await why(error) : t("no.line");
    wrong($("code"), $("code-wrong"), words);
    if (!shown) $("found").hidden = true;
  } finally {
    if (shown) timer = setTimeout(() => look({ quiet: true }), LOOK_AGAIN);
  }
}

async function why(answer) {
  if (answer.status === 404 || answer.status === 422) return t("code.no");
  if (answer.status === 429) return t("no.busy", { n: answer.headers.get("Retry-After") || 60 });
  if (answer.status === 409) return t("no.state");
  return t("no.away");
}

function tell(quiet) {
  $("found").hidden = false;
  $("state").textContent = pick(shown.words);
  $("about").textContent = [t("about", { category: pick(shown.category), area: pick(shown.area) }), shown.reports > 1 ? t("reports", { n: shown.reports }) : ""].filter(Boolean).join(" · ");
  $("next").textContent = shown.held_until ? t("held", { when: when(shown.held_until) }) : shown.due ? t("due", { what: pick(shown.due.words), when: when(shown.due.due_at) }) : "";
  $("steps").replaceChildren(...shown.steps.map(step));
  // The page that follows is told of the reopening a moment after it: until then it still offers what is past.
  if (!shown.next.reopen_until) reopenedAt = null;
  $("rate").hidden = !shown.next.rate || rated() || reopened();
  $("reopen").hidden = !shown.next.reopen_until || reopened();
  if (shown.next.reopen_until) $("until").textContent = t("reopen.until", { when: when(shown.next.reopen_until) });
  if (!quiet) $("state").focus();
}

function step(one) {
  return h("li", {},
    h("time", { datetime: one.at }, when(one.at)),
    h("strong", {}, pick(one.words)),
    one.yours ? h("span", { class: "hint" }, t("yours")) : null,
    one.office ? h("span", { class: "hint" }, pick(one.office)) : null,
    one.note ? h("blockquote", {}, one.note) : null);
}

// A rating is asked for once: who has given theirs here is thanked and not asked again.
let ratedAt = null;
const rated = () => ratedAt === shown.case_id;
let reopenedAt = null;
const reopened = () => reopenedAt === shown.case_id;

let acting = false;
let last = { said: "", key: "" };

// The same words again, after an answer that was lost, are the same act: they go under the same key.
function keyOf(said) {
  if (last.said !== said) last = { said, key: randomKey() };
  return last.key;
}

async function act(what, body, place) {
  if (acting) return false;
  acting = true;
  const words = JSON.stringify(body);
  const headers = { "Content-Type": "application/json", "Idempotency-Key": keyOf(`${code} ${what} ${words}`) };
  try {
    const answer = await fetch(`/v1/track/${encodeURIComponent(code)}/${what}`, { method: "POST", headers, body: words });
    if (answer.ok) {
      last = { said: "", key: "" };
      return true;
    }
    wrong(null, place, await why(answer));
  } catch {
    wrong(null, place, t("no.line"));
  } finally {
    acting = false;
  }
  return false;
}

function thank(words) {
  $("thanks").textContent = words;
  $("thanks").hidden = false;
  $("thanks").focus();
}

async function rate(event) {
  event.preventDefault();
  const chosen = new FormData($("rate")).get("rating");
  wrong(null, $("rate-wrong"), chosen ? "" : t("rate.missing"));
  if (!chosen || !(await act("rate", { rating: chosen, note: $("rate-note").value.trim() }, $("rate-wrong")))) return;
  ratedAt = shown.case_id;
  $("rate").hidden = true;
  thank(t("rate.thanks"));
  look({ quiet: true });
}

async function reopen(event) {
  event.preventDefault();
  const reason = $("reason").value.trim();
  wrong($("reason"), $("reopen-wrong"), reason ? "" : t("reopen.missing"));
  if (!reason || !(await act("reopen", { reason }, $("reopen-wrong")))) return;
  reopenedAt = shown.case_id;
  $("reason").value = "";
  $("reopen").hidden = $("rate").hidden = true;
  thank(t("reopen.thanks"));
  look({ quiet: true });
}

function ask(event) {
  event?.preventDefault();
  code = $("code").value.trim();
  shown = null;
  $("thanks").hidden = true;
  wrong($("code"), $("code-wrong"), code ? "" : t("code.no"));
  if (!code) return;
  if (location.hash.slice(1) !== code) history.replaceState(null, "", `#${code}`);
  look();
}

function fromAddress() {
  const written = unescaped(location.hash.slice(1));
  if (!written) return;
  $("code").value = written;
  ask();
}

function unescaped(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

function headed() {
  document.title = `${t("track.title")} · ${language() === "en" ? "Whistle" : "哨令"}`;
}

function spoken() {
  headed();
  for (const place of ["code-wrong", "rate-wrong", "reopen-wrong"]) $(place).textContent = "";
  if (shown) tell(true);
}

apply();
headed();
switching(spoken);
$("ask").addEventListener("submit", ask);
$("rate").addEventListener("submit", rate);
$("reopen").addEventListener("submit", reopen);
addEventListener("hashchange", fromAddress);
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : shown && look({ quiet: true })));
fromAddress();
