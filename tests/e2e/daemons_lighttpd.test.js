'use strict';

// The conformance suite with two daemons behind lighttpd: by the responder, and, for streams and
// websockets, by whichever daemon lighttpd comes to. The other ways in are long_daemons_*.test.js.

require('./lib/suite').run('lighttpd', { daemons: 2 });
