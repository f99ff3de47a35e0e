'use strict';

/*
 * Why a transport does not work, as far as a page can find out: it asks for the transport's URLs
 * itself and looks at what comes. A verdict is {cause, text, settings}: cause is one word, text
 * plain English, and settings a list of {where, lines}, what to write into which file.
 */

/* What to write where, by cause and web server; `sockjs` is sockjs.conf. */
const settings = {
  upgrade: {
    nginx: 'location ~ "/websocket/?$" {\n  proxy_pass http://sockjs_sessiond;\n  ' +
      'proxy_http_version 1.1;\n  proxy_set_header Upgrade $http_upgrade;\n  ' +
      'proxy_set_header Connection "upgrade";\n}',
    apache: 'a2enmod proxy proxy_http\nProxyPassMatch "^/echo/.*websocket$" ' +
      '"unix:/run/sockjs-fcgi/sessiond.sock|http://localhost$0" upgrade=websocket',
    lighttpd: 'proxy.header = ("upgrade" => "enable")',
    haproxy: 'timeout tunnel 1h',
  },
  buffered: {
    nginx: 'proxy_buffering off;\ngzip off;',
    apache: 'flushpackets=on, at the end of ProxyPassMatch\nSetEnv no-gzip 1',
    lighttpd: 'server.stream-response-body = 2',
    haproxy: 'no option http-buffer-request\nno compression for these paths',
  },
  cut: {
    nginx: 'proxy_read_timeout 90s;\nfastcgi_read_timeout 90s;',
    apache: 'ProxyTimeout 90\nFcgidIOTimeout 90',
    lighttpd: 'server.max-write-idle = 360\n"read-timeout" => 90, in proxy.server',
    haproxy: 'timeout server 90s\ntimeout tunnel 1h',
  },
};

const serverNames = {
  nginx: 'nginx', apache: 'Apache', lighttpd: 'lighttpd', haproxy: 'HAProxy', sockjs: 'sockjs.conf',
};

/* The settings for a cause: those of the web server that signs its answers, else of all. */
function settingsFor(cause, server, more = {}) {
  const known = {...settings[cause], ...more};
  const name = Object.keys(serverNames).find((each) => server.toLowerCase().startsWith(each));
  const isKnown = Boolean(settings[cause]?.[name]);
  return Object.keys(serverNames)
    .filter((each) => known[each] && (each === 'sockjs' || each === name || !isKnown))
    .map((each) => ({where: serverNames[each], lines: known[each]}));
}

/*
 * What a request gets: {status, server, text, isWhole, isLate}. Waits for so many ms at most, or
 * until the text has what is looked for. status 0: no answer.
 */
async function probe(url, {wait, method = 'GET', until = /(?!)/}) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), wait);
  const seen = {status: 0, server: '', text: '', isWhole: false, isLate: false};
  try {
    const response = await fetch(url, {method, signal: abort.signal, cache: 'no-store'});
    seen.status = response.status;
    seen.server = response.headers.get('Server') || '';
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part; !until.test(seen.text) && !(part = await reader.read()).done;) {
      seen.text += part.value;
    }
    seen.isWhole = !until.test(seen.text);
  } catch {
    seen.isLate = abort.signal.aborted;
  }
  clearTimeout(timer);
  abort.abort();
  return seen;
}

function sessionUrl(service, suffix) {
  return `${service}/000/probe${Math.random().toString(36).slice(2)}/${suffix}`;
}

/* --- verdicts that hold for any URL ---------------------------------------------------------- */

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

/* What a status says by itself; null: nothing is wrong with it. */
function judgeStatus({status, server, text, isLate}, what, wait) {
  if (status === 0) {
    return isLate ?
      {cause: 'silent', text: `${what} gets no answer within ${seconds(wait)}: something on the ` +
        'way drops it, or the daemon is stuck. The logs of the web server and of the daemon tell.',
      settings: []} :
      {cause: 'unreachable', text: `${what} is not answered: nobody listens there, or the ` +
        'connection was cut. Does the server run?',
      settings: [{where: 'a shell', lines: 'systemctl status sockjs-sessiond'}]};
  }
  if (status === 403) {
    return {cause: 'origin', text: `Pages of ${location.origin} may not use this service, or so ` +
      'the server sees it. Pages of its own host may: if this is one, the web server in front ' +
      'does not pass on the Host that the browser has sent.',
    settings: settingsFor('origin', server, {
      sockjs: `allowed_origins = ${location.origin}`, nginx: 'proxy_set_header Host $http_host;',
      apache: 'ProxyPreserveHost On'})};
  }
  if ([502, 503, 504].includes(status)) {
    const reason = text.length < 200 && !text.includes('<') ? ` It says: "${text.trim()}"` : '';
    return {cause: 'gateway', text: `The web server in front answers ${status}: it does not ` +
      `reach sockjs-fcgi, which does not run, or whose socket it may not use.${reason}`,
    settings: [
      {where: 'a shell', lines: 'systemctl status sockjs-sessiond sockjs-fcgi.socket'},
      {where: 'sockjs.conf', lines: '[server]\nsocket_group = www-data'}]};
  }
  return null;
}

/* --- the server as a whole ------------------------------------------------------------------- */

function judgeInfo(answer, service, wait) {
  const url = `${service}/info`;
  const verdict = judgeStatus(answer, url, wait);
  if (verdict) {
    return verdict;
  }
  if (answer.status === 200 && /"websocket"/.test(answer.text)) {
    return null;
  }
  return {cause: 'no-service', text: `${url} is answered with ${answer.status}, but not by a ` +
    'service of this name: it is not in sockjs.conf, or the web server in front does not pass ' +
    'it on.',
  settings: [{where: 'sockjs.conf', lines: `[service ${service}]\nmodule = echo`},
    {where: 'the web server', lines: `name ${service} where its services are listed`}]};
}

/* Looks at what no transport can do without: {verdict: null or one, server, info}. */
async function diagnoseServer(service, wait) {
  const answer = await probe(`${service}/info`, {wait});
  let verdict = judgeInfo(answer, service, wait);
  if (!verdict) {
    // Unlike /info, it has the header Origin.
    const poll = await probe(sessionUrl(service, 'xhr'), {wait, method: 'POST', until: /^o/});
    verdict = judgeStatus(poll, 'A poll', wait);
  }
  return {verdict, server: answer.server, info: verdict ? null : JSON.parse(answer.text)};
}

/* --- one transport --------------------------------------------------------------------------- */

/* What a transport asks for first, and how its first frame looks. */
const receivers = {
  'xhr-streaming': {suffix: 'xhr_streaming', method: 'POST', until: /o\n/, isStream: true},
  'eventsource': {suffix: 'eventsource', until: /data: o/, isStream: true},
  'htmlfile': {suffix: 'htmlfile?c=parent.x', until: /p\("o"\)/, isStream: true},
  'xhr-polling': {suffix: 'xhr', method: 'POST', until: /^o/},
  'jsonp-polling': {suffix: 'jsonp?c=x', until: /x\("o"\)/},
};

function openWebSocket(url, wait) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    let state = 'refused';
    const finish = () => {
      clearTimeout(timer);
      socket.onclose = null;
      socket.close();
      resolve(state);
    };
    const timer = setTimeout(finish, wait);
    socket.onopen = () => { state = 'opened'; };
    socket.onmessage = () => {
      state = 'works';
      finish();
    };
    socket.onclose = finish;
  });
}

function isOff(name, service) {
  return {cause: 'off', text: `The service does not offer ${name}: it is switched off in ` +
    'sockjs.conf. If that is on purpose, all is well.',
  settings: [{
    where: 'sockjs.conf', lines: `[service ${service}]\ntransports = all\nwebsocket = on`}]};
}

async function diagnoseWebSocket(service, {server, info, wait}) {
  if (info.websocket === false) {
    return isOff('websocket', service);
  }
  const path = sessionUrl(service, 'websocket');
  const state = await openWebSocket(`${location.origin.replace(/^http/, 'ws')}${path}`, wait);
  if (state === 'works') {
    return inBrowser('websocket');
  }
  if (state === 'opened') {
    return buffered('A websocket opens, but its frames do not come through', server);
  }
  const answer = await probe(path, {wait});
  return judgeStatus(answer, 'A websocket', wait) ||
    {cause: 'upgrade', text: 'The web server in front does not pass the upgrade on: the same ' +
      `address is answered (${answer.status}), but as an ordinary request. Clients fall back ` +
      'to other transports. Let it pass websockets to sockjs-sessiond:',
    settings: settingsFor('upgrade', server)};
}

function buffered(what, server) {
  return {cause: 'buffered', text: `${what}: streams are buffered, by the web server in front or ` +
    'another proxy, which waits for an end. Clients fall back to polling. Let it pass on what ' +
    'comes, as it comes:',
  settings: settingsFor('buffered', server)};
}

function inBrowser(name) {
  return {cause: 'browser', text: `The server answers ${name} rightly when it is asked by hand: ` +
    'this browser does not have it, or an extension of it is in the way.', settings: []};
}

async function diagnoseReceiver(name, service, {server, wait}) {
  const {suffix, isStream, ...options} = receivers[name];
  const answer = await probe(sessionUrl(service, suffix), {wait, ...options});
  const isBuffered = isStream && answer.isLate;
  if (isBuffered) {
    return buffered(`Nothing of a stream came within ${seconds(wait)}`, server);
  }
  if (answer.status === 404) {
    return isOff(name, service);
  }
  return judgeStatus(answer, `A request of ${name}`, wait) ||
    (options.until.test(answer.text) ? inBrowser(name) :
      {cause: 'changed', text: `What comes is not what the server sends (${answer.status}, ` +
        `"${answer.text.slice(0, 60)}"): something on the way changes it.`, settings: []});
}

/* The page in the iframe, and the script that it loads; null: nothing is wrong with them. */
async function diagnoseFrame(service, {wait}) {
  const page = await probe(`${service}/iframe.html`, {wait});
  const verdict = judgeStatus(page, `${service}/iframe.html`, wait);
  const [, script] = /src="([^"]+)"/.exec(page.text) || [];
  if (verdict || !script) {
    return verdict || {cause: 'changed', settings: [],
      text: `${service}/iframe.html is answered with ${page.status}: not the server's page.`};
  }
  const isThere = await fetch(script, {mode: 'no-cors'}).then(
    ({status, type}) => type === 'opaque' || status === 200, () => false);
  return isThere ? null : {cause: 'client', text: `The page in the iframe cannot load ` +
    `sockjs-client from ${script}. Say where it is to be had:`,
  settings: [{where: 'sockjs.conf', lines: 'sockjs_url = /sockjs.min.js'}]};
}

/* Why that transport failed. known: {server, info, wait}, of diagnoseServer. */
async function diagnoseTransport(name, service, known) {
  if (name === 'websocket') {
    return diagnoseWebSocket(service, known);
  }
  const frame = name.startsWith('iframe-') ? await diagnoseFrame(service, known) : null;
  return frame || diagnoseReceiver(name.replace('iframe-', ''), service, known);
}

/* A connection that stood and was cut, after so many ms. */
function judgeCut(name, ms, server) {
  const half = Math.max(Math.floor(ms / 2), 1);
  return {cause: 'cut', text: `It was cut after ${seconds(ms)}: something on the way ends what ` +
    'takes longer. Let it wait longer than the server\'s heartbeat, or make that more frequent:',
  settings: settingsFor('cut', server, {sockjs: `heartbeat_delay = ${half}ms`})};
}
