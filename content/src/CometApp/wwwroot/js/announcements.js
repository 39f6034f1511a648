(() => {
  const list = document.getElementById('announcements');
  const form = document.getElementById('form');
  const problem = document.getElementById('problem');
  const empty = document.getElementById('empty');
  const shown = 200;
  let speaking;
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

  function announced({ text, at }) {
    const item = document.createElement('li');
    const words = document.createElement('p');
    const time = document.createElement('time');
    words.textContent = text;
    time.dateTime = at;
    time.textContent = format.format(new Date(at));
    item.append(words, time);
    list.prepend(item);
    while (list.children.length > shown) list.lastElementChild.remove();
    empty.hidden = true;
    speak(text);
  }

  // Of many at once, the last.
  function speak(text) {
    clearTimeout(speaking);
    speaking = setTimeout(() => { document.getElementById('newest').textContent = text; }, 500);
  }

  function markGap() {
    if (!list.firstElementChild || list.firstElementChild.className === 'comet-gap') return;
    const item = document.createElement('li');
    item.className = 'comet-gap';
    item.textContent = 'Some announcements may be missing here.';
    list.prepend(item);
    speak(item.textContent);
  }

  function follow(from) {
    const source = new CometSource(list.dataset.stream, { from, shared: true });
    source.onmessage = event => announced(event.data);
    // The server no longer has what came next: what is shown stays, and all that it has follows a mark.
    source.addEventListener('gap', () => {
      source.close();
      markGap();
      follow('earliest');
    });
    showConnection(source);
  }

  let isPosting = false;

  // Without this the form still works: the page reloads.
  form.addEventListener('submit', async event => {
    event.preventDefault();
    if (isPosting) return;
    isPosting = true;
    problem.textContent = '';
    const posted = new FormData(form);
    try {
      const response = await fetch(form.action, { method: 'POST', body: posted });
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      if (response.ok) {
        if (form.elements.Text.value === posted.get('Text')) form.reset(); // else somebody has typed on
      } else if (response.status === 429) {
        problem.textContent = 'That is a lot at once. Your announcement is still here: try again in a moment.';
      } else problem.textContent = page.getElementById('problem')?.textContent.trim() || 'That did not work. Reload the page and try again.';
    } catch {
      problem.textContent = 'The server cannot be reached. Your announcement is still here: try again in a moment.';
    } finally {
      isPosting = false;
    }
  });

  for (const time of list.querySelectorAll('time')) time.textContent = format.format(new Date(time.dateTime));
  follow(list.dataset.from);
})();
