(() => {
  const shown = 10;
  const list = document.getElementById('messages');

  const source = new CometSource(list.dataset.stream, { from: 'earliest', shared: true });
  source.onmessage = ({ data }) => {
    document.getElementById('value').textContent = data.value.toFixed(2);
    const item = document.createElement('li');
    const value = document.createElement('p');
    const time = document.createElement('time');
    value.textContent = data.value.toFixed(2);
    time.dateTime = data.at;
    time.textContent = new Date(data.at).toLocaleTimeString();
    item.append(value, time);
    list.prepend(item);
    while (list.children.length > shown) list.lastChild.remove();
  };
  showConnection(source);
})();
