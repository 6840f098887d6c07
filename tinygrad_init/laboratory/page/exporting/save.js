// A file for the user, made in the page.

/** @param {string} file @param {Blob} blob */
export function save(file, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = file;
  link.click();
  // The browser reads the blob after the click has returned.
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
