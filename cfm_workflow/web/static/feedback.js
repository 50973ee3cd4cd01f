// What the pages of feedback do beside desk.js: picking all rows, finding a person in a list, mentions, and saying that a
// text is too long before it is sent. Without it everything still works, in more steps.
(() => {
  "use strict";

  const { tooLong: TOO_LONG } = document.currentScript.dataset;
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  // -- picking rows ---------------------------------------------------------------------------------------------------------

  function count() {
    const form = $("#bulk");
    if (!form) return;
    const all = $$("[data-pick]", form);
    const picked = all.filter((each) => each.checked).length;
    const said = $("[data-picked]", form);
    said.textContent = said.dataset.pickedWords.replace("%(n)s", picked);
    const every = $("[data-pick-all]", form);
    every.hidden = false;
    every.checked = picked > 0 && picked === all.length;
    every.indeterminate = picked > 0 && picked < all.length;
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) for (const each of $$("#bulk [data-pick]")) each.checked = event.target.checked;
    if (event.target.matches("[data-pick-all], [data-pick]")) count();
  });
  document.addEventListener("htmx:finally:request", count);

  // -- finding somebody in a list: [data-find="id of the list"] -----------------------------------------------------------------

  for (const field of $$("[data-find]")) {
    field.hidden = false;
    field.addEventListener("input", () => {
      const asked = field.value.normalize().toLowerCase();
      for (const row of $$("li", document.getElementById(field.dataset.find))) {
        const isPicked = $("input", row).checked;
        row.hidden = !isPicked && !row.textContent.normalize().toLowerCase().includes(asked);
      }
    });
    field.addEventListener("keydown", (event) => event.code === "Enter" && !event.isComposing && event.preventDefault());
  }

  // -- too long: [data-most] is said where it was typed, and nothing is lost ------------------------------------------------------

  // Of a text that may fit, characters are counted as the service does; counting ten million would take long.
  const length = (text, most) => (text.length > 2 * most ? text.length : [...text].length);
  const tooLong = (area) => area.value.length > Number(area.dataset.most) && length(area.value, Number(area.dataset.most)) > Number(area.dataset.most);

  function say(area) {
    const field = area.closest(".desk-field");
    let note = $(".feedback-most", field);
    if (!tooLong(area)) return note?.remove();
    if (!note) {
      note = document.createElement("p");
      note.className = "feedback-most";
      note.setAttribute("role", "alert");
      field.append(note);
    }
    note.textContent = TOO_LONG.replace("%(most)s", Number(area.dataset.most).toLocaleString()).replace("%(length)s", area.value.length.toLocaleString());
  }

  document.addEventListener("input", (event) => event.target.matches?.("[data-most]") && say(event.target));
  // On the window, so before desk.js takes the form for one that is being sent.
  window.addEventListener(
    "submit",
    (event) => {
      const long = $$("[data-most]", event.target).find(tooLong);
      if (!long) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      say(long);
      long.focus();
    },
    true,
  );

  // -- mentions: [data-mention="address"], an @ and the beginning of a name -------------------------------------------------------

  let open = null;
  let asked = 0;

  const BEGUN = /(?:^|[\s(])@([\p{L}\p{N}._-][\p{L}\p{N}._ -]{0,30})$/u;

  async function offer(area) {
    const found = area.selectionStart === area.selectionEnd && BEGUN.exec(area.value.slice(Math.max(0, area.selectionStart - 40), area.selectionStart));
    if (!found) return close();
    const mine = ++asked;
    const answer = await fetch(`${area.dataset.mention}?${new URLSearchParams({ q: found[1] })}`, { headers: { Accept: "application/json" } });
    if (mine !== asked || !answer.ok) return;
    const { items } = await answer.json();
    if (!items.length) return close();
    show(area, found[1], items);
  }

  function show(area, typed, items) {
    close();
    const list = document.createElement("ul");
    list.className = "feedback-mentions";
    list.id = "mentions";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", area.labels[0].textContent);
    for (const [n, item] of items.slice(0, 8).entries()) {
      const row = document.createElement("li");
      row.id = `mention-${n}`;
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", String(n === 0));
      row.append(Object.assign(document.createElement("bdi"), { textContent: item.name }));
      const teams = Object.assign(document.createElement("small"), { className: "desk-soft", textContent: ` ${item.teams.join(", ")}` });
      row.append(teams);
      row.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        insert(item);
      });
      list.append(row);
    }
    area.after(list);
    open = { area, typed, items, list, at: 0 };
    area.setAttribute("aria-controls", list.id);
    area.setAttribute("aria-activedescendant", "mention-0");
  }

  function close() {
    if (!open) return;
    open.area.removeAttribute("aria-controls");
    open.area.removeAttribute("aria-activedescendant");
    open.list.remove();
    open = null;
  }

  function insert(item) {
    const { area, typed } = open;
    const from = area.selectionStart - typed.length - 1;
    const shown = item.name.replace(/\s+/g, " ").replace(/[\\[\]]/g, "\\$&");
    area.setRangeText(`@[${shown}](${item.type}:${item.id}) `, from, area.selectionStart, "end");
    close();
    area.dispatchEvent(new Event("input", { bubbles: true }));
    area.focus();
  }

  function go(by) {
    const rows = $$("li", open.list);
    rows[open.at].setAttribute("aria-selected", "false");
    open.at = (open.at + by + rows.length) % rows.length;
    rows[open.at].setAttribute("aria-selected", "true");
    rows[open.at].scrollIntoView({ block: "nearest" });
    open.area.setAttribute("aria-activedescendant", `mention-${open.at}`);
  }

  document.addEventListener("input", (event) => event.target.matches?.("[data-mention]") && offer(event.target));
  document.addEventListener(
    "keydown",
    (event) => {
      if (!open || event.target !== open.area || event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey) return;
      if (event.code === "ArrowDown") go(1);
      else if (event.code === "ArrowUp") go(-1);
      else if (event.code === "Enter" || event.code === "Tab") insert(open.items[open.at]);
      else if (event.code === "Escape") close();
      else return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );
  document.addEventListener("focusout", (event) => open && event.target === open.area && close());

  count();
})();
