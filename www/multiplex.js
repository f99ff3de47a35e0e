'use strict';

/*
 * Several channels over one connection: the messages of examples/multiplex.c, `sub,NAME`, `msg,NAME,PAYLOAD` and `uns,NAME`.
 *
 * channel(name, handlers) returns {open(), close(), send(text)}. The handlers are functions:
 *   opened()       also again, when a lost connection has come back
 *   closed()       by whichever side, or with the connection
 *   message(text)
 *   error(text)    what the server did not like
 */
class Multiplex {
  constructor(url, onState) {
    this.channels = new Map(); // name to {wanted, handlers}
    this.connection = new Connection(url, {
      state: (name, detail) => {
        onState(name, detail);
        for (const [channel, {wanted, handlers}] of this.channels) {
          if (wanted && name === 'connected') {
            this.connection.send(`sub,${channel}`);
            handlers.opened();
          } else if (wanted) {
            handlers.closed();
          }
        }
      },
      message: (text) => this.receive(text),
    });
  }

  channel(name, handlers) {
    const channel = {wanted: false, handlers};
    this.channels.set(name, channel);
    return {
      open: () => {
        channel.wanted = true;
        if (this.connection.send(`sub,${name}`)) {
          handlers.opened();
        }
      },
      close: () => {
        channel.wanted = false;
        this.connection.send(`uns,${name}`);
        handlers.closed();
      },
      send: (text) => this.connection.send(`msg,${name},${text}`),
    };
  }

  receive(text) {
    const [, verb, name, , payload] = /^(\w+),([^,]*)(,([^]*))?$/.exec(text);
    const channel = this.channels.get(name);
    if (!channel) {
      return;
    }
    if (verb === 'msg') {
      channel.handlers.message(payload);
    } else if (verb === 'err') {
      channel.handlers.error(payload);
    } else if (verb === 'uns') {
      channel.wanted = false;
      channel.handlers.closed();
    }
  }
}

/* The page: a card for each channel. */

const keptLines = 20;

const multiplex = new Multiplex('multiplex', (name, detail) => {
  const status = document.getElementById('status');
  status.textContent = name === 'waiting' ? `${detail.reason}; again in ${detail.seconds} s` : name;
  status.parentElement.dataset.state = name;
});

function showChannel(card) {
  card.append(document.getElementById('controls').content.cloneNode(true));
  const [form, input, log] = ['form', 'input', 'ol'].map((tag) => card.querySelector(tag));
  const [send, toggle] = card.querySelectorAll('button');
  const addLine = (text) => {
    const line = document.createElement('li');
    line.textContent = text;
    log.prepend(line);
    while (log.children.length > keptLines) {
      log.lastElementChild.remove();
    }
  };
  const show = (isOpen) => {
    card.dataset.open = isOpen;
    send.disabled = !isOpen;
    toggle.textContent = isOpen ? 'Close' : 'Open';
  };
  const channel = multiplex.channel(card.dataset.channel, {
    opened: () => show(true),
    closed: () => show(false),
    message: addLine,
    error: (text) => addLine(`error: ${text}`),
  });
  show(false);
  toggle.addEventListener('click', () => (card.dataset.open === 'true' ? channel.close() : channel.open()));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (input.value && channel.send(input.value)) {
      input.value = '';
    }
  });
  if ('opens' in card.dataset) {
    channel.open();
  }
}

document.querySelectorAll('[data-channel]').forEach(showChannel);
multiplex.connection.open(new URLSearchParams(location.search).get('transport')?.split(',') || []);
