// My work beside desk.js: the current row stays current when it is answered anew, a form opens with the cursor in it,
// filters act at once, and the bar of many rows shows how many there are.
(() => {
  "use strict";

  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  let asked = null; // the id of the row that is being answered

  document.addEventListener("htmx:before:request", (event) => {
    const row = event.target.closest?.("[data-row]");
    if (row) asked = row.id;
  });

  document.addEventListener("htmx:after:swap", () => {
    const row = asked && document.getElementById(asked);
    asked = null;
    if (!row) return;
    const first = $("[data-step] [aria-invalid=true], [data-step] select, [data-step] textarea, [data-step] input:not([type=hidden])", row);
    (first ?? row).focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
    count();
  });

  // Escape in a form that was opened by a key gives it up; what was typed is kept by desk.js.
  document.addEventListener("keydown", (event) => {
    if (event.code !== "Escape" || event.isComposing) return;
    const row = event.target.closest?.("[data-row]");
    if (row && event.target === row) $("[data-give-up]", row)?.click();
  });

  for (const form of $$("[data-filters]")) {
    $("[data-apply]", form).hidden = true;
    form.addEventListener("change", () => form.requestSubmit());
    form.addEventListener("submit", () => {
      for (const each of $$("select", form)) each.disabled = !each.value;
    });
  }

  function count() {
    const bar = $("[data-bulk]");
    if (!bar) return;
    const picked = $$("[data-pick]:checked").length;
    bar.classList.toggle("is-shown", picked > 0);
    $("[data-count]", bar).dataset.number = picked || "";
  }

  document.addEventListener("change", (event) => event.target.matches("[data-pick]") && count());
  window.addEventListener("pageshow", count);
  document.documentElement.classList.add("has-script");
  count();
})();
