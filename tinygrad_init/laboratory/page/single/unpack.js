// What the page that is one file does first: it unpacks what the file holds, starts the worker, and then the page, for which
// the worker takes the place of a server.

const notices = document.getElementById("notices");
if (!("DecompressionStream" in globalThis) && notices) {
  notices.textContent = "This browser is too old for this page: it needs one of 2023 or later. 浏览器版本过旧：本页需要 2023 年以后的浏览器。";
}
const packed = Uint8Array.from(atob(document.getElementById("contents")?.textContent ?? ""), (letter) => letter.charCodeAt(0));
const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
const whole = new Uint8Array(await new Response(stream).arrayBuffer());
const size = Number(new DataView(whole.buffer).getBigUint64(0, true));
/** @type {import("./running.js").Contents} */
const contents = JSON.parse(new TextDecoder().decode(whole.subarray(8, 8 + size)));
const pieces = whole.subarray(8 + size);
const text = (/** @type {[number, number]} */ [begin, length]) => new TextDecoder().decode(pieces.subarray(begin, begin + length));

const worker = new Worker(URL.createObjectURL(new Blob([text(contents.worker)], { type: "text/javascript" })));
const host = {
  begin: contents.begin,
  own: false,
  grid: contents.grid,
  points: Object.keys(contents.points),
  stacks: contents.stacks,
  clip: contents.constants.clip,
  worker,
  /** @param {(text: string) => void} receive */
  open(receive) {
    worker.addEventListener("message", ({ data }) => receive(data));
    worker.postMessage({ contents, pieces });
  },
  /** @param {string} message */
  send: (message) => worker.postMessage(message),
  read: () => worker.postMessage("read"),
};
Object.assign(globalThis, { labHost: host });
const page = document.createElement("script");
page.textContent = text(contents.page);
document.body.append(page);

export {};
