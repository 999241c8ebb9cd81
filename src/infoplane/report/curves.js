/* Curves over training: information by layer, loss and accuracy, and the phases of the gradients. */
"use strict";

report.curves = (() => {
  const { runs, layers, state, factor, plain, cell, axis, base, config } = report;

  /* A logarithmic axis has no zero: epoch 0 stands a factor of two left of the first other epoch, and is labelled. */
  const place = (run) => {
    const positive = run.epochs.filter((e) => e > 0);
    const zero = (positive.length ? Math.min(...positive) : 1) / 2;
    return (epoch) => Math.max(epoch, zero);
  };
  const epochAxis = (run) => {
    const at = place(run);
    const last = Math.max(...run.epochs, 1);
    const ticks = [];
    for (let tick = 1; tick <= last; tick *= 10) if (tick >= at(run.epochs[0])) ticks.push(tick);
    const zero = run.epochs[0] === 0 ? [at(0)] : [];
    const range = [at(run.epochs[0]) / 1.15, last * 1.15].map(Math.log10);
    return { ...axis("epoch (log)", range), type: "log", tickvals: [...zero, ...ticks],
      ticktext: [...zero.map(() => "0"), ...ticks.map((t) => t.toLocaleString("en"))] };
  };

  /* Over arrays too long to be arguments. */
  const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);

  const faint = (colour, alpha) => colour.replace("rgb(", "rgba(").replace(")", `, ${alpha})`);

  /* Mean as a line over its band. row(k) gives the k-th of mean, lower, upper along the epochs. */
  const bandTraces = (run, row, look) => {
    const at = place(run);
    const x = run.epochs.map(at);
    const [mean, low, high] = [0, 1, 2].map(row);
    const keep = x.map((_, i) => i).filter((i) => Number.isFinite(low[i]) && Number.isFinite(high[i]));
    const around = [...keep, ...[...keep].reverse()];
    const text = mean.map((m, i) => `<b>${plain(look.name)}</b>, epoch ${run.epochs[i]}<br>${m.toPrecision(4)}` +
      (Number.isFinite(low[i]) ? ` [${low[i].toPrecision(4)}, ${high[i].toPrecision(4)}]` : "") + (look.unit ? ` ${look.unit}` : ""));
    const common = { visible: look.visible ?? true, xaxis: look.xaxis ?? "x", yaxis: look.yaxis ?? "y" };
    return [
      { ...common, x: around.map((i) => x[i]), y: around.map((i, k) => (k < keep.length ? high[i] : low[i])), fill: "toself",
        mode: "lines", line: { width: 0 }, fillcolor: faint(look.colour, 0.2), hoverinfo: "skip", showlegend: false,
        meta: { kind: "band", name: look.name } },
      { ...common, x, y: mean, mode: look.symbol ? "lines+markers" : "lines", name: plain(look.name), text, hoverinfo: "text",
        showlegend: look.legend ?? false, line: { color: look.colour, width: 2, dash: look.dash ?? "solid" },
        marker: { symbol: look.symbol, size: x.map((_, i) => (i % look.every === 0 ? 7 : 0)), color: look.colour, line: { color: "#222", width: 0.5 } },
        meta: { kind: "curve", name: look.name } },
    ];
  };
  const along = (band, l, f) => (k) => Array.from({ length: band.shape[1] }, (_, e) => f * cell(band, k, e, l));

  const information = (plot, run, kind) => {
    const every = Math.max(1, Math.round(run.epochs.length / 8));
    const traces = run.layers.flatMap((spot, l) => bandTraces(run, along(run[kind].band, l, factor()),
      { ...layers[spot], every, unit: state.unit, visible: !state.hidden.has(spot) }));
    const ceiling = run.ceilings[kind];
    const values = runs.flatMap((other) => [...other[kind].band.values]).filter(Number.isFinite);
    const top = Math.max(...runs.map((other) => other.ceilings[kind] ?? 0), most(values));
    const low = Math.min(0, least(values));
    const range = [low * 1.03 - top * 0.02, top * 1.05].map((v) => v * factor());
    const shapes = ceiling === null ? [] : [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: ceiling * factor(), y1: ceiling * factor(),
      layer: "below", line: { color: "#4a515c", width: 1.2, dash: "dot" } }];
    Plotly.react(plot, traces, { ...base(), shapes, hovermode: "closest", uirevision: state.unit, xaxis: epochAxis(run),
      yaxis: axis(`${plain(run[kind].quantity)}, ${state.unit}`, range) }, config);
  };

  const series = { train: { colour: "rgb(30, 50, 110)" }, test: { colour: "rgb(190, 110, 20)", dash: "dash" } };
  const training = (plot, run, kind) => {
    const parts = Object.entries(run.curves[kind]).sort(([a], [b]) => (a === "train" ? -1 : b === "train" ? 1 : a < b ? -1 : 1));
    const traces = parts.flatMap(([name, band]) => {
      const flat = { values: band.values, shape: [3, band.shape[1], 1] };
      return bandTraces(run, along(flat, 0, 1), { name, legend: true, ...(series[name] ?? { colour: "rgb(90, 90, 90)", dash: "dot" }) });
    });
    const yaxis = { ...axis(kind === "accuracy" ? "accuracy, share right" : run.lossTitle, undefined), ...(kind === "accuracy" ? {} : { rangemode: "tozero" }) };
    Plotly.react(plot, traces, { ...base(), hovermode: "closest", xaxis: epochAxis(run), yaxis,
      legend: { x: 0.98, y: kind === "accuracy" ? 0.04 : 0.96, xanchor: "right", yanchor: kind === "accuracy" ? "bottom" : "top", bgcolor: "rgba(255,255,255,0.7)" } }, config);
  };

  /* Limits of the logarithmic axis that all layers of all runs share, from what is positive. */
  const powers = () => {
    const values = runs.filter((run) => run.phases).flatMap((run) => [...run.phases.mean.values, ...run.phases.std.values])
      .filter((v) => Number.isFinite(v) && v > 0);
    return values.length ? [Math.log10(least(values)) - 0.1, Math.log10(most(values)) + 0.1] : [-1, 1];
  };

  const phases = (plot, run) => {
    const columns = Math.min(run.layers.length, plot.clientWidth < 560 ? 2 : 3);
    const rows = Math.ceil(run.layers.length / columns);
    const range = powers();
    const layout = { ...base(), hovermode: "closest", grid: { rows, columns, pattern: "independent", xgap: 0.05, ygap: 0.3 },
      shapes: [], annotations: [], height: 60 + 215 * rows, margin: { l: 70, r: 14, t: 34, b: 48 } };
    const traces = run.layers.flatMap((spot, l) => {
      const [look, end] = [layers[spot], l === 0 ? "" : String(l + 1)];
      const lastRow = l + columns >= run.layers.length;
      layout[`xaxis${end}`] = { ...epochAxis(run), ...(lastRow ? {} : { title: undefined }) };
      layout[`yaxis${end}`] = { ...axis(l % columns ? undefined : run.phases.normalised ? "relative to weights" : "gradient", range),
        type: "log", dtick: 1, exponentformat: "power", tickfont: { size: 11.5 }, showticklabels: l % columns === 0 };
      const [crossed] = run.phases.drift[l];
      layout.annotations.push({ text: `<b>${plain(look.name)}</b>${crossed === null ? "" : `, epoch ${crossed.toPrecision(3)}`}`, showarrow: false, xref: `x${end} domain`, yref: `y${end} domain`,
        x: 0, y: 1.02, xanchor: "left", yanchor: "bottom" });
      crossing(run, l, end, layout);
      const where = { colour: look.colour, xaxis: `x${end}`, yaxis: `y${end}` };
      return [
        ...bandTraces(run, along(run.phases.mean, l, 1), { ...where, name: `${look.name}, mean` }),
        ...bandTraces(run, along(run.phases.std, l, 1), { ...where, name: `${look.name}, spread`, dash: "dash" }),
      ];
    });
    plot.style.height = `${layout.height}px`;
    Plotly.react(plot, traces, layout, config);
  };

  const crossing = (run, l, end, layout) => {
    const [mean, low, high] = run.phases.drift[l];
    if (mean === null) return;
    const at = place(run);
    const common = { xref: `x${end}`, yref: `y${end} domain`, y0: 0, y1: 1, layer: "below" };
    if (low !== null) layout.shapes.push({ ...common, type: "rect", x0: at(low), x1: at(high), fillcolor: "rgba(90,98,112,0.14)", line: { width: 0 } });
    layout.shapes.push({ ...common, type: "line", x0: at(mean), x1: at(mean), line: { color: "#4a515c", width: 1.4 } });
  };

  const draw = (all) => {
    for (const plot of document.querySelectorAll(".plot.curve")) {
      const [run, kind] = [runs[plot.dataset.run], plot.dataset.kind];
      if (kind === "input" || kind === "target") information(plot, run, kind);
      else if (all) training(plot, run, kind);
    }
    if (all) for (const plot of document.querySelectorAll(".plot.phases")) phases(plot, runs[plot.dataset.run]);
  };
  return { draw };
})();
