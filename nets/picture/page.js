// Steps through both passes and moves the inputs; `story` is what nets/picture/page.py wrote.

const story = JSON.parse(document.getElementById("story").textContent);
const { moments, nodes, dout } = story;
const find = (id) => document.getElementById(id);
const labels = [...document.querySelectorAll("[data-key]")];
const gates = [...document.querySelectorAll("[data-node]")];
const ranges = [...document.querySelectorAll("input[type=range]")];
const last = moments.length - 1;
let step = last;
let timer = null;

const write = (x) => (Number.isNaN(x) ? "—" : brief(x));

// The labels by key: as they were written down, or computed where the inputs can be moved.
function texts() {
  if (!nodes) return story.texts;
  ranges.forEach((range) => (nodes[range.dataset.input].value = Number(range.value)));
  const numbers = passes(nodes, dout);
  const lost = nodes.find(
    (node, k) =>
      Number.isNaN(numbers[`v${k}`]) && !node.reads.some((r) => Number.isNaN(numbers[`v${r}`])),
  );
  const at = lost && lost.reads.map((k) => brief(numbers[`v${k}`])).join(", ");
  find("notice").textContent = lost ? `${lost.symbol} has no value at ${at}.` : "";
  return Object.fromEntries(Object.entries(numbers).map(([key, x]) => [key, write(x)]));
}

function show() {
  const written = texts();
  const shown = new Set(moments.slice(0, step + 1).flatMap((moment) => moment.shows));
  for (const label of labels) {
    if (nodes) label.textContent = written[label.dataset.key];
    label.style.visibility = shown.has(label.dataset.key) ? "visible" : "hidden";
  }
  const { active, way, words } = moments[step];
  for (const gate of gates) gate.setAttribute("class", gate.dataset.node === active ? way : "");
  find("caption").textContent = words.map((word, k) => (k % 2 ? written[word] : word)).join("");
  find("count").textContent = `${step} / ${last}`;
  find("play").textContent = timer ? "Pause" : "Play";
  for (const range of ranges) find(`of-${range.id}`).textContent = brief(Number(range.value));
}

function go(to) {
  step = Math.max(0, to);
  show();
}

function stop() {
  clearInterval(timer);
  timer = null;
}

// After the last step comes the first.
const forward = () => go(step < last ? step + 1 : 0);

const press = {
  step: () => (stop(), forward()),
  back: () => (stop(), go(step - 1)),
  reset: () => {
    stop();
    ranges.forEach((range) => (range.value = range.defaultValue));
    go(0);
  },
  play: () => {
    if (timer) {
      stop();
    } else {
      timer = setInterval(() => (step === last ? press.play() : forward()), 1200);
      if (step === last) step = 0;
    }
    show();
  },
};

for (const name of Object.keys(press)) find(name).addEventListener("click", press[name]);
for (const range of ranges) range.addEventListener("input", show);
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input") || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "ArrowRight") press.step();
  else if (event.key === "ArrowLeft") press.back();
  else return;
  event.preventDefault();
});
show();
