// The list of cases: bounded, steady under the pointer, counted while it is held.

import { bar, grade, h, NUMERALS } from "./dom.js";
import { drillMark } from "./joint.js";
import { ended, marks } from "./review.js";
import { left, momentText, now, spanText } from "./time.js";
import { t } from "./words.js";

export const MOST = 200;
// Lines that wait while the list is held; more are only counted.
const MOST_HELD = 2000;

export class List {
  constructor({ box, unseen, hold, names, onOpen }) {
    this.box = box;
    this.unseenBar = unseen;
    this.holdNote = hold;
    this.names = names;
    this.onOpen = onOpen;
    this.cases = new Map();
    this.held = new Map();
    this.items = new Map();
    this.order = "newest";
    this.fits = () => true;
    this.selected = null;
    this.more = false;
    this.asked = false;
    this.hovered = false;
    this.dirty = false;
    this.resumed = false;
    // The bar belongs to it: on the way to the bar the list must not go on by itself.
    box.parentElement.addEventListener("mouseenter", () => this.hover(true));
    box.parentElement.addEventListener("mouseleave", () => this.hover(false));
    box.addEventListener("scroll", () => this.onScroll(), { passive: true });
    box.addEventListener("focus", () => this.showHold());
    box.addEventListener("blur", () => this.release());
    box.addEventListener("keydown", (event) => this.onKey(event));
    box.addEventListener("click", (event) => {
      const item = event.target.closest(".item");
      if (item) this.open(item.dataset.id);
    });
    unseen.addEventListener("click", () => this.resume());
  }

  // Why the list does not move now, or null.
  holding() {
    if (this.asked) return "hold.asked";
    if (this.box.scrollTop > 8) return "hold.scroll";
    if (this.resumed) return null;
    if (this.hovered) return "hold.hover";
    if (this.box.matches(":focus-visible")) return "hold.focus";
    return null;
  }

  hover(on) {
    this.hovered = on;
    this.resumed = false;
    this.release();
  }

  onScroll() {
    if (this.box.scrollTop <= 8) this.release();
    this.showHold();
  }

  release() {
    if (!this.holding()) this.takeHeld();
    this.showHold();
  }

  resume() {
    this.asked = false;
    this.resumed = true;
    this.box.scrollTop = 0;
    this.takeHeld();
    this.showHold();
  }

  toggleHold() {
    if (this.holding()) this.resume();
    else {
      this.asked = true;
      this.showHold();
    }
  }

  reset(cases, more) {
    this.cases = new Map(cases.map((one) => [one.case_id, one]));
    this.held.clear();
    this.more = more;
    this.render();
  }

  // Newer lines of cases; those already shown change in place, new ones wait while the list is held.
  put(lines) {
    const holding = this.holding();
    for (const line of lines) {
      const fits = this.fits(line);
      if (this.cases.has(line.case_id)) {
        if (fits || holding || line.case_id === this.selected) this.cases.set(line.case_id, line);
        else this.cases.delete(line.case_id);
      } else if (fits) {
        if (!holding) this.cases.set(line.case_id, line);
        else if (this.held.has(line.case_id) || this.held.size < MOST_HELD) this.held.set(line.case_id, line);
      } else this.held.delete(line.case_id);
    }
    if (holding) this.refresh();
    else this.schedule();
    this.showHold();
  }

  takeHeld() {
    if (!this.held.size && !this.dirty) return;
    for (const [id, line] of this.held) this.cases.set(id, line);
    this.held.clear();
    this.schedule();
  }

  schedule() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.render();
    });
  }

  sorted() {
    const lines = [...this.cases.values()].filter((line) => this.fits(line) || line.case_id === this.selected);
    return lines.sort(ORDERS[this.order]);
  }

  render() {
    this.dirty = false;
    let lines = this.sorted();
    if (lines.length > MOST) {
      this.more = true;
      const kept = lines.slice(0, MOST);
      this.cases = new Map(kept.map((line) => [line.case_id, line]));
      lines = kept;
    }
    const shown = new Map();
    for (const line of lines) shown.set(line.case_id, this.items.get(line.case_id) || new Item(line.case_id));
    for (const [id, item] of shown) item.draw(this.cases.get(id), this.names, id === this.selected);
    this.items = shown;
    const wanted = [...shown.values()].map((item) => item.element);
    if (wanted.length !== this.box.children.length || wanted.some((element, place) => this.box.children[place] !== element)) {
      this.box.replaceChildren(...wanted);
    }
    if (!wanted.length) this.box.replaceChildren(this.emptyNote());
    this.box.dispatchEvent(new CustomEvent("drawn"));
  }

  // Draw what is there anew without moving anything.
  refresh() {
    this.dirty = true;
    for (const [id, item] of this.items) {
      const line = this.cases.get(id);
      if (line) item.draw(line, this.names, id === this.selected);
    }
  }

  tick() {
    for (const item of this.items.values()) item.tick();
  }

  showHold() {
    const holding = this.holding();
    this.holdNote.textContent = t(holding || "hold.none");
    const count = this.held.size;
    this.unseenBar.hidden = count === 0;
    if (count) {
      const grave = [...this.held.values()].filter((line) => line.severity === 1).length;
      this.unseenBar.textContent = grave ? t("unseen.grave", { count, grave }) : t("unseen", { count });
    }
  }

  select(id) {
    const before = this.items.get(this.selected);
    this.selected = id;
    if (before) before.mark(false);
    const item = this.items.get(id);
    if (item) {
      item.mark(true);
      item.element.scrollIntoView({ block: "nearest" });
      this.box.setAttribute("aria-activedescendant", item.element.id);
    } else this.box.removeAttribute("aria-activedescendant");
  }

  open(id) {
    this.select(id);
    this.onOpen(id);
  }

  step(by) {
    const ids = [...this.items.keys()];
    if (!ids.length) return;
    const here = ids.indexOf(this.selected);
    this.select(ids[Math.max(0, Math.min(ids.length - 1, here < 0 ? 0 : here + by))]);
  }

  // Whoever steps through it reads it: it holds still until they leave it or say otherwise.
  steer(by) {
    this.resumed = false;
    this.step(by);
    this.showHold();
  }

  onKey(event) {
    const steps = { ArrowDown: 1, KeyJ: 1, ArrowUp: -1, KeyK: -1, PageDown: 8, PageUp: -8, Home: -MOST, End: MOST };
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code in steps) this.steer(steps[event.code]);
    else if (event.code === "Enter" && this.selected) this.onOpen(this.selected);
    else if (event.code === "Space") this.toggleHold();
    else return;
    event.preventDefault();
  }

  emptyNote() {
    const kind = this.filtered ? "empty.filter" : "empty.none";
    return h("div", { class: "empty" }, h("b", {}, t(kind)), t(`${kind}.why`));
  }
}

const ORDERS = {
  newest: (a, b) => Date.parse(b.opened_at) - Date.parse(a.opened_at) || (a.case_id < b.case_id ? 1 : -1),
  active: (a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at) || (a.case_id < b.case_id ? 1 : -1),
  due: (a, b) => dueOf(a) - dueOf(b) || a.severity - b.severity || ORDERS.newest(a, b),
};

const dueOf = (line) => (line.clock && !line.clock.still && !ended(line) ? Date.parse(line.clock.due_at) : Number.MAX_SAFE_INTEGER);

export class Item {
  constructor(id) {
    this.mark_ = h("span");
    this.title = h("span", { class: "title" });
    this.time = h("span");
    this.bar = bar();
    this.left = h("span", { class: "left" }, this.time, this.bar.svg);
    this.where = h("span", { class: "where" });
    this.state = h("span", { class: "state" });
    this.element = h(
      "div",
      { class: "item", role: "option", id: `case-${id}`, "data-id": id, "aria-selected": "false" },
      this.mark_,
      this.title,
      this.left,
      this.where,
      this.state,
    );
  }

  draw(line, names, selected) {
    this.line = line;
    this.mark(selected);
    this.element.classList.toggle("closed", ended(line));
    if (this.mark_.dataset.severity !== String(line.severity) || this.lang !== t("severity")) {
      const mark = grade(line.severity, t(`grade.${line.severity}`));
      mark.dataset.severity = String(line.severity);
      this.mark_.replaceWith(mark);
      this.mark_ = mark;
      this.lang = t("severity");
    }
    this.title.textContent = line.title;
    const drill = drillMark(line);
    if (drill) this.title.prepend(drill);
    this.title.append(...marks(line));
    if (line.escalated_to && !ended(line)) {
      this.title.append(h("span", { class: "up" }, t("up", { level: t(`level.${line.escalated_to}`) })));
    }
    this.where.textContent = [momentText(line.opened_at), names.place(line.area), t(`level.${line.level}`)].join(" · ");
    this.state.textContent = [t(`state.${line.state}`), names.lead(line)].filter(Boolean).join(" · ");
    this.tick();
  }

  tick() {
    const line = this.line;
    let kind = "";
    if (ended(line)) {
      this.show(t("left.used", { span: spanText(Date.parse(line.updated_at) - Date.parse(line.opened_at), t) }), null);
    } else if (line.clock) {
      const rest = left(line.clock, t);
      kind = rest.kind;
      this.show(rest.text, rest.share);
    } else this.show(t("left.since", { span: spanText(now() - Date.parse(line.opened_at), t) }), null);
    this.left.className = `left ${kind}`;
  }

  show(text, share) {
    if (this.time.textContent !== text) this.time.textContent = text;
    this.bar.svg.style.visibility = share === null ? "hidden" : "visible";
    if (share !== null) this.bar.set(share);
  }

  mark(selected) {
    this.element.setAttribute("aria-selected", String(selected));
  }
}

export const numeral = (severity) => NUMERALS[severity];
