// The pack station: a keyboard-wedge scanner types fast and ends with Enter, wherever the focus is; right and wrong are heard.
"use strict";

// A person's keys are further apart than a scanner's. In milliseconds.
const SCANNER_GAP = 50;
let buffer = "";
let last = 0;

document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, textarea, select")) return; // a field takes what is typed or scanned into it
  // When the key was pressed, not when a busy page came to it.
  if (event.timeStamp - last > SCANNER_GAP) buffer = "";
  last = event.timeStamp;
  if (event.key === "Enter" && buffer.length >= 3) {
    event.preventDefault();
    const form = document.querySelector("[data-scanner]");
    if (form) { form.elements.code.value = buffer; form.requestSubmit(); }
    buffer = "";
  } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
    buffer += event.key;
    // The keys of the lists must not fire in the middle of a scan.
    if (buffer.length > 1) event.stopImmediatePropagation();
  }
}, true);

function sound(right) {
  const Audio = window.AudioContext;
  if (!Audio) return;
  const context = new Audio();
  const tone = context.createOscillator();
  const volume = context.createGain();
  tone.frequency.value = right ? 880 : 180;
  tone.type = right ? "sine" : "square";
  volume.gain.value = 0.08;
  tone.connect(volume).connect(context.destination);
  tone.start();
  tone.stop(context.currentTime + (right ? 0.09 : 0.4));
  tone.onended = () => context.close();
}

document.addEventListener("htmx:after:swap", () => {
  const verdict = document.querySelector("[data-verdict]");
  if (verdict) sound(verdict.dataset.verdict === "right");
  const code = document.querySelector("[data-scanner] input[name=code]");
  if (code) code.focus();
});
