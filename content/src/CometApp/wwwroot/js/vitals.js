(() => {
  const kept = 240; // a minute, as many as the feed retains
  const samples = [];
  const charts = [
    { id: 'cpu', unit: '%', valueOf: sample => sample.cpu },
    { id: 'memory', unit: 'MB', valueOf: sample => megabytes(sample.memory) },
  ];
  let frame = 0;

  const megabytes = bytes => bytes / 1048576;
  const show = (id, text) => { document.getElementById(id).textContent = text; };

  // A short number that holds them all, and whose half is a short number too.
  function endOfScale(values) {
    const most = Math.max(10, ...values);
    const power = 10 ** Math.floor(Math.log10(most));
    return power * [1, 2, 4, 6, 8, 10].find(factor => factor * power >= most);
  }

  function draw() {
    frame = 0;
    const end = samples.at(-1).time;
    const shown = samples.filter(({ time }) => time > end - 60_000 && time <= end);
    for (const { id, unit, valueOf } of charts) {
      const values = shown.map(valueOf);
      const top = endOfScale(values);
      show(`${id}-top`, `${top} ${unit}`);
      show(`${id}-middle`, `${top / 2} ${unit}`);
      show(`${id}-time`, samples.at(-1).at.slice(11, 19)); // the server's time of day, as it writes it
      // A minute is 60 wide, the scale 100 high. Where samples are missing there is no line.
      const isNext = i => i > 0 && shown[i].time - shown[i - 1].time < 2_000;
      const path = values.map((value, i) =>
        `${isNext(i) ? 'L' : 'M'}${(60 - (end - shown[i].time) / 1_000).toFixed(2)} ${(100 - 100 * value / top).toFixed(2)}`);
      const chart = document.getElementById(`${id}-chart`);
      chart.querySelector('.comet-line').setAttribute('d', path.join(''));
      const [least, most, last] = [Math.min(...values), Math.max(...values), values.at(-1)].map(value => value.toFixed(1));
      chart.ariaLabel = `Over the last minute from ${least} to ${most} ${unit}, at last ${last} ${unit}`;
    }
  }

  function vitalsChanged(vitals) {
    samples.push({ ...vitals, time: Date.parse(vitals.at) });
    if (samples.length > kept) samples.shift();
    show('cpu', vitals.cpu.toFixed(1));
    show('memory', megabytes(vitals.memory).toFixed(0));
    show('heap', megabytes(vitals.heap).toFixed(1));
    show('streams', vitals.streams);
    frame ||= requestAnimationFrame(draw);
  }

  const source = new CometSource(document.getElementById('vitals').dataset.stream, { from: 'earliest', shared: true });
  source.onmessage = event => vitalsChanged(event.data);
  showConnection(source);
})();
