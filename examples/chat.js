#!/usr/bin/env node
// A chat with rooms. In sockjs.conf, in [service /chat]: program = node /path/of/chat.js
// chat.c as a worker: each line that comes is an event, each that goes is a call (doc/workers.md).
'use strict';

const help = 'join a room by its name and yours; then say something, or leave';
const people = new Map(); // who is in a room: id -> [room, name]
let calls = ''; // what an event causes leaves at once, with its ack

const call = (name, members) => { calls += `${JSON.stringify({call: name, ...members})}\n`; };
const answer = (id, what) => call('write', {id, data: JSON.stringify({id, ...what})});
const tellRoom = (channel, about, what) =>
  call('publish', {channel, data: JSON.stringify({id: about, ...what})});

function enter(id, room, name) {
  leave(id);
  people.set(id, [room, name]);
  call('state', {id, value: [room, name]}); // comes back with "resume"
  call('subscribe', {id, channel: room});
  const here = [...people].filter(([, [where]]) => where === room);
  answer(id, {names: Object.fromEntries(here.map(([other, [, named]]) => [other, named]))});
  tellRoom(room, id, {joined: name});
}

function leave(id, isClosed = false) {
  if (!people.has(id)) return;
  const [room, name] = people.get(id);
  people.delete(id);
  if (!isClosed) call('state', {id, value: null});
  if (!isClosed) call('unsubscribe', {id, channel: room});
  tellRoom(room, id, {left: name});
}

function hear(id, text) {
  let asked = null;
  try { asked = text.length <= 4096 ? JSON.parse(text) : null; } catch { /* is no JSON */ }
  const has = (key) => typeof asked?.[key] === 'string';
  if (has('join') && has('name')) enter(id, asked.join, asked.name);
  else if (has('say') && people.has(id)) tellRoom(people.get(id)[0], id, {said: asked.say});
  else if (asked?.leave) leave(id);
  else answer(id, {error: help});
}

const handlers = {
  connection: ({id}) => answer(id, {welcome: help, by: `JavaScript, Node ${process.version}`}),
  resume: ({id, state}) => state && people.set(id, state),
  data: ({id, data = ''}) => hear(id, data),
  close: ({id}) => leave(id, true),
  error: ({code, message}) => console.error(`${code}: ${message}`),
};
require('node:readline').createInterface({input: process.stdin}).on('line', (line) => {
  const event = JSON.parse(line);
  handlers[event.event]?.(event);
  if (event.seq) call('ack', {seq: event.seq});
  process.stdout.write(calls);
  calls = '';
});
