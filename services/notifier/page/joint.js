// What several act in together: modes in force, the steps of a matter, whom a whistle called, drills.

import { h } from "./dom.js";
import { momentText } from "./time.js";
import { both, half, t } from "./words.js";

const SHOWN_MODES = 3;
const DONE = ["resolved", "withdrawn"];

// The mark of a drill; nothing on a real case.
export const drillMark = (line) => (line.purpose === "drill" ? h("span", { class: "drill" }, t("drill")) : null);

// Modes in force, each with its area; normal shows nothing.
export function modePills(modes, names) {
  const pills = modes.slice(0, SHOWN_MODES).map((one) =>
    h(
      "span",
      { class: `pill mode ${one.kind}`, title: t("mode.since", { at: momentText(one.changed_at), reason: one.reason }) },
      `${names.area(one.area)} · ${both(one.title)}`,
    ),
  );
  const more = modes.length - pills.length;
  return more > 0 ? [...pills, h("span", { class: "pill mode" }, t("mode.more", { count: more }))] : pills;
}

// 一件事: every step with who has it; those that wait say for what.
export function matterSteps(matter, names) {
  if (!matter) return null;
  const titles = new Map(matter.steps.map((step) => [step.id, half(step.title)]));
  const done = matter.steps.filter((step) => DONE.includes(step.state)).length;
  const waitsFor = (step) => step.after.filter((id) => !DONE.includes((matter.steps.find((one) => one.id === id) || {}).state));
  return [
    h("h3", {}, t("matter"), h("small", {}, `${half(matter.title)} · ${done}/${matter.steps.length}`)),
    h(
      "ol",
      { class: "matter" },
      matter.steps.map((step) =>
        h(
          "li",
          { class: DONE.includes(step.state) ? "done" : step.state ? "now" : "" },
          h("b", {}, half(step.title)),
          " ",
          h("span", { class: "quiet" }, step.target ? names.target(step.target) : ""),
          h(
            "span",
            { class: `badge ${step.state ? "" : "off"}` },
            step.state ? t(`order.${step.state}`) : t("matter.waits", { steps: waitsFor(step).map((id) => titles.get(id) || id).join("、") || "–" }),
          ),
        ),
      ),
    ),
  ];
}

// 吹哨: one line for each department that was called, with its own sign-in and arrival.
export function whistleCards(whistles) {
  if (!whistles.length) return null;
  const who = (actor) => (actor ? actor.name || actor.id : "");
  return [
    h("h3", {}, t("whistle"), h("small", {}, String(whistles.length))),
    whistles.map((whistle) =>
      h(
        "div",
        { class: whistle.state === "declined" ? "card gone whistle" : "card whistle" },
        h(
          "div",
          { class: "line" },
          h("span", { class: `badge ${whistle.state === "asked" ? "warn" : whistle.state === "declined" ? "off" : ""}` }, t(`whistle.${whistle.state}`)),
          h("b", {}, t(`whistle.${whistle.kind}`)),
          h("span", { class: "quiet" }, `${who(whistle.asked_by || whistle.sounded_by)}：“${whistle.declined_why || whistle.reason}”`),
        ),
        h("ul", { class: "called" }, whistle.called.map(called)),
      ),
    ),
  ];
}

function called(one) {
  const late = (kind) => one.late.includes(kind);
  const due = (at) => (at && one.stands ? t("called.due", { at: momentText(at) }) : null);
  const mark = (done, kind, at, words) =>
    h("span", { class: done ? "done" : late(kind) ? "late" : "" }, done ? `${t(`${words}.done`)} ${momentText(done)}` : [t(`${words}.not`), due(at)].filter(Boolean).join(" · "));
  const state = one.waits ? t("called.waits") : one.state ? t(`order.${one.state}`) : t("called.none");
  return h(
    "li",
    { class: one.stands || one.state === "resolved" ? "" : "off" },
    h("b", {}, both(one.name)),
    h("span", { class: "quiet" }, state),
    one.order_id ? [mark(one.signed_at, "sign_in", one.sign_due_at, "called.signed"), mark(one.arrived_at, "arrive", one.arrive_due_at, "called.arrived")] : null,
  );
}

// Rules in shadow: what they would have done.
export function shadows(why, of) {
  if (!why.shadows || !why.shadows.length) return null;
  return h(
    "details",
    { "data-of": `${of}-shadow` },
    h("summary", {}, t("case.shadows", { count: why.shadows.length })),
    h("ul", {}, why.shadows.map((one) => h("li", { class: "shadow" }, `${one.rule_title}：${both({ zh: one.words, en: one.words_en })}`))),
  );
}
