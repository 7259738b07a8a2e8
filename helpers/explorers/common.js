// What the explorers share. Python puts this file before each of them, into one
// module script: see helpers/explorers/__init__.py.

// Sizes along one axis, as in helpers/convolution.py --------------------------

const footprint = (kernel, dilation = 1) => dilation * (kernel - 1) + 1;

// [before, after]: "same" puts the odd pixel after, as Keras does.
function paddingOf(n, { kernel, padding, stride, dilation }) {
  const span = footprint(kernel, dilation);
  if (padding === "valid") return [0, 0];
  if (padding === "full") return [span - 1, span - 1];
  if (padding === "same") {
    const needed = (Math.ceil(n / stride) - 1) * stride + span - n;
    const total = Math.max(needed, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  }
  return [padding, padding];
}

// How many places a kernel has on n pixels; less than 1 where it does not fit.
function outputSize(n, settings) {
  const [before, after] = paddingOf(n, settings);
  const span = footprint(settings.kernel, settings.dilation);
  return Math.floor((n + before + after - span) / settings.stride) + 1;
}

const whole = (number) => number.toLocaleString("en-US");
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

// The page around an explorer -------------------------------------------------

// JupyterLab and reveal.js would take keys and swipes for themselves. Keys that
// turn pages pass, so that a clicker works whatever has the focus.
function keepKeys(card) {
  card.setAttribute("data-lm-suppress-shortcuts", "true");
  card.setAttribute("data-prevent-swipe", "");
  card.addEventListener("keydown", (event) => {
    const command = event.ctrlKey || event.metaKey || event.altKey;
    const turns = ["PageUp", "PageDown", "Escape"].includes(event.key);
    if (!turns && !command) event.stopPropagation();
    if (turns && card.closest(".reveal")) {
      event.preventDefault(); // and changes no field
      event.target.blur(); // for slides ignore what is typed into a field
    }
  });
}

// Mark `card` as dark where the text around it is light, now and later.
function followTheme(card) {
  const look = () => {
    if (!card.parentElement) return;
    const colour = getComputedStyle(card.parentElement).color;
    const [red, green, blue] = colour.match(/[\d.]+/g).map(Number);
    card.toggleAttribute(
      "data-dark", 0.3 * red + 0.6 * green + 0.1 * blue > 128);
  };
  look();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", look);
  // JupyterLab marks its body when somebody chooses another theme.
  new MutationObserver(() => setTimeout(look, 300))
    .observe(document.body, { attributes: true });
}

// Copy the text of `element` when `button` is pressed, and say so in the button.
function copies(button, element) {
  const name = button.textContent;
  button.addEventListener("click", async () => {
    let done = true;
    try {
      await navigator.clipboard.writeText(element.textContent);
    } catch { // not allowed here: the older way
      getSelection().selectAllChildren(element);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Select it and press Ctrl+C";
    setTimeout(() => { button.textContent = name; }, 2000);
  });
}
