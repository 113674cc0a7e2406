// Poll the status every two seconds while the page is visible and not paused.
const EVERY_MS = 2000;
const throughput = new Plot("throughput", "Throughput", rate, [{ field: "records", name: "records/s" }]);
const lag = new Plot("lag", "Lag", seconds, [{ field: "lag_s", name: "lag" }]);
const latency = new Plot("latency", "Latency", latencySeconds, [{ field: "p50_s", name: "median" }, { field: "p99_s", name: "p99" }]);
let updatedAt = null;
let isPaused = false;

async function poll() {
  try {
    const answer = await fetch("status.json", { cache: "no-store" });
    if (!answer.ok) throw new Error(`the service responded with ${answer.status}`);
    show(await answer.json());
    updatedAt = Date.now();
  } catch (error) {
    state("bad", "Disconnected", `The service does not respond (${error.message}). The data shown are outdated.`);
  }
  showAge();
}

function show(status) {
  const { now, past, health, readiness } = status;
  if (!health.is_good) state("bad", "Stalled", health.reason);
  else if (!readiness.is_good) state("wait", now ? "Not ready" : "Starting", readiness.reason);
  else if (!now.lanes.length) state("spare", "Spare", readiness.reason);
  else state("serving", "Serving", "");
  if (!now) return;
  drawHead(now.served);
  drawPlots(status, now, past);
  drawLanes(now);
  drawDead(now);
  drawPredictions(now);
  drawStages(status);
  drawDrift(now);
  drawPipeline(now);
  drawServed(status);
}

function drawHead(served) {
  const name = served.name || served.uri;
  document.title = `${name} · makiserve`;
  byId("model").className = name.length > 24 ? "long" : "";
  byId("model").replaceChildren(name, ...(served.version ? [el("small", {}, `version ${served.version}`)] : []));
  byId("route").textContent = `${served.input} → ${served.output}`;
}

function drawPlots(status, now, past) {
  longestLatency = status.latency_bound_s;
  const last = past[past.length - 1];
  throughput.show(past, [[last ? rate(last.records) : "–", "records/s"]], `${count(now.totals.records)} records, ${count(now.totals.outputs)} outputs`);
  const waiting = now.lanes.reduce((sum, lane) => sum + (lane.lag_records ?? 0), 0);
  const age = Math.max(0, ...now.lanes.map((lane) => lane.lag_s));
  lag.show(past, [[waiting ? seconds(age) : "0 s", "lag"]], `${count(waiting)} records waiting`);
  const measured = last && last.p50_s !== undefined && last.p50_s !== null ? last : status;
  latency.show(past, [[latencySeconds(measured.p50_s), "median"], [latencySeconds(measured.p99_s), "p99"]],
    `last commit ${seconds(Math.max(0, status.commit_age_s ?? 0))} ago`);
}

function state(kind, word, reason) {
  byId("state").dataset.state = kind;
  if (byId("state-word").textContent !== word) byId("state-word").textContent = word;
  const line = byId("reason");
  line.hidden = !reason || kind === "spare";
  line.textContent = reason;
  line.classList.toggle("bad", kind === "bad");
}

function showAge() {
  const age = updatedAt === null ? null : Math.round((Date.now() - updatedAt) / 1000);
  byId("fresh").textContent = isPaused ? "paused" : age === null ? "connecting" : age < 3 ? "live" : `${age} s old`;
}

async function loop() {
  if (!isPaused && !document.hidden) await poll();
  setTimeout(loop, EVERY_MS);
}

byId("pause").addEventListener("click", () => {
  isPaused = !isPaused;
  byId("pause").setAttribute("aria-pressed", String(isPaused));
  showAge();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden && !isPaused) poll(); });
loop();
