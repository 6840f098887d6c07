// The connection to the server: it comes back by itself, sooner at first, then less often.

const FIRST_DELAY = 250;
const LONGEST_DELAY = 5000;

export class Socket {
  #delay = FIRST_DELAY;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;

  /**
   * @param {string} url
   * @param {{open: () => void, lost: () => void, message: (message: import("./protocol.js").FromServer) => void}} handlers
   */
  constructor(url, handlers) {
    this.url = url;
    this.handlers = handlers;
    this.#connect();
    // Whoever comes back to the page does not want to wait for the next try.
    addEventListener("online", () => this.#now());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#now());
  }

  #connect() {
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#delay = FIRST_DELAY;
      this.handlers.open();
    };
    socket.onmessage = (event) => this.handlers.message(JSON.parse(event.data));
    socket.onclose = () => {
      this.handlers.lost();
      // A little chance, lest fifty pages knock at the same moment when a server is back.
      this.#retry = setTimeout(() => this.#connect(), this.#delay * (0.75 + 0.5 * Math.random()));
      this.#delay = Math.min(1.7 * this.#delay, LONGEST_DELAY);
    };
  }

  #now() {
    if (this.#socket?.readyState !== WebSocket.CLOSED) return;
    clearTimeout(this.#retry);
    this.#connect();
  }

  /**
   * What is sent while there is no connection is lost: once it is back, everything is configured anew.
   * @param {import("./protocol.js").FromPage} message
   */
  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
