// Draws each chart of the page from the table beside it; colours, numbers and dates are the page's own.
const language = document.documentElement.lang;
const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 3, useGrouping: "always" });
const dates = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
const moments = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

const drawn = [];

function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function read(figure) {
  const table = figure.querySelector("table");
  const heads = [...table.tHead.rows[0].cells].slice(1);
  const rows = [...table.tBodies[0].rows];
  return {
    labels: rows.map((row) => row.cells[0].textContent.trim()),
    moments: rows.map((row) => Date.parse(row.cells[0].dataset.moment ?? "")),
    series: heads.map((head, number) => ({
      label: head.textContent.trim(),
      colour: head.dataset.colour,
      values: rows.map((row) => Number(row.cells[number + 1].dataset.value)),
    })),
  };
}

function datasets(kind, data) {
  return data.series.map(({ label, colour, values }) => {
    const paint = style(`--chart-${colour}`);
    if (kind === "steps") {
      const points = values.map((value, number) => ({ x: data.moments[number], y: value }));
      // what there is now is what the last movement left
      points.push({ x: Date.now(), y: values.at(-1) });
      return { label, data: points, stepped: "before", borderColor: paint, backgroundColor: paint, borderWidth: 2,
        pointRadius: points.length > 60 ? 0 : 3 };
    }
    return { label, data: values, backgroundColor: paint, borderRadius: 3, maxBarThickness: 28,
      // of the values of a row the later ones lie inside of the first
      ...(kind === "across" ? { grouped: false, order: -Number(colour) } : {}) };
  });
}

function scales(kind) {
  const values = { beginAtZero: true, stacked: kind === "stacked", grid: { color: style("--chart-grid") },
    border: { display: false }, ticks: { color: style("--bs-secondary-color"), precision: kind === "steps" ? undefined : 0,
      callback: (value) => numbers.format(value) } };
  const names = { stacked: kind === "stacked", grid: { display: false },
    ticks: { color: style("--bs-secondary-color"), maxRotation: 0, autoSkipPadding: 12 } };
  if (kind === "steps") {
    const time = { ...names, type: "linear", bounds: "data", ticks: { ...names.ticks, maxTicksLimit: 6, callback: (value) => dates.format(value) } };
    return { x: time, y: values };
  }
  return kind === "across" ? { x: values, y: { ...names, ticks: { ...names.ticks, autoSkip: false } } } : { x: names, y: values };
}

function configuration(kind, data) {
  const title = kind === "steps" ? { title: (items) => moments.format(items[0].parsed.x) } : {};
  const value = (item) => numbers.format(kind === "across" ? item.parsed.x : item.parsed.y);
  return {
    type: kind === "steps" ? "line" : "bar",
    data: { labels: kind === "steps" ? undefined : data.labels, datasets: datasets(kind, data) },
    options: {
      indexAxis: kind === "across" ? "y" : "x",
      // figures are read, not watched
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      locale: language,
      interaction: { mode: "index", intersect: false, axis: kind === "across" ? "y" : "x" },
      scales: scales(kind),
      plugins: {
        legend: { display: data.series.length > 1, align: "end", reverse: kind === "across",
          labels: { color: style("--bs-body-color"), boxWidth: 12, boxHeight: 12, useBorderRadius: true, borderRadius: 3 } },
        tooltip: { callbacks: { ...title, label: (item) => `${item.dataset.label}: ${value(item)}` } },
      },
    },
  };
}

function draw(figure) {
  const kind = figure.dataset.chart;
  const data = read(figure);
  const area = figure.querySelector(".chart-area");
  area.hidden = false;
  figure.querySelector("details").open = false;
  const chart = new globalThis.Chart(area.querySelector("canvas"), configuration(kind, data));
  drawn.push({ chart, kind, data });
}

function recolour() {
  for (const { chart, kind, data } of drawn) {
    const { data: painted, options } = configuration(kind, data);
    chart.data = painted;
    chart.options = options;
    chart.update("none");
  }
}

// without the package the tables stay as they are
if (globalThis.Chart) {
  globalThis.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  document.querySelectorAll("figure[data-chart]").forEach(draw);
  document.documentElement.addEventListener("themechange", recolour);
}
