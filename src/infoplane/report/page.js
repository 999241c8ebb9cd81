/* The controls of the page: they change report.state and have the plots drawn again. */
"use strict";

(() => {
  const { runs, epochs, state } = report;
  const byId = (id) => document.getElementById(id);
  const [slider, label, play] = [byId("epoch"), byId("epoch-label"), byId("play")];
  const every = (selector, react) => document.querySelectorAll(selector).forEach((box) => box.addEventListener("change", () => react(box)));

  /* However fast the slider moves, the plane is drawn once a frame. */
  let waiting = false;
  const drawSoon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; report.drawPlanes(); });
  };

  const goTo = (position) => {
    state.at = position;
    slider.value = position;
    label.textContent = `epoch ${epochs[position].toLocaleString("en")}`;
    slider.setAttribute("aria-valuetext", label.textContent);
    drawSoon();
  };

  /* Playing takes about twelve seconds, or a frame of 60 ms a checkpoint where there are more of them. */
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.innerHTML = "&#9654;&#xFE0E; Play";
    play.setAttribute("aria-label", "Play over epochs");
  };
  const start = () => {
    if (state.at === epochs.length - 1) goTo(0);
    play.innerHTML = "&#10074;&#10074; Pause";
    play.setAttribute("aria-label", "Pause");
    const pause = Math.min(500, Math.max(60, 12000 / epochs.length));
    timer = setInterval(() => (state.at < epochs.length - 1 ? goTo(state.at + 1) : stop()), pause);
  };

  slider.max = epochs.length - 1;
  slider.addEventListener("input", () => { stop(); goTo(Number(slider.value)); });
  play.addEventListener("click", () => (timer === null ? start() : stop()));
  if (epochs.length === 1) play.disabled = slider.disabled = true;

  every("input[name=layer]", (box) => {
    state.hidden[box.checked ? "delete" : "add"](Number(box.value));
    drawSoon();
    report.curves.draw(false);
  });
  every("input[name=points]", (box) => { state.points = box.value; drawSoon(); });
  every("input[name=unit]", (box) => { state.unit = box.value; drawSoon(); report.curves.draw(false); });
  every("#network", (box) => { state.network = box.value; drawSoon(); });
  for (const name of ["path", "band", "bounds"]) every(`#show-${name}`, (box) => { state[name] = box.checked; drawSoon(); });
  byId("bounds-choice").hidden = !runs.some((run) => report.isInterval(run.input) || report.isInterval(run.target));

  /* A browser does not tell the width of the sheet before it prints: 690 px fit on A4 and on Letter. */
  const sheet = 690;
  const drawn = () => [...document.querySelectorAll(".plot")].filter((plot) => plot.data);
  const wide = (plot) => plot.parentElement.matches("section") || runs.length === 1 && plot.matches(".plane");
  addEventListener("beforeprint", () => drawn().forEach((plot) =>
    Plotly.relayout(plot, { autosize: false, width: wide(plot) ? sheet : (sheet - 12) / 2 })));
  addEventListener("afterprint", () => drawn().forEach((plot) => Plotly.relayout(plot, { autosize: true, width: undefined })));

  /* A browser may bring back the controls of an earlier visit; the page starts from its own. */
  for (const box of document.querySelectorAll(".controls input, .controls select")) {
    if (box.type === "checkbox" || box.type === "radio") box.checked = box.defaultChecked;
    else if (box !== slider) box.value = "";
  }
  goTo(epochs.length - 1);
  setTimeout(() => { report.curves.draw(true); document.body.dataset.ready = "yes"; }, 0);
})();
