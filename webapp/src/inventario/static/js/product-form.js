// While a code is typed, says which product has it already. The server decides again when the form is sent.
const PAUSE = 250;

const form = document.querySelector("form[data-code-taken]");
const input = form.elements.namedItem("code");
const answer = document.getElementById("code-taken");
const opened = input.value.trim();
let timer;
let asking;

function say(holder) {
  answer.replaceChildren();
  input.classList.toggle("is-taken", Boolean(holder));
  if (!holder) return;
  const link = document.createElement("a");
  link.href = holder.url;
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = holder.label;
  answer.append(holder.active ? form.dataset.taken : form.dataset.takenRetired, " ", link);
}

async function ask() {
  asking?.abort();
  const code = input.value.trim();
  if (!code || code === opened) {
    say(null);
    return;
  }
  asking = new AbortController();
  const address = new URL(form.dataset.codeTaken, location.href);
  address.searchParams.set("code", code);
  if (form.dataset.except) address.searchParams.set("except", form.dataset.except);
  try {
    const response = await fetch(address, { signal: asking.signal, headers: { Accept: "application/json" } });
    const found = response.ok && !response.redirected ? await response.json() : { taken: false };
    say(found.taken ? found : null);
  } catch (error) {
    // a newer question, or a network that is away: the server says it when the form is sent
    if (error.name !== "AbortError") say(null);
  }
}

input.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(ask, PAUSE);
});
