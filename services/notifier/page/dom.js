// Elements from values. Text is only ever text: nothing here parses HTML.

const SVG = "http://www.w3.org/2000/svg";

export const $ = (id) => document.getElementById(id);

export function h(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function s(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// The statutory grades, each by colour, shape, numeral and word (突发事件应对法).
const SHAPES = {
  1: "M12 1 23 12 12 23 1 12Z",
  2: "M12 1.5 23.2 22.3H.8Z",
  3: "M2.2 2.2H21.8V21.8H2.2Z",
  4: "M12 1a11 11 0 1 0 .01 0Z",
};
const FILLS = { 1: "#C8241C", 2: "#E87500", 3: "#FFD83D", 4: "#1F6FD6" };
const RIMS = { 1: "none", 2: "#A34100", 3: "#755400", 4: "none" };
export const NUMERALS = { 1: "Ⅰ", 2: "Ⅱ", 3: "Ⅲ", 4: "Ⅳ" };

export function grade(severity, label) {
  return s(
    "svg",
    { class: "grade", viewBox: "0 0 24 24", role: "img", "aria-label": label },
    s("title", {}, label),
    s("path", { d: SHAPES[severity], fill: FILLS[severity], stroke: RIMS[severity], "stroke-width": 1.5 }),
    s(
      "text",
      {
        x: 12,
        y: severity === 2 ? 19.3 : 16.4,
        "text-anchor": "middle",
        "font-size": 11.5,
        "font-weight": 700,
        fill: severity === 2 || severity === 3 ? "#1B2430" : "#FFFFFF",
      },
      NUMERALS[severity],
    ),
  );
}

export function bar() {
  const done = s("rect", { class: "done", width: 0, height: 3, rx: 1.5 });
  const svg = s(
    "svg",
    { class: "bar", viewBox: "0 0 100 3", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("rect", { class: "track", width: 100, height: 3, rx: 1.5 }),
    done,
  );
  return { svg, set: (share) => done.setAttribute("width", String(Math.round(100 * Math.max(0, Math.min(1, share))))) };
}
