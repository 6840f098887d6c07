// Several pictures in one, below each other: browsers ask before they save several files at once.

/**
 * @param {{svg: string, width: number, height: number}[]} pictures
 * @returns {string}
 */
export function stackSvg(pictures) {
  let y = 0;
  const parts = pictures.map(({ svg, height }) => {
    const part = svg.replace("<svg ", `<svg y="${y}" `);
    y += height;
    return part;
  });
  const width = Math.max(...pictures.map((picture) => picture.width));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}">${parts.join("")}</svg>`;
}

/** @param {HTMLCanvasElement[]} pictures @param {string} background @returns {HTMLCanvasElement} */
export function stackCanvas(pictures, background) {
  const whole = document.createElement("canvas");
  whole.width = Math.max(...pictures.map(({ width }) => width));
  whole.height = pictures.reduce((sum, { height }) => sum + height, 0);
  const context = whole.getContext("2d");
  if (!context) return whole;
  context.fillStyle = background;
  context.fillRect(0, 0, whole.width, whole.height);
  let y = 0;
  for (const picture of pictures) {
    context.drawImage(picture, 0, y);
    y += picture.height;
  }
  return whole;
}
