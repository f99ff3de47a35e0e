/*
 * SockJS that survives the network: the interface of sockjs-client, for services of sockjs-fcgi with
 * `resume = on`. After a break it connects again, and both sides send what the other has not had.
 * It closes once: when either side closes it, or when it stays away for too long. doc/resume.md
 * has what is said. Needs sockjs-client, as SockJS or by require().
 */
(function (root, factory) {
	'use strict';
	if (typeof module === 'object' && module.exports)
		module.exports = factory(require('sockjs-client'));
	else
		root.ResumingSockJS = factory(root.SockJS);
}(this, function (SockJS) {
	'use strict';

	var ACK_MESSAGES = 32, ACK_CHARACTERS = 32768, ACK_DELAY = 1000;
	var CLOSE_DELAY = 5000, RETRY_LEAST = 250, RETRY_MOST = 10000;
	var FIRST_TIMEOUT = 30000; // ms for the first session, from the first break on
	var MESSAGE_COST = 64; // characters that one counts for beside its own
	var FINAL = [2020, 2021, 2022, 2023]; // codes after which it does not come again

	// Eight characters that nobody can guess, where there is a source of such.
	function random() {
		var bytes = typeof crypto === 'object' && crypto.getRandomValues ? crypto.getRandomValues(new Uint8Array(8)) : null;
		var text = '';
		for (var i = 0; i < 8; i++)
			text += 'abcdefghijklmnopqrstuvwxyz234567'.charAt((bytes ? bytes[i] : Math.random() * 256) & 31);
		return text;
	}

	// options: sockjs-client's, and
	//   bufferLimit  characters that may wait to be acknowledged, MESSAGE_COST more for each message
	//   patience     ms without a word after which the server is asked for one, and as many more until
	//                the connection is given up
	function ResumingSockJS(url, protocols, options) {
		var home = 'resume-' + random() + random() + '~';
		this._options = {};
		for (var name in options)
			this._options[name] = options[name];
		this._options.sessionId = function () { return home + random(); };
		this._args = [url, protocols, this._options];
		this._limit = this._options.bufferLimit || 16 * 1024 * 1024;
		this._patience = this._given = this._options.patience || 15000; // given: more where that was too little
		this._listeners = {};
		this._waiting = []; // sent, and not acknowledged
		this._confirmed = 0; // of ours, as many has the server
		this._got = this._told = this._untold = this._tries = 0;
		this._key = null;
		this._timeout = FIRST_TIMEOUT; // until the server says how long it waits
		this._wasThere = false; // the server
		this._timers = {};
		this.url = url;
		this.readyState = SockJS.CONNECTING;
		this.reconnecting = false;
		this.bufferedAmount = 0; // characters that are not acknowledged
		this.protocol = this.extensions = '';
		this._connect();
	}
	['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'].forEach(function (state) {
		ResumingSockJS[state] = ResumingSockJS.prototype[state] = SockJS[state];
	});
	var self = ResumingSockJS.prototype;

	// --- the application's side

	self.send = function (data) {
		data = String(data);
		if (this.readyState === SockJS.CONNECTING)
			throw new Error('InvalidStateError: The connection has not been established yet');
		if (this.readyState !== SockJS.OPEN)
			return;
		this.bufferedAmount += data.length;
		if (this.bufferedAmount + MESSAGE_COST * this._waiting.length > this._limit)
			return this._finish(1008, 'Messages are not acknowledged', false);
		this._waiting.push(data);
		this._pass(data, this._confirmed + this._waiting.length);
	};

	self.close = function (code, reason) {
		if (code && code !== 1000 && !(code >= 3000 && code <= 4999))
			throw new Error('InvalidAccessError: Invalid code');
		if (reason && reason.length > 123)
			throw new SyntaxError('reason argument has an invalid length');
		if (this.readyState >= SockJS.CLOSING)
			return;
		this._wish = [code || 1000, reason || 'Normal closure'];
		if (!this._leg || this._leg.readyState !== SockJS.OPEN)
			return this._close(false);
		this._say('~c');
		this.readyState = SockJS.CLOSING;
		this._after('close', CLOSE_DELAY, this._close.bind(this, false));
	};

	self.addEventListener = function (type, listener) {
		(this._listeners[type] = this._listeners[type] || []).push(listener);
	};

	self.removeEventListener = function (type, listener) {
		this._listeners[type] = (this._listeners[type] || []).filter(function (other) { return other !== listener; });
	};

	self._tell = function (type, event) {
		event = event || {};
		event.type = type;
		event.target = this;
		[this['on' + type]].concat(this._listeners[type] || []).forEach(function (listener) {
			try {
				if (listener)
					listener.call(this, event);
			} catch (error) { // what comes next must be taken all the same
				setTimeout(function () { throw error; }, 0);
			}
		}, this);
	};

	// --- the network's

	self._after = function (name, ms, what) {
		clearTimeout(this._timers[name]);
		this._timers[name] = setTimeout(what, ms);
	};

	// False: nobody hears it. What is said before the server knows whose leg this is, is said again then.
	self._say = function (text) {
		if (!this._isJoined)
			return false;
		this._leg.send(text);
		return true;
	};

	// Browsers repeat requests: so messages have numbers, unless a websocket has them.
	self._pass = function (data, number) {
		if (this.transport !== 'websocket')
			this._say('~' + number + ' ' + data);
		else
			this._say(data.charAt(0) === '~' ? '~' + data : data);
	};

	self._connect = function () {
		var me = this, leg = new SockJS(this._args[0], this._args[1], this._args[2]);
		this._leg = leg;
		leg.onopen = function () {
			me._wasThere = true;
			me.transport = leg.transport;
			me.protocol = leg.protocol;
			leg.send(me._key ? '~r' + me._got + ' ' + me._key : '~n');
			me._listen();
		};
		leg.onmessage = function (event) { if (leg === me._leg) me._take(event.data); };
		leg.onheartbeat = function () { if (leg === me._leg) { me._listen(); me._tell('heartbeat'); } };
		leg.onclose = function (event) { if (leg === me._leg) me._broke(event); };
	};

	// A network that is gone says nothing. While messages wait to be acknowledged, only that is an answer.
	self._listen = function () {
		var me = this;
		this._after('quiet', this._given, function () {
			me._say('~?');
			me._after('quiet', me._given, function () {
				if (me._isJoined) // one message may take longer
					me._given *= 2;
				me._broke({ code: 1006, reason: 'No answer' });
			});
		});
	};

	// It was what was waited for.
	self._progress = function () {
		this._given = this._patience;
		this._tries = 0;
		this._listen();
	};

	self._broke = function (event) {
		var leg = this._leg, me = this, now = Date.now();
		if (!leg)
			return;
		this._leg = null;
		this._isJoined = false;
		clearTimeout(this._timers.quiet);
		clearTimeout(this._timers.ack);
		if (leg.readyState < SockJS.CLOSING)
			leg.close();
		if (this._wish)
			return this._close(event.code === 1000);
		// Before there is a session nothing can be lost: another one is begun.
		if (!this._wasThere || FINAL.indexOf(event.code) >= 0)
			return this._finish(event.code, event.reason, event.wasClean);
		this._away = this._away || now;
		if (now - this._away > this._timeout)
			return this._finish(1006, 'The server could not be reached again', false);
		this._after('retry', Math.min(RETRY_LEAST * Math.pow(2, this._tries++), RETRY_MOST) * (0.5 + Math.random() / 2),
			function () { me._connect(); });
		if (!this.reconnecting && this._key) {
			this.reconnecting = true;
			this._tell('reconnecting');
		}
	};

	// As the application wished. Unless the server has heard that, what is not acknowledged may be lost.
	self._close = function (isHeard) {
		this._finish(this._wish[0], this._wish[1], isHeard || this._waiting.length === 0);
	};

	self._finish = function (code, reason, wasClean) {
		var me = this, leg = this._leg;
		if (this.readyState === SockJS.CLOSED)
			return;
		this._leg = null;
		this._isJoined = this.reconnecting = false;
		this.readyState = SockJS.CLOSED;
		for (var name in this._timers)
			clearTimeout(this._timers[name]);
		if (leg && leg.readyState < SockJS.CLOSING)
			leg.close();
		setTimeout(function () { me._tell('close', { code: code, reason: reason, wasClean: !!wasClean }); }, 0);
	};

	// --- what is said

	self._take = function (text) {
		var rest = text.slice(2), blank = rest.indexOf(' '), waiting = this._waiting.length, number;
		if (waiting === 0 && text.slice(0, 2) !== '~r')
			this._progress();
		if (text.charAt(0) !== '~')
			return this._deliver(text);
		switch (text.charAt(1)) {
		case '~':
			return this._deliver(text.slice(1));
		case 'o':
			this._timeout = Number(rest.slice(0, blank));
			this._key = rest.slice(blank + 1);
			this._isJoined = true;
			this._away = 0;
			if (this._wish)
				return this._say('~c');
			this.readyState = SockJS.OPEN;
			return this._tell('open');
		case 'r':
			return this._resume(Number(rest));
		case 'a':
			this._acknowledged(Number(rest.slice(0, blank)));
			if (this._waiting.length < waiting)
				this._progress();
			return Number(rest.slice(blank + 1)) === this._got || this._broke({ code: 1006, reason: 'A message is missing' });
		case '?':
			return this._acknowledge();
		case 'c':
			this._say('~c');
			return this._finish(Number(rest.slice(0, blank)), rest.slice(blank + 1), true);
		}
		number = parseInt(text.slice(1), 10);
		if (number === this._got + 1)
			this._deliver(text.slice(text.indexOf(' ') + 1));
		else if (number > this._got)
			this._broke({ code: 1006, reason: 'A message is missing' });
	};

	self._deliver = function (data) {
		var me = this;
		this._got++;
		this._untold += data.length;
		if (this._got - this._told >= ACK_MESSAGES || this._untold >= ACK_CHARACTERS)
			this._acknowledge();
		else if (this._got - this._told === 1)
			this._after('ack', ACK_DELAY, function () { me._acknowledge(); });
		if (this.readyState === SockJS.OPEN)
			this._tell('message', { data: data });
	};

	self._acknowledge = function () {
		clearTimeout(this._timers.ack);
		if (this._say('~a' + this._got)) {
			this._told = this._got;
			this._untold = 0;
		}
	};

	self._acknowledged = function (count) {
		var n = count - this._confirmed;
		if (!(n >= 0 && n <= this._waiting.length)) {
			this._finish(2021, 'The server has forgotten messages', false);
			return false;
		}
		this._confirmed = count;
		this._waiting.splice(0, n).forEach(function (data) { this.bufferedAmount -= data.length; }, this);
		return true;
	};

	self._resume = function (count) {
		if (!this._acknowledged(count))
			return;
		this._isJoined = true;
		this._listen();
		this._told = this._got;
		this._untold = this._away = 0;
		this.reconnecting = false;
		this._waiting.forEach(function (data, i) { this._pass(data, count + i + 1); }, this);
		if (this._wish)
			return this._say('~c');
		this._tell('resume');
	};

	return ResumingSockJS;
}));
