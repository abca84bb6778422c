// 风险预警: what is more than usual now, where, and by which figures.

import { h } from "./dom.js";
import { momentText } from "./time.js";
import { both, t } from "./words.js";

const ON_BOARD = 3;
const KINDS = { "whistle.warning.raised.v1": "warned.raised", "whistle.warning.updated.v1": "warned.grown", "whistle.warning.ended.v1": "warned.over" };

// The word for an event of a warning; nothing for any other.
export const warnedKind = (event) => KINDS[event] || null;

// What the board's feed shows of such an event.
export function warnedLine(kind, data) {
  const { title, title_en: titleEn, area } = data.data.warning;
  return { time: data.time, kind, case: { title: { zh: title, en: titleEn }, area } };
}

const figure = (number) => number.toLocaleString("en-US", { maximumFractionDigits: number < 10 ? 2 : 0 });

function card(one, names, onCases) {
  const { warning } = one;
  return h(
    "li",
    {},
    h(
      "div",
      { class: "line" },
      h("b", {}, both(one.title)),
      h("span", { class: "quiet" }, `${names.place(warning.area)} · ${names.category(warning.category)}`),
      one.opens_case ? h("span", { class: "badge warn" }, t("warned.opens")) : null,
    ),
    h("p", {}, both(one.why)),
    h(
      "p",
      { class: "quiet figures" },
      [
        t("warned.observed", { observed: figure(warning.observed), usual: figure(warning.usual) }),
        t("warned.odds", { odds: figure(warning.odds) }),
        t("warned.until", { since: momentText(Date.parse(warning.since)), until: momentText(Date.parse(warning.until)) }),
        warning.spot ? t("warned.spot", { metres: figure(warning.spot.metres) }) : null,
      ]
        .filter(Boolean)
        .map((text) => h("span", {}, text)),
    ),
    h("button", { type: "button", class: "link", onclick: () => onCases(warning) }, t("warned.cases", { count: warning.case_count })),
  );
}

function cards(warnings, names, onCases) {
  return h("ul", { class: "warned" }, warnings.map((one) => card(one, names, onCases)));
}

// The newest few on the board, with a way to all of them; no warning, no heading.
export function warnedBoard(warnings, names, onCases, onAll) {
  if (!warnings.length) return null;
  const more = warnings.length - ON_BOARD;
  return [
    h("h3", {}, t("warned"), h("small", {}, String(warnings.length))),
    cards(warnings.slice(0, ON_BOARD), names, onCases),
    more > 0 ? h("button", { type: "button", class: "link", onclick: onAll }, t("warned.more", { count: more })) : null,
  ];
}

// All of them, in the pane of a case.
export function warnedPane(warnings, names, onCases, onClose) {
  return [
    h(
      "div",
      { class: "pane-head" },
      h("h2", {}, t("warned")),
      h("span", { class: "grow" }),
      h("button", { type: "button", class: "close", "aria-label": t("warned.close"), title: t("warned.close"), onclick: onClose }, "✕"),
    ),
    h("div", { class: "board" }, warnings.length ? cards(warnings, names, onCases) : h("p", { class: "quiet" }, t("warned.none"))),
  ];
}

// The button at the top, with how many there are; nothing when nothing is unusual.
export function drawWarned(button, warnings) {
  button.hidden = !warnings.length;
  // On a telephone mark and number stand for it, in the place of the logo.
  document.body.classList.toggle("has-warned", !button.hidden);
  button.setAttribute("aria-label", t("warned.pill", { count: warnings.length }));
  button.replaceChildren(h("span", { class: "mark-of" }, "▲"), h("span", { class: "long" }, t("warned")), String(warnings.length));
}
