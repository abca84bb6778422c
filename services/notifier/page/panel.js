// One case: what was reported, why it is here, who has it, what its clocks say, and all that happened.

import { grade, h } from "./dom.js";
import { drillMark, matterSteps, shadows, whistleCards } from "./joint.js";
import { Item } from "./list.js";
import { alike, ended, marks, open, photos, reports, requests, understood, until } from "./review.js";
import { learn, left, momentText } from "./time.js";
import { warnedBoard, warnedPane } from "./warned.js";
import { both, half, limitHalf, t } from "./words.js";

const STAGES = { received: 1, opened: 1, returned: 1, routed: 2, signed: 3, arrived: 4, in_progress: 4, paused: 4, hung: 4, resolved: 5, verified: 5, closed: 6, refused: 6, merged: 6 };
const LATE = ["whistle.sla.breached.v1"];
const MOVED = ["whistle.sla.escalated.v1", "whistle.sla.stepped.v1", "whistle.case.escalated.v1"];
// What machines note for each other; a person asks for it with one click.
export const MACHINE = ["whistle.sla.started.v1", "whistle.sla.stopped.v1", "whistle.case.routed.v1"];
const ON_BOARD = 8;
const STEPS_SHOWN = 3;

export class Panel {
  constructor({ pane, names, read, photo, table, role, onClose }) {
    this.pane = pane;
    this.names = names;
    this.read = read;
    this.photo = photo;
    this.table = table;
    this.role = role;
    this.pictures = new Map();
    this.onClose = onClose;
    this.id = null;
    this.story = null;
    this.ticking = [];
    this.due = [];
    this.latest = [];
    this.warnings = [];
    this.warned = false;
    this.turn = 0;
    this.detailed = false;
  }

  async open(id) {
    this.forget();
    this.id = id;
    this.warned = false;
    this.story = null;
    this.pane.classList.remove("idle");
    this.pane.replaceChildren(h("div", { class: "empty" }, t("case.loading")));
    await this.load();
  }

  // Photos are kept while their case is open and no longer.
  forget() {
    for (const picture of this.pictures.values()) if (picture.url) URL.revokeObjectURL(picture.url);
    this.pictures = new Map();
  }

  // Put a photo into ``image`` as soon as it is here; it is asked for once.
  show(photoId, image) {
    const known = this.pictures.get(photoId);
    if (known && known.url) image.src = known.url;
    else if (known) known.images.push(image);
    else {
      const picture = { url: null, images: [image] };
      this.pictures.set(photoId, picture);
      this.photo(this.id, photoId).then((blob) => {
        if (!blob || this.pictures.get(photoId) !== picture) return;
        picture.url = URL.createObjectURL(blob);
        for (const one of picture.images) one.src = picture.url;
      });
    }
  }

  close() {
    if (this.id === null && !this.warned) return;
    this.leave();
    this.draw();
    this.onClose();
  }

  // No case and no list of warnings is open any more.
  leave() {
    this.forget();
    this.id = null;
    this.warned = false;
    this.story = null;
  }

  // All early warnings in the place of a case.
  openWarned() {
    this.leave();
    this.warned = true;
    this.draw();
    this.pane.querySelector(".close").focus();
  }

  // Something happened to the case that is open; several things at once are one reading.
  changed() {
    clearTimeout(this.again);
    this.again = setTimeout(() => this.load(), 150);
  }

  async load() {
    const id = this.id;
    const turn = ++this.turn;
    if (id === null) return;
    const answer = await this.read(`/v1/cases/${encodeURIComponent(id)}`);
    if (this.id !== id || turn !== this.turn) return;
    if (answer.ok) {
      learn(answer.body.now);
      this.story = answer.body;
      this.draw();
    } else if (answer.status === 404) {
      this.pane.replaceChildren(h("div", { class: "empty" }, t("case.gone")));
    } else {
      if (!this.story) this.pane.replaceChildren(h("div", { class: "empty" }, t("case.away")));
      this.again = setTimeout(() => this.load(), 3000);
    }
  }

  tick() {
    for (const tick of this.ticking) tick();
  }

  draw() {
    this.ticking = [];
    if (this.id === null) {
      if (this.warned) this.drawWarned();
      else this.drawBoard();
      return;
    }
    if (!this.story) return;
    const scroll = this.pane.querySelector(".case-body");
    const at = scroll ? scroll.scrollTop : 0;
    const opened = new Set([...this.pane.querySelectorAll("details[open]")].map((one) => one.dataset.of));
    this.pane.replaceChildren(this.head(), this.body());
    for (const one of this.pane.querySelectorAll("details")) one.open = opened.has(one.dataset.of);
    this.pane.querySelector(".case-body").scrollTop = at;
    this.tick();
  }

  head() {
    const line = this.story.case;
    const fact = (name, value) => h("span", {}, `${t(name)} `, h("b", {}, value));
    return h(
      "div",
      { class: "case-head" },
      h(
        "div",
        { class: "line" },
        grade(line.severity, t(`grade.${line.severity}`)),
        drillMark(line),
        h("h2", {}, line.title),
        h("span", { class: "grow" }),
        h("span", { class: "badge" }, t(`state.${line.state}`)),
        marks(line),
        line.escalated_to ? h("span", { class: "badge warn" }, t("up", { level: t(`level.${line.escalated_to}`) })) : null,
        h("button", { type: "button", class: "close", "aria-label": t("case.close"), title: t("case.close"), onclick: () => this.close() }, "✕"),
      ),
      h(
        "div",
        { class: "facts" },
        fact("severity", t(`grade.${line.severity}`)),
        fact("case.area", this.names.place(line.area)),
        fact("case.category", this.names.category(line.category)),
        fact("case.level", t(`level.${line.level}`)),
        fact("case.source", t(`source.${line.source}`)),
        fact("case.opened", momentText(line.opened_at)),
        line.mode === "normal" ? null : fact("case.mode", both(this.story.mode_title)),
        line.returns ? h("span", {}, t("case.returns", { count: line.returns })) : null,
        line.reopened ? h("span", {}, t("case.reopened", { count: line.reopened })) : null,
      ),
      this.steps(line),
      h("span", { class: "id" }, line.case_id),
    );
  }

  steps(line) {
    const here = STAGES[line.state];
    return h(
      "ol",
      { class: "steps" },
      [1, 2, 3, 4, 5, 6].map((stage) =>
        h("li", { class: stage < here || here === 6 ? "done" : stage === here ? "now" : "", "aria-current": stage === here ? "step" : null }, t(`stage.${stage}`)),
      ),
    );
  }

  body() {
    const { text, orders, clocks, timeline, matter, whistles } = this.story;
    return h(
      "div",
      { class: "case-body" },
      h(
        "div",
        {},
        this.why(),
        understood(this.story),
        open(this.story, this.table(), this.role()),
        text ? [h("h3", {}, t("case.text")), h("p", { class: "quote" }, text)] : null,
        photos(this.story, (photoId, image) => this.show(photoId, image)),
        reports(this.story, (id) => this.onPick(id)),
        alike(this.story, (id) => this.onPick(id)),
        requests(this.story),
        matterSteps(matter, this.names),
        whistleCards(whistles),
        h("h3", {}, t("case.orders"), h("small", {}, String(orders.length))),
        orders.length ? orders.map((order) => this.order(order)) : h("p", { class: "quiet" }, t("case.noorders")),
        h("h3", {}, t("case.clocks")),
        clocks.length ? clocks.map((clock) => this.clock(clock)) : h("p", { class: "quiet" }, t("case.noclocks")),
      ),
      h(
        "div",
        {},
        h("h3", {}, t("case.timeline"), h("span", { class: "grow" }), this.detailSwitch(timeline)),
        this.timeline(timeline.filter((entry) => this.detailed || !MACHINE.includes(entry.type))),
      ),
    );
  }

  // The reason for the lead that stands, or else for the newest order.
  why() {
    const explained = this.story.orders.filter((order) => order.explanation);
    const chosen = explained.filter((order) => order.role === "lead" && order.stands).pop() || explained[explained.length - 1];
    const { area_why: area, category_why: category } = this.story;
    return [
      h("h3", {}, t("case.why")),
      chosen ? this.explanation(chosen.explanation, `why-${chosen.order_id}`) : null,
      area || category ? h("p", { class: "quiet" }, [area, category].filter(Boolean).map((why) => half(why, " / ")).join("；")) : null,
    ];
  }

  explanation(why, of) {
    const condition = (one) =>
      h("li", { class: one.held ? "" : "not" }, `${one.field} ${t(`operator.${one.operator}`).replace(/^operator\./, "")} ${one.expected}（${one.actual}）`);
    return h(
      "div",
      { class: "why" },
      h("div", {}, both({ zh: why.words, en: why.words_en })),
      why.conditions.length ? h("ul", {}, why.conditions.map(condition)) : null,
      h(
        "div",
        { class: "quiet" },
        why.rule_id ? [`${t("case.rule")} `, h("code", {}, why.rule_id), why.rule_version ? ` v${why.rule_version} · ` : " · "] : null,
        `${t("case.version")} ${why.playbook.version}`,
      ),
      why.near_misses.length
        ? h(
            "details",
            { "data-of": of },
            h("summary", {}, t("case.misses", { count: why.near_misses.length })),
            h("ul", {}, why.near_misses.map((miss) => h("li", { class: "not" }, `${miss.rule_title}：${miss.failed.field} ${miss.failed.expected}（${miss.failed.actual}）`))),
          )
        : null,
      shadows(why, of),
    );
  }

  order(order) {
    const late = order.state.startsWith("return") ? "warn" : order.stands ? "" : "off";
    const reason = order.reason && order.reason !== "rule" ? ` · ${t(`reason.${order.reason}`)}` : "";
    const withdrawn = order.withdrawn_why && half(half(order.withdrawn_why), " / ");
    const words = order.state === "withdrawn" ? withdrawn || order.note : order.note || withdrawn;
    return h(
      "div",
      { class: order.stands || order.state === "resolved" ? "card" : "card gone" },
      h(
        "div",
        { class: "line" },
        h("span", { class: `badge ${late}` }, t(`order.${order.state}`)),
        h("b", {}, this.names.target(order.target)),
        h("span", { class: "quiet" }, `${t(`role.${order.role}`)} · ${t(`level.${order.level}`)}${reason}`),
        h("span", { class: "grow" }),
        h(
          "span",
          { class: "quiet" },
          [
            order.issued_at ? t("order.issued_at", { at: momentText(order.issued_at) }) : null,
            order.signed_at ? t("order.signed_at", { at: momentText(order.signed_at) }) : null,
          ]
            .filter(Boolean)
            .join(" · "),
        ),
      ),
      words ? h("p", { class: "quiet" }, words) : null,
    );
  }

  clock(clock) {
    const time = h("span", { class: "left" });
    const draw = () => {
      const rest = left(clock, t);
      time.className = `left ${rest.kind}`;
      time.textContent = rest.text;
    };
    if (clock.running && clock.still) draw();
    else if (clock.running) this.ticking.push(draw);
    else time.textContent = t(clock.outcome ? `clock.outcome.${clock.outcome}` : "clock.stopped");
    return h(
      "div",
      { class: clock.running ? "card" : "card gone" },
      h(
        "div",
        { class: "line" },
        h("b", {}, t(`clock.${clock.kind}`)),
        h("span", { class: "quiet" }, [clock.target ? this.names.target(clock.target) : null, clock.limit && limitHalf(clock.limit)].filter(Boolean).join(" · ")),
        clock.escalated_to ? h("span", { class: "badge warn" }, t("clock.moved", { level: t(`level.${clock.escalated_to}`) })) : null,
        h("span", { class: "grow" }),
        time,
      ),
      h("p", { class: "quiet" }, `${t("clock.due", { at: momentText(clock.due_at) })} · ${half(clock.arithmetic)}`),
      this.ladder(clock),
    );
  }

  // The chain that the clock keeps: how many steps were taken, and the next ones unless it stops before.
  ladder(clock) {
    if (!clock.chain_title) return null;
    const taken = clock.steps.length ? t("chain.taken", { count: clock.steps.length }) : t("chain.none");
    const next = clock.ahead.slice(0, STEPS_SHOWN).map((step) => {
      const title = step.nth > 1 ? t("chain.nth", { nth: step.nth, step: both(step.title) }) : both(step.title);
      return h("li", {}, `${momentText(step.at)} · ${t(`chain.${step.action}`)} · ${title}`);
    });
    return h(
      "div",
      { class: "quiet" },
      h("p", {}, `${t("chain.title", { chain: both(clock.chain_title) })} · ${taken}`),
      next.length ? h("ul", {}, next) : null,
    );
  }

  detailSwitch(timeline) {
    const count = timeline.filter((entry) => MACHINE.includes(entry.type)).length;
    if (!count) return null;
    const turn = () => {
      this.detailed = !this.detailed;
      this.draw();
    };
    return h("button", { type: "button", class: "chip", "aria-pressed": String(this.detailed), onclick: turn }, t("case.machine", { count }));
  }

  timeline(entries) {
    const kind = (type) => (LATE.includes(type) ? "late" : MOVED.includes(type) ? "up-move" : "");
    return h(
      "ol",
      { class: "timeline" },
      entries.map((entry) =>
        h(
          "li",
          { class: kind(entry.type) },
          h("time", { datetime: entry.at }, momentText(entry.at)),
          both(entry.words),
          entry.actor.kind === "system" ? null : h("span", { class: "note" }, actor(entry.actor)),
          entry.note ? h("span", { class: "note" }, `“${entry.actor.kind === "system" ? half(half(entry.note), " / ") : entry.note}”`) : null,
          entry.type === "whistle.order.issued.v1" || (this.detailed && entry.type.startsWith("whistle.sla."))
            ? entry.why.map((why) => h("span", { class: "note" }, both(why)))
            : null,
        ),
      ),
      h("li", { class: "now" }, h("time", {}, t("case.now")), h("b", {}, this.waiting())),
    );
  }

  waiting() {
    const { case: line, orders } = this.story;
    if (ended(line)) return t(`case.waiting.${line.state}`);
    if (line.state === "received") return t("case.waiting.file");
    if (line.held) return t(`case.waiting.${line.state}`, { until: line.held.until ? ` ${until(line.held)}` : "" });
    if (line.state === "verified") return t("case.waiting.close");
    if (line.state === "resolved") return t("case.waiting.verify");
    const standing = orders.filter((order) => order.stands);
    const returning = orders.find((order) => order.state === "returning");
    const unsigned = standing.filter((order) => order.state === "issued");
    const who = (list) => list.map((order) => this.names.target(order.target)).join("、");
    if (unsigned.length) return t("case.waiting.sign", { who: who(unsigned) }) + (returning ? t("case.waiting.holder", { who: who([returning]) }) : "");
    const working = standing.filter((order) => order.role !== "oversee");
    return working.length ? t("case.waiting.work", { who: who(working) }) : t("case.waiting.route");
  }

  // Without a case: what is due next, and what happened last.
  situation(due, latest, warnings) {
    const said = JSON.stringify(warnings);
    const same = this.said === said;
    Object.assign(this, { due, latest, warnings, said });
    // Whoever reads the warnings keeps place and focus while nothing about them changes.
    if (this.id === null && !(this.warned && same)) this.draw();
  }

  drawWarned() {
    this.pane.classList.remove("idle");
    const before = this.pane.querySelector(".board");
    const at = before ? before.scrollTop : 0;
    this.pane.replaceChildren(...warnedPane(this.warnings, this.names, this.onCases, () => this.close()));
    this.pane.querySelector(".board").scrollTop = at;
  }

  drawBoard() {
    this.pane.classList.add("idle");
    const due = this.due.slice(0, ON_BOARD).map((line) => {
      const item = new Item(`due-${line.case_id}`);
      item.draw(line, this.names, false);
      item.element.setAttribute("role", "button");
      item.element.setAttribute("tabindex", "0");
      item.element.addEventListener("click", () => this.onPick(line.case_id));
      item.element.addEventListener("keydown", (event) => event.code === "Enter" && this.onPick(line.case_id));
      this.ticking.push(() => item.tick());
      return item.element;
    });
    this.pane.replaceChildren(
      h("div", { class: "pane-head" }, h("h2", {}, t("board.title"))),
      h(
        "div",
        { class: "board" },
        warnedBoard(this.warnings, this.names, this.onCases, () => this.openWarned()),
        h("h3", {}, t("board.due")),
        due.length ? h("div", { class: "rows-in" }, due) : h("p", { class: "quiet" }, t("board.due.none")),
        h("h3", {}, t("board.feed")),
        this.latest.length
          ? h(
              "ul",
              { class: "feed" },
              this.latest.map((one) =>
                h("li", {}, h("time", {}, momentText(one.time)), h("span", { class: "what" }, one.kind ? t(one.kind) : both(one.words)), h("span", {}, `${one.kind ? both(one.case.title) : one.case.title} · ${this.names.place(one.case.area)}`)),
              ),
            )
          : h("p", { class: "quiet" }, t("board.feed.none")),
      ),
    );
  }
}

const actor = (by) => by.name || by.id;
