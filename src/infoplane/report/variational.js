/* Trained models in the plane, against a rate of either kind, and what all pictures of the page share. */
"use strict";

const trained = (() => {
  const { models, panels, optimum } = JSON.parse(document.getElementById("variational-data").textContent);
  const chosen = document.querySelector("input[name=split]");
  const state = { unit: "nats", split: chosen ? chosen.value : Object.keys(models[0].last)[0], hidden: new Set(), bars: true, log: true, beta: null };
  const factor = () => (state.unit === "bits" ? 1 / Math.LN2 : 1);

  /* Text from the data goes into labels as text: Plotly reads a little HTML in them. */
  const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const known = (value) => typeof value === "number" && Number.isFinite(value);
  const shown = (value) => (known(value) ? String(Number(value.toPrecision(4))).replace(/-/g, "−") : "–");
  const span = (values) => values.filter(known).reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);

  const axis = (title, range) => ({
    title: { text: title, standoff: 8 }, range, zeroline: false, showgrid: true, gridcolor: "#eceef1", linecolor: "#8a919c",
    showline: true, ticks: "outside", tickcolor: "#8a919c", automargin: true,
  });
  const base = () => ({
    margin: { l: 58, r: 14, t: 30, b: 46 }, paper_bgcolor: "#fff", plot_bgcolor: "#fff", hovermode: "closest", showlegend: false,
    font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: "#1c1f24" },
    hoverlabel: { align: "left", bgcolor: "#fff", bordercolor: "#8a919c", font: { color: "#1c1f24", size: 12.5 } },
  });
  const config = {
    responsive: true, displaylogo: false, displayModeBar: "hover",
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
    toImageButtonOptions: { format: "svg", filename: "models" },
  };
  const dotted = { type: "line", layer: "below", line: { color: "#4a515c", width: 1.2, dash: "dot" } };
  const faint = (colour, opacity) => colour.replace("rgb(", "rgba(").replace(")", `, ${opacity})`);
  const visible = () => models.filter((_, number) => !state.hidden.has(number));

  const told = (one, held, k) => {
    const [f, unit] = [factor(), ` ${state.unit}`];
    const line = (text, name, by, end) => {
      const [value, error] = [held[name]?.mean[k], held[name]?.error[k]];
      return known(value) ? `${text} ${shown(value * by)}${known(error) ? ` ± ${shown(error * by)}` : ""}${end}` : "";
    };
    return [`<b>${plain(one.name)}</b>${known(one.betas[k]) ? `, β = ${shown(one.betas[k])}` : ""}`,
      line("I(X;Z) upper", "mi_input", f, unit), line("conditional rate", "rate_conditional", f, unit),
      line("I(Z;Y) lower", "mi_target", f, unit), line("accuracy", "accuracy", 1, "")].filter(Boolean).join("<br>");
  };

  /* One objective: its trade-offs in the order of beta, where both numbers are known. */
  const points = (one, rate) => {
    const held = one.last[state.split];
    if (!held || !held[rate]) return null;
    const places = one.betas.map((_, k) => k).filter((k) => known(held[rate].mean[k]) && known(held.mi_target.mean[k]) && (!state.log || held[rate].mean[k] > 0));
    const f = factor();
    const of = (name, kind) => places.map((k) => (known(held[name][kind][k]) ? held[name][kind][k] * f : kind === "error" ? 0 : null));
    return places.length ? { x: of(rate, "mean"), y: of("mi_target", "mean"), ex: of(rate, "error"), ey: of("mi_target", "error"), text: places.map((k) => told(one, held, k)) } : null;
  };

  const drawPlane = (plot) => {
    const [rate, f] = [plot.dataset.rate, factor()];
    const drawn = visible().map((one) => [one, points(one, rate)]).filter(([, found]) => found);
    const ceilings = [...new Set(visible().map((one) => one.ceilings[state.split]).filter(known))].map((v) => v * f);
    const [least, most] = span(drawn.flatMap(([, p]) => [...p.x, ...p.x.map((x, k) => x + p.ex[k])]));
    const [bottom, high] = span([0, ...ceilings, ...drawn.flatMap(([, p]) => [...p.y.map((y, k) => y + p.ey[k]), ...p.y.map((y, k) => y - p.ey[k])])]);
    const top = (high > 0 ? high : 1) + 0.08 * (high - bottom || 1);
    const [left, right] = !known(least) ? [0.1, 10] : state.log ? [least / 1.4, most * 1.4] : [0, 1.06 * most || 1];
    const [traces, shapes, annotations] = [[], [], []];
    if (rate === "mi_input") {
      const grid = Array.from({ length: 301 }, (_, k) => (state.log ? left * (right / left) ** (k / 300) : left + ((right - left) * k) / 300));
      const limit = grid.map((x) => Math.min(x, 2 * top));
      traces.push({ mode: "lines", hoverinfo: "skip", fill: "toself", fillcolor: "rgba(90,98,112,0.10)", line: { width: 0 }, meta: { kind: "beyond" },
        x: [...grid, right, left], y: [...limit, 2 * top, 2 * top] });
      traces.push({ mode: "lines", hoverinfo: "skip", x: grid, y: limit, line: { color: "#767d89", width: 1.4 }, meta: { kind: "limit" } });
      if (optimum) traces.push({ mode: "lines", hoverinfo: "skip", x: optimum.x.map((v) => v * f), y: optimum.y.map((v) => v * f), line: { color: "#767d89", width: 1.4, dash: "dash" }, meta: { kind: "optimum" } });
    }
    for (const level of ceilings) {
      shapes.push({ ...dotted, y0: level, y1: level, x0: 0, x1: 1, xref: "paper" });
      annotations.push({ showarrow: false, font: { size: 11, color: "#4a515c" }, x: 0.99, xref: "paper", y: level, xanchor: "right", yanchor: "bottom", text: `H(Y) = ${shown(level)} ${state.unit}` });
    }
    for (const [one, p] of drawn) {
      const bar = (values) => ({ type: "data", array: values, color: faint(one.colour, 0.7), thickness: 1, width: 3, visible: state.bars });
      traces.push({ mode: "lines+markers", hoverinfo: "text", x: p.x, y: p.y, text: p.text, error_x: bar(p.ex), error_y: bar(p.ey),
        line: { color: one.colour, width: 1.4 }, marker: { symbol: one.symbol, color: one.colour, size: 9, line: { color: "#222", width: 0.7 } }, meta: { kind: "models", name: one.name } });
    }
    if (!drawn.length) annotations.push({ showarrow: false, x: 0.5, y: 0.5, xref: "paper", yref: "paper", text: "No model has a rate here" });
    const title = rate === "mi_input" ? "I(X;Z), upper" : "conditional rate, I(X;Z|Y), upper";
    const xaxis = { ...axis(`${title}, ${state.unit}`, state.log ? [Math.log10(left), Math.log10(right)] : [left, right]), type: state.log ? "log" : "linear" };
    if (state.log) xaxis.dtick = right / left > 300 ? Math.ceil(Math.log10(right / left) / 6) : "D2"; // D2: 1, 2, 5
    Plotly.react(plot, traces, { ...base(), shapes, annotations, uirevision: `${state.unit} ${state.log}`, xaxis,
      yaxis: axis(`I(Z;Y), lower, ${state.unit}`, [bottom - 0.04 * (top - bottom), top]) }, config);
  };

  /* Few rates that are close to each other are read more easily on a plain scale. */
  const [low, high] = span(models.flatMap((one) => one.last[state.split]?.mi_input?.mean ?? []).filter((v) => v > 0));
  state.log = high > 8 * low;

  return { models, panels, state, factor, plain, known, shown, span, axis, base, config, faint, visible, drawPlane };
})();
