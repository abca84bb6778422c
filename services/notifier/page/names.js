// Codes to names, by the playbook in force; a code without a name stays a code.

import { both, lang } from "./words.js";

export class Names {
  constructor() {
    this.areas = {};
    this.departments = {};
    this.categories = {};
  }

  learn(names) {
    Object.assign(this, { areas: names.areas, departments: names.departments, categories: names.categories });
  }

  // Town and village; a grid cell is told by its village and its own digits.
  place(code) {
    const parts = [code.slice(0, 9), code.slice(0, 12)].filter((part, at, all) => part.length > 6 && all.indexOf(part) === at);
    const named = parts.map((part) => both(this.areas[part]) || part);
    const cell = code.length > 12 ? (lang() === "zh" ? `${code.slice(12)} 网格` : `cell ${code.slice(12)}`) : null;
    return (named.length ? named : [both(this.areas[code]) || code]).concat(cell || []).join(" · ");
  }

  area(code) {
    return both(this.areas[code]) || code;
  }

  category(code) {
    const name = this.categories[code];
    if (!name) return code;
    const parent = name.parent && this.categories[name.parent];
    return parent ? `${both(parent)} / ${both(name)}` : both(name);
  }

  target(target) {
    if (target.kind === "department") return both(this.departments[target.id]) || target.name || target.id;
    const area = this.areas[target.id];
    if (area) return lang() === "zh" ? `${area.zh}平台` : `${area.en} desk`;
    return target.name || target.id;
  }

  lead(line) {
    return line.lead ? this.target(line.lead) : "";
  }
}
