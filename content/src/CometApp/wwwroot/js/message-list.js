// Messages that people write: the form that posts them without a reload, and the list that shows them, the newest first.
(() => {
  const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
  const hour = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
  const gap = 'Some messages may be missing here.';
  let speaking;

  function showTime(time) {
    const at = new Date(time.dateTime);
    time.title = at.toLocaleString();
    time.textContent = (at.toDateString() === new Date().toDateString() ? hour : day).format(at);
  }

  // Of many at once, the last.
  function speak(text) {
    clearTimeout(speaking);
    speaking = setTimeout(() => { document.getElementById('newest').textContent = text; }, 500);
  }

  /** Adds what was written to a list, which keeps as many as its data-most says. */
  globalThis.addMessage = (list, { text, at }) => {
    const item = document.createElement('li');
    const words = document.createElement('p');
    const time = document.createElement('time');
    words.textContent = text;
    time.dateTime = at;
    showTime(time);
    item.append(words, time);
    list.prepend(item);
    while (list.children.length > list.dataset.most) list.lastElementChild.remove();
    // By the server's clock, which both come from: what was there before this page is no news.
    if (new Date(at) > new Date(list.dataset.rendered)) speak(text);
  };

  function markGap(list) {
    if (!list.firstElementChild || list.firstElementChild.className === 'comet-gap') return;
    const item = document.createElement('li');
    item.className = 'comet-gap';
    item.textContent = gap;
    list.prepend(item);
    speak(gap);
  }

  /** Shows what comes after a position in the stream that the list's data-stream names. */
  globalThis.followMessages = (list, from) => {
    const source = new CometSource(list.dataset.stream, { from, shared: true });
    source.onmessage = event => addMessage(list, event.data);
    // The server no longer has what came next: what is shown stays, and all that it has follows a mark.
    source.addEventListener('gap', () => {
      source.close();
      markGap(list);
      followMessages(list, 'earliest');
    });
    showConnection(source);
  };

  // Without this the form still works: the page reloads.
  function postInPlace(form) {
    const field = form.elements.Text;
    const problem = form.querySelector('[role=alert]');
    const room = form.querySelector('output');
    let isPosting = false;

    function say(text) {
      problem.textContent = text;
      field.ariaInvalid = text !== '';
    }

    function showRoom() {
      room.textContent = `${field.maxLength - field.value.length} characters left`;
    }

    async function post() {
      const body = new FormData(form);
      const response = await fetch(form.action, { method: 'POST', body });
      if (response.status === 429) return 'That is a lot at once. Your message is still here: try again in a moment.';
      if (!response.ok) {
        const page = new DOMParser().parseFromString(await response.text(), 'text/html');
        return page.querySelector('form [role=alert]')?.textContent || 'That did not work. Reload the page and try again.';
      }
      if (field.value === body.get('Text')) form.reset(); // else somebody has typed on
      showRoom();
      return '';
    }

    form.addEventListener('submit', async event => {
      event.preventDefault();
      if (isPosting) return;
      isPosting = true;
      try {
        say(await post());
      } catch {
        say('The server cannot be reached. Your message is still here: try again in a moment.');
      } finally {
        isPosting = false;
      }
    });
    field.addEventListener('input', showRoom);
  }

  for (const form of document.querySelectorAll('form[data-in-place]')) postInPlace(form);
  for (const time of document.querySelectorAll('.comet-list time')) showTime(time);
})();
