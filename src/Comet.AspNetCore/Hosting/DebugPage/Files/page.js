// The debug page: shows each snapshot of its stream. What it shows is text, never markup.
(() => {
  const root = document.documentElement.dataset.root;
  const element = id => document.getElementById(id);
  const query = new URLSearchParams(location.search);
  const chosen = { feed: query.get('feed') ?? '', filter: query.get('filter') ?? '' };
  const kept = 60; // of each figure that is drawn
  let source;
  let isPaused = false;

  const reasons = {
    'completed': 'the sequence or the feed is over',
    'polled': 'it was a long poll, and has its answer',
    'error': 'its source or its store has failed: see the log',
    'shutting-down': 'the server stops',
    'draining': 'the server stops, one stream after the other',
    'too-slow': 'the client took nothing for WriteTimeout, or fell out of what is retained',
    'authentication-expired': 'the sign-in has expired',
    'recycled': 'MaxAge or MaxBytes is reached; the client comes back',
    'client-disconnected': 'the client has left, or was lost',
    'bad-callback': 'the callback is malformed',
    'bad-id': 'the last event id is malformed',
    'bad-body': 'the request has a body that cannot be read',
    'bad-form': 'the form that names feeds is malformed',
    'bad-start': '?last= or ?since= is malformed',
    'bad-wait': '?wait= is malformed',
    'no-feed': 'the request names no feed',
    'unknown-feed': 'the stream does not offer that feed',
    'too-many-feeds': 'more feeds than a stream carries',
    'cross-site': 'the page is of another site',
    'not-signed-in': 'the policy wants a signed-in user',
    'not-allowed': 'the policy wants another user',
    'full': 'MaxStreams is reached',
    'stopping': 'the server stops',
    'too-many': 'MaxStreamsPerUser or MaxStreamsPerAddress is reached',
    'store-unavailable': 'the store cannot be reached',
    'over': 'the client has all of a sequence or feed that is over',
  };

  const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
  const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
  const number = value => value == null ? '–' : (value < 10 ? tenths : grouped).format(value);

  function bytes(value) {
    if (value == null) return '–';
    const units = ['B', 'KB', 'MB', 'GB', 'TB'];
    let unit = 0;
    for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
    return `${number(value)} ${units[unit]}`;
  }

  function duration(milliseconds) {
    const seconds = Math.max(0, Math.floor(milliseconds / 1000));
    if (seconds < 60) return `${seconds} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
    return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds / 3600) % 24} h`;
  }

  const clockTime = at => new Date(at).toLocaleTimeString('en-GB');
  const plural = (count, one) => `${grouped.format(count)} ${one}${count === 1 ? '' : 's'}`;

  // A payload has escapes for what could end a script; read as text, it needs none. What is invisible keeps its escape.
  const readable = json => json.replace(/\\(?:u([0-9a-f]{4})|.)/gi, (escape, code) => {
    const character = code ? String.fromCharCode(parseInt(code, 16)) : '';
    return /[\p{L}\p{N}\p{P}\p{S}\p{Cs}]/u.test(character) && !'"\\'.includes(character) ? character : escape;
  });

  function setText(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  /** Makes the children of a node those of the items, each at its key, and leaves those alone that are there already. */
  function fill(parent, items, keyOf, create, update) {
    const before = new Map([...parent.children].map(child => [child.dataset.key, child]));
    items.forEach((item, index) => {
      const key = String(keyOf(item));
      const child = before.get(key) ?? create(item);
      before.delete(key);
      child.dataset.key = key;
      if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
      update(child, item);
    });
    before.forEach(child => child.remove());
  }

  /** A cell: its text, and below it a note; a number, a state, or a button. */
  function fillTable(id, rows, keyOf, cellsOf, empty) {
    const table = element(id);
    const titles = [...table.tHead.rows[0].cells];
    const create = () => {
      const row = document.createElement('tr');
      for (const title of titles) {
        const cell = row.insertCell();
        cell.dataset.title = title.textContent;
        cell.className = title.className;
      }
      return row;
    };
    fill(table.tBodies[0], rows, keyOf, create, (row, item) => {
      cellsOf(item).forEach((content, index) => {
        const cell = row.cells[index];
        const { text, note = '', state = '', choose } = typeof content === 'string' ? { text: content } : content;
        if (cell.children.length === 0) {
          cell.append(document.createElement(choose ? 'button' : 'span'), document.createElement('small'));
          if (choose) {
            cell.firstChild.type = 'button';
            cell.firstChild.addEventListener('click', () => choose(row.dataset.key));
          }
        }
        setText(cell.firstChild, text);
        setText(cell.lastChild, note);
        cell.lastChild.hidden = !note;
        cell.dataset.state = state;
      });
      row.classList.toggle('chosen', id === 'feeds' && item.name === chosen.feed);
    });
    table.hidden = rows.length === 0;
    const said = table.parentElement.querySelector('.empty');
    said.hidden = rows.length > 0;
    setText(said, empty);
  }

  function draw(id, value) {
    const line = element(id).parentElement.querySelector('polyline');
    const values = line.values ??= [];
    values.push(value ?? 0);
    if (values.length > kept) values.shift();
    const most = Math.max(1, ...values);
    line.parentElement.setAttribute('viewBox', `0 0 ${kept - 1} 20`);
    line.parentElement.setAttribute('preserveAspectRatio', 'none');
    line.setAttribute('points', values.map((y, x) => `${kept - values.length + x},${19 - y / most * 18}`).join(' '));
  }

  function showTiles({ streams, feeds, outcomes }) {
    const total = list => list.reduce((sum, item) => sum + item.count, 0);
    setText(element('open'), number(streams.open));
    setText(element('beginning'), streams.beginning ? `${number(streams.beginning)} beginning or catching up` : 'now');
    setText(element('slow'), number(streams.slow));
    element('slow').parentElement.dataset.state = streams.slow ? 'slow' : '';
    setText(element('in'), number(feeds.messagesPerSecond));
    setText(element('out'), number(streams.messagesPerSecond));
    setText(element('bytes'), bytes(streams.bytesPerSecond));
    setText(element('outcomes'), `${number(total(outcomes.ended))} / ${number(total(outcomes.rejected))}`);
    setText(element('since'), `since ${clockTime(outcomes.since)}`);
    draw('open', streams.open);
    draw('in', feeds.messagesPerSecond);
    draw('out', streams.messagesPerSecond);
    draw('bytes', streams.bytesPerSecond);
  }

  const countOf = (shown, matching, all) =>
    shown < matching ? `the ${grouped.format(shown)} busiest of ${grouped.format(matching)}${matching < all ? ' that match' : ''}`
      : matching < all ? `${grouped.format(matching)} of ${grouped.format(all)}`
      : grouped.format(all);

  function showFeeds(feeds, at) {
    setText(element('feeds-count'), countOf(feeds.rows.length, feeds.matching, feeds.count));
    fill(element('families'), feeds.families, family => family.name, family => {
      const chip = document.createElement('button');
      chip.type = 'button';
      chip.addEventListener('click', () => setFilter(`${family.name}/`));
      return chip;
    }, (chip, family) => setText(chip, `${family.name}/ ${plural(family.keys, 'key')}, ${plural(family.readers, 'reader')}, ` +
      `${number(family.messagesPerSecond)}/s`));
    const cells = feed => [
      { text: feed.name, note: feed.state === 'open' ? '' : feed.state === 'closed' ? 'not in use yet' : 'completed', choose },
      { text: feed.head ?? '–' },
      feed.messages === 0 ? { text: 'nothing', note: feed.hasStore ? 'the store may have more' : '' } : {
        text: plural(feed.messages, 'message'),
        note: `from ${feed.oldest}, ${duration(at - new Date(feed.oldestAt))} old` +
          (feed.hasStore ? '; the store may have more' : ''),
      },
      number(feed.readers),
      number(feed.messagesPerSecond),
    ];
    fillTable('feeds', feeds.rows, feed => feed.name, cells,
      chosen.filter ? `No feed has “${chosen.filter}” in its name.` : 'The app has added no feed: builder.Services.AddFeed<T>("name").');
  }

  function showStreams(streams) {
    setText(element('streams-count'),
      countOf(streams.rows.length, streams.matching, streams.open - streams.beginning - streams.unread)
        .replace('busiest', 'slowest and youngest') +
      (streams.unread ? `; ${grouped.format(streams.unread)} more were not read` : ''));
    const stateOf = stream =>
      stream.lag > 0 ? { text: `${plural(stream.lag, 'message')} behind`, note: waitOf(stream), state: 'slow' }
        : stream.isSlow ? { text: 'waited for', note: waitOf(stream), state: 'slow' }
        : { text: stream.isPoll ? 'long poll' : 'keeps up', state: 'live' };
    const waitOf = stream => stream.waiting === null || stream.waiting < 1000 ? '' : `takes nothing for ${duration(stream.waiting)}`;
    const cells = stream => [
      { text: stream.name, note: stream.isSequence ? 'a sequence' : '' },
      stream.holder ?? '–',
      stateOf(stream),
      stream.format,
      duration(stream.age),
      number(stream.messagesPerSecond),
      bytes(stream.bytesPerSecond),
      bytes(stream.bytes),
    ];
    fillTable('streams', streams.rows, stream => stream.number, cells,
      chosen.filter ? `No open stream has “${chosen.filter}” in its feeds or its path.` : 'No stream is open.');
  }

  function showOutcomes({ ended, rejected, slow, since }, at) {
    const ago = time => `${duration(at - new Date(time))} ago`;
    const none = what => `None${what} since ${clockTime(since)}.`;
    fillTable('ended', ended, end => JSON.stringify([end.reason, end.feed, end.format]), end => [
      { text: end.reason, note: reasons[end.reason] ?? '', state: ['error', 'too-slow'].includes(end.reason) ? 'slow' : '' },
      { text: end.feed ?? 'sequences', note: end.format },
      number(end.count),
      { text: ago(end.lastAt), note: `was open ${duration(end.lastSeconds * 1000)}` },
    ], none(' has ended'));
    fillTable('rejected', rejected, rejection => rejection.reason, rejection => [
      { text: rejection.reason, note: reasons[rejection.reason] ?? '', state: 'slow' },
      number(rejection.count),
      ago(rejection.lastAt),
    ], none(''));
    fillTable('waits', slow, wait => wait.feed, wait => [
      wait.feed, number(wait.count), plural(wait.most, 'message'), ago(wait.lastAt),
    ], none(''));
  }

  function showMessages(messages) {
    setText(element('messages-feed'), chosen.feed ? `of ${chosen.feed}` : '');
    const rows = messages?.rows ?? [];
    fill(element('messages'), rows, message => message.id, message => {
      const item = document.createElement('li');
      const about = document.createElement('p');
      const text = document.createElement('pre');
      text.textContent = readable(message.text);
      about.textContent = `${clockTime(message.at)}  ${message.id}  ${bytes(message.bytes)}`;
      item.append(about, text);
      if (message.bytesCut > 0) {
        const cut = document.createElement('p');
        cut.textContent = `${bytes(message.bytesCut)} more are not shown`;
        item.append(cut);
      }
      return item;
    }, () => {});
    element('messages').hidden = rows.length === 0;
    element('messages-empty').hidden = rows.length > 0;
    setText(element('messages-empty'),
      messages === null ? 'Choose a feed to read its newest messages.' : messages.problem ?? 'Nothing is retained.');
  }

  function show(snapshot) {
    const at = new Date(snapshot.at);
    showTiles(snapshot);
    showFeeds(snapshot.feeds, at);
    showStreams(snapshot.streams);
    showOutcomes(snapshot.outcomes, at);
    showMessages(snapshot.messages);
  }

  function showState(state, text) {
    element('connection').dataset.state = state;
    document.body.dataset.state = state;
    setText(element('connection'), text);
  }

  function connect() {
    source?.close();
    const asked = new URLSearchParams();
    if (chosen.feed) asked.set('feed', chosen.feed);
    if (chosen.filter) asked.set('filter', chosen.filter);
    history.replaceState(null, '', String(asked) ? `?${asked}` : location.pathname);
    if (isPaused) return;
    const own = source = new CometSource(`${root}/stream?${asked}`);
    own.onopen = () => own === source && showState('live', 'Live');
    own.onmessage = event => own === source && show(event.data);
    own.addEventListener('reconnecting', () => own === source && showState('reconnecting', 'Reconnecting'));
    own.addEventListener('closed', event => own === source && showState('ended', `Ended: ${event.reason}. Reload the page`));
  }

  function choose(feed) {
    chosen.feed = chosen.feed === feed ? '' : feed;
    for (const row of element('feeds').tBodies[0].rows) row.classList.toggle('chosen', row.dataset.key === chosen.feed);
    connect();
  }

  function setFilter(filter) {
    element('filter').value = chosen.filter = filter;
    connect();
  }

  let typing;
  element('filter').value = chosen.filter;
  element('filter').addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => setFilter(element('filter').value.trim()), 250);
  });
  element('pause').addEventListener('click', () => {
    isPaused = !isPaused;
    element('pause').setAttribute('aria-pressed', String(isPaused));
    setText(element('pause'), isPaused ? 'Go on' : 'Pause');
    if (isPaused) {
      source.close();
      showState('paused', 'Paused');
    } else {
      connect();
    }
  });
  addEventListener('pagehide', () => source?.close());
  addEventListener('pageshow', event => event.persisted && connect());
  connect();
})();
