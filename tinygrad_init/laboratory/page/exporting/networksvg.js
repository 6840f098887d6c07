// The picture of a network as SVG that stands alone, and painted into a canvas for PNG. An image element would need the
// page's security policy to allow images from anywhere; painting the few kinds of shapes needs nothing.

import { palette } from "../colours.js";

const STYLES = ["fill", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "opacity", "font", "font-size", "font-family"];

/**
 * @param {SVGSVGElement} svg as it stands in the page
 * @param {HTMLCanvasElement} [pixels] what lies over it
 */
export function standalone(svg, pixels) {
  const copy = /** @type {SVGSVGElement} */ (svg.cloneNode(true));
  const [from, to] = [svg.querySelectorAll("*"), copy.querySelectorAll("*")];
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    if (style.display === "none" || element.getAttribute("d") === "") {
      to[i].setAttribute("display", "none");
      return;
    }
    for (const name of STYLES) to[i].setAttribute(name, style.getPropertyValue(name));
    to[i].removeAttribute("class");
    to[i].removeAttribute("style");
  });
  copy.querySelectorAll('[display="none"]').forEach((element) => element.remove());
  const box = svg.viewBox.baseVal;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(box.width));
  copy.setAttribute("height", String(box.height));
  const background = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of [["width", "100%"], ["height", "100%"], ["fill", palette().surface]]) background.setAttribute(name, value);
  copy.prepend(background);
  if (pixels) {
    const image = document.createElementNS("http://www.w3.org/2000/svg", "image");
    for (const [name, value] of [["href", pixels.toDataURL()], ["width", String(box.width)], ["height", String(box.height)]]) image.setAttribute(name, value);
    copy.append(image);
  }
  return new XMLSerializer().serializeToString(copy);
}

/**
 * @param {SVGSVGElement} svg
 * @param {HTMLCanvasElement} [pixels]
 * @returns {HTMLCanvasElement}
 */
export function painted(svg, pixels) {
  const { width, height } = svg.viewBox.baseVal;
  const canvas = document.createElement("canvas");
  canvas.width = 2 * width;
  canvas.height = 2 * height;
  const context = canvas.getContext("2d");
  if (!context) return canvas;
  context.scale(2, 2);
  context.fillStyle = palette().surface;
  context.fillRect(0, 0, width, height);
  for (const element of svg.querySelectorAll("path, circle, rect, line, text")) paint(context, element);
  if (pixels) context.drawImage(pixels, 0, 0, width, height);
  return canvas;
}

/** @param {CanvasRenderingContext2D} context @param {Element} element */
function paint(context, element) {
  const style = getComputedStyle(element);
  if (style.display === "none") return;
  const number = (/** @type {string} */ name) => Number(element.getAttribute(name) ?? 0);
  context.save();
  const matrix = element instanceof SVGGraphicsElement ? element.transform.baseVal.consolidate()?.matrix : null;
  const parent = element.parentElement instanceof SVGGraphicsElement ? element.parentElement.transform.baseVal.consolidate()?.matrix : null;
  for (const m of [parent, matrix]) if (m) context.transform(m.a, m.b, m.c, m.d, m.e, m.f);
  if (element instanceof SVGTextElement) {
    context.font = `${style.fontSize} ${style.fontFamily}`;
    context.textAlign = /** @type {CanvasTextAlign} */ ({ middle: "center", end: "right" }[element.getAttribute("text-anchor") ?? ""] ?? "left");
    context.fillStyle = style.fill;
    context.fillText(element.textContent ?? "", number("x"), number("y"));
    context.restore();
    return;
  }
  const shape = new Path2D(element.getAttribute("d") ?? "");
  if (element instanceof SVGCircleElement) shape.arc(number("cx"), number("cy"), number("r"), 0, 2 * Math.PI);
  else if (element instanceof SVGRectElement) shape.roundRect(number("x"), number("y"), number("width"), number("height"), number("rx"));
  else if (element instanceof SVGLineElement) {
    shape.moveTo(number("x1"), number("y1"));
    shape.lineTo(number("x2"), number("y2"));
  }
  if (style.fill !== "none") {
    context.fillStyle = style.fill;
    context.fill(shape);
  }
  if (style.stroke !== "none") {
    context.strokeStyle = style.stroke;
    context.lineWidth = parseFloat(style.strokeWidth);
    context.globalAlpha = Number(style.strokeOpacity);
    context.setLineDash(style.strokeDasharray === "none" ? [] : style.strokeDasharray.split(/[ ,]+/).map(parseFloat));
    context.stroke(shape);
  }
  context.restore();
}
