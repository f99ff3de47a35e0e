'use strict';

/*
 * Numbers go to the service /resume, which sends them back, one after the other. ?transport= is what
 * sockjs-client may try, as on the other pages.
 */

const pace = 250; // ms between two numbers
const byId = (id) => document.getElementById(id);

let socket;
let next; // number to be sent
let due; // number to come back
let timer;

function show(state, text = state) {
  byId('status').textContent = text;
  byId('status').parentElement.dataset.state = state;
  byId('break').disabled = state !== 'connected';
  byId('again').hidden = state !== 'waiting' || socket.reconnecting;
  byId('transport').textContent = state === 'connected' ? socket.transport : 'none';
}

// While the connection is away the wrapper keeps what is sent.
function send() {
  socket.send(String(next++));
  byId('sent').textContent = next;
}

function take(text) {
  if (text !== String(due)) {
    byId('wrong').textContent = `${due} was to come, and it was ${text}.`;
    byId('wrong').hidden = false;
  }
  byId('back').textContent = ++due;
}

function begin() {
  const transports = new URLSearchParams(location.search).get('transport');

  next = due = 0;
  for (const id of ['sent', 'back', 'breaks']) {
    byId(id).textContent = 0;
  }
  byId('wrong').hidden = true;
  socket = new ResumingSockJS(new URL('resume', location.href).href, null, transports ? {transports: transports.split(',')} : {});
  show('connecting');
  socket.onopen = () => {
    show('connected');
    timer = setInterval(send, pace);
  };
  socket.onmessage = (event) => take(event.data);
  socket.onreconnecting = () => {
    byId('breaks').textContent = Number(byId('breaks').textContent) + 1;
    show('waiting', 'reconnecting');
  };
  socket.onresume = () => show('connected');
  socket.onclose = (event) => {
    clearInterval(timer);
    show('waiting', `closed: ${event.code} ${event.reason}`);
  };
}

// The connection that there is now ends, as if the network had; the wrapper makes another.
byId('break').addEventListener('click', () => socket._leg.close());
byId('again').addEventListener('click', begin);
begin();
