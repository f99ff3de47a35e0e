'use strict';

/*
 * The application `demo` of sockjs.conf, by pusher-js: who is in a presence channel, what is
 * published there, who is typing.
 *
 * A site of your own answers pusher-js's question who may subscribe, as examples/channels_auth.php
 * does. For this page a module does it, examples/sign.c, over SockJS.
 */

const byId = (id) => document.getElementById(id);
const key = 'demo';
const channelName = 'presence-demo';
const eventName = 'message';
const keptLines = 100;
const typingLasts = 3000; // ms
const form = 'channels_publish.php';
const missingLines = `[app demo]
key = demo
secret = the-secret-of-the-demo-which-is-none
client_events = on

[service /sign]
module = sign
module.key = demo
module.secret = the-secret-of-the-demo-which-is-none`;

const pick = (words) => words.split(' ')[Math.floor(Math.random() * 10)];
const given = new URLSearchParams(location.search);
const me = sessionStorage.getItem('name') || given.get('name') ||
  `${pick('Amber Azure Coral Ivory Jade Lilac Olive Ruby Silver Teal')} ` +
  pick('Badger Crane Finch Heron Lynx Marten Otter Raven Seal Wren');
sessionStorage.setItem('name', me); // a reload is the same person

/* Signatures, each for who asked for it. */

const questions = new Map(); // channel and socket_id to the callback
const questionOf = ({socket_id, channel_name}) => `${socket_id} ${channel_name}`;
const signer = new Connection('sign', {
  state: (name) => {
    if (name === 'connected') {
      for (const question of questions.values()) {
        signer.send(question.text);
      }
    }
  },
  message: (text) => {
    const answer = JSON.parse(text);
    const question = questions.get(questionOf(answer));
    questions.delete(questionOf(answer));
    question?.callback(null, {auth: answer.auth, channel_data: answer.channel_data});
  },
});

function askForSignature({socketId, channelName: wanted}, callback) {
  const asked = {socket_id: socketId, channel_name: wanted, name: me};
  const question = {text: JSON.stringify(asked), callback};
  questions.set(questionOf(asked), question);
  signer.send(question.text);
}

/* pusher-js */

function connect(transports) {
  const folder = location.pathname.replace(/\/[^/]*$/, ''); // `app_path` of sockjs.conf
  const isSecure = location.protocol === 'https:';
  const port = Number(location.port) || (isSecure ? 443 : 80);
  return new Pusher(key, {
    cluster: 'none', // has to be there, and counts for nothing
    forceTLS: isSecure,
    wsHost: location.hostname,
    wsPort: port,
    wssPort: port,
    wsPath: folder,
    httpHost: location.hostname,
    httpPort: port,
    httpsPort: port,
    httpPath: `${folder}/pusher`,
    enabledTransports: transports.length ? transports : ['ws', 'xhr_streaming', 'xhr_polling'],
    channelAuthorization: {customHandler: askForSignature},
  });
}

let pusher;
let channel;

function open(transports) {
  pusher?.disconnect();
  showPeople();
  pusher = connect(transports);
  pusher.connection.bind('state_change', ({current}) => showState(current));
  pusher.connection.bind('error', ({error}) => {
    if (error?.data?.code >= 4000) {
      showMissing(`The server says: ${error.data.message || error.data.code}.`);
    }
  });
  showState(pusher.connection.state);
  channel = pusher.subscribe(channelName);
  for (const event of ['pusher:subscription_succeeded', 'pusher:member_added', 'pusher:member_removed']) {
    channel.bind(event, showPeople);
  }
  channel.bind('pusher:subscription_error', ({status, error}) => showMissing(`No subscription: ${error || status}.`));
  channel.bind(eventName, ({text}) => addLine(text));
  channel.bind('client-typing', (data, {user_id: who}) => showTyping(who));
}

/* What a visitor sees */

function showState(state) {
  byId('status').textContent = state;
  byId('status').parentElement.dataset.state =
    {connected: 'connected', connecting: 'connecting', initialized: 'connecting'}[state] || 'waiting';
  const inUse = state === 'connected' && pusher.connection.connection;
  byId('transport').textContent = (inUse && inUse.transport?.name) || 'none';
  if (state === 'connected') {
    byId('missing').hidden = true;
  } else if (state === 'unavailable' || state === 'failed') {
    showMissing('There is no connection.');
  }
}

function showMissing(reason) {
  byId('missing-reason').textContent = reason;
  byId('missing').hidden = false;
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function showPeople() {
  const people = [];
  channel?.members.each(({id, info}) => people.push(id === me ? `${info.name} (you)` : info.name));
  byId('people').replaceChildren(...people.sort().map((name) => element('li', name)));
}

function addLine(text) {
  const log = byId('log');
  const line = element('li', '');
  line.append(element('time', new Date().toLocaleTimeString()), text);
  log.append(line);
  while (log.children.length > keptLines) {
    log.firstElementChild.remove();
  }
  log.scrollTop = log.scrollHeight;
}

let typingTimer;
function showTyping(who) {
  clearTimeout(typingTimer);
  byId('typing').textContent = `${who} is typing`;
  typingTimer = setTimeout(() => { byId('typing').textContent = ''; }, typingLasts);
}

/* Publishing: through PHP if the site has it, and by a command. */

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function showCommand() {
  const data = JSON.stringify({text: byId('text').value || 'Hello'});
  byId('command').textContent =
    `sockjsctl publish --app ${key} --event ${eventName} ${channelName} ${quoted(data)}`;
}

/* A site without PHP hands out the script itself. */
async function lookForPhp() {
  const hasPhp = await fetch(form).then((answer) => answer.json()).then(({php}) => Boolean(php)).catch(() => false);
  byId('send').disabled = !hasPhp;
  byId('how').textContent = hasPhp ? `The button posts to ${form}, which publishes.` :
    'This site runs no PHP, so the button has nobody to ask. While you type, the others see that.';
}

let told = 0;
byId('text').addEventListener('input', () => {
  showCommand();
  if (Date.now() - told > typingLasts / 2 && channel.subscribed) {
    told = Date.now();
    channel.trigger('client-typing', {});
  }
});
byId('publish-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = byId('text').value;
  if (!text || byId('send').disabled) {
    return;
  }
  const answer = await fetch(form, {method: 'POST', body: new URLSearchParams({text})});
  byId('how').textContent = await answer.text();
  if (answer.ok) {
    byId('text').value = '';
    showCommand();
  }
});

byId('channel-title').textContent = channelName;
byId('name').textContent = me;
byId('missing-lines').textContent = missingLines;
byId('transports').addEventListener('change', () => open(byId('transports').value.split(',').filter(Boolean)));
const wanted = (given.get('transport') || '').split(',').filter(Boolean);
if (wanted.length === 1) {
  byId('transports').value = wanted[0];
}
showCommand();
lookForPhp();
signer.open();
open(wanted);
