/* The paths of ensembles through the information plane, and what all pictures of the page share. */
"use strict";

const infinite = (() => {
  const page = JSON.parse(document.getElementById("ensemble-data").textContent);
  const { ensembles, panels, optimum } = page;
  for (const one of ensembles) one.times = one.times.map((time) => time ?? Infinity);
  const times = [...new Set(ensembles.flatMap((one) => one.times))].sort((a, b) => (a < b ? -1 : 1));
  const state = { unit: "bits", hidden: new Set(), bars: true, time: times.length - 1 };
  const factor = () => (state.unit === "bits" ? 1 / Math.LN2 : 1);

  /* Text from the data goes into labels as text: Plotly reads a little HTML in them. */
  const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const known = (value) => typeof value === "number" && Number.isFinite(value);
  const shown = (value) => (known(value) ? String(Number(value.toPrecision(4))).replace(/-/g, "−") : "–");
  const when = (time) => (time === Infinity ? "∞" : shown(Number(time.toPrecision(3))));
  const scaled = (values, by) => values.map((value) => (known(value) ? value * by : null));
  const most = (values) => values.reduce((a, b) => (known(b) ? Math.max(a, b) : a), -Infinity);
  const least = (values) => values.reduce((a, b) => (known(b) ? Math.min(a, b) : a), Infinity);

  const axis = (title, range) => ({
    title: { text: title, standoff: 8 }, range, zeroline: false, showgrid: true, gridcolor: "#eceef1", linecolor: "#8a919c",
    showline: true, ticks: "outside", tickcolor: "#8a919c", automargin: true,
  });
  const base = () => ({
    margin: { l: 58, r: 14, t: 14, b: 46 }, paper_bgcolor: "#fff", plot_bgcolor: "#fff", hovermode: "closest", showlegend: false,
    font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: "#1c1f24" },
    hoverlabel: { align: "left", bgcolor: "#fff", bordercolor: "#8a919c", font: { color: "#1c1f24", size: 12.5 } },
  });
  const config = {
    responsive: true, displaylogo: false, displayModeBar: "hover",
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
    toImageButtonOptions: { format: "svg", filename: "ensembles" },
  };
  const dotted = { type: "line", layer: "below", line: { color: "#4a515c", width: 1.2, dash: "dot" } };
  const faint = (colour, opacity) => colour.replace("rgb(", "rgba(").replace(")", `, ${opacity})`);

  /* Of an ensemble that was not measured at the time of the slider, the last time before it. */
  const position = (one) => Math.max(one.times.filter((time) => time <= times[state.time]).length - 1, 0);
  const value = (one, name, k) => one.values[name]?.mean[k];

  const told = (one, k) => {
    const line = (text, name, by, unit) => (known(value(one, name, k)) ? `${text} ${shown(value(one, name, k) * by)}${unit}` : "");
    const [f, unit] = [factor(), ` ${state.unit}`];
    return [`<b>${plain(one.title)}</b>, τ = ${when(one.times[k])}`, line("I(X;Z|D) upper", "mi_input", f, unit),
      line("I(X;Z|D) lower", "mi_input_lower", f, unit), line("I(Z;Y|D) lower", "mi_target", f, unit),
      line("Gibbs loss", "loss_gibbs", 1, " nats"), line("accuracy", "accuracy", 1, ""),
      k === one.best ? "least Gibbs loss" : ""].filter(Boolean).join("<br>");
  };

  const path = (one, number) => {
    if (state.hidden.has(number)) return [];
    const f = factor();
    const [x, y] = ["mi_input", "mi_target"].map((name) => scaled(one.values[name].mean, f));
    const meta = (kind) => ({ kind, ensemble: one.title });
    const mark = (kind, places, marker) => ({ mode: "markers", hoverinfo: "text", meta: meta(kind), marker,
      x: places.map((k) => x[k]), y: places.map((k) => y[k]), text: places.map((k) => told(one, k)) });
    const open = (symbol) => ({ symbol, size: 11, line: { color: one.colour, width: 1.8 }, color: one.colour });
    const all = x.map((_, k) => k);
    const found = [
      { mode: "lines", hoverinfo: "skip", x, y, line: { color: one.colour, width: 1.6 }, meta: meta("path") },
      mark("point", all, { color: one.colour, size: 5 }),
      mark("first", [0], open("circle-open")),
      mark("last", [x.length - 1], open("square-open")),
      mark("now", [position(one)], { symbol: one.symbol, color: one.colour, size: 13, line: { color: "#222", width: 1 } }),
    ];
    const low = one.values.mi_input_lower;
    if (low && state.bars) {
      const ends = scaled(low.mean, f);
      found.unshift({ mode: "lines", hoverinfo: "skip", meta: meta("bar"), line: { color: faint(one.colour, 0.4), width: 1 },
        x: all.flatMap((k) => [ends[k], x[k], null]), y: all.flatMap((k) => [y[k], y[k], null]) });
    }
    return found;
  };

  const drawPlane = (plot) => {
    const f = factor();
    const drawn = ensembles.filter((_, number) => !state.hidden.has(number));
    const of = (name) => drawn.flatMap((one) => one.values[name]?.mean ?? []);
    const right = 1.06 * Math.max(most(of("mi_input")), 0) || 1;
    const low = Math.min(least(of("mi_target")), 0);
    const high = Math.max(most(of("mi_target")), optimum?.ceiling ?? 0, 0) || 1;
    const room = 0.06 * (high - Math.min(low, 0));
    const top = high + room;
    const [traces, shapes, annotations] = [[], [], []];
    if (optimum) {
      const { x, y } = optimum;
      traces.push({ mode: "lines", hoverinfo: "skip", fill: "toself", fillcolor: "rgba(90,98,112,0.12)", line: { width: 0 }, meta: { kind: "beyond" },
        x: [...x, x[x.length - 1], 0].map((v) => v * f), y: [...y, 2 * top, 2 * top].map((v) => v * f) });
      traces.push({ mode: "lines", hoverinfo: "skip", x: scaled(x, f), y: scaled(y, f), line: { color: "#767d89", width: 1.6 }, meta: { kind: "optimum" } });
      if (known(optimum.ceiling)) {
        shapes.push({ ...dotted, y0: optimum.ceiling * f, y1: optimum.ceiling * f, x0: 0, x1: 1, xref: "paper" });
        annotations.push({ showarrow: false, font: { size: 11, color: "#4a515c" }, bgcolor: "rgba(255,255,255,0.7)", x: 0.01, xref: "paper",
          y: optimum.ceiling * f, xanchor: "left", yanchor: "bottom", text: `I(X;Y) = ${shown(optimum.ceiling * f)} ${state.unit}` });
      }
    }
    if (low < 0) shapes.push({ ...dotted, y0: 0, y1: 0, x0: 0, x1: 1, xref: "paper" });
    const range = { x: [-0.02 * right * f, right * f], y: [(low - room) * f, top * f] };
    Plotly.react(plot, [...traces, ...ensembles.flatMap(path)], { ...base(), shapes, annotations, uirevision: state.unit,
      xaxis: axis(`I(X;Z|D), upper, ${state.unit}`, range.x), yaxis: axis(`I(Z;Y|D), lower, ${state.unit}`, range.y) }, config);
  };

  return { ensembles, panels, times, state, factor, plain, known, shown, when, scaled, most, least, axis, base, config, dotted, faint, drawPlane };
})();
