// What overflows takes the focus, so that the arrow keys can scroll it.
function markScrollers() {
  const scrolls = (style, inside, outside) =>
    /auto|scroll/.test(style) && inside > outside + 1;
  for (const box of document.querySelectorAll(
    "pre, table, section, .MathJax_Display, .jp-OutputArea-output, .jp-Cell-outputWrapper",
  )) {
    const style = getComputedStyle(box);
    if (
      scrolls(style.overflowX, box.scrollWidth, box.clientWidth) ||
      scrolls(style.overflowY, box.scrollHeight, box.clientHeight)
    ) {
      box.tabIndex = 0;
    } else if (box.tabIndex === 0) {
      box.removeAttribute("tabindex");
    }
  }
}

// Nothing can be unfolded on paper. Code that only plots stays folded.
function unfold() {
  for (const details of document.querySelectorAll("details:not(.plotting)")) {
    details.open = true;
  }
}

if (document.body.classList.contains("print")) unfold();
addEventListener("beforeprint", unfold);
addEventListener("resize", markScrollers);
document.addEventListener("toggle", markScrollers, true);
addEventListener("load", () => MathJax.Hub.Queue(markScrollers));
