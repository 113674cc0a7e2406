// A plot of the last ten minutes: one or two lines, read with the pointer or the arrow keys.
class Plot {
  constructor(id, title, format, series) {
    this.figure = byId(id);
    this.title = title;
    this.format = format;
    this.series = series;
    this.points = [];
    this.cursor = null;
    const keys = series.map(({ name }, index) =>
      el("span", {}, svg("svg", { viewBox: "0 0 22 8", "aria-hidden": "true" },
        svg("line", { x1: 0, x2: 22, y1: 4, y2: 4, class: `trace ${index ? "two" : ""}` })), name));
    this.big = el("p", { class: "big" });
    this.sub = el("p", { class: "sub" });
    this.canvas = svg("svg", { class: "canvas", role: "img", tabindex: "0", "aria-label": title });
    this.figure.append(
      el("figcaption", {}, title, el("span", { class: "key" }, ...(series.length > 1 ? keys : []))),
      this.big, this.sub, this.canvas);
    this.canvas.addEventListener("pointermove", (event) => this.point(event.offsetX));
    this.canvas.addEventListener("pointerleave", () => this.move(null));
    this.canvas.addEventListener("blur", () => this.move(null));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  show(points, big, sub) {
    this.points = points;
    this.figures = big;
    this.words = sub;
    this.draw();
  }

  point(x) {
    const { left, width } = this.area();
    const at = this.start() + ((x - left) / width) * SPAN_S;
    let nearest = null;
    this.points.forEach((point, index) => {
      if (nearest === null || Math.abs(point.time_s - at) < Math.abs(this.points[nearest].time_s - at)) nearest = index;
    });
    this.move(nearest);
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity, Escape: null }[event.key];
    if (step === undefined || !this.points.length) return;
    event.preventDefault();
    const last = this.points.length - 1;
    this.move(step === null ? null : Math.max(0, Math.min(last, (this.cursor ?? last) + step)));
  }

  move(index) {
    this.cursor = index;
    this.draw();
  }

  area() {
    const { width, height } = this.canvas.getBoundingClientRect();
    return { left: 0, top: 14, width: Math.max(width, 1), height: Math.max(height - 32, 1) };
  }

  start() {
    return (this.points.length ? this.points[this.points.length - 1].time_s : Date.now() / 1000) - SPAN_S;
  }

  draw() {
    const area = this.area();
    const values = this.points.flatMap((point) => this.series.map(({ field }) => point[field] ?? 0));
    const top = ceiling(Math.max(0, ...values));
    const x = (point) => area.left + ((point.time_s - this.start()) / SPAN_S) * area.width;
    const y = (value) => area.top + area.height * (1 - value / top);
    const rules = [0, 0.5, 1].map((part) =>
      svg("line", { class: part ? "grid" : "base", x1: 0, x2: area.width, y1: y(part * top), y2: y(part * top) }));
    const lines = this.series.flatMap(({ field }, index) => this.line(field, index, x, y));
    const bottom = area.top + area.height + 15;
    const words = [
      ...[0.5, 1].map((part) => svg("text", { x: 0, y: y(part * top) - 3 }, this.format(part * top))),
      svg("text", { x: 0, y: bottom }, "10 min ago"),
      svg("text", { x: area.width, y: bottom, "text-anchor": "end" }, "now"),
    ];
    this.canvas.replaceChildren(...rules, ...lines, ...words, ...this.cursorMarks(x, y, area));
    this.showValues();
  }

  line(field, index, x, y) {
    const shapes = [];
    for (const run of runs(this.points, field)) {
      const path = run.map((point) => `${x(point).toFixed(1)},${y(point[field]).toFixed(1)}`).join("L");
      if (index === 0 && run.length > 1) {
        shapes.push(svg("path", { class: "area", d: `M${x(run[0])},${y(0)}L${path}L${x(run[run.length - 1])},${y(0)}Z` }));
      }
      shapes.push(run.length > 1
        ? svg("path", { class: `trace ${index ? "two" : ""}`, d: `M${path}` })
        : svg("circle", { class: `dot ${index ? "two" : ""}`, r: 1.5, cx: x(run[0]), cy: y(run[0][field]) }));
    }
    return shapes;
  }

  cursorMarks(x, y, area) {
    const at = this.points[this.cursor];
    if (!at) return [];
    const dots = this.series.filter(({ field }) => at[field] !== undefined && at[field] !== null).map((line) =>
      svg("circle", { class: `dot ${line === this.series[0] ? "" : "two"}`, r: 3.5, cx: x(at), cy: y(at[line.field]) }));
    return [svg("line", { class: "cursor", x1: x(at), x2: x(at), y1: area.top, y2: area.top + area.height }), ...dots];
  }

  showValues() {
    const at = this.points[this.cursor];
    const figures = at
      ? this.series.map(({ field, name }) => [at[field] === undefined ? "–" : this.format(at[field]), name])
      : this.figures ?? [];
    this.big.replaceChildren(...figures.flatMap(([value, unit], index) =>
      [el("b", { class: index ? "two" : "" }, value), el("span", {}, unit)]));
    this.sub.textContent = at ? `at ${clock(Math.round(at.time_s) * 1000)}` : this.words ?? "";
    const words = figures.map(([value, unit]) => `${value} ${unit}`).join(", ");
    this.canvas.setAttribute("aria-label", `${this.title}, last ten minutes: ${words || "no data yet"}. Use the arrow keys to read values.`);
  }
}

const SPAN_S = 600;

// Split points into runs without gaps. Gaps are not drawn.
function runs(points, field) {
  const complete = [];
  let run = [];
  let before_s = null;
  for (const point of points) {
    const hasValue = point[field] !== undefined && point[field] !== null;
    if (run.length && (!hasValue || point.time_s - before_s > 10)) {
      complete.push(run);
      run = [];
    }
    if (hasValue) run.push(point);
    before_s = point.time_s;
  }
  return run.length ? [...complete, run] : complete;
}

// Round up to the next of 1, 2, 5, 10, …
function ceiling(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}
