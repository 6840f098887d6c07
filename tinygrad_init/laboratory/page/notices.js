// Messages for the user: at the control that they are about, or on top if they are about none.

import { byId, h } from "./dom.js";
import { t } from "./i18n.js";

/**
 * The controls that a field of the config may belong to, the most exact first: the one of a layer, the one for all layers,
 * then whatever it is a part of.
 * @param {string} field
 * @returns {string[]}
 */
function names(field) {
  const parts = field.replace(/^config\./, "").replace(/\[(\d+)\]/g, ".$1").split(".").filter(Boolean);
  const forAll = parts.filter((part, i) => !/^\d+$/.test(part) || parts[i - 1] === "variants").join(".");
  const wholes = parts.map((_, i) => parts.slice(0, parts.length - i).join("."));
  return [...wholes.slice(0, 1), forAll, ...wholes.slice(1)];
}

/** @param {string | null} field @param {string} message */
export function showError(field, message) {
  const control = names(field ?? "")
    .map((name) => document.querySelector(`[data-field="${CSS.escape(name)}"]`))
    .find(Boolean);
  for (let fold = control?.closest("details"); fold; fold = fold.parentElement?.closest("details")) fold.open = true;
  // At a control that is not shown now nobody would see it.
  if (!control?.checkVisibility()) {
    showNotice(field ? `${field}${t("colon")}${message}` : message, "bad");
    return;
  }
  const id = `error-${control.id || field}`;
  document.getElementById(id)?.remove();
  const text = h("p", { class: "error", id, role: "alert" }, message);
  (control.closest(".control") ?? control).append(text);
  control.setAttribute("aria-invalid", "true");
  control.setAttribute("aria-describedby", id);
}

export function clearErrors() {
  for (const text of document.querySelectorAll(".error")) text.remove();
  for (const control of document.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    control.removeAttribute("aria-describedby");
  }
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @param {string} message @param {"good" | "bad"} [kind] */
export function showNotice(message, kind = "good") {
  clearTimeout(timer);
  const close = h("button", { type: "button", class: "quiet", t: "close", onclick: () => byId("notices").replaceChildren() });
  byId("notices").replaceChildren(h("p", { class: `notice ${kind}` }, h("span", {}, message), close));
  // What went wrong stays until it is read; what went well may go.
  if (kind === "good") timer = setTimeout(() => byId("notices").replaceChildren(), 4000);
}

/** @param {boolean} lost */
export function showConnection(lost) {
  showState("connection", "connection.lost", lost);
}

/** Whether what the controls say is not what is shown. @param {boolean} on */
export function showRefused(on) {
  showState("refused", "refused", on);
}

/** A line on top for as long as something is so. @param {string} id @param {string} key @param {boolean} on */
function showState(id, key, on) {
  const element = document.getElementById(id);
  if (on && !element) byId("notices").before(h("p", { id, class: "notice bad", role: "status", t: key }));
  else if (!on) element?.remove();
}
