// Rows that are picked: all of a page at once, and how many they are. And the button that prints.
(() => {
  "use strict";

  for (const form of document.querySelectorAll("form[data-picks]")) {
    const all = form.querySelector("[data-pick-all]");
    const picks = [...form.querySelectorAll("[data-pick]")];
    const count = () => {
      const picked = picks.filter((each) => each.checked).length;
      form.querySelector("[data-picked]").textContent = picked;
      all.checked = picked > 0 && picked === picks.length;
      all.indeterminate = picked > 0 && picked < picks.length;
    };
    all.addEventListener("change", () => {
      for (const each of picks) each.checked = all.checked;
      count();
    });
    form.addEventListener("change", count);
    count();
  }

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
})();
