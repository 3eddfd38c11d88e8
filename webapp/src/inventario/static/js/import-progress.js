// Moves the bar of an import that is at work, and shows the page anew when it has ended.
const EVERY = 1000;
const LATER = 5000;

const section = document.querySelector("[data-progress]");
const bar = section.querySelector("progress");
const status = section.querySelector("[data-text]");
const write = new Intl.NumberFormat(document.documentElement.lang);

async function ask() {
  let wait = EVERY;
  try {
    const answer = await fetch(section.dataset.progress, { headers: { Accept: "application/json" } });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    const job = await answer.json();
    if (!job.at_work) {
      location.reload();
      return;
    }
    if (job.state === "running") {
      bar.max = job.total;
      bar.value = job.done;
    } else {
      bar.removeAttribute("value");
    }
    status.textContent = status.dataset.text
      .replace("{done}", write.format(job.done))
      .replace("{total}", write.format(job.total));
  } catch {
    // a node or the database is away for a moment: the work may go on all the same
    wait = LATER;
  }
  setTimeout(ask, wait);
}

setTimeout(ask, EVERY);
