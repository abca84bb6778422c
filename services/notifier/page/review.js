// How a report was understood, what was asked for and is waited for, and what is open to whoever looks.

import { h } from "./dom.js";
import { momentText } from "./time.js";
import { both, half, t } from "./words.js";

const ENDED = ["closed", "refused", "merged"];

export const ended = (line) => ENDED.includes(line.state);

// What a line of the list says beside its state: what waits for a word, how many reported it, what it is exempt from.
export function marks(line) {
  const mark = (kind, text) => h("span", { class: `mark ${kind}` }, text);
  return [
    line.waits.map((one) => mark("waits", t(`waits.${one}`))),
    line.held ? mark("held", [t(`state.${line.held.hung ? "hung" : "paused"}`), until(line.held)].filter(Boolean).join(" ")) : null,
    line.mass ? mark("mass", t("mark.mass")) : null,
    line.reports > 1 ? mark("", t("mark.reports", { count: line.reports })) : null,
    line.extensions ? mark("", t("mark.extended", { count: line.extensions })) : null,
    line.exempt ? mark("", t("mark.exempt")) : null,
  ].flat().filter(Boolean);
}

export const until = (held) => (held && held.until ? t("held.until", { at: momentText(held.until) }) : "");

const percent = (share) => `${Math.round(share * 100)}%`;

// 类别判断: the guess with its confidence, the words that decided, the second guess.
export function understood(story) {
  const { guess, words, second } = story.understood;
  if (!guess) return null;
  return h(
    "p",
    { class: "quiet guess" },
    `${t("case.understood")}：${t("case.guess", { name: both(guess.name), share: percent(guess.confidence) })}`,
    words.length ? ` · ${t("case.guess.words", { words: words.join("、") })}` : null,
    second ? ` · ${t("case.guess.second", { name: both(second.name), share: percent(second.confidence) })}` : null,
  );
}

// 疑似同一事项: the candidates with their reasons; a click opens one.
export function alike(story, onPick) {
  const found = story.understood.alike;
  if (!found.length) return null;
  return [
    h("h3", {}, t("case.alike"), h("small", {}, String(found.length))),
    found.map((one) =>
      h(
        "div",
        { class: "card alike" },
        h(
          "div",
          { class: "line" },
          h("span", { class: "badge warn" }, percent(one.score)),
          h("button", { type: "button", class: "link", onclick: () => onPick(one.case_id) }, one.case_id),
        ),
        h("p", { class: "quiet" }, half(half(one.why), " / ")),
      ),
    ),
  ];
}

// What came of the reports: merged into, told to the reporter, handed over, joined by others.
export function reports(story, onPick) {
  const { case: line, reports: all } = story;
  return [
    line.master
      ? h("p", { class: "quiet" }, `${t("case.master")} `, h("button", { type: "button", class: "link", onclick: () => onPick(line.master) }, line.master))
      : null,
    all.refused_as ? h("p", { class: "quote" }, `${both(all.refused_for)} · ${t("case.refused")}：“${all.refused_words}”`) : null,
    all.held
      ? h("p", { class: "held-why" }, [t(`state.${all.held.hung ? "hung" : "paused"}`), both(all.paused_for), until(all.held)].filter(Boolean).join(" · "))
      : null,
    all.handed_over.map((one) =>
      h(
        "p",
        { class: one.receipt ? "quiet" : "handed" },
        `${t("case.handed")} ${one.service} · ${one.receipt ? t("case.handed.receipt", { receipt: one.receipt }) : t("case.handed.none")}`,
      ),
    ),
    all.reply ? reply(all.reply) : null,
    all.joined.length
      ? [
          h("h3", {}, t("case.joined"), h("small", {}, String(all.joined.length))),
          h(
            "ul",
            { class: "joined" },
            all.joined.map((one) =>
              h(
                "li",
                { class: one.split_to ? "off" : "" },
                h("span", { class: "quiet" }, `${momentText(one.at)} · ${t(`source.${one.source}`)} · ${half(half(one.why), " / ")}`),
                ` ${one.text}`,
                one.split_to ? h("span", { class: "badge off" }, t("case.joined.split")) : null,
              ),
            ),
          ),
        ]
      : null,
  ];
}

function reply(said) {
  const line = (name, value) => h("li", {}, h("span", { class: "quiet" }, `${t(name)} `), value);
  return [
    h("h3", {}, t("case.reply")),
    h(
      "ul",
      { class: "reply" },
      line("case.reply.accepted", momentText(said.accepted_at)),
      line("case.reply.spoken", said.spoken_with),
      line("case.reply.done", said.done),
      line("case.reply.by", momentText(said.done_by)),
    ),
  ];
}

// Photos are asked for with the key and shown from memory: a picture's address cannot carry a key.
export function photos(story, shown) {
  const all = story.reports.photos;
  if (!all.length) return null;
  return [
    h("h3", {}, t("case.photos"), h("small", {}, String(all.length))),
    h(
      "div",
      { class: "photos" },
      all.map((photo, at) => {
        const name = t("case.photo", { number: at + 1 });
        const image = h("img", { alt: name, title: photo.taken_at ? t("case.photo.taken", { at: momentText(photo.taken_at) }) : name });
        shown(photo.photo_id, image);
        return image;
      }),
    ),
  ];
}

// More time, supervision, appeals: how far each has come and who asked.
export function requests(story) {
  const { extensions, supervisions, appeals } = story.requests;
  if (!extensions.length && !supervisions.length && !appeals.length) return null;
  const who = (actor) => actor.name || actor.id;
  const card = (open, state, words, ...notes) =>
    h(
      "div",
      { class: open ? "card request" : "card gone request" },
      h("div", { class: "line" }, h("span", { class: `badge ${open ? "warn" : "off"}` }, state), h("span", {}, words)),
      notes.filter(Boolean).map((note) => h("p", { class: "quiet" }, note)),
    );
  return [
    h("h3", {}, t("case.requests")),
    extensions.map((one) =>
      card(
        ["asked", "backed"].includes(one.state),
        t(`extension.${one.state}`),
        t("extension.to", { from: momentText(one.due_at), to: momentText(one.to) }),
        `${who(one.asked_by)}：“${one.reason}”`,
        one.note ? `“${one.note}”` : null,
      ),
    ),
    supervisions.map((one) =>
      card(
        one.state !== "signed",
        t(`supervision.${one.state}`),
        t("supervision.due", { at: momentText(one.reply_due_at) }),
        `${who(one.by)}：“${one.instruction}”`,
        one.sent_back ? `“${one.sent_back}”` : null,
        one.reply ? `“${one.reply}”` : null,
      ),
    ),
    appeals.map((one) =>
      card(
        ["filed", "backed"].includes(one.state),
        t(`appeal.${one.state}`),
        t(`ground.${one.ground}`),
        `${who(one.by)}：“${one.reason}”`,
        one.reviews.map((said) => `“${said}”`).join(" "),
      ),
    ),
  ];
}

// What is open in this state to this role, by the one table of states, actions and roles; a click shows the command.
export function open(story, table, role) {
  if (!table || !role) return null;
  const state = table.states[story.case.state];
  if (!state) return null;
  const mine = (action) => table.actions[action] && role in table.actions[action].roles;
  const ofCase = state.case.filter(mine).map((action) => ({ action, order: null }));
  const ofOrders = story.orders.flatMap((order) => (state.order[order.state] || []).filter(mine).map((action) => ({ action, order: order.order_id })));
  const all = [...ofCase, ...ofOrders];
  const line = h("code", { class: "command", tabindex: 0, hidden: true });
  const show = ({ action, order }) => {
    line.hidden = false;
    line.textContent = `whistle act ${story.case.case_id} ${action}${order ? ` --order ${order}` : ""}`;
  };
  return [
    h("h3", {}, t("case.open")),
    all.length
      ? h(
          "div",
          { class: "open" },
          all.map((one) =>
            h("button", { type: "button", class: "chip", title: table.actions[one.action].roles[role], onclick: () => show(one) }, t(`action.${one.action}`)),
          ),
        )
      : h("p", { class: "quiet" }, t("case.open.none")),
    h("p", { class: "quiet", "aria-live": "polite" }, line),
  ];
}
