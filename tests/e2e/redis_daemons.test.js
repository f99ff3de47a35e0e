'use strict';

// The quick ones of the tests of channels, with two daemons that share them by a Redis. The others
// are long_redis_daemons.test.js's.

require('./lib/engine_suites').run(['publish', 'pusher_api', 'channels_auth'], { daemons: 2 });
