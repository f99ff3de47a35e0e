'use strict';

/* The page: the metrics that the service "status" sends each second, as sockjsctl shows them. */

const byId = (id) => document.getElementById(id);
const keptSeconds = 120;

/* --- the text of the metrics -------------------------------------------------------------------- */

/* A list of {name, labels, value}. */
function readMetrics(text) {
  const samples = [];
  for (const [, name, labels, value] of text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)) {
    const pairs = (labels || '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g);
    const plain = (each) => each.replace(/\\(.)/g, (_, sign) => (sign === 'n' ? '\n' : sign));
    samples.push({
      name, value: Number(value),
      labels: Object.fromEntries([...pairs].map(([, key, each]) => [key, plain(each)])),
    });
  }
  return samples;
}

function sum(samples, name, key, label) {
  return samples.filter((each) => each.name === name && (!key || each.labels[key] === label))
    .reduce((total, {value}) => total + value, 0);
}

/* --- how people say it -------------------------------------------------------------------------- */

function time(seconds) {
  const s = Math.floor(seconds);
  return s < 60 ? `${s} s` :
    s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s` :
      s < 86400 ? `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min` :
        `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`;
}

function bytes(count) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  for (; count >= 1024 && i + 1 < units.length; i++) {
    count /= 1024;
  }
  return `${count.toFixed(i ? 1 : 0)} ${units[i]}`;
}

/* --- showing ------------------------------------------------------------------------------------ */

function fill(id, figures) {
  byId(id).replaceChildren(...figures.map(([name, value]) => {
    const pair = document.createElement('div');
    pair.append(document.createElement('dt'), document.createElement('dd'));
    pair.firstChild.textContent = name;
    pair.lastChild.textContent = value;
    return pair;
  }));
}

function storeOf(samples) {
  const name = 'sockjs_store_transactions_total';
  return samples.some((each) => each.name === name) ?
    `${sum(samples, name)}, ${sum(samples, name, 'result', 'failed')} failed` : 'none';
}

function stateOf(samples) {
  return sum(samples, 'sockjs_ready') ? 'up' :
    sum(samples, 'sockjs_draining') ? 'draining: it takes no new sessions' : 'serves nobody: see the log';
}

function connectionsOf(samples, service) {
  return samples.filter(({name, labels, value}) =>
    name === 'sockjs_connections' && labels.service === service && value > 0)
    .map(({labels, value}) => `, ${labels.transport}: ${value}`).join('');
}

function showFigures(samples) {
  const total = (name) => sum(samples, `sockjs_${name}`);
  const messages = (way) =>
    `${total(`messages_${way}_total`)} (${bytes(total(`messages_${way}_bytes_total`))})`;
  const build = samples.find(({name}) => name === 'sockjs_build_info');
  fill('daemon', [['version', build.labels.version], ['state', stateOf(samples)],
    ['since', time(total('uptime_seconds'))], ['restarts', total('restarts_total')],
    ['memory', bytes(sum(samples, 'process_resident_memory_bytes'))],
    ['store, transactions', storeOf(samples)]]);
  fill('traffic', [['received', messages('received')], ['sent', messages('sent')],
    ['waiting', bytes(total('queue_bytes'))]]);
  fill('clients', [['sessions', total('sessions')], ['websockets', total('websockets')],
    ['HTTP connections', total('http_connections')], ['responders', total('responders')]]);
  fill('services', samples.filter(({name}) => name === 'sockjs_sessions')
    .map(({labels, value}) => [labels.service, value + connectionsOf(samples, labels.service)]));
  const limits = samples.filter(({name, value}) =>
    name === 'sockjs_limits_reached_total' && value > 0);
  fill('limits', limits.length ? limits.map(({labels, value}) => [labels.limit, value]) :
    [['since the start', 'none']]);
}

const course = {received: [], sent: [], sessions: []};
let last = null; // {received, sent}, of the second before

function showCharts(samples) {
  const now = {};
  for (const way of ['received', 'sent']) {
    now[way] = sum(samples, `sockjs_messages_${way}_total`);
    if (last) {
      course[way].push(Math.max(now[way] - last[way], 0)); // a new daemon begins at 0
    }
  }
  course.sessions.push(sum(samples, 'sockjs_sessions'));
  last = now;
  for (const [name, values] of Object.entries(course)) {
    values.splice(0, values.length - keptSeconds);
    sparkline.draw(byId(`${name}-chart`), values, '');
  }
}

/* --- the connection ----------------------------------------------------------------------------- */

let token = sessionStorage.getItem('status_token') || '';

function show(state, text) {
  byId('state').textContent = text;
  byId('state').parentElement.dataset.state = state;
}

function forget(text) {
  token = '';
  sessionStorage.removeItem('status_token');
  byId('figures').hidden = true;
  queueMicrotask(() => connection.drop()); // after the pause that it begins just now
  show('waiting', text);
}

const query = new URLSearchParams(location.search);
const connection = new Connection(query.get('service') || 'status', {
  state(name, detail) {
    if (name === 'waiting' && /token/.test(detail.reason)) {
      forget(detail.reason);
    } else if (name === 'waiting') {
      show(name, `${detail.reason}; again in ${detail.seconds} s`);
    } else {
      show('connecting', name);
    }
  },
  message(text) {
    if (text === 'token?') {
      connection.send(token);
      return;
    }
    const samples = readMetrics(text);
    sessionStorage.setItem('status_token', token);
    byId('figures').hidden = false;
    show('connected', 'live');
    showFigures(samples);
    showCharts(samples);
  },
});

byId('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  token = byId('token').value.trim();
  byId('token').value = '';
  connection.open();
});
if (token) {
  connection.open();
}
