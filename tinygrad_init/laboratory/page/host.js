// In a notebook the widget (notebook/widget.js) is what the page talks through, and leaves this for it.

/**
 * @typedef {{begin: object, own: boolean, open: (onMessage: (text: string) => void) => void,
 *   send: (text: string) => void, read: () => void}} Host
 */

/** Null where a server has sent the page. @type {Host | null} */
export const host = /** @type {any} */ (globalThis).labHost ?? null;

/** The same as Socket over the widget. */
export class HostLink {
  /**
   * @param {Host} through
   * @param {{open: () => void, message: (message: import("./protocol.js").FromServer) => void}} handlers
   */
  constructor(through, handlers) {
    this.through = through;
    through.open((text) => {
      const message = JSON.parse(text);
      handlers.message(message);
      // The next frame comes when this one has been drawn.
      if (message.type === "frame") requestAnimationFrame(() => through.read());
    });
    handlers.open();
  }

  /** @param {import("./protocol.js").FromPage} message */
  send(message) {
    this.through.send(JSON.stringify(message));
  }
}
