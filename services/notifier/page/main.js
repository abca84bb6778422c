// The desk put together: a key, a list, a case, and one stream that keeps all of them true.

import { $, grade, h } from "./dom.js";
import { modePills } from "./joint.js";
import { List, MOST } from "./list.js";
import { Names } from "./names.js";
import { MACHINE, Panel } from "./panel.js";
import { Stream } from "./stream.js";
import { clockText, dayText, learn, now, spanText } from "./time.js";
import { drawWarned, warnedKind, warnedLine } from "./warned.js";
import { both, lang, setLang, t } from "./words.js";

const ENDED = ["closed", "refused", "merged"];
const STATES = ["received", "opened", "routed", "signed", "arrived", "in_progress", "paused", "hung", "returned", "resolved", "verified", ...ENDED];
const LEVELS = ["village", "town", "county"];
const TILES = [
  { name: "open", states: STATES.filter((state) => !ENDED.includes(state)) },
  { name: "waiting", states: ["received", "opened", "routed", "returned"] },
  { name: "working", states: ["signed", "arrived", "in_progress", "paused", "hung"] },
  { name: "checking", states: ["resolved", "verified"] },
  { name: "late", late: true },
  { name: "escalated" },
  { name: "waits", waits: true },
];
const WAITS = ["file", "alike", "receipt", "whistle", "extension", "reply", "sign_off", "appeal"];
const NO_FILTER = { severities: [], states: [], level: "", area: "", category: "", words: "", late: false, waits: false };
const LATE_MS = 12000;
const DEAD_MS = 60000;
const COUNT_EVERY_MS = 2500;
const SPEAK_EVERY_MS = 5000;
const LATEST = 14;
const PAST = 80;

const desk = {
  key: sessionStorage.getItem("whistle.key"),
  me: null,
  summary: null,
  stream: null,
  heard: 0,
  tries: 0,
  connected: false,
  counted: 0,
  due: [],
  modes: [],
  warnings: [],
  table: null,
  latest: [],
  fresh: { count: 0, grave: 0 },
  filters: readFilters(),
};
const names = new Names();
const list = new List({ box: $("list"), unseen: $("unseen"), hold: $("hold"), names, onOpen: (id) => openCase(id) });
const panel = new Panel({ pane: $("case"), names, read: ask, photo, table: () => desk.table, role: () => desk.me && desk.me.role, onClose: closed });
panel.onPick = (id) => list.open(id);
panel.onCases = (warning) => {
  panel.close();
  change({ ...NO_FILTER, area: warning.area, category: warning.category });
};

// ---- the key

$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  desk.key = $("key").value.trim();
  enter();
});
$("leave").addEventListener("click", () => leave(""));

async function enter() {
  $("key-wrong").textContent = "";
  const answer = await ask("/v1/me");
  if (!answer.ok) {
    leave(answer.status === 401 ? t("enter.wrong") : answer.status === 403 ? t("enter.role") : t("enter.away"));
    return;
  }
  learn(answer.body.now);
  sessionStorage.setItem("whistle.key", desk.key);
  desk.me = answer.body;
  $("key").value = "";
  $("enter").hidden = true;
  $("desk").hidden = false;
  $("leave").hidden = false;
  $("who").hidden = false;
  await Promise.all([learnNames(), learnTable()]);
  speak();
  await begin();
  // A desk just opened is live, also for whoever opened it by Enter.
  list.resume();
  $("list").focus({ preventScroll: true });
  if (desk.filters.case) openCase(desk.filters.case);
}

function leave(why) {
  if (desk.stream) desk.stream.stop();
  sessionStorage.removeItem("whistle.key");
  Object.assign(desk, { key: null, me: null, stream: null, summary: null, connected: false, heard: 0, modes: [], warnings: [] });
  list.reset([], false);
  panel.leave();
  panel.situation([], [], []);
  $("enter").hidden = false;
  for (const id of ["desk", "leave", "who"]) $(id).hidden = true;
  $("key-wrong").textContent = why;
  $("key").focus();
  speak();
}

async function learnNames() {
  const answer = await ask("/v1/names");
  if (answer.ok) names.learn(answer.body);
  else setTimeout(() => desk.key && learnNames().then(speak), 5000);
}

async function ask(path) {
  try {
    const answer = await fetch(path, { headers: { Authorization: `Bearer ${desk.key}` }, cache: "no-store" });
    const body = answer.ok ? await answer.json() : null;
    return { ok: answer.ok, status: answer.status, body };
  } catch (error) {
    return { ok: false, status: 0, body: null };
  }
}

async function photo(caseId, photoId) {
  try {
    const path = `/v1/cases/${encodeURIComponent(caseId)}/photos/${encodeURIComponent(photoId)}?thumb=true`;
    const answer = await fetch(path, { headers: { Authorization: `Bearer ${desk.key}` } });
    return answer.ok ? await answer.blob() : null;
  } catch (error) {
    return null;
  }
}

// Which action is open in which state to which role: a file of this page.
async function learnTable() {
  try {
    const answer = await fetch("/page/states.json");
    if (answer.ok) desk.table = await answer.json();
  } catch (error) {
    desk.table = null;
  }
}

// ---- the list and the stream: one position, so that nothing falls between them

async function begin(exactly = false) {
  const turn = (desk.turn = (desk.turn || 0) + 1);
  if (desk.stream) desk.stream.stop();
  const query = listQuery();
  query.set("limit", String(MOST));
  const answer = await ask(`/v1/cases?${query}`);
  if (turn !== desk.turn) return;
  if (answer.status === 401) {
    leave(t("enter.wrong"));
    return;
  }
  if (!answer.ok) {
    lost(++desk.tries);
    setTimeout(() => turn === desk.turn && desk.key && begin(), 2000);
    return;
  }
  learn(answer.body.now);
  const { filters } = desk;
  list.order = filters.sort;
  list.fits = fits;
  list.filtered = isFiltered();
  list.reset(answer.body.cases, answer.body.next !== null);
  desk.connected = false;
  desk.live = false;
  desk.latest = [];
  desk.stream = new Stream({
    key: desk.key,
    query: streamQuery(),
    // A little of the past too, for the board; 0 is all that is kept and can always be had.
    after: exactly ? answer.body.position : Math.max(0, answer.body.position - PAST),
    on: { events: take, lost, denied: (status) => leave(status === 401 ? t("enter.wrong") : t("enter.role")) },
  });
  count(true);
}

function take(events) {
  desk.heard = Date.now();
  desk.connected = true;
  desk.tries = 0;
  const lines = new Map();
  for (const { event, data } of events) {
    if (data.now) learn(data.now);
    if (event === "live") desk.live = true;
    if (event === "resync") {
      begin(true);
      return;
    }
    // A circular tells of a case that this key may not open: who is late and by how much.
    if (data.circular) desk.latest.unshift({ time: data.time, words: data.words, case: { title: names.category(data.circular.category), area: data.circular.area } });
    const warned = warnedKind(event);
    if (warned) noteWarning(warned, data);
    if (!data.case) continue;
    lines.set(data.case.case_id, data.case);
    if (!MACHINE.includes(event)) desk.latest.unshift({ time: data.time, words: data.words, case: data.case });
    if (desk.live && event === "whistle.case.opened.v1" && fits(data.case)) noteNew(data.case);
  }
  desk.latest.length = Math.min(desk.latest.length, LATEST);
  if (lines.size) {
    list.put([...lines.values()]);
    if (lines.has(panel.id)) panel.changed();
    count(false);
  }
  pulse();
}

function noteWarning(kind, data) {
  const line = warnedLine(kind, data);
  desk.latest.unshift(line);
  if (desk.live && kind === "warned.raised") $("alert").textContent = t("alert.warned", { title: both(line.case.title), place: names.place(line.case.area) });
  count(false);
}

function noteNew(line) {
  desk.fresh.count += 1;
  if (line.severity === 1) {
    desk.fresh.grave += 1;
    $("alert").textContent = t("alert.grave", { title: line.title });
  }
}

function lost(tries) {
  desk.tries = tries;
  desk.connected = false;
  pulse();
}

// ---- counts and the board

function count(atOnce) {
  if (desk.counting) return;
  const wait = atOnce ? 0 : Math.max(0, desk.counted + COUNT_EVERY_MS - Date.now());
  desk.counting = setTimeout(async () => {
    const [summary, due, modes, warned] = await Promise.all([ask("/v1/summary"), ask("/v1/cases?sort=due&limit=20"), ask("/v1/modes?limit=1"), ask("/v1/warnings")]);
    desk.counting = null;
    desk.counted = Date.now();
    if (summary.ok) {
      desk.summary = summary.body;
      drawTiles();
    }
    if (modes.ok) {
      desk.modes = modes.body.in_force;
      drawModes();
    }
    if (due.ok) desk.due = due.body.cases;
    if (warned.ok && desk.key) {
      desk.warnings = warned.body.warnings;
      drawWarned($("warned"), desk.warnings);
    }
    panel.situation(desk.due, desk.latest, desk.warnings);
  }, wait);
}

// A live region is drawn anew only when it says something else.
function drawModes() {
  const pills = modePills(desk.modes, names);
  if ($("modes").textContent !== pills.map((pill) => pill.textContent).join("")) $("modes").replaceChildren(...pills);
}

function drawTiles() {
  const { summary } = desk;
  const cases = summary ? summary.cases : {};
  const sum = (states) => states.reduce((total, state) => total + (cases[state] || 0), 0);
  const open = summary ? summary.open_by_severity : {};
  const figures = {
    open: [sum(TILES[0].states), [1, 2, 3, 4].filter((one) => open[one]).map((one) => `${"ⅠⅡⅢⅣ"[one - 1]} ${open[one]}`).join(" · ") || t("tile.closed.sub", { count: cases.closed || 0 })],
    waiting: [sum(TILES[1].states), t("tile.waiting.sub", { opened: cases.opened || 0, routed: cases.routed || 0, returned: cases.returned || 0 })],
    working: [sum(TILES[2].states), t("tile.working.sub.held", { arrived: cases.arrived || 0, progress: cases.in_progress || 0, held: (cases.paused || 0) + (cases.hung || 0) })],
    checking: [sum(TILES[3].states), t("tile.checking.sub", { resolved: cases.resolved || 0, verified: cases.verified || 0 }) + " · " + t("tile.closed.sub", { count: cases.closed || 0 })],
    late: [summary ? summary.late_cases : 0, t("tile.late.sub", { open: summary ? summary.open_clocks : 0 })],
    waits: [summary ? WAITS.reduce((total, one) => total + (summary.waits[one] || 0), 0) : 0, t("tile.waits.sub", summary ? summary.waits : { file: 0, extension: 0, reply: 0 })],
    escalated: [summary ? summary.escalations.town + summary.escalations.county : 0, t("tile.escalated.sub", summary ? summary.escalations : { town: 0, county: 0 })],
  };
  const tone = { late: "bad", escalated: "warn", waits: "warn" };
  $("tiles").replaceChildren(
    ...TILES.map((tile) => {
      const [figure, sub] = figures[tile.name];
      const pressed = tile.late ? desk.filters.late : tile.waits ? desk.filters.waits : tile.states ? same(tile.states, desk.filters.states) : null;
      return h(
        "button",
        { type: "button", class: `tile ${figure > 0 ? tone[tile.name] || "" : ""}`, "aria-pressed": pressed === null ? null : String(pressed), "data-tile": tile.name, onclick: () => pickTile(tile, pressed) },
        h("small", {}, t(`tile.${tile.name}`)),
        h("strong", {}, summary ? figure.toLocaleString("en-US") : "–"),
        h("em", {}, sub),
      );
    }),
  );
}

function pickTile(tile, pressed) {
  if (tile.late) change({ late: !pressed, states: [], waits: false });
  else if (tile.waits) change({ waits: !pressed, states: [], late: false });
  else if (tile.states) change({ states: pressed ? [] : tile.states, late: false, waits: false });
}

const same = (a, b) => a.length === b.length && a.every((one) => b.includes(one));

// ---- filters: the whole state stands in the address, the key never

function readFilters() {
  const query = new URLSearchParams(location.hash.slice(1));
  const many = (name, allowed) => (query.get(name) || "").split(",").filter((one) => allowed.includes(one));
  const digits = (query.get("area") || "").match(/^\d{6,15}$/);
  return {
    severities: many("severity", ["1", "2", "3", "4"]),
    states: many("state", STATES),
    level: many("level", LEVELS)[0] || "",
    area: digits ? digits[0] : "",
    category: (query.get("category") || "").slice(0, 32),
    words: (query.get("q") || "").slice(0, 64),
    late: query.get("late") === "1",
    waits: query.get("waits") === "1",
    sort: ["newest", "due", "active"].includes(query.get("sort")) ? query.get("sort") : "newest",
    case: /^[0-9a-f-]{36}$/.test(query.get("case") || "") ? query.get("case") : "",
  };
}

function writeFilters() {
  const { filters } = desk;
  const query = new URLSearchParams();
  const put = (name, value) => value && query.set(name, value);
  put("severity", filters.severities.join(","));
  put("state", filters.states.join(","));
  put("level", filters.level);
  put("area", filters.area);
  put("category", filters.category);
  put("q", filters.words);
  put("late", filters.late ? "1" : "");
  put("waits", filters.waits ? "1" : "");
  put("sort", filters.sort === "newest" ? "" : filters.sort);
  put("case", filters.case);
  history.replaceState(null, "", `${location.pathname}#${query}`);
}

function change(changes) {
  Object.assign(desk.filters, changes);
  writeFilters();
  drawFilters();
  drawTiles();
  if (desk.me) begin();
}

function streamQuery() {
  const { area, category, severities } = desk.filters;
  const query = new URLSearchParams();
  if (area) query.set("area", area);
  if (category) query.set("category", category);
  if (severities.length) query.set("severity", severities.join(","));
  return query;
}

function listQuery() {
  const { filters } = desk;
  const query = streamQuery();
  if (filters.states.length) query.set("state", filters.states.join(","));
  if (filters.level) query.set("level", filters.level);
  if (filters.words) query.set("q", filters.words);
  if (filters.late) query.set("late", "true");
  if (filters.waits) query.set("waits", WAITS.join(","));
  if (filters.sort === "due") query.set("sort", "due");
  return query;
}

// The same question as the list's, asked of one line: the stream brings lines that no longer fit.
function fits(line) {
  const { filters } = desk;
  return (
    (!filters.states.length || filters.states.includes(line.state)) &&
    (!filters.level || filters.level === line.level) &&
    (!filters.severities.length || filters.severities.includes(String(line.severity))) &&
    (!filters.area || line.area.startsWith(filters.area)) &&
    (!filters.category || line.category === filters.category || line.category.startsWith(`${filters.category}.`)) &&
    (!filters.words || line.title.toLowerCase().includes(filters.words.toLowerCase())) &&
    (!filters.waits || line.waits.length > 0) &&
    (!filters.late || (line.clock !== null && !line.clock.still && !ENDED.includes(line.state) && Date.parse(line.clock.due_at) <= now()))
  );
}

const isFiltered = () => listQuery().toString().replace("sort=due", "") !== "";

function drawFilters() {
  const { filters } = desk;
  const toggle = (values, value) => (values.includes(value) ? values.filter((one) => one !== value) : [...values, value]);
  const chip = (pressed, onclick, ...content) => h("button", { type: "button", class: "chip", "aria-pressed": String(pressed), onclick }, content);
  redraw(
    $("severities"),
    ["1", "2", "3", "4"].map((one) =>
      chip(filters.severities.includes(one), () => change({ severities: toggle(filters.severities, one) }), grade(Number(one), ""), t(`grade.${one}`).split(/[ ,]+/).slice(1).join(" ")),
    ),
  );
  redraw(
    $("states"),
    STATES.map((state) => chip(filters.states.includes(state), () => change({ states: toggle(filters.states, state) }), t(`state.${state}`))),
  );
  $("late").setAttribute("aria-pressed", String(filters.late));
  $("clear").hidden = !isFiltered();
  if ($("words").value.trim() !== filters.words) $("words").value = filters.words;
  const option = (value, text) => h("option", { value, selected: false }, text);
  const scope = desk.me ? desk.me.area : "";
  const areas = Object.keys(names.areas).filter((code) => code.startsWith(scope) && code !== scope).sort();
  choose($("area"), [option("", t("filter.area.all")), ...areas.map((code) => option(code, `${code.length > 9 ? "　" : ""}${names.area(code)}`))], filters.area);
  const categories = Object.keys(names.categories).sort();
  choose($("category"), [option("", t("filter.category.all")), ...categories.map((code) => option(code, `${names.categories[code].parent ? "　" : ""}${both(names.categories[code])}`))], filters.category);
  choose($("level"), [option("", t("filter.level.all")), ...LEVELS.map((level) => option(level, t(`level.${level}`)))], filters.level);
  $("sort").value = filters.sort;
}

// Keep the focus on the same chip when its row is drawn anew.
function redraw(row, chips) {
  const focused = [...row.children].indexOf(document.activeElement);
  row.replaceChildren(...chips);
  if (focused >= 0) row.children[focused].focus();
}

function choose(select, options, value) {
  select.replaceChildren(...options);
  select.value = value;
  if (select.selectedIndex < 0) select.value = "";
}

for (const name of ["area", "category", "level", "sort"]) {
  $(name).addEventListener("change", () => change({ [name]: $(name).value }));
}
$("late").addEventListener("click", () => change({ late: !desk.filters.late }));
$("clear").addEventListener("click", () => change(NO_FILTER));
$("warned").addEventListener("click", () => {
  if (desk.filters.case) closed();
  panel.openWarned();
});
let typing = 0;
$("words").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => change({ words: $("words").value.trim() }), 300);
});

// ---- the case

function openCase(id) {
  desk.filters.case = id;
  writeFilters();
  list.select(id);
  panel.open(id);
}

function closed() {
  desk.filters.case = "";
  writeFilters();
  list.select(null);
  $("list").focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || !desk.me) return;
  if (event.code === "Escape") panel.close();
  const typed = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (typed || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("button")) return;
  if (event.code === "Slash") {
    event.preventDefault();
    $("words").focus();
  } else if (["ArrowDown", "ArrowUp", "KeyJ", "KeyK"].includes(event.code) && event.target !== $("list") && !event.target.closest(".case-body")) {
    $("list").focus({ preventScroll: true });
    list.onKey(event);
  }
});

// ---- the beat: clocks run, and old numbers are never shown as live

function pulse() {
  const pill = $("fresh");
  const age = desk.heard ? Date.now() - desk.heard : 0;
  let state = "off";
  let text = t("fresh.off");
  if (desk.me) {
    if (desk.connected && age <= LATE_MS) [state, text] = ["live", t("fresh.live")];
    else if (!desk.heard) [state, text] = [desk.tries ? "late" : "off", t("fresh.connecting")];
    else {
      state = age > DEAD_MS ? "dead" : "late";
      text = desk.connected ? t("fresh.late", { span: spanText(age, t) }) : t("fresh.again", { span: spanText(age, t), tries: desk.tries });
    }
  }
  pill.dataset.state = state;
  pill.firstElementChild.textContent = text;
  document.body.classList.toggle("stale", state === "dead");
  $("clock").textContent = `${dayText(now())} ${clockText(now())}`;
}

setInterval(() => {
  pulse();
  if (!desk.me || document.hidden) return;
  list.tick();
  panel.tick();
}, 1000);
setInterval(() => {
  if (!desk.fresh.count) return;
  $("status").textContent = t("status.new", desk.fresh);
  desk.fresh = { count: 0, grave: 0 };
}, SPEAK_EVERY_MS);
setInterval(() => desk.me && !document.hidden && count(false), 15000);
list.box.addEventListener("drawn", () => {
  $("shown").textContent = t(list.more ? "shown.more" : "shown", { count: list.cases.size });
});

// ---- language and light

function speak() {
  document.documentElement.lang = lang() === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
  for (const element of document.querySelectorAll("[data-placeholder]")) element.placeholder = t(element.dataset.placeholder);
  $("lang").textContent = t("lang");
  $("lang").setAttribute("aria-label", t("lang.label"));
  const dark = document.documentElement.dataset.theme === "dark";
  $("theme").textContent = t(dark ? "theme.light" : "theme.dark");
  const { me } = desk;
  const place = me && (both(me.department_name) || (me.area_name && t("place.desk", { name: both(me.area_name) })) || me.area);
  $("place").textContent = place || "哨令 Whistle";
  $("who").textContent = me ? `${me.name} · ${t(`role.${me.role}`)}` : "";
  document.title = place ? `${place} · 哨令 Whistle` : "哨令 Whistle";
  drawModes();
  drawWarned($("warned"), desk.warnings);
  drawFilters();
  drawTiles();
  list.refresh();
  list.showHold();
  list.render();
  panel.draw();
  pulse();
}

$("lang").addEventListener("click", () => {
  setLang(lang() === "zh" ? "en" : "zh");
  localStorage.setItem("whistle.lang", lang());
  speak();
});
$("theme").addEventListener("click", () => {
  const dark = document.documentElement.dataset.theme !== "dark";
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  localStorage.setItem("whistle.theme", document.documentElement.dataset.theme);
  speak();
});

const asked = new URLSearchParams(location.search);
setLang(asked.get("lang") || localStorage.getItem("whistle.lang") || (navigator.language.startsWith("zh") ? "zh" : "en"));
document.documentElement.dataset.theme =
  asked.get("theme") === "dark" || asked.get("theme") === "light"
    ? asked.get("theme")
    : localStorage.getItem("whistle.theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
speak();
if (desk.key) enter();
else $("key").focus();
