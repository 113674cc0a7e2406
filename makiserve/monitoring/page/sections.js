// The sections below the plots, redrawn at every poll.
const ORDER = ["decode", "features", "predict", "post", "publish", "commit"];

function drawLanes(now) {
  const running = now.lanes.filter((lane) => lane.phase === "running").length;
  byId("lanes-sum").textContent = now.lanes.length ? `${running} of ${now.lanes.length} running` : "none assigned";
  const waiting = now.group.reduce((sum, partition) => sum + (partition.lag_records ?? 0), 0);
  const unowned = now.group.filter((partition) => partition.unowned_s).length;
  byId("group").textContent = now.group.length
    ? `All ${now.group.length} partitions of the group: ${count(waiting)} records waiting, ${unowned || "no"} partitions without an owner`
    : "";
  rows("lanes", 6, now.lanes, "No partition is assigned to this service.", (lane) => [
    el("td", { class: "mono fixed" }, `${lane.topic === now.served.input ? "" : lane.topic}[${lane.partition}]`),
    el("td", {}, el("span", { class: `chip ${lane.phase}` },
      lane.phase === "restoring" ? `restoring ${Math.floor(lane.restored * 100)} %` : lane.phase)),
    el("td", { class: "n extra" }, whole.format(lane.committed)),
    el("td", { class: "n extra" }, lane.end === null ? "–" : whole.format(lane.end)),
    el("td", { class: "n" }, lane.lag_records === null ? "–" : count(lane.lag_records)),
    el("td", { class: "n" }, lane.lag_records ? seconds(lane.lag_s) : "–"),
  ]);
}

function drawDead(now) {
  const all = Object.values(now.totals.dead).reduce((sum, number) => sum + number, 0);
  const records = Math.max(now.totals.records, 1);
  byId("dead-sum").textContent = all ? `${count(all)}, ${((100 * all) / records).toPrecision(2)} % of the records` : "";
  const reasons = Object.entries(now.totals.dead).sort(([, first], [, second]) => second - first);
  bars("dead", "No dead letters.", reasons.map(([reason, number]) =>
    ({ name: reason, part: number / all, value: count(number), kind: "two" })));
  byId("dead-last").replaceChildren(...[...now.dead_letters].reverse().slice(0, 5).map((deadLetter) =>
    el("li", {}, el("b", {}, deadLetter.reason), el("span", { class: "mono" }, `[${deadLetter.partition}]@${deadLetter.offset}`),
      el("br"), deadLetter.error)));
}

function drawPredictions(now) {
  rows("predictions", 4, [...now.predictions].reverse(), "No predictions yet.", (output) => [
    el("td", { class: "mono fixed" }, `[${output.partition}]@${output.offset}`),
    el("td", { class: "fixed extra" }, clock(output.time_ms)),
    el("td", { class: "mono" }, output.key),
    el("td", { class: "mono" }, plain(output.prediction)),
  ]);
}

// Unwrap an output that contains only one prediction.
function plain(output) {
  return /^\{"prediction":(.*)\}$/.exec(output)?.[1] ?? output;
}

function drawStages(status) {
  const stages = ORDER.filter((name) => name in status.stages_s).map((name) => [name, status.stages_s[name]]);
  const longest_s = Math.max(...stages.map(([, stage_s]) => stage_s), 1e-9);
  byId("stages-sum").textContent = status.batch ? `${rate(status.batch)} records on average` : "";
  bars("stages", "No batches yet.", stages.map(([name, stage_s]) =>
    ({ name, part: stage_s / longest_s, value: seconds(stage_s), kind: name === "commit" ? "two" : "" })));
}

// Features in columns, the largest shift first.
function drawDrift(now) {
  const drifts = [...now.drift].sort((first, second) => second.psi - first.psi);
  byId("drift").replaceChildren(...drifts.map((drift) => {
    const [kind, word] = drift.psi >= 0.25 ? ["bad", "▲ different"] : drift.psi >= 0.1 ? ["warn", "◐ shifted"] : ["", "● similar"];
    const bar = el("div", { class: `bar ${kind}` });
    bar.style.width = `${100 * Math.min(1, drift.psi / 0.5)}%`;
    return el("li", {}, el("span", { class: "name", title: drift.feature }, drift.feature),
      el("span", { class: "value" }, `${drift.psi.toFixed(3)} ${word}`),
      el("div", { class: "track", "aria-hidden": "true" }, bar));
  }));
  if (!drifts.length) byId("drift").append(el("li", { class: "empty" }, "No data to compare yet."));
}

function drawServed(status) {
  const { served, workers } = status.now;
  const oldest = Math.min(...workers.map((worker) => worker.started_s));
  const facts = [
    ["Model", served.uri], ...served.companions, ["Pipeline digest", served.digest], ["Input", served.input], ["Output", served.output],
    ["Dead letters", served.dead_letters], ["Group", served.group], ["makiserve", served.makiserve],
    ["Running since", clock(Math.floor(oldest) * 1000)], ["Workers", whole.format(workers.length)],
    ["Memory", bytes(workers.reduce((sum, worker) => sum + worker.memory_bytes, 0))],
    ["Commits", `${count(status.now.totals.commits)}, ${count(status.now.totals.aborts)} aborted`],
    ["Rebalances", count(status.now.totals.rebalances)], ["Model switches", count(status.now.totals.switches)],
  ];
  byId("served").replaceChildren(...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

let drawn = "";

function drawPipeline(now) {
  const content = JSON.stringify([now.served, now.state]);
  if (content === drawn) return;
  drawn = content;
  const all = now.state.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  byId("state-sum").textContent = now.state.length ? `${bytes(all)} of state` : "";
  const sizes = new Map(now.state.map((size) => [size.operator, size]));
  const { served } = now;
  const model = `${served.name || served.uri}${served.version ? ` version ${served.version}` : ""}`;
  const chain = el("ol", { class: "chain" }, el("li", {}, el("span", { class: "end" }, served.input)));
  served.pipelines.forEach(([, steps], index) => {
    if (index === 1) chain.append(el("li", {}, el("span", { class: "end model" }, model)));
    chain.append(...steps.map((step) => drawStep(step, sizes)));
  });
  if (served.pipelines.length < 2) chain.append(el("li", {}, el("span", { class: "end model" }, model)));
  chain.append(el("li", {}, el("span", { class: "end" }, served.output)));
  byId("pipeline").replaceChildren(chain);
}

function drawStep(step, sizes) {
  const size = sizes.get(step.path);
  const notes = [];
  if (size) notes.push(bytes(size.size_bytes));
  if (size && size.keys) notes.push(`${count(size.keys)} keys`);
  if (step.is_sliced) notes.push("in panes");
  const op = el("span", { class: step.slots ? "op keeps" : "op" }, step.name);
  if (notes.length) op.append(el("small", {}, notes.join(", ")));
  const item = el("li", {}, op);
  if (step.branches.length) {
    item.append(el("div", { class: "branches" }, ...step.branches.map((steps) =>
      el("ol", { class: "chain" }, ...steps.map((inner) => drawStep(inner, sizes))))));
  }
  return item;
}

function rows(id, columns, items, otherwise, cells) {
  const lines = items.map((item) => el("tr", {}, ...cells(item)));
  byId(id).replaceChildren(...(lines.length ? lines
    : [el("tr", {}, el("td", { colspan: columns, class: "empty" }, otherwise))]));
}

function bars(id, otherwise, items) {
  const entries = items.flatMap(({ name, part, value, kind }) => {
    const bar = el("div", { class: `bar ${kind}` });
    bar.style.width = `${100 * part}%`;
    return [el("dt", {}, name), el("dd", { class: "track", "aria-hidden": "true" }, bar), el("dd", { class: "value" }, value)];
  });
  byId(id).replaceChildren(...(entries.length ? entries
    : [el("dt", { class: "empty" }, otherwise), el("dd", {})]));
}
