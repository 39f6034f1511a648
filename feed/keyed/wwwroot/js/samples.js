(() => {
  const shown = 200;
  const list = document.getElementById('messages');

  const source = new CometSource(list.dataset.stream, { from: 'earliest', shared: true });
  source.onmessage = ({ data }) => {
    const item = document.createElement('li');
    const text = document.createElement('p');
    const time = document.createElement('time');
    text.textContent = data.text;
    time.dateTime = data.at;
    time.textContent = new Date(data.at).toLocaleTimeString();
    item.append(text, time);
    list.prepend(item);
    while (list.children.length > shown) list.lastChild.remove();
  };
  showConnection(source);
})();
