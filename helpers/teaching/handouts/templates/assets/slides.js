// Starts reveal.js when all formulas are typeset.

// Keys that belong to what has the focus: an explorer's controls, a hint that can be
// unfolded, or something that scrolls.
function isForReveal(event) {
  const focus = document.activeElement;
  if (["PageUp", "PageDown"].includes(event.key)) return true; // a clicker's
  if (focus.closest('[class^="course-"]')) return event.key === "Escape";
  if (focus.matches("a, summary")) return ![" ", "Enter"].includes(event.key);
  if (!focus.matches(".slides [tabindex]")) return true;
  return !(
    ["ArrowUp", "ArrowDown"].includes(event.key) &&
      focus.scrollHeight > focus.clientHeight + 1 ||
    ["ArrowLeft", "ArrowRight"].includes(event.key) &&
      focus.scrollWidth > focus.clientWidth + 1
  );
}

function showSlide() {
  markScrollers();
  const slide = Reveal.getCurrentSlide();
  slide.scrollTop = 0;
  if (slide.tabIndex === 0) slide.focus({ preventScroll: true });
  else document.activeElement.blur();
}

// Explorers have a size in pixels that suits 1280x720.
function enlarge() {
  const zoom = Math.max(1, Math.min(innerWidth / 1280, innerHeight / 720));
  document.body.style.setProperty("--enlarged", zoom);
}

enlarge();
addEventListener("resize", enlarge);
for (const explorer of document.querySelectorAll('[class^="course-"]')) {
  explorer.dataset.preventSwipe = "";
}

MathJax.Hub.Queue(async () => {
  document.documentElement.classList.remove("typesetting");
  await Reveal.initialize({
    center: false,
    controlsTutorial: false,
    disableLayout: true, // rise.css fits slides into the window
    hash: true,
    keyboardCondition: isForReveal,
    navigationMode: "linear",
    plugins: window.RevealNotes ? [RevealNotes] : [],
    scrollActivationWidth: null,
    slideNumber: "c/t",
    transition: "none",
  });
  Reveal.on("slidechanged", showSlide);
  showSlide();
});
