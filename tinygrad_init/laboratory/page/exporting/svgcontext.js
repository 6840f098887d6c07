// The part of a canvas context that the charts draw with, written down as SVG: what is painted can be exported as lines.

const escapes = /** @type {Record<string, string>} */ ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" });

/** @param {string} text */
export function escape(text) {
  return text.replace(/[&<>"]/g, (character) => escapes[character]);
}

const round = (/** @type {number} */ value) => Number(value.toFixed(2));

export class SvgContext {
  fillStyle = "#000";
  strokeStyle = "#000";
  lineWidth = 1;
  font = "11px system-ui, sans-serif";
  textAlign = "left";
  #dash = "";
  /** @type {string[]} */
  elements = [];
  #path = "";

  save() {}

  restore() {}

  beginPath() {
    this.#path = "";
  }

  closePath() {
    this.#path += "Z";
  }

  /** @param {number} x @param {number} y */
  moveTo(x, y) {
    this.#path += `M${round(x)} ${round(y)}`;
  }

  /** @param {number} x @param {number} y */
  lineTo(x, y) {
    this.#path += `${this.#path ? "L" : "M"}${round(x)} ${round(y)}`;
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  rect(x, y, width, height) {
    this.#path += `M${round(x)} ${round(y)}h${round(width)}v${round(height)}h${round(-width)}Z`;
  }

  /** A full circle: no chart needs less. @param {number} x @param {number} y @param {number} r @param {number} _from @param {number} _to */
  arc(x, y, r, _from, _to) {
    this.#path += `M${round(x - r)} ${round(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
  }

  fill() {
    this.elements.push(`<path d="${this.#path}" fill="${this.fillStyle}"/>`);
  }

  stroke() {
    this.elements.push(`<path d="${this.#path}" fill="none" stroke="${this.strokeStyle}" stroke-width="${this.lineWidth}"${this.#dash}/>`);
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  fillRect(x, y, width, height) {
    this.elements.push(`<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${this.fillStyle}"/>`);
  }

  /** @param {number[]} lengths */
  setLineDash(lengths) {
    this.#dash = lengths.length ? ` stroke-dasharray="${lengths.join(" ")}"` : "";
  }

  /** @param {string} text @param {number} x @param {number} y */
  fillText(text, x, y) {
    const anchor = this.textAlign === "left" ? "start" : "end";
    this.elements.push(`<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" font-size="${parseFloat(this.font)}" fill="${this.fillStyle}">${escape(text)}</text>`);
  }
}
