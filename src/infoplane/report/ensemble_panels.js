/* Quantities over training time, and the controls of the page. */
"use strict";

(() => {
  const { ensembles, panels, times, state, factor, plain, known, shown, when, scaled, most, least, axis, base, config, dotted, faint, drawPlane } = infinite;

  /* A logarithmic axis has neither 0 nor infinity: they stand apart at its ends, and are labelled. */
  const inner = times.filter((time) => time > 0 && time < Infinity);
  const [first, last] = inner.length ? [inner[0], inner[inner.length - 1]] : [1, 1];
  const decades = Math.log10(last / first);
  const apart = 10 ** (0.13 * decades + 0.15);
  const place = (time) => Math.min(Math.max(time, first / apart), last * apart);
  const timeAxis = () => {
    const step = Math.max(Math.ceil(decades / 4), 1);
    const powers = [];
    for (let power = Math.ceil(Math.log10(first) - 1e-9); power <= Math.log10(last) + 1e-9; power += 1)
      if (power % step === 0) powers.push(power);
    const name = (power) => (Math.abs(power) < 4 ? String(Number((10 ** power).toPrecision(1))) : `10<sup>${String(power).replace("-", "−")}</sup>`);
    const ends = [[0, "0"], [Infinity, "∞"]].filter(([time]) => times.includes(time));
    const ticks = [...powers.map((power) => [10 ** power, name(power)]), ...ends.map(([time, text]) => [place(time), text])];
    const room = 10 ** (0.02 * decades + 0.05);
    const low = times.includes(0) ? place(0) : first;
    const high = times.includes(Infinity) ? place(Infinity) : last;
    return { ...axis("training time τ (log)", [Math.log10(low / room), Math.log10(high * room)]), type: "log",
      tickvals: ticks.map(([at]) => at), ticktext: ticks.map(([, text]) => text) };
  };
  const now = () => ({ type: "line", layer: "below", x0: place(times[state.time]), x1: place(times[state.time]), y0: 0, y1: 1,
    yref: "paper", line: { color: "#a3a9b3", width: 1.2 } });

  /* One line of one ensemble: its band, its curve, and marks at 0 and infinity. */
  const strokes = (one, line, panel) => {
    const held = one.values[line.name];
    if (!held) return [];
    const by = panel.unit === "information" ? factor() : 1;
    const drawable = (values) => scaled(values, by).map((value) => (panel.log && !(value > 0) ? null : value));
    const y = drawable(held.mean);
    const unit = panel.unit === "information" ? ` ${state.unit}` : panel.unit === "nats" ? " nats" : "";
    const text = y.map((value, k) => `<b>${plain(one.title)}</b>, τ = ${when(one.times[k])}<br>${plain(line.label)}: ${shown(value)}${unit}`);
    const middle = one.times.map((_, k) => k).filter((k) => one.times[k] > 0 && one.times[k] < Infinity && known(y[k]));
    const ends = one.times.map((_, k) => k).filter((k) => (one.times[k] === 0 || one.times[k] === Infinity) && known(y[k]));
    const meta = (kind) => ({ kind, name: line.name, ensemble: one.title });
    const at = (places) => ({ x: places.map((k) => place(one.times[k])), y: places.map((k) => y[k]), text: places.map((k) => text[k]), hoverinfo: "text" });
    const found = [
      { mode: middle.length < Math.max(inner.length, 2) ? "lines+markers" : "lines", ...at(middle), marker: { size: 5 }, line: { color: one.colour, width: 1.8, dash: line.dash }, meta: meta("line") },
      { mode: "markers", ...at(ends), marker: { color: one.colour, size: 7, symbol: line.dash === "solid" ? one.symbol : `${one.symbol}-open` }, meta: meta("end") },
    ];
    if (held.low) {
      const [low, high] = [drawable(held.low), drawable(held.high)];
      const both = middle.filter((k) => known(low[k]) && known(high[k]));
      const back = [...both].reverse();
      found.unshift({ mode: "lines", hoverinfo: "skip", fill: "toself", fillcolor: faint(one.colour, 0.18), line: { width: 0 }, meta: meta("band"),
        x: [...both, ...back].map((k) => place(one.times[k])), y: [...both.map((k) => high[k]), ...back.map((k) => low[k])] });
    }
    return found;
  };

  const drawPanel = (plot) => {
    const panel = panels[plot.dataset.panel];
    const drawn = ensembles.filter((_, number) => !state.hidden.has(number));
    const traces = panel.lines.flatMap((line) => drawn.flatMap((one) => strokes(one, line, panel)));
    const heights = traces.flatMap((trace) => trace.y);
    const [low, high] = [least(heights), most(heights)];
    const title = panel.unit === "information" ? state.unit : panel.unit === "nats" ? "nats" : "";
    const shapes = [now()];
    let range = [0, 1];
    if (known(low) && panel.log) range = [Math.log10(Math.max(low, high * 1e-16)) - 0.15, Math.log10(high) + 0.15];
    else if (known(low)) {
      const room = 0.06 * (high - Math.min(low, 0)) || 1;
      range = low >= 0 && low < 0.6 * high ? [-room / 3, high + room] : [low - 0.1 * (high - low || 1), high + 0.1 * (high - low || 1)];
    }
    const ceilings = [...new Set(drawn.map((one) => one.ceiling).filter(known))];
    if (panel.lines[0].name === "mi_input") for (const level of ceilings) {
      const y = level * factor();
      if (y < 1.5 * high) range[1] = Math.max(range[1], 1.06 * y);
      shapes.push({ ...dotted, y0: y, y1: y, x0: 0, x1: 1, xref: "paper" });
    }
    const yaxis = { ...axis(title, range), ...(panel.log ? { type: "log", exponentformat: "power", dtick: Math.max(Math.ceil((range[1] - range[0]) / 6), 1) } : {}) };
    const layout = base();
    layout.margin = { ...layout.margin, t: 30, l: 50 }; // room for the buttons above the lines
    Plotly.react(plot, traces, { ...layout, shapes, uirevision: state.unit, xaxis: timeAxis(), yaxis }, config);
  };

  const whole = document.querySelector(".plot.whole");
  const along = [...document.querySelectorAll(".plot.along")];
  const draw = () => { drawPlane(whole); along.forEach(drawPanel); };

  const every = (selector, react) => document.querySelectorAll(selector).forEach((box) => box.addEventListener("change", () => react(box)));
  every("input[name=unit]", (box) => { state.unit = box.value; draw(); });
  every("input[name=ensemble]", (box) => { state.hidden[box.checked ? "delete" : "add"](Number(box.value)); draw(); });
  every("#show-bars", (box) => { state.bars = box.checked; drawPlane(whole); });

  const slider = document.getElementById("time");
  const label = () => { document.getElementById("time-label").textContent = `τ = ${when(times[state.time])}`; };
  slider.max = times.length - 1;
  slider.addEventListener("input", () => { state.time = Number(slider.value); label(); drawPlane(whole); });
  slider.addEventListener("change", () => along.forEach((plot) => {
    const shapes = [now(), ...plot.layout.shapes.slice(1)];
    Plotly.relayout(plot, { shapes });
  }));

  /* A browser does not tell the width of the sheet before it prints: 690 px fit on A4 and on Letter. */
  const sheet = 690;
  addEventListener("beforeprint", () => [whole, ...along].forEach((plot) =>
    Plotly.relayout(plot, { autosize: false, width: plot === whole ? sheet : (sheet - 12) / 2 })));
  addEventListener("afterprint", () => [whole, ...along].forEach((plot) => Plotly.relayout(plot, { autosize: true, width: undefined })));

  /* A browser may bring back the controls of an earlier visit; the page starts from its own, at the least loss. */
  for (const box of document.querySelectorAll(".controls input:not([type=range])")) box.checked = box.defaultChecked;
  const { best, times: own } = ensembles[0];
  state.time = best === null ? times.length - 1 : times.indexOf(own[best]);
  slider.value = state.time;
  label();
  drawPlane(whole);
  setTimeout(() => { along.forEach(drawPanel); document.body.dataset.ensembles = "ready"; }, 0);
})();
