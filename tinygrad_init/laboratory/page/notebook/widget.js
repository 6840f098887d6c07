// The Lab in a notebook's cell: the page in a frame of its own, so that neither its styles nor its names meet the
// notebook's, and its messages over the widget's connection.

/**
 * @typedef {{get: (name: string) => any, send: (content: object) => void,
 *   on: (event: string, listener: (content: any) => void) => void,
 *   off: (event: string, listener: (content: any) => void) => void}} Model the widget's end in Python
 */

/** @param {{model: Model, el: HTMLElement}} widget */
function render({ model, el }) {
  const view = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const frame = document.createElement("iframe");
  frame.title = "tinygrad_init lab";
  frame.style.cssText = "width: 100%; border: 0; display: block; resize: vertical; overflow: auto";
  frame.style.height = `${model.get("height")}px`;

  /** @type {((text: string) => void) | null} */
  let listener = null;
  const receive = (/** @type {{view: string, text: string}} */ content) => {
    if (content.view === view) listener?.(content.text);
  };
  model.on("msg:custom", receive);
  // What the page finds instead of an address and a socket.
  const host = {
    begin: model.get("begin"),
    own: model.get("own"),
    /** @param {(text: string) => void} onMessage */
    open(onMessage) {
      listener = onMessage;
      model.send({ view, kind: "open" });
    },
    /** @param {string} text */
    send: (text) => model.send({ view, kind: "ask", text }),
    read: () => model.send({ view, kind: "read" }),
  };

  /** @type {string[]} */
  let addresses = [];
  const forget = () => addresses.splice(0).forEach((address) => URL.revokeObjectURL(address));
  // A frame that is moved in the notebook loads again, and so does the page in it.
  frame.addEventListener("load", () => {
    const page = frame.contentWindow;
    if (!page || "labHost" in page || page.document.URL !== "about:srcdoc") return;
    forget();
    Object.assign(page, { labHost: host });
    const element = (/** @type {string} */ type, /** @type {string} */ text) => {
      const script = page.document.createElement("script");
      script.type = type;
      script.textContent = text;
      page.document.head.append(script);
    };
    const imports = Object.fromEntries(Object.entries(model.get("modules")).map(([name, text]) =>
      [name, URL.createObjectURL(new Blob([text], { type: "text/javascript" }))]));
    addresses = Object.values(imports);
    element("importmap", JSON.stringify({ imports }));
    element("module", 'import "lab/main.js";');
  });
  frame.srcdoc = model.get("html");
  el.append(frame);
  return () => {
    model.off("msg:custom", receive);
    forget();
    model.send({ view, kind: "close" });
  };
}

export default { render };
