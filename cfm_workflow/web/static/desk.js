// What pages do beside htmx: keys, rows, typed text that is kept, forms sent once, messages, live regions.
// Everything is declared in HTML by data-* attributes, described in ARCHITECTURE.md; a page needs no script of its own.
(() => {
  "use strict";

  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const copy = (id) => $(`#${id}`).content.firstElementChild.cloneNode(true);
  const isShown = (element) => element.getClientRects().length > 0;
  const isField = (element) => Boolean(element?.closest?.("input:not([type=checkbox]):not([type=radio]):not([type=submit]):not([type=button]), textarea, select, [contenteditable]"));
  const isComposing = (event) => event.isComposing || event.keyCode === 229;

  // -- rows: j and k move over [data-row] -----------------------------------------------------------------------------

  let current = null;

  const rows = () => $$("[data-row]").filter(isShown);

  function go(row) {
    if (!row) return;
    current?.classList.remove("is-current");
    current = row;
    row.classList.add("is-current");
    if (!row.hasAttribute("tabindex")) row.tabIndex = -1;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function step(by) {
    const all = rows();
    const at = all.indexOf(current?.isConnected ? current : null);
    go(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)]);
  }

  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("[data-row]");
    if (!row || row === current) return;
    current?.classList.remove("is-current");
    current = row;
    row.classList.add("is-current");
  });

  const ROW_KEYS = {
    KeyJ: () => step(1),
    KeyK: () => step(-1),
    Enter: () => (current === document.activeElement ? $("[data-open]", current)?.click() : undefined),
    KeyX: () => current && $("[data-pick]", current)?.click(),
  };

  // -- keys: data-key="KeyA", "Shift+Slash", "KeyG KeyW" (one after the other), by event.code --------------------------

  let first = "";
  let firstAt = 0;

  const pressed = (event) => event.key === "?" ? "Shift+Slash" : (event.shiftKey ? "Shift+" : "") + event.code;

  function keyed(keys) {
    const all = $$("[data-key]").filter((element) => element.dataset.key === keys && (isShown(element) || element.closest(".desk-menu")) && !element.disabled);
    const open = $("dialog[open]");
    const reachable = open ? all.filter((element) => open.contains(element)) : all;
    return reachable.find((element) => current?.isConnected && current.contains(element)) ?? reachable.find((element) => !element.closest("[data-row]"));
  }

  document.addEventListener("keydown", (event) => {
    if (isComposing(event)) return;
    if (event.code === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form && event.target.matches("textarea")) {
      event.preventDefault();
      event.target.form.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.code === "Escape") return escape(event);
    if (isField(event.target)) return;
    const keys = pressed(event);
    const both = event.timeStamp - firstAt < 1500 && first ? `${first} ${keys}` : "";
    const found = (both && keyed(both)) || keyed(keys);
    first = keys;
    firstAt = event.timeStamp;
    if (found) {
      event.preventDefault();
      first = "";
      press(found);
      return;
    }
    const move = !$("dialog[open]") && rows().length && ROW_KEYS[keys];
    if (move && !(keys === "Enter" && event.target !== current)) {
      event.preventDefault();
      move();
    }
  });

  function press(element) {
    if (element.matches("input:not([type=checkbox]):not([type=radio]):not([type=submit]), textarea, select")) {
      element.focus();
      element.select?.();
    } else {
      element.click();
    }
  }

  function escape(event) {
    const menu = event.target.closest("details[data-menu][open]") ?? $("details[data-menu][open]");
    if (menu) {
      menu.open = false;
      $("summary", menu).focus();
    } else if (isField(event.target) && !event.target.closest("dialog")) {
      const row = event.target.closest("[data-row]");
      event.target.blur();
      if (row) go(row);
    }
  }

  document.addEventListener("click", (event) => {
    for (const menu of $$("details[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
    const opener = event.target.closest("[data-dialog]");
    if (opener) {
      const dialog = $(`#${opener.dataset.dialog}`);
      if (dialog.id === "keys") list(dialog);
      if (!dialog.open) dialog.showModal();
    }
    event.target.closest("[data-close]")?.closest(".desk-toast, dialog")?.remove?.();
  });

  // The sheet behind "?": what the page has declared.
  function list(dialog) {
    const into = $("[data-keys]", dialog);
    const names = into.dataset;
    const said = new Map();
    if (rows().length) {
      said.set("KeyJ", names.next).set("KeyK", names.previous);
      if ($("[data-row] [data-open]")) said.set("Enter", names.open);
      if ($("[data-row] [data-pick]")) said.set("KeyX", names.pick);
    }
    for (const element of $$("[data-key]").filter((each) => isShown(each) || each.closest(".desk-menu"))) {
      const label = element.dataset.keyLabel || element.getAttribute("aria-label") || element.textContent.trim() || element.labels?.[0]?.textContent.trim() || "";
      if (label && !said.has(element.dataset.key)) said.set(element.dataset.key, label);
    }
    said.set("Shift+Slash", names.this);
    into.replaceChildren(
      ...[...said].flatMap(([keys, label]) => {
        const term = document.createElement("dt");
        term.textContent = label;
        const detail = document.createElement("dd");
        keys.split(" ").forEach((key, index) => {
          if (index) detail.append(` ${names.then} `);
          const cap = document.createElement("kbd");
          cap.textContent = cap_of(key);
          detail.append(cap);
        });
        return [term, detail];
      }),
    );
  }

  const CAPS = { Slash: "/", "Shift+Slash": "?", Enter: "↵", Escape: "Esc", Period: ".", Comma: ",", Space: "␣", BracketLeft: "[", BracketRight: "]" };
  const cap_of = (key) => CAPS[key] ?? key.replace("Shift+", "⇧ ").replace(/Key|Digit/, "");

  // -- typed text: form[data-keep="a name"] is kept in this tab until it has been sent ----------------------------------

  const KEEP = "keep:";
  const SENT = "sent:";
  const store = window.sessionStorage;
  const texts = (form) => [...form.elements].filter((each) => each.name && each.matches("textarea, select, input:not([type=hidden]):not([type=password]):not([type=file]):not([type=submit])"));

  function remember(form) {
    const typed = {};
    for (const each of texts(form)) {
      if (each.type === "checkbox" || each.type === "radio") {
        if (each.checked !== each.defaultChecked) typed[`${each.name}=${each.value}`] = each.checked;
      } else if (each.value !== (each.dataset.was ?? initial(each))) typed[each.name] = each.value;
    }
    if (Object.keys(typed).length) keep(KEEP + form.dataset.keep, JSON.stringify(typed));
    else store.removeItem(KEEP + form.dataset.keep);
  }

  // What is larger than the browser keeps stays in the form alone.
  function keep(name, typed) {
    try {
      store.setItem(name, typed);
    } catch {
      store.removeItem(name);
    }
  }

  const initial = (each) => (each.matches("select") ? [...each.options].find((option) => option.defaultSelected)?.value ?? each.options[0]?.value : each.defaultValue);

  function bringBack(form) {
    if (form.dataset.isBack) return;
    form.dataset.isBack = "yes";
    const name = form.dataset.keep;
    const typed = JSON.parse(store.getItem(KEEP + name) ?? "null");
    if (!typed) return;
    let changed = false;
    for (const each of texts(form)) {
      const key = each.type === "checkbox" || each.type === "radio" ? `${each.name}=${each.value}` : each.name;
      if (!(key in typed)) continue;
      each.dataset.was = initial(each) ?? "";
      if (each.type === "checkbox" || each.type === "radio") {
        changed ||= each.checked !== typed[key];
        each.checked = typed[key];
      } else if (each.value !== typed[key]) {
        each.value = typed[key];
        changed = true;
      }
    }
    if (!changed) return;
    const note = copy("kept");
    $("[data-discard]", note).addEventListener("click", () => {
      store.removeItem(KEEP + name);
      form.reset();
      note.remove();
    });
    form.prepend(note);
    const fold = form.closest("details");
    if (fold) fold.open = true;
  }

  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form?.dataset.keep) remember(form);
  });

  // What was on its way when a page says that it could not be done, or asks to sign in, comes back.
  function settleSent() {
    const failed = document.body.hasAttribute("data-problem");
    for (const key of Object.keys(store).filter((each) => each.startsWith(SENT))) {
      if (failed) store.setItem(KEEP + key.slice(SENT.length), store.getItem(key));
      store.removeItem(key);
    }
  }

  function sending(form) {
    const name = form.dataset.keep;
    const typed = name && store.getItem(KEEP + name);
    if (!typed) return;
    store.setItem(SENT + name, typed);
    store.removeItem(KEEP + name);
  }

  // -- a form is sent once ------------------------------------------------------------------------------------------------

  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (form.method === "dialog") return;
      if (form.dataset.sending) {
        event.preventDefault();
        event.stopImmediatePropagation();
        return;
      }
      form.dataset.sending = "yes";
      sending(form);
      const mine = [...form.elements].filter((each) => each.type === "submit");
      setTimeout(() => mine.forEach((each) => each.setAttribute("aria-disabled", "true")));
    },
    true,
  );

  function release(form) {
    delete form.dataset.sending;
    for (const each of form.elements) each.removeAttribute("aria-disabled");
  }

  window.addEventListener("pageshow", () => $$("form[data-sending]").forEach(release));
  document.addEventListener("htmx:finally:request", (event) => {
    const form = event.target.closest?.("form");
    const status = event.detail?.ctx?.response?.status ?? 0;
    if (form) release(form);
    const name = form?.dataset.keep;
    const typed = name && store.getItem(SENT + name);
    if (typed) {
      if (status < 200 || status >= 300) store.setItem(KEEP + name, typed);
      store.removeItem(SENT + name);
    }
    prepare();
  });

  // -- messages: the event desk:said of an answer (see web/pages.py) ------------------------------------------------------

  const STAYS = 10000;

  function tell({ text, undo, fields, is_bad: isBad }) {
    const toast = copy("toast");
    $("[data-text]", toast).textContent = text;
    toast.classList.toggle("is-bad", Boolean(isBad));
    const form = $("[data-undo]", toast);
    if (undo) {
      form.action = undo;
      form.hidden = false;
      for (const [name, value] of Object.entries(fields ?? {})) {
        const field = Object.assign(document.createElement("input"), { type: "hidden", name, value });
        form.append(field);
      }
    } else form.remove();
    $("#toasts").replaceChildren(toast);
    leave(toast);
  }

  function leave(toast) {
    let timer = 0;
    const start = () => (timer = setTimeout(() => toast.remove(), STAYS));
    for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, () => clearTimeout(timer));
    for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, start);
    start();
  }

  document.addEventListener("desk:said", (event) => tell(event.detail));
  document.addEventListener("htmx:error", () => !navigator.onLine && offline());
  window.addEventListener("offline", offline);
  window.addEventListener("online", () => $$("[data-offline]").forEach((each) => each.remove()));

  function offline() {
    if ($("[data-offline]")) return;
    const note = copy("offline");
    note.dataset.offline = "";
    $(".desk-body").prepend(note);
  }

  // -- live regions: [data-live="/address of the fragment"], an id, and data-live-on="action:17 feedback" ----------------

  let position = "latest";
  let wait = 1500;
  const due = new Set();

  const wants = (region, subjects) => {
    const on = (region.dataset.liveOn ?? "").split(" ").filter(Boolean);
    return !on.length || subjects.some((subject) => on.includes(subject) || on.includes(subject.split(":")[0]));
  };

  function hear(subjects) {
    for (const region of $$("[data-live]")) {
      if (wants(region, subjects)) refreshSoon(region);
    }
  }

  // Told by a stream where there is a place for one, else asked for again and again; nothing while nobody looks.
  let stream = null;
  let timer = 0;

  async function ask() {
    const answer = await fetch(`${document.body.dataset.liveAt}?after=${position}`, { headers: { Accept: "application/json" } });
    if (!answer.ok || answer.redirected) throw new Error(answer.status);
    const news = await answer.json();
    position = news.last_position;
    if (news.subjects.length) hear(news.subjects);
  }

  async function poll() {
    clearTimeout(timer);
    if (document.visibilityState !== "visible" || !$("[data-live]")) return;
    try {
      await ask();
      wait = 1500;
    } catch {
      wait = Math.min(wait * 2, 30000);
    }
    if (!stream) timer = setTimeout(poll, wait);
  }

  // The place of the page that was left for this one in the same tab: the server would miss it later only.
  const me = crypto.getRandomValues(new Uint32Array(2)).join("-");
  const before = store.getItem("listener") ?? "";

  function listen() {
    if (stream || document.visibilityState !== "visible" || !$("[data-live]")) return;
    clearTimeout(timer);
    const opened = new EventSource(`${document.body.dataset.liveAt}/stream?after=${position}&page=${me}&before=${before}`);
    stream = opened;
    store.setItem("listener", me);
    opened.onmessage = (event) => {
      position = event.lastEventId || position;
      hear(JSON.parse(event.data));
    };
    opened.onerror = () => {
      if (opened.readyState !== EventSource.CLOSED || stream !== opened) return;
      stream = null;
      poll();
      setTimeout(listen, 60000);
    };
  }

  function follow() {
    if (!document.body.dataset.liveAt) return;
    if (document.visibilityState === "visible") poll().then(listen);
    else {
      stream?.close();
      stream = null;
    }
  }

  document.addEventListener("visibilitychange", follow);

  const isDirty = (element) => $$("input, textarea, select", element).some((each) => (each.type === "checkbox" || each.type === "radio" ? each.checked !== each.defaultChecked : each.type !== "hidden" && each.value !== initial(each)));
  // A form that was opened in its row stays open, typed into or not.
  const isBusy = (element) => (isField(document.activeElement) && element.contains(document.activeElement)) || $("[data-step]", element) !== null || isDirty(element);

  const PASSING = ["is-current", "is-gone", "htmx-request", "htmx-swapping", "htmx-settling", "htmx-added"];

  // What the server says of an element, without what this page has done to it.
  function told(element) {
    const copied = element.cloneNode(true);
    for (const each of [copied, ...$$("*", copied)]) {
      each.classList.remove(...PASSING);
      if (each.getAttribute("class") === "") each.removeAttribute("class");
      for (const name of ["aria-disabled", "data-sending", "data-is-back", "data-was", "data-htmx-powered"]) each.removeAttribute(name);
      if (each.matches("[name=_csrf], [name=_key]")) each.removeAttribute("value");
    }
    return copied.outerHTML;
  }
  const same = (one, other) => told(one) === told(other);

  // What is asked for by hand goes before: no news is drawn while an answer is awaited, none that is older than the answer.
  let awaited = 0;
  let answered = 0;
  const mine = new Set(); // the rows that were answered in this page

  document.addEventListener("htmx:before:request", (event) => {
    awaited += 1;
    const row = event.target.closest?.("[data-row]")?.id;
    if (row) mine.add(row);
  });
  document.addEventListener("htmx:finally:request", () => {
    awaited = Math.max(awaited - 1, 0);
    answered += 1;
  });

  function refreshSoon(region) {
    if (due.has(region)) return;
    due.add(region);
    setTimeout(() => refresh(region), 150);
  }

  async function refresh(region) {
    due.delete(region);
    if (!region.isConnected) return;
    if (awaited) return refreshSoon(region);
    const since = answered;
    const answer = await fetch(region.dataset.live, { headers: { "HX-Request": "true", "HX-Request-Type": "partial" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(region.id);
    if (!fresh || !region.isConnected) return;
    if (awaited || answered !== since) return refreshSoon(region);
    update(region, document.importNode(fresh, true));
  }

  // What only changes is changed in place. What comes, goes or moves waits while the pointer or the focus is in the
  // region; a row in which somebody types stays as it is.
  function update(region, fresh) {
    const now = $$("[data-row]", region);
    const then = $$("[data-row]", fresh);
    const isUsed = region.matches(":hover") || region.contains(document.activeElement);
    if (!then.length && !now.length) {
      if (same(region, fresh)) return;
      if (isBusy(region)) hold(region, fresh);
      else swap(region, fresh);
      return;
    }
    const order = (all) => all.map((row) => row.id).join();
    if (order(now) !== order(then) && !isUsed && !isBusy(region)) return swap(region, fresh);
    // Whoever has just answered a row knows why it goes or moves.
    const others = (all) => all.filter((row) => !mine.has(row.id));
    const isNews = order(others(now)) !== order(others(then));
    for (const row of then) {
      const old = row.id && $(`#${CSS.escape(row.id)}`, region);
      if (!old || isBusy(old) || same(old, row)) continue;
      swap(old, row.cloneNode(true));
    }
    const stay = new Set(then.map((row) => row.id));
    for (const row of now) row.classList.toggle("is-gone", !stay.has(row.id));
    if (isNews) hold(region, fresh);
  }

  function swap(old, fresh) {
    const hadFocus = old.contains(document.activeElement);
    const name = hadFocus && document.activeElement !== old ? document.activeElement.dataset.key : null;
    if (old === current) {
      current = fresh;
      fresh.classList.add("is-current");
    }
    const row = !old.matches("[data-row]") && current && old.contains(current) ? current.id : null;
    old.replaceWith(fresh);
    window.htmx?.process(fresh);
    if (row) {
      const again = document.getElementById(row);
      if (again) current = again;
      again?.classList.add("is-current");
      if (hadFocus) again?.focus({ preventScroll: true });
    } else if (hadFocus) (name && $(`[data-key="${name}"]`, fresh) ? $(`[data-key="${name}"]`, fresh) : fresh).focus({ preventScroll: true });
    prepare();
  }

  function hold(region, fresh) {
    let note = region.previousElementSibling?.matches("[data-held]") ? region.previousElementSibling : null;
    if (!note) {
      note = copy("held");
      note.dataset.held = "";
      region.before(note);
    }
    const show = () => {
      if (!note.isConnected) return;
      note.remove();
      const anew = $(`#${CSS.escape(region.id)}`);
      if (anew) swap(anew, fresh);
    };
    $("[data-show]", note).onclick = show;
    region.addEventListener("pointerleave", () => !region.contains(document.activeElement) && !isBusy(region) && show(), { once: true });
  }

  // -- at the beginning, and after htmx has brought something ---------------------------------------------------------------

  function prepare() {
    $$("form[data-keep]").forEach(bringBack);
  }

  settleSent();
  prepare();
  follow();
  const bad = $(".desk-field [aria-invalid=true]");
  bad?.focus();
})();
