/* Quantities over training, and the controls of the page. */
"use strict";

(() => {
  const { models, panels, state, factor, plain, known, shown, span, axis, base, config, visible, drawPlane } = trained;
  const splits = [...document.querySelectorAll("input[name=split]")].map((box) => box.value);
  const parts = splits.length ? splits : [state.split];

  /* Epoch 0 is a start worth seeing, so that the scale is that of 1 + epoch. */
  const epochs = [...new Set(models.flatMap((one) => one.epochs))].sort((a, b) => a - b);
  const last = epochs[epochs.length - 1];
  const place = (epoch) => Math.log10(1 + epoch);
  const ticks = () => {
    const round = [0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000].filter((epoch) => place(epoch) < place(last) - 0.12);
    return [...round, last];
  };
  const epochAxis = () => ({ ...axis("epoch", [-0.04 * (place(last) || 1), 1.04 * (place(last) || 1)]), tickvals: ticks().map(place), ticktext: ticks().map(String) });

  const strokes = (one, panel) => parts.flatMap((part, number) => {
    const held = one.course[part]?.[panel.name];
    if (!held) return [];
    const by = panel.unit === "information" ? factor() : 1;
    const unit = panel.unit === "information" ? ` ${state.unit}` : panel.unit === "nats" ? " nats" : "";
    return one.betas.flatMap((beta, k) => {
      if (state.beta !== null && known(beta) && beta !== state.beta) return [];
      const at = one.epochs.map((_, e) => e).filter((e) => known(held.mean[k][e]));
      if (!at.length) return [];
      const error = (e) => (known(held.error[k][e]) ? ` ± ${shown(held.error[k][e] * by)}` : "");
      return [{ mode: at.length < 2 ? "markers" : "lines", hoverinfo: "text", x: at.map((e) => place(one.epochs[e])), y: at.map((e) => held.mean[k][e] * by),
        text: at.map((e) => `<b>${plain(one.name)}</b>${known(beta) ? `, β = ${shown(beta)}` : ""}<br>${part}, epoch ${one.epochs[e]}: ${shown(held.mean[k][e] * by)}${error(e)}${unit}`),
        line: { color: one.colour, width: 1.5, dash: number ? "dash" : "solid" }, marker: { size: 6, color: one.colour }, meta: { kind: "course", name: one.name, split: part, beta } }];
    });
  });

  const drawPanel = (plot) => {
    const panel = panels[plot.dataset.panel];
    const traces = visible().flatMap((one) => strokes(one, panel));
    const [low, high] = span(traces.flatMap((trace) => trace.y));
    const room = 0.07 * (high - low) || 0.1;
    const title = panel.unit === "information" ? state.unit : panel.unit === "nats" ? "nats" : "";
    const layout = base();
    layout.margin = { ...layout.margin, l: 50 };
    Plotly.react(plot, traces, { ...layout, uirevision: state.unit, xaxis: epochAxis(), yaxis: axis(title, known(low) ? [low - room, high + room] : [0, 1]) }, config);
  };

  const planes = [...document.querySelectorAll(".plot.whole")];
  const along = [...document.querySelectorAll(".plot.along")];
  const draw = () => { planes.forEach(drawPlane); along.forEach(drawPanel); };

  const every = (selector, react) => document.querySelectorAll(selector).forEach((box) => box.addEventListener("change", () => react(box)));
  every("input[name=unit]", (box) => { state.unit = box.value; draw(); });
  every("input[name=split]", (box) => { state.split = box.value; planes.forEach(drawPlane); });
  every("input[name=model]", (box) => { state.hidden[box.checked ? "delete" : "add"](Number(box.value)); draw(); });
  every("#show-bars", (box) => { state.bars = box.checked; planes.forEach(drawPlane); });
  every("#log-rates", (box) => { state.log = box.checked; planes.forEach(drawPlane); });
  every("#beta", (box) => { state.beta = box.value === "" ? null : Number(box.value); along.forEach(drawPanel); });

  /* A browser does not tell the width of the sheet before it prints: 690 px fit on A4 and on Letter. */
  const sheet = 690;
  addEventListener("beforeprint", () => [...planes, ...along].forEach((plot) =>
    Plotly.relayout(plot, { autosize: false, width: planes.includes(plot) ? sheet : (sheet - 12) / 2 })));
  addEventListener("afterprint", () => [...planes, ...along].forEach((plot) => Plotly.relayout(plot, { autosize: true, width: undefined })));

  /* A browser may bring back the controls of an earlier visit; the page starts from its own. */
  for (const box of document.querySelectorAll(".controls input")) box.checked = box.defaultChecked;
  const beta = document.getElementById("beta");
  if (beta) beta.value = "";
  document.getElementById("log-rates").checked = state.log;
  planes.forEach(drawPlane);
  setTimeout(() => { along.forEach(drawPanel); document.body.dataset.models = "ready"; }, 0);
})();
