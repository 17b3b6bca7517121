"use strict";
// Everything works without this file. It adds keys, tidy addresses, a copy button, and votes that show at once.
(() => {
  const KEYS_OFF = "broadsheet.keys";
  // What lies over the page while it is open, and is shut by Escape or a click beside it.
  const OVERLAYS = "details:is(.calendar, [data-menu], .fy-turn)[open]";
  const one = (selector) => document.querySelector(selector);
  const kept = {
    get off() { try { return localStorage.getItem(KEYS_OFF) === "off"; } catch { return false; } },
    set off(value) { try { localStorage.setItem(KEYS_OFF, value ? "off" : "on"); } catch { /* no storage, no memory */ } },
  };

  const step = (by) => {
    const titles = [...document.querySelectorAll("article h3 a")];
    const here = titles.indexOf(document.activeElement);
    const next = titles[Math.min(Math.max(here + by, 0), titles.length - 1)];
    if (!next) return;
    next.focus({ preventScroll: true });
    next.closest("article").scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const opened = event.key === "Escape" && one(OVERLAYS);
    if (opened) {
      opened.open = false;
      opened.querySelector("summary").focus();
      return;
    }
    if (event.target.closest("input, select, textarea, pre, [contenteditable]")) return;
    const turn = one(`a[data-key="${event.key}"]`);
    if (turn && !event.shiftKey) { event.preventDefault(); turn.click(); return; }
    if (kept.off) return;
    if (event.key === "/" && one("[data-seek]")) { event.preventDefault(); one("[data-seek]").focus(); }
    if (event.key === "j") step(1);
    if (event.key === "k") step(-1);
  });

  document.addEventListener("click", (event) => {
    for (const opened of document.querySelectorAll(OVERLAYS)) if (!opened.contains(event.target)) opened.open = false;
  });

  // An address should say what was asked, not what was left empty.
  const idle = (field) => field.name && (field.value === "" || (field.name === "mode" && field.value === "page"));
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-tidy]")) return;
    for (const field of event.target.elements) if (idle(field)) field.disabled = true;
  });
  addEventListener("pageshow", () => {
    for (const field of document.querySelectorAll("[data-tidy] :disabled")) field.disabled = false;
  });

  // A vote or a saved paper shows at once; where the site refuses it, it is undone and the reader is told.
  const tell = (text) => {
    const place = one("[data-told]");
    place.textContent = text;
    clearTimeout(tell.timer);
    tell.timer = setTimeout(() => { place.textContent = ""; }, 8000);
  };
  const turn = (button, on, count, hint) => {
    button.setAttribute("aria-pressed", on);
    button.value = on ? "0" : "1";
    const number = button.querySelector("[data-count]");
    if (number) number.textContent = count.toLocaleString(document.documentElement.lang);
    if (!hint) return;
    button.title = hint;
    const apart = button.parentElement.querySelector("[data-hint]");
    if (apart) apart.textContent = hint;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-act]");
    if (!button?.form) return;
    event.preventDefault();
    if (button.dataset.busy) return;
    const was = button.getAttribute("aria-pressed") === "true";
    const count = +(button.querySelector("[data-count]")?.textContent ?? "").replace(/\D/g, "");
    const body = new FormData(button.form);
    body.set("on", was ? "0" : "1");
    button.dataset.busy = "1";
    turn(button, !was, count + (was ? -1 : 1));
    try {
      // keepalive: a vote that is followed by a click on a link must still arrive.
      const request = { method: "POST", body, headers: { Accept: "application/json" }, keepalive: true };
      const answer = await fetch(button.formAction, request);
      const told = await answer.json().catch(() => ({}));
      if (!answer.ok || told.on === undefined) throw new Error(told.says);
      turn(button, told.on, told.count, told.hint);
    } catch (problem) {
      turn(button, was, count);
      tell(problem instanceof TypeError || !problem.message ? button.form.dataset.failed : problem.message);
    }
    delete button.dataset.busy;
  });

  for (const text of navigator.clipboard ? document.querySelectorAll("[data-copy]") : []) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text.dataset.copy;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = text.dataset.copied;
    });
    text.after(button);
  }

  // Nobody should have to look for their own time zone.
  const zone = one("select[data-zone]");
  if (zone && !zone.value) {
    const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if ([...zone.options].some((option) => option.value === mine)) zone.value = mine;
  }

  const keys = one("[data-keys]");
  if (keys) {
    const tick = keys.querySelector("input");
    keys.hidden = false;
    tick.checked = !kept.off;
    tick.addEventListener("change", () => { kept.off = !tick.checked; });
  }
})();
