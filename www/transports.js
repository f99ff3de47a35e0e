'use strict';

/* The page: measures each transport, and asks diagnosis.js about those that fail. */

const byId = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const wanted = query.get('transports')?.split(','); // ?transports=websocket,xhr-polling: only these
const names = ['websocket', 'xhr-streaming', 'eventsource', 'iframe-eventsource', 'htmlfile',
  'iframe-htmlfile', 'xhr-polling', 'iframe-xhr-polling', 'jsonp-polling']
  .filter((name) => !wanted || wanted.includes(name));
const held = ['websocket', 'xhr-streaming', 'xhr-polling']; // one of each kind is left idle
const limits = {
  measure: 1000 * (Number(query.get('seconds')) || 1.5), // ms for round trips, then for the rate
  connect: 1000 * (Number(query.get('patience')) || 6), // ms until it counts as failed
  idle: 60000, // ms; longer than a usual heartbeat
  inFlight: 50, // messages
};

/* --- measuring ------------------------------------------------------------------------------- */

function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)];
}

/*
 * A connection over one transport. `over` rejects when it ends by itself: {ms} since it opened, or
 * null if it never did.
 */
class Trial {
  constructor(service, name) {
    this.begun = performance.now();
    this.openedAt = null;
    this.socket = new SockJS(service, null, {transports: name, timeout: limits.connect});
    this.over = new Promise((_, reject) => { this.reject = reject; });
    this.over.catch(() => {}); // whoever waits hears of it
    this.timer = setTimeout(() => this.fail(), 2 * limits.connect);
    this.socket.onclose = () => this.fail();
  }

  fail() {
    this.reject({ms: this.openedAt === null ? null : performance.now() - this.openedAt});
    this.end();
  }

  end() {
    clearTimeout(this.timer);
    this.socket.onclose = this.socket.onmessage = this.socket.onopen = null;
    this.socket.close();
  }

  /* Resolves with the result of body(resolve), unless the connection ends before. */
  until(body) {
    return Promise.race([this.over, new Promise(body)]);
  }

  open() {
    return this.until((resolve) => {
      this.socket.onopen = () => {
        clearTimeout(this.timer);
        this.openedAt = performance.now();
        resolve(this.openedAt - this.begun);
      };
    });
  }

  /* One message at a time; tells the times so far after each. Resolves with all. */
  roundTrips(tell) {
    const times = [];
    const end = performance.now() + limits.measure;
    return this.until((resolve) => {
      let sent;
      const send = () => {
        sent = performance.now();
        this.socket.send('twenty bytes to echo');
      };
      this.socket.onmessage = () => {
        times.push(performance.now() - sent);
        tell(times);
        if (performance.now() < end) {
          send();
        } else {
          resolve(times);
        }
      };
      send();
    });
  }

  /* Many messages at a time; tells the messages a second of each tenth. Resolves with the mean. */
  rate(tell) {
    const message = 'x'.repeat(100);
    const rates = [];
    const begun = performance.now();
    let tenth = begun, inTenth = 0, count = 0, waiting = limits.inFlight;
    return this.until((resolve) => {
      this.socket.onmessage = () => {
        const now = performance.now();
        count++;
        inTenth++;
        if (now - tenth >= limits.measure / 10) {
          rates.push(inTenth * 1000 / (now - tenth));
          tell(rates);
          [tenth, inTenth] = [now, 0];
        }
        if (now - begun < limits.measure) {
          this.socket.send(message);
        } else if (--waiting === 0) {
          this.end(); // before the client of jsonp-polling asks again: it cannot take that back
          resolve(count * 1000 / (now - begun));
        }
      };
      for (let i = 0; i < limits.inFlight; i++) {
        this.socket.send(message);
      }
    });
  }

  /* Resolves with true at the heartbeat, or with false if it does not come. */
  heartbeat() {
    return this.until((resolve) => {
      this.socket.onheartbeat = () => resolve(true);
      setTimeout(resolve, limits.idle, false);
    });
  }
}

/* --- showing --------------------------------------------------------------------------------- */

function makeCard(name) {
  const card = byId('transport').content.cloneNode(true).firstElementChild;
  card.dataset.transport = name;
  card.querySelector('h2').textContent = name;
  byId('transports').append(card);
  return card;
}

const cardOf = (name) => document.querySelector(`[data-transport="${name}"]`);

function show(place, state, text) {
  place.querySelector('.pill').dataset.state = state;
  place.querySelector('.pill span').textContent = text;
}

function figure(card, name, value, unit, digits = 1) {
  card.querySelector(`[data-figure="${name}"]`).textContent = `${value.toFixed(digits)}${unit}`;
}

function showTrips(card, times) {
  figure(card, 'min', Math.min(...times), ' ms');
  figure(card, 'median', percentile(times, 0.5), ' ms');
  figure(card, 'p99', percentile(times, 0.99), ' ms');
}

function chart(card, name, values, unit) {
  sparkline.draw(card.querySelector(`[data-chart="${name}"]`), values, unit);
}

function showVerdict(place, {cause, text, settings: list}) {
  const parts = list.map(({where, lines}) => {
    const part = document.createElement('p');
    const code = document.createElement('code');
    code.textContent = lines;
    part.append(`${where}: `, code);
    return part;
  });
  const words = document.createElement('p');
  words.textContent = text;
  place.replaceChildren(words, ...parts);
  place.dataset.cause = cause;
  place.hidden = false;
}

function showFailure(name, verdict) {
  const isOnPurpose = verdict.cause === 'off';
  show(cardOf(name), isOnPurpose ? 'connecting' : 'waiting', isOnPurpose ? 'off' : 'does not work');
  showVerdict(cardOf(name).querySelector('.verdict'), verdict);
}

/* --- the order of it ------------------------------------------------------------------------- */

async function measure(trial, card) {
  show(card, 'connecting', 'connecting');
  figure(card, 'connect', await trial.open(), ' ms');
  show(card, 'connecting', 'measuring');
  showTrips(card, await trial.roundTrips((times) => chart(card, 'trips', times, 'ms')));
  figure(card, 'rate', await trial.rate((rates) => chart(card, 'rate', rates, 'a second')), '', 0);
  show(card, 'connected', 'works');
}

/* Returns whether it works. */
async function tryTransport(name, known) {
  const trial = new Trial(known.service, name);
  try {
    await measure(trial, cardOf(name));
    return true;
  } catch ({ms}) {
    showFailure(name, ms === null ? await diagnoseTransport(name, known.service, known) :
      judgeCut(name, ms, known.server));
    return false;
  } finally {
    trial.end();
  }
}

/*
 * Leaves a connection idle until its heartbeat, or until the others had theirs: a websocket's is a
 * ping, which pages do not see. Returns whether it stood so long.
 */
async function tryIdle(name, known, others) {
  const trial = new Trial(known.service, name);
  const text = cardOf(name).querySelector('[data-figure="idle"]');
  text.textContent = 'waiting';
  try {
    await trial.open();
    const begun = performance.now();
    const isHeard = await trial.until((resolve) => {
      trial.heartbeat().then(resolve, () => {});
      others.then(() => resolve(false));
    });
    text.textContent = seconds(performance.now() - begun) + (isHeard ? ', then a heartbeat' : '');
    return true;
  } catch ({ms}) {
    text.textContent = 'cut';
    showFailure(name, judgeCut(name, ms || 0, known.server));
    return false;
  } finally {
    trial.end();
  }
}

/* Returns how many work. */
async function tryAll(known) {
  const working = [];
  for (const [i, name] of names.entries()) {
    show(byId('run-form').closest('.card'), 'connecting', `trying ${i + 1} of ${names.length}`);
    if (await tryTransport(name, known)) {
      working.push(name);
    }
  }
  show(byId('run-form').closest('.card'), 'connecting', 'waiting for heartbeats');
  const idle = held.filter((name) => working.includes(name));
  const others = [];
  for (const name of idle.reverse()) { // the websocket, which waits for the others, comes last
    others.push(tryIdle(name, known, name === 'websocket' && others.length ?
      Promise.all(others) : new Promise(() => {})));
  }
  const stood = await Promise.all(others);
  return working.length - stood.filter((each) => !each).length;
}

async function run() {
  const service = byId('service').value.replace(/\/+$/, '');
  const top = byId('run-form').closest('.card');
  byId('transports').replaceChildren();
  names.forEach(makeCard);
  byId('server').hidden = true;
  byId('run').disabled = true;
  show(top, 'connecting', 'looking at the server');
  const known = {service, wait: limits.connect, ...await diagnoseServer(service, limits.connect)};
  if (known.verdict) {
    showVerdict(byId('server'), known.verdict);
    names.forEach((name) => show(cardOf(name), 'waiting', 'not tried'));
    show(top, 'waiting', 'does not work');
  } else {
    const count = await tryAll(known);
    const isWhole = count === names.length;
    show(top, isWhole ? 'connected' : 'waiting', `${count} of ${names.length} work`);
  }
  byId('run').disabled = false;
}

byId('run-form').addEventListener('submit', (event) => {
  event.preventDefault();
  run();
});
// The page may lie in a folder of its site: so do its services then.
byId('service').value = query.get('service') || new URL('echo', location.href).pathname;
run();
