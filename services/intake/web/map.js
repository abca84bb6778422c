// The county in outline: tap, drag, zoom; or arrows, Enter, + and -.

import { $, s } from "./dom.js";

const STEP = 0.04;
const SLACK = 8;

export class CountyMap {
  constructor(county, chosen, passing) {
    this.county = county;
    this.svg = $("map");
    this.whole = { x: 0, y: 0, width: county.width, height: county.height };
    this.view = { ...this.whole };
    this.paths = new Map();
    this._chosen = chosen;
    this._passing = passing;
    this._draw();
    this._listen();
  }

  // Zoom to an area by its code: a village, a town with its villages, or the county.
  show(code) {
    const boxes = [...this.paths].filter(([one]) => code && one.startsWith(code)).map(([, path]) => path.getBBox());
    if (!boxes.length) return this._look(this.whole);
    const left = Math.min(...boxes.map((box) => box.x));
    const top = Math.min(...boxes.map((box) => box.y));
    const right = Math.max(...boxes.map((box) => box.x + box.width));
    const bottom = Math.max(...boxes.map((box) => box.y + box.height));
    this._look({ x: left, y: top, width: right - left, height: bottom - top });
  }

  mark(code) {
    for (const [one, path] of this.paths) path.classList.toggle("chosen", Boolean(code) && one.startsWith(code));
  }

  // The village at a place, or null; the drawing is coarse, so the service has the last word.
  villageAt({ lon, lat }) {
    const point = this.svg.createSVGPoint();
    [point.x, point.y] = this._units({ lon, lat });
    for (const [code, path] of this.paths) if (path.isPointInFill(point)) return code;
    return null;
  }

  pin(place) {
    this.place = place;
    this.dot.toggleAttribute("hidden", !place);
    if (!place) return;
    const [x, y] = this._units(place);
    this.dot.setAttribute("cx", x);
    this.dot.setAttribute("cy", y);
  }

  zoom(factor) {
    const at = this.place ? this._units(this.place) : [this.view.x + this.view.width / 2, this.view.y + this.view.height / 2];
    const width = Math.min(this.view.width * factor, this.whole.width);
    const height = Math.min(this.view.height * factor, this.whole.height);
    if (width < 8) return;
    if (width === this.whole.width && height === this.whole.height) return this._look(this.whole);
    this._look({ x: at[0] - width / 2, y: at[1] - height / 2, width, height });
  }

  _draw() {
    for (const { code, path } of this.county.villages) {
      const drawn = s("path", { d: path, "data-code": code });
      this.paths.set(code, drawn);
      this.svg.append(drawn);
    }
    this.dot = s("circle", { class: "pin", r: 6, hidden: true });
    this.svg.append(this.dot);
    this._look(this.whole);
  }

  _look(view) {
    this.view = view;
    const pad = Math.max(view.width, view.height) * 0.04;
    const box = [view.x - pad, view.y - pad, view.width + 2 * pad, view.height + 2 * pad];
    this.svg.setAttribute("viewBox", box.map((one) => one.toFixed(2)).join(" "));
    const scale = Math.max(box[2] / (this.svg.clientWidth || 320), box[3] / (this.svg.clientHeight || 240));
    this.dot.setAttribute("r", 8 * scale);
  }

  _listen() {
    let from = null;
    this.svg.addEventListener("pointerdown", (event) => {
      from = { x: event.clientX, y: event.clientY, view: { ...this.view }, moved: false };
      this.svg.setPointerCapture(event.pointerId);
    });
    this.svg.addEventListener("pointermove", (event) => {
      if (!from) return;
      const [right, down] = [event.clientX - from.x, event.clientY - from.y];
      from.moved ||= Math.hypot(right, down) > SLACK;
      if (!from.moved) return;
      const scale = this.svg.getScreenCTM().a;
      this._look({ ...from.view, x: from.view.x - right / scale, y: from.view.y - down / scale });
    });
    this.svg.addEventListener("pointerup", (event) => {
      if (from && !from.moved) this._tap(event);
      from = null;
    });
    this.svg.addEventListener("pointercancel", () => (from = null));
    this.svg.addEventListener("keydown", (event) => this._key(event));
    $("nearer").addEventListener("click", () => this.zoom(0.5));
    $("farther").addEventListener("click", () => this.zoom(2));
  }

  _tap(event) {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    this._choose(this._place(point.x, point.y));
  }

  _key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (moves) {
      const [x, y] = this.place ? this._units(this.place) : [this.view.x + this.view.width / 2, this.view.y + this.view.height / 2];
      this.pin(this._place(x + moves[0] * this.view.width * STEP, y + moves[1] * this.view.height * STEP));
      this._follow();
      this._passing(this.villageAt(this.place));
    } else if (event.key === "Enter" && this.place) this._choose(this.place);
    else if (event.key === "+" || event.key === "=") this.zoom(0.5);
    else if (event.key === "-") this.zoom(2);
    else return;
    event.preventDefault();
  }

  // Whoever steers by keys sees where they are.
  _follow() {
    const [x, y] = this._units(this.place);
    const { x: left, y: top, width, height } = this.view;
    if (x < left || x > left + width || y < top || y > top + height) this._look({ x: x - width / 2, y: y - height / 2, width, height });
  }

  _choose(place) {
    this._chosen(place, this.villageAt(place));
  }

  _units({ lon, lat }) {
    const { west, north, per_lon, per_lat } = this.county;
    return [(lon - west) * per_lon, (north - lat) * per_lat];
  }

  _place(x, y) {
    const { west, north, per_lon, per_lat } = this.county;
    return { lon: Number((west + x / per_lon).toFixed(6)), lat: Number((north - y / per_lat).toFixed(6)) };
  }
}
