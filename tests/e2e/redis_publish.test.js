'use strict';

// The tests of publishing, with channels in a Redis. The others of channels are long_redis.test.js's.

require('./lib/engine_suites').run(['publish']);
