'use strict';

/* The page: a chat between all tabs on /chat, and an echo on /echo. */

const byId = (id) => document.getElementById(id);
const keptLines = 200;
const keptEchoes = 6;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) {
    made.className = className;
  }
  made.textContent = text;
  return made;
}

/* The selector, and the URL: ?transport=websocket,xhr-polling is what sockjs-client may try. */

function transportsOfUrl() {
  const given = new URLSearchParams(location.search).get('transport') || '';
  return given.split(',').map((name) => name.trim()).filter(Boolean);
}

function showTransports(names) {
  const select = byId('transports');
  const value = names.join(',');
  if (!Array.from(select.options).some((option) => option.value === value)) {
    select.add(new Option(names.join(', '), value));
  }
  select.value = value;
}

function chooseTransports(value) {
  const url = new URL(location.href);
  if (value) {
    url.searchParams.set('transport', value);
  } else {
    url.searchParams.delete('transport');
  }
  history.replaceState(null, '', url);
  chat.open(transportsOfUrl());
  echo.open(transportsOfUrl());
}

/* What a visitor reads about a connection; returns whether it can send. */
function showState(status, name, detail) {
  const text = name === 'waiting' ? `${detail.reason}; again in ${detail.seconds} s` : name;
  if (status.textContent !== text) {
    status.textContent = text;
  }
  status.parentElement.dataset.state = name;
  return name === 'connected';
}

/*
 * Chat: the messages of examples/chat.c, and of chat.php and others beside it. Tabs with the same
 * ?room=NAME talk to each other.
 */

const me = {
  id: null, // the server says it
  room: new URLSearchParams(location.search).get('room') || 'lobby',
  name: `${pick('Amber Azure Coral Ivory Jade Lilac Olive Ruby Silver Teal')} ` +
    pick('Badger Crane Finch Heron Lynx Marten Otter Raven Seal Wren'),
};
const people = new Map(); // who is in the room: id to name

function pick(words) {
  const list = words.split(' ');
  return list[Math.floor(Math.random() * list.length)];
}

function addLine(line) {
  const log = byId('log');
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.append(line);
  while (log.children.length > keptLines) {
    log.firstElementChild.remove();
  }
  if (atEnd) {
    log.scrollTop = log.scrollHeight;
  }
}

function addNote(text) {
  addLine(element('li', 'note', text));
}

function addSaid(id, text) {
  const line = element('li', id === me.id ? 'own' : '', '');
  const clock = new Date().toLocaleTimeString([], {hour: '2-digit', minute: '2-digit'});
  line.append(element('time', '', clock), element('b', '', people.get(id)), element('span', '', text));
  addLine(line);
}

function showPeople() {
  byId('people').textContent = [...people.values()].sort().join(', ');
  byId('send').disabled = !people.has(me.id);
}

/* What the server tells; each message is {id, NAME: value} with one of these names. */
const told = {
  // Also after a restart of the server that this connection has outlived.
  welcome(id) {
    me.id = id;
    told.by(id, 'C');
    chat.send(JSON.stringify({join: me.room, name: me.name}));
  },
  // The application's language; examples/chat.c does not tell.
  by(id, language) {
    byId('by').textContent = language;
    byId('written').hidden = false;
  },
  names(id, names) {
    people.clear();
    Object.entries(names).forEach((entry) => people.set(...entry));
  },
  joined(id, name) {
    people.set(id, name);
    if (id !== me.id) {
      addNote(`${name} has come`);
    }
  },
  left(id, name) {
    people.delete(id);
    addNote(`${name} has gone`);
  },
  said: addSaid,
  error(id, text) {
    addNote(`the server says: ${text}`);
  },
};

const chat = new Connection('chat', {
  state(name, detail) {
    showState(byId('status'), name, detail);
    byId('retry').hidden = name !== 'waiting';
    byId('transport').textContent = name === 'connected' ? detail : 'none';
    if (name === 'connected') {
      addNote(`connected over ${detail}`);
    } else {
      people.clear();
      showPeople();
    }
  },
  message(text) {
    const {id, ...rest} = JSON.parse(text);
    for (const [name, value] of Object.entries(rest)) {
      told[name]?.(id, value);
    }
    showPeople();
  },
});

function say(event) {
  event.preventDefault();
  const input = byId('text');
  if (input.value && chat.send(JSON.stringify({say: input.value}))) {
    input.value = '';
  }
}

/* Echo. Answers come in the order of the questions, so a queue of starting times is enough. */

let asked = [];

const echo = new Connection('echo', {
  state(name, detail) {
    byId('echo-send').disabled = !showState(byId('echo-status'), name, detail);
    if (name !== 'connected') {
      asked = [];
    }
  },
  message(text) {
    const took = performance.now() - asked.shift();
    const line = element('li', '', '');
    line.append(element('span', '', text), element('span', 'took', `${took.toFixed(1)} ms`));
    byId('echo-log').prepend(line);
    while (byId('echo-log').children.length > keptEchoes) {
      byId('echo-log').lastElementChild.remove();
    }
  },
});

function ask(event) {
  event.preventDefault();
  const input = byId('echo-text');
  if (input.value && echo.send(input.value)) {
    asked.push(performance.now());
    input.value = '';
  }
}

byId('name').textContent = me.name;
byId('room').textContent = me.room;
byId('raw-url').textContent = new URL('echo/websocket', location.href).href.replace(/^http/, 'ws');
byId('chat-form').addEventListener('submit', say);
byId('echo-form').addEventListener('submit', ask);
byId('retry').addEventListener('click', () => chooseTransports(byId('transports').value));
byId('transports').addEventListener('change', (event) => chooseTransports(event.target.value));
showTransports(transportsOfUrl());
chat.open(transportsOfUrl());
echo.open(transportsOfUrl());
