'use strict';

// The tests of channels, with these in a Redis.

require('./lib/engine_suites').run(['pusher', 'pusher_api', 'pusher_js', 'webhooks', 'workers', 'worker_callback', 'channels_auth', 'app_path', 'examples']);
