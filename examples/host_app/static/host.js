// Conveniences. Without this script everything works by its buttons.
"use strict";

const HALF_AN_HOUR = 30 * 60 * 1000;

function freeBusy(form) {
  const area = document.getElementById("free-busy");
  const status = document.getElementById("free-busy-status");
  let asking = null;
  let shown = Date.now();

  // Bring the area up to date; the form's fields travel in the body, never in an address.
  async function update(extra) {
    if (asking) asking.abort();
    const mine = (asking = new AbortController());
    const fields = new URLSearchParams(new FormData(form));
    for (const [name, value] of Object.entries(extra || {})) fields.set(name, value);
    area.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.dataset.freeBusy, {
        method: "POST", body: fields, signal: mine.signal, redirect: "error",
      });
      if (!answer.ok) throw new Error("refused");
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const focused = document.activeElement && document.activeElement.value;
      const inside = area.contains(document.activeElement);
      area.replaceChildren(...page.body.childNodes);
      shown = Date.now();
      tell();
      if (inside) {
        const same = [...area.querySelectorAll("button")].find((each) => each.value === focused);
        if (same) same.focus();
      }
    } catch (error) {
      if (error.name === "AbortError") return;
      status.textContent = "Free / busy could not be brought up to date. Use the button.";
      delete status.dataset.tone;
    } finally {
      if (asking === mine) {
        asking = null;
        area.removeAttribute("aria-busy");
      }
    }
  }

  function tell() {
    const found = area.querySelector("[data-verdict]");
    status.textContent = found ? found.dataset.verdict : "Choose a day.";
    status.dataset.tone = found ? found.dataset.tone : "";
  }

  form.addEventListener("change", (event) => {
    if (!["title", "anyway"].includes(event.target.name)) update();
  });
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || !button.name) return;
    if (button.name === "slot") {
      const [day, at] = button.value.split("T");
      form.elements.day.value = day;
      form.elements.at.value = at;
      event.preventDefault();
      document.getElementById("book").focus();
      update();
    } else if (button.name === "refresh") {
      event.preventDefault();
      update({ refresh: "yes" });
    }
  });
  // A page that stays open keeps the promise too.
  setInterval(() => {
    if (!document.hidden && Date.now() - shown > HALF_AN_HOUR) update();
  }, 60 * 1000);
  tell();
}

for (const form of document.querySelectorAll("form[data-free-busy]")) freeBusy(form);

// On a phone the days of a month stand below each other: the page opens at today.
const today = document.getElementById("today");
if (today && !location.hash && window.matchMedia("(max-width: 760px)").matches) {
  today.scrollIntoView({ block: "start" });
}
