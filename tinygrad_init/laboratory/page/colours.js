// Colours come from the style sheet, where light and dark mode choose them. All are of the palette of Okabe and Ito, which
// people with any colour vision can tell apart; signs and runs have dashes and marks as well.

/** @typedef {{text: string, muted: string, line: string, surface: string, accent: string, positive: string, negative: string, bad: string, ground: string, runs: string[], classes: string[]}} Palette */

/** @returns {Palette} */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const get = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    text: get("--text"),
    muted: get("--muted"),
    line: get("--line"),
    surface: get("--surface"),
    accent: get("--accent"),
    positive: get("--positive"),
    negative: get("--negative"),
    bad: get("--bad"),
    ground: get("--ground"),
    runs: [0, 1, 2, 3].map((i) => get(`--run-${i}`)),
    classes: Array.from({ length: 10 }, (_, i) => get(`--class-${i}`)),
  };
}

/** How the lines of runs are dashed: never colour alone. */
export const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];

const dark = matchMedia("(prefers-color-scheme: dark)");
/** @type {(() => void)[]} */
const themed = [];
/** @type {(() => void)[]} */
const sized = [];
dark.addEventListener("change", () => themed.forEach((listener) => listener()));

/** @param {() => void} listener */
export function onThemeChange(listener) {
  themed.push(listener);
}

/** @param {() => void} listener */
export function onSizeChange(listener) {
  sized.push(listener);
}

/** Light, dark, or as the system has it; and larger, for a projector. @param {string} theme @param {boolean} large */
export function dress(theme, large) {
  const { dataset } = document.documentElement;
  const [theme0, large0] = [dataset.theme ?? "auto", dataset.size === "large"];
  dataset.theme = theme;
  dataset.size = large ? "large" : "normal";
  if (theme0 !== theme) themed.forEach((listener) => listener());
  if (large0 !== large) sized.forEach((listener) => listener());
}

/** @param {string} hex @returns {[number, number, number]} */
export function channels(hex) {
  const number = parseInt(hex.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/**
 * The colours of a picture's 256 values, as red, green, blue one after the other. Signs have two colours that meet in the
 * background's where the decision changes; classes have one each.
 * @param {Pick<import("./protocol.js").Map, "kind" | "low" | "high">} picture
 * @param {Palette} colours
 * @param {{discrete?: boolean, most?: number}} [how] without shades between; the number that has the full colour, the largest
 *   of the picture unless given
 */
export function shades({ kind, low, high }, colours, { discrete = false, most } = {}) {
  const [from, to] = [low ?? 0, high ?? 0];
  const [negative, middle, positive] = [colours.negative, colours.surface, colours.positive].map(channels);
  const largest = most ?? (Math.max(Math.abs(from), Math.abs(to)) || 1);
  const table = new Uint8ClampedArray(3 * 256);
  for (let i = 0; i < 256; i++) {
    const value = from + (i / 255) * (to - from);
    const between = 2 * (i / 255) - 1; // from one end of the scale to the other
    const shade = kind === "class" ? 0.55 : kind === "probability" || kind === "number" ? between : value / largest;
    const share = discrete && kind !== "class" ? (shade < 0 ? -1 : 1) : shade;
    const end = kind === "class" ? channels(classColour(colours, Math.round(value))) : share < 0 ? negative : positive;
    for (let c = 0; c < 3; c++) table[3 * i + c] = middle[c] + (end[c] - middle[c]) * Math.min(Math.abs(share), 1) * 0.75;
  }
  return table;
}

/** @param {Palette} colours @param {number} label */
export function classColour(colours, label) {
  return colours.classes[label % colours.classes.length];
}

/** The bytes of a picture. @param {{values: string}} picture */
export function bytesOf(picture) {
  return Uint8Array.from(atob(picture.values), (character) => character.charCodeAt(0));
}

/**
 * A square picture painted into a canvas of the same number of pixels; CSS makes it larger.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./protocol.js").Map} picture the lowest row first
 * @param {Palette} colours
 * @param {{discrete?: boolean, most?: number}} [how] as of `shades`
 */
export function paintPicture(canvas, picture, colours, how = {}) {
  const { size } = picture;
  const values = bytesOf(picture);
  const table = shades(picture, colours, how);
  if (canvas.width !== size) canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  if (!context) return;
  const image = context.createImageData(size, size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const to = 4 * ((size - 1 - row) * size + column); // pixels go down, y goes up
      const from = 3 * values[row * size + column];
      image.data[to] = table[from];
      image.data[to + 1] = table[from + 1];
      image.data[to + 2] = table[from + 2];
      image.data[to + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}
